"""Forms of the estate. They check what was typed; the rules of the wire (32 devices, one kind) are the services'."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from prewatt.meters import registry
from prewatt.office.estate import selectors
from prewatt.office.estate.models import (
    GatewayKind,
    GroupKind,
    MeterRole,
    Parity,
    Premises,
    Protection,
    UnitGroup,
)
from prewatt.office.operators.models import Operator
from prewatt.web.console.listing.forms import KitForm, ScaledField

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


class ThingForm(KitForm):
    """A form of one thing of the estate, for an operator who sees a part of it. Field names are the service's."""

    def __init__(self, operator: Operator, thing: Any = None, data: Any = None, initial: Any = None) -> None:
        self.operator = operator
        self.thing = thing
        super().__init__(data, initial={**self.starting(thing), **(initial or {})})
        self.fit()

    def starting(self, thing: Any) -> dict[str, Any]:
        """What stands in the fields when the form opens."""
        if thing is None:
            return {}
        return {name: getattr(thing, f"{name}_id", None) or getattr(thing, name, None) for name in self.base_fields}

    def fit(self) -> None:
        """Narrow the choices to what the operator sees."""

    def narrow(self, name: str, rows: QuerySet[Any]) -> None:
        """Set the rows a field chooses from."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows

    def values(self) -> dict[str, Any]:
        """What the service is called with."""
        return dict(self.cleaned_data)


def _group_field(label: Any, **kwargs: Any) -> forms.ModelChoiceField[UnitGroup]:
    return forms.ModelChoiceField(
        UnitGroup.objects.none(), label=label, required=False, empty_label=_("(none)"), **kwargs
    )


class GroupForm(ThingForm):
    """A group of units."""

    name = forms.CharField(label=_("name"), max_length=80)
    kind = forms.ChoiceField(label=_("kind"), choices=GroupKind.choices)
    parent = _group_field(_("belongs to"), help_text=_("A floor belongs to a building, a building to a zone."))
    place = forms.IntegerField(
        label=_("place in lists"), min_value=0, max_value=9999, initial=0, help_text=_("Lower numbers stand first.")
    )

    def fit(self) -> None:
        rows = selectors.groups(self.operator).order_by("name")
        self.narrow("parent", rows.exclude(pk=self.thing.pk) if self.thing else rows)


class GatewayForm(ThingForm):
    """A communication manager."""

    sections = (
        ("", ("name", "kind", "zone", "cabinet")),
        (_("How it is reached"), ("host", "port", "device")),
        (_("Protection"), ("secure", "secure_until", "private_network")),
    )
    name = forms.CharField(label=_("name"), max_length=80)
    kind = forms.ChoiceField(label=_("kind"), choices=GatewayKind.choices)
    zone = _group_field(_("zone"))
    cabinet = forms.CharField(label=_("cabinet"), max_length=80, required=False)
    host = forms.CharField(
        label=_("host"), max_length=120, required=False, help_text=_("IP address or name. Empty for a serial port.")
    )
    port = forms.IntegerField(
        label=_("port"), required=False, min_value=1, max_value=65535,
        help_text=_("Of the first channel; the next channels follow by one. Usual for Modbus TCP: 502."),
    )  # fmt: skip
    device = forms.CharField(
        label=_("device"), max_length=120, required=False,
        help_text=_("Of a serial port, such as /dev/ttyUSB0; of an Acrel manager, the id it gives itself."),
    )  # fmt: skip
    secure = forms.ChoiceField(
        label=_("protection"), required=False, choices=[("", _("usual for the kind")), *Protection.choices],
        help_text=_("Clear text is allowed only on a private network. Triple DES is for sites that prescribe it."),
    )  # fmt: skip
    secure_until = forms.DateField(
        label=_("triple DES until"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("The last day on which triple DES is accepted."),
    )  # fmt: skip
    private_network = forms.BooleanField(
        label=_("private network"), required=False,
        help_text=_("Nobody but the site's own devices can reach the network of this gateway, whatever its address."),
    )  # fmt: skip

    def fit(self) -> None:
        self.narrow("zone", selectors.groups(self.operator).order_by("name"))

    def values(self) -> dict[str, Any]:
        values = super().values()
        if not values["secure"]:
            del values["secure"]
        return values


class LineForm(ThingForm):
    """An RS-485 line."""

    sections = (
        ("", ("name", "gateway", "channel")),
        (_("On the wire"), ("baud", "parity", "mixed", "log_frames")),
    )
    name = forms.CharField(label=_("name"), max_length=80)
    gateway: Any = forms.ModelChoiceField(None, label=_("gateway"))
    channel = forms.IntegerField(label=_("channel"), min_value=1, max_value=64, initial=1)
    baud = forms.TypedChoiceField(
        label=_("baud rate"), coerce=int, choices=[(baud, str(baud)) for baud in BAUDS], initial=9600
    )
    parity = forms.ChoiceField(label=_("parity"), choices=Parity.choices, initial=Parity.NONE)
    mixed = forms.BooleanField(
        label=_("mixed kinds"), required=False, help_text=_("Only when kinds of devices share this line on purpose.")
    )
    log_frames = forms.BooleanField(
        label=_("log raw frames"), required=False,
        help_text=_("Keeps the last frames of this line, to look for a fault. Switch it off afterwards."),
    )  # fmt: skip

    def fit(self) -> None:
        self.narrow("gateway", selectors.gateways(self.operator).order_by("name"))


class PremisesForm(ThingForm):
    """A unit number."""

    number = forms.CharField(label=_("unit number"), max_length=40)
    name = forms.CharField(label=_("name"), max_length=80, required=False)
    group = _group_field(_("group"))
    use = forms.CharField(label=_("kind of use"), max_length=40, required=False)
    area_cm2 = ScaledField(label=_("area"), required=False, places=2, scale=100, low=0, high=10**11)
    protected = forms.BooleanField(
        label=_("protected"), required=False,
        help_text=_("Fire pump, lift, cold chain, medical, telecom: is never cut for arrears or in shortage."),
    )  # fmt: skip
    units: ClassVar = {"area_cm2": "m²"}

    def fit(self) -> None:
        self.narrow("group", selectors.groups(self.operator).order_by("name"))
        uses = selectors.premises(self.operator).exclude(use="").order_by("use").values_list("use", flat=True)
        self.suggestions = {"use": list(uses.distinct()[:100])}


class MeterForm(ThingForm):
    """A meter or instrument at an address of a line."""

    sections = (
        ("", ("name", "serial", "premises", "role", "circuit")),
        (_("On the line"), ("line", "address", "profile", "place", "cabinet")),
        (_("Transformers"), ("ct", "pt")),
    )
    name = forms.CharField(label=_("name"), max_length=80)
    serial = forms.CharField(
        label=_("serial number"), max_length=40, required=False, help_text=_("As printed on the meter.")
    )
    premises = forms.CharField(
        label=_("unit number"), max_length=40, required=False, help_text=_("Type to choose. Empty: serves no unit.")
    )
    role = forms.ChoiceField(label=_("purpose"), choices=MeterRole.choices, initial=MeterRole.PREPAID)
    circuit = forms.CharField(label=_("circuit"), max_length=80, required=False)
    line: Any = forms.ModelChoiceField(None, label=_("line"))
    address = forms.IntegerField(label=_("address"), min_value=1, max_value=247)
    profile = forms.ChoiceField(label=_("register profile"))
    place = forms.IntegerField(
        label=_("place in the chain"), required=False, min_value=1, max_value=999,
        help_text=_("Counted from the gateway; finds a broken joint."),
    )  # fmt: skip
    cabinet = forms.CharField(label=_("cabinet"), max_length=80, required=False)
    ct = forms.IntegerField(label=_("CT ratio"), min_value=1, max_value=65535, initial=1)
    pt = forms.IntegerField(label=_("PT ratio"), min_value=1, max_value=65535, initial=1)

    def starting(self, thing: Any) -> dict[str, Any]:
        return {**super().starting(thing), "premises": thing.premises.number if thing.premises else ""} if thing else {}

    def fit(self) -> None:
        self.narrow("line", selectors.lines(self.operator).order_by("name"))
        field = self.fields["profile"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = profile_choices() if self.thing else [("", "---------"), *profile_choices()]
        numbers = selectors.premises(self.operator).order_by("number").values_list("number", flat=True)
        self.suggestions = {"premises": list(numbers[:2000])}

    def clean_premises(self) -> Premises | None:
        """The unit behind the number that was typed."""
        number = self.cleaned_data["premises"].strip()
        if not number:
            return None
        found = selectors.premises(self.operator).filter(number=number).first()
        if found is None:
            raise forms.ValidationError(_("There is no unit with this number."), code="unknown")
        return found


def profile_choices() -> list[tuple[str, str]]:
    """Names of all register profiles with the model and the phases each is for."""
    return [(name, _model(name)) for name in registry.names()]


def _model(name: str) -> str:
    profile = registry.get(name)
    phases = gettext("single-phase") if profile.phases == 1 else gettext("three-phase")
    return f"{profile.models[0] if profile.models else profile.name} · {phases}"
