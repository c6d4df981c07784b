"""Defaults of the site (F10), and the whole estate as one workbook."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prewatt.core.errors import Refusal
from prewatt.office.customers import workbook
from prewatt.office.estate import selectors, services
from prewatt.office.operators.services import record
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.listing.forms import KitForm, ScaledField
from prewatt.web.console.listing.workbook import XLSX

_MINUTES = (5, 10, 15, 30, 60)
_MOST_FEN = 2**31 - 1


def _yuan(label: Any, **kwargs: Any) -> ScaledField:
    return ScaledField(label=label, places=2, low=0, high=_MOST_FEN, **kwargs)


class SiteForm(KitForm):
    """What holds for every meter and unit that has nothing of its own."""

    sections = (
        (gettext_lazy("Site"), ("name", "company", "hotline", "time_zone")),
        (
            gettext_lazy("Price and credit"),
            ("price", "alarm_1_fen", "alarm_2_fen", "overdraft_fen", "stored_credit_max_fen"),
        ),
        (gettext_lazy("Sales"), ("sale_min_fen", "sale_max_fen")),
        (
            gettext_lazy("Meters and reading"),
            ("power_limit_w", "read_interval_s", "sweep_pause_s", "private_networks"),
        ),
    )
    units: ClassVar = {
        **dict.fromkeys(
            ("alarm_1_fen", "alarm_2_fen", "overdraft_fen", "stored_credit_max_fen", "sale_min_fen", "sale_max_fen"),
            gettext_lazy("yuan"),
        ),
        "price": gettext_lazy("yuan / kWh"),
        "power_limit_w": "kW",
        "sweep_pause_s": gettext_lazy("seconds"),
    }
    name = forms.CharField(label=gettext_lazy("site name"), max_length=80)
    company = forms.CharField(label=gettext_lazy("company"), max_length=80, required=False,
                              help_text=gettext_lazy("Stands on slips and in messages."))  # fmt: skip
    hotline = forms.CharField(label=gettext_lazy("hotline"), max_length=40, required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("time zone"))
    price = ScaledField(label=gettext_lazy("default price"), places=4, low=0, high=10**6,
                        help_text=gettext_lazy("Holds while no price plan exists."))  # fmt: skip
    alarm_1_fen = _yuan(gettext_lazy("alarm level 1"), help_text=gettext_lazy("Below it a unit turns yellow."))
    alarm_2_fen = _yuan(gettext_lazy("alarm level 2"), help_text=gettext_lazy("Below it a unit turns orange."))
    overdraft_fen = _yuan(gettext_lazy("overdraft limit"), help_text=gettext_lazy("0: supply stops at 0."))
    stored_credit_max_fen = _yuan(gettext_lazy("stored-credit ceiling"),
                                  help_text=gettext_lazy("A sale above it is refused."))  # fmt: skip
    sale_min_fen = _yuan(gettext_lazy("smallest sale"))
    sale_max_fen = _yuan(gettext_lazy("largest sale"))
    power_limit_w = ScaledField(label=gettext_lazy("power limit"), places=3, low=0, high=2**31 - 1,
                                help_text=gettext_lazy("0: none."))  # fmt: skip
    read_interval_s = forms.TypedChoiceField(
        label=gettext_lazy("reading interval"), coerce=int,
        help_text=gettext_lazy("How often a reading is kept. The state is always read continuously."),
    )  # fmt: skip
    sweep_pause_s = forms.IntegerField(
        label=gettext_lazy("pause between sweeps"), min_value=0, max_value=3600,
        help_text=gettext_lazy("0: continuous, the freshest state."),
    )  # fmt: skip

    private_networks = forms.CharField(
        label=gettext_lazy("private networks"), max_length=400, required=False,
        help_text=gettext_lazy("Clear text to gateways is allowed only here: 192.168.0.0/16, with blanks between."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones, interval = self.fields["time_zone"], self.fields["read_interval_s"]
        assert isinstance(zones, forms.ChoiceField)
        assert isinstance(interval, forms.ChoiceField)
        zones.choices = [(name, name) for name in sorted(available_timezones()) if "/" in name and name[:3] != "Etc"]
        kept = self.initial.get("read_interval_s")
        seconds = sorted({minutes * 60 for minutes in _MINUTES} | ({kept} if kept else set()))
        interval.choices = [(number, _("%(n)s minutes") % {"n": number // 60}) for number in seconds]


@right("site.edit")
def edit(request: ConsoleRequest) -> HttpResponseBase:
    """Change the defaults."""
    site = selectors.site()
    initial = {name: getattr(site, name) for name in SiteForm.base_fields}
    form = SiteForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_site(by=request.user, at=request.clock.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("The defaults are saved."))
            return HttpResponseRedirect(request.path)
    return render(request, "console/estate/site.html", {"form": form}, status=422 if form.errors else 200)


@right("estate.export")
def export(request: ConsoleRequest) -> HttpResponse:
    """Everything the operator sees of the estate as one workbook, in the form the import takes."""
    body, at = workbook.export(request.user), request.clock.now()
    record(
        by=request.user, at=at, action="estate.export", summary=f"{len(body)} bytes",
        address=request.META.get("REMOTE_ADDR") or None,
    )  # fmt: skip
    name = f"prewatt-estate-{at:%Y%m%d}.xlsx"
    return HttpResponse(body, content_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})
