"""Words, icons and colour names of unit states: the same on the wall, in lists, on papers and in charts."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from prewatt.core.supply import ContactorState, SupplyMode, UnitState


@dataclass(frozen=True, slots=True)
class Face:
    """How a state shows itself. Its colour is the CSS class ``state--<key>``."""

    key: str
    word: str | Promise
    icon: str
    hint: str | Promise = ""


STATES: dict[UnitState, Face] = {
    UnitState.WELL: Face("well", _("well"), "circle-check", _("supplied, credit above both alarm levels")),
    UnitState.LOW_1: Face("low-1", _("alarm 1"), "battery-2", _("credit below alarm level 1")),
    UnitState.LOW_2: Face("low-2", _("alarm 2"), "battery-1", _("credit below alarm level 2")),
    UnitState.ON_OVERDRAFT: Face("on-overdraft", _("in arrears"), "alert-triangle", _("lit on overdraft")),
    UnitState.OFF_EMPTY: Face("off-empty", _("arrears, off"), "bolt-off", _("credit used up, contactor open")),
    UnitState.FORCED_OFF: Face("forced-off", _("forced off"), "hand-stop", _("switched off by an operator")),
    UnitState.OUT_OF_CONTACT: Face("out-of-contact", _("out of contact"), "antenna-bars-off", _("does not answer")),
    UnitState.NOT_OPENED: Face("not-opened", _("not opened"), "circle-dashed", _("no customer yet")),
}

MODES: dict[SupplyMode, Face] = {
    SupplyMode.PREPAID: Face("prepaid", _("prepaid"), "wallet", _("the meter switches by its own credit")),
    SupplyMode.HELD_ON: Face("held-on", _("held on"), "shield-bolt", _("stays on whatever the credit")),
    SupplyMode.FORCED_OFF: Face("forced-off", _("forced off"), "hand-stop", _("stays off whatever the credit")),
}

CONTACTORS: dict[ContactorState, Face] = {
    ContactorState.CLOSED: Face("closed", pgettext_lazy("contactor", "closed"), "plug-connected", _("supplied")),
    ContactorState.OPEN: Face("open", pgettext_lazy("contactor", "open"), "plug-connected-x", _("not supplied")),
    ContactorState.UNKNOWN: Face("unknown", pgettext_lazy("contactor", "unknown"), "help-circle", _("never read")),
}
