"""Opening a supply as it is typed: the unit, who pays, through which meters, what the old paper says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from prewatt.office.customers import selectors
from prewatt.office.estate import selectors as estate
from prewatt.office.estate.models import Meter, Premises
from prewatt.office.operators.models import Operator
from prewatt.web.console.listing.forms import KitForm, ScaledField


class OpenForm(KitForm):
    """Opening (开户). The unit is typed or scanned; its meters are ticked as a matter of course."""

    sections = (
        (_("Where"), ("premises", "meters")),
        (_("Who"), ("name", "phone")),
        (_("What the paper says"), ("opening_credit", "opening_energy_wh")),
    )
    units: ClassVar[dict[str, Any]] = {"opening_credit": _("yuan"), "opening_energy_wh": "kWh"}

    premises = forms.CharField(
        label=_("Unit number"), max_length=40, help_text=_("Units without an open customer are suggested.")
    )
    meters = forms.TypedMultipleChoiceField(
        label=_("Meters"), coerce=int, widget=forms.CheckboxSelectMultiple, required=False
    )
    name = forms.CharField(label=_("Customer's name"), max_length=80)
    phone = forms.CharField(label=_("Phone"), max_length=30, required=False)
    opening_credit = ScaledField(
        places=2, label=_("Opening credit"), required=False,
        help_text=_("As the paper of the old account says; what the meter itself holds is read from it."),
    )  # fmt: skip
    opening_energy_wh = ScaledField(
        places=2, scale=10, label=_("Register at opening"), required=False,
        help_text=_("Reading of the register when the customer moves in."),
    )  # fmt: skip

    def __init__(self, operator: Operator, *args: Any, unit: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit = _visible_unit(operator, unit)
        self.meters_here = _meters(operator, self.unit)
        choices = [(meter.pk, f"{meter.name} · {meter.serial or meter.profile}") for meter in self.meters_here]
        self.fields["meters"].choices = choices  # type: ignore[attr-defined]
        if not self.is_bound:
            own = [meter.pk for meter in self.meters_here if self.unit and meter.premises_id == self.unit.pk]
            self.initial["meters"] = own

    def clean_premises(self) -> Premises:
        """The unit of that number, as far as the operator sees it."""
        if self.unit is None:
            raise forms.ValidationError(_("There is no such unit."), code="unit")
        return self.unit

    def chosen_meters(self) -> list[Meter]:
        """The ticked meters, the unit's own first."""
        wanted = set(self.cleaned_data["meters"])
        return [meter for meter in self.meters_here if meter.pk in wanted]


class EditForm(KitForm):
    """A customer's name and phone."""

    name = forms.CharField(label=_("Customer's name"), max_length=80)
    phone = forms.CharField(label=_("Phone"), max_length=30, required=False)


def _visible_unit(operator: Operator, number: str) -> Premises | None:
    return estate.premises(operator).filter(number=number.strip()).first() if number.strip() else None


def _meters(operator: Operator, unit: Premises | None) -> Sequence[Meter]:
    """Meters that may serve the unit: its own first; those without a unit only when it has none of its own."""
    if unit is None:
        return []
    free = list(selectors.free_meters(operator, unit))
    own = [meter for meter in free if meter.premises_id == unit.pk]
    return own or free
