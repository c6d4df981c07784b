"""What a cashier types to sell: the customer's agreement, the meter, the amount, how it was paid."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from prewatt.office.estate.models import Site
from prewatt.office.vending.models import PayMethod
from prewatt.web.console.counter.faces import Chosen, MeterFace
from prewatt.web.console.listing.forms import ScaledField

QUICK_YUAN = (100, 200, 500, 1000)
METHOD_ICONS = {PayMethod.CASH: "cash-banknote", PayMethod.CARD: "credit-card", PayMethod.TRANSFER: "building-bank"}


def new_key() -> str:
    """The key that makes a sale the same sale however often its form is sent."""
    return get_random_string(32)


class SaleForm(forms.Form):
    """A sale. ``key`` was made when the form was drawn; amounts are kept in fen."""

    meter = forms.IntegerField(required=False)
    amount = ScaledField(
        places=2, label=_("Amount"), error_messages={"required": _("Type the amount the customer pays.")}
    )
    method = forms.ChoiceField(choices=PayMethod.choices, initial=PayMethod.CASH)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    confirmed = forms.BooleanField(required=False)
    slip = forms.BooleanField(required=False)

    def __init__(self, *args: Any, chosen: Chosen, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen = chosen
        amount = self.fields["amount"]
        assert isinstance(amount, ScaledField)
        amount.low, amount.high = site.sale_min_fen, site.sale_max_fen

    def clean_meter(self) -> MeterFace:
        """The meter that is sold to: the one chosen, or the only one there is."""
        wanted = self.cleaned_data.get("meter")
        face = next((one for one in self.chosen.meters if one.meter.pk == wanted), None)
        if face is None and len(self.chosen.meters) == 1 and not wanted:
            face = self.chosen.meters[0]
        if face is None:
            raise forms.ValidationError(_("Choose the meter that the credit is for."), code="meter")
        return face


def amount_only(text: str, site: Site) -> tuple[int | None, str]:
    """An amount as it is being typed, in fen, or what is wrong with it."""
    field = ScaledField(places=2, low=site.sale_min_fen, high=site.sale_max_fen, required=False)
    try:
        return field.clean(text), ""
    except forms.ValidationError as error:
        return None, " ".join(error.messages)
