"""Words for what the log records: one for each action code a service writes."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

AREAS: dict[str, str] = {
    "vend": _("sales"),
    "receipt": _("slips"),
    "customers": _("customers"),
    "meter": _("supply and reading"),
    "estate": _("estate"),
    "site": _("power supply of the system"),
    "operators": _("operators and roles"),
    "line": _("lines"),
    "gateway": _("gateways"),
    "work": _("work orders"),
    "list": _("exports of lists"),
    "demo": _("demo"),
}

ACTIONS: dict[str, str] = {
    "vend.sell": _("electricity sold"),
    "vend.cancel": _("queued sale cancelled"),
    "vend.again": _("refused sale sent again"),
    "vend.counter": _("counter changed"),
    "receipt.print": _("slip printed"),
    "customers.open": _("supply opened"),
    "customers.edit": _("customer edited"),
    "customers.phone.seen": _("full phone number shown"),
    "meter.read-now": _("reading asked for"),
    "estate.import": _("workbook imported"),
    "estate.export": _("estate exported"),
    "estate.group.create": _("building group made"),
    "estate.group.edit": _("building group edited"),
    "estate.group.retire": _("building group retired"),
    "estate.gateway.create": _("gateway made"),
    "estate.gateway.edit": _("gateway edited"),
    "estate.gateway.retire": _("gateway retired"),
    "estate.line.create": _("line made"),
    "estate.line.edit": _("line edited"),
    "estate.line.retire": _("line retired"),
    "estate.meter.create": _("meter made"),
    "estate.meter.edit": _("meter edited"),
    "estate.meter.retire": _("meter retired"),
    "estate.premises.create": _("unit made"),
    "estate.premises.edit": _("unit edited"),
    "estate.premises.retire": _("unit retired"),
    "estate.scope": _("operator's part of the building changed"),
    "estate.site.create": _("site set up"),
    "estate.site.edit": _("site defaults changed"),
    "site.battery.on": _("mains failed: running from the battery"),
    "site.battery.off": _("mains are back"),
    "operators.create": _("operator made"),
    "operators.edit": _("operator edited"),
    "operators.activate": _("operator let in again"),
    "operators.deactivate": _("operator made inactive"),
    "operators.reset-password": _("new password made for an operator"),
    "operators.change-password": _("own password changed"),
    "operators.role.builtin": _("built-in role set up"),
    "operators.role.create": _("role made"),
    "operators.role.edit": _("role edited"),
    "operators.sign-in": _("signed in"),
    "operators.sign-in.failed": _("sign-in failed"),
    "operators.sign-out": _("signed out"),
    "line.scan": _("line scanned"),
    "line.scan.cancel": _("scan stopped"),
    "gateway.reconnect": _("gateway called anew"),
    "work.open": _("work order opened"),
    "work.close": _("work order closed"),
    "list.export": _("list exported"),
    "demo.fault": _("fault made in the demo"),
    "demo.clear": _("fault of the demo cleared"),
}


LISTS: dict[str, str] = {  # names of exported files, by what the list is called on its page
    "units": _("Units"),
    "meters": _("Meters"),
    "lines": _("Lines"),
    "gateways": _("Gateways"),
    "buildings": _("Buildings"),
    "read-now": _("Read now"),
    "customers": _("Customers"),
    "purchases": _("Purchases"),
    "sales-today": _("Sales today"),
    "sales": _("All sales"),
    "operators": _("Operators"),
    "roles": _("Roles"),
    "operation-log": _("Operation log"),
    "line-health": _("Line health"),
    "work-orders": _("Work orders"),
    "meters-out-of-contact": _("Meters out of contact"),
    "gateways-out-of-contact": _("Gateways out of contact"),
    "scans": _("Scans"),
}


def list_title(name: str) -> str:
    """What an exported list is called, with the number it belongs to; the bare name of one without words."""
    if name in LISTS:
        return gettext(LISTS[name])
    stem, _dash, number = name.partition("-")
    return f"{gettext(LISTS[stem])} {number}" if stem in LISTS else name


def deeds() -> dict[str, str]:
    """All known actions in the reader's language."""
    return {code: gettext(words) for code, words in ACTIONS.items()}


def deed(action: str) -> str:
    """An action in the reader's language; the bare code for one that has no words yet."""
    words = ACTIONS.get(action)
    return gettext(words) if words else action
