"""Rights: what a page or an action asks for, and the roles a new system starts with.

A right has a code that never changes, a label for the roles page, and the door of the console it belongs to.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext_noop as _


class Right(NamedTuple):
    """One function that may be given or withheld (F3). ``label`` is an English msgid."""

    code: str
    label: str
    door: str


_ALL = (
    Right("wall.view", _("see the building"), "overview"),
    Right("unit.view", _("open a unit's page"), "overview"),
    Right("meter.read-now", _("read a meter now"), "overview"),
    Right("vend.sell", _("sell"), "counter"),
    Right("vend.view", _("see sales"), "counter"),
    Right("receipt.print", _("print receipts"), "counter"),
    Right("customers.view", _("see customers"), "customers"),
    Right("customers.open", _("open supply"), "customers"),
    Right("estate.view", _("see the estate"), "system"),
    Right("estate.edit", _("edit the estate"), "system"),
    Right("estate.import", _("import a workbook"), "system"),
    Right("estate.export", _("export the estate"), "system"),
    Right("site.edit", _("change site defaults"), "system"),
    Right("operators.view", _("see operators"), "system"),
    Right("operators.edit", _("edit operators"), "system"),
    Right("roles.edit", _("edit roles"), "system"),
    Right("log.view", _("see the operation log"), "system"),
    Right("network.view", _("see the network and who is out of contact"), "system"),
    Right("network.scan", _("scan lines, call gateways anew"), "system"),
    Right("workorder.edit", _("open and close work orders"), "system"),
    Right("lines.log", _("watch raw frames of a line"), "system"),
    Right("demo.faults", _("make faults in the demo"), "system"),
)
RIGHTS: dict[str, Right] = {right.code: right for right in _ALL}
DOORS: dict[str, str] = {
    "overview": _("Overview"),
    "counter": _("Counter"),
    "customers": _("Customers"),
    "system": _("System"),
}


class BuiltinRole(NamedTuple):
    """A role every system has. ``name`` is an English msgid."""

    code: str
    name: str
    rights: frozenset[str]


_SEE = frozenset({"wall.view", "unit.view", "vend.view", "customers.view"})
BUILTIN_ROLES = (
    BuiltinRole("administrator", _("administrator"), frozenset(RIGHTS)),
    BuiltinRole(
        "manager",
        _("estate manager"),
        _SEE
        | {"meter.read-now", "receipt.print", "customers.open", "estate.view", "estate.edit", "estate.export"}
        | {"site.edit", "operators.view", "log.view", "network.view", "workorder.edit"},
    ),
    BuiltinRole("cashier", _("cashier"), _SEE | {"meter.read-now", "vend.sell", "receipt.print", "customers.open"}),
    BuiltinRole("finance", _("finance"), _SEE | {"receipt.print", "estate.view", "estate.export"}),
    BuiltinRole(
        "engineer",
        _("commissioning engineer"),
        frozenset({"wall.view", "unit.view", "customers.view", "meter.read-now", "customers.open", "estate.view"})
        | {"estate.edit", "estate.import", "estate.export", "network.view", "network.scan", "workorder.edit"}
        | {"lines.log", "demo.faults"},
    ),
    BuiltinRole(
        "auditor",
        _("auditor"),
        _SEE | {"estate.view", "estate.export", "operators.view", "log.view", "network.view"},
    ),
)
