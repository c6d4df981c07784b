"""What the counter shows of a customer before money moves: who, where, and what each of the meters holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from prewatt.core.energy import Price, energy_for, kwh
from prewatt.core.money import Money
from prewatt.core.supply import Contact, ContactorState, SupplyMode, UnitState
from prewatt.office.customers.models import AgreementMeter, SupplyAgreement
from prewatt.office.estate.models import Meter, Site
from prewatt.office.readings.tiles import Tile, tiles
from prewatt.office.vending.selectors import pending_fen

SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class MeterFace:
    """One meter of a customer as the counter sees it."""

    meter: Meter
    tile: Tile
    under_way_fen: int  # paid, not yet on the meter

    @property
    def state(self) -> UnitState:
        """Its colour."""
        return self.tile.state

    @property
    def contactor(self) -> ContactorState:
        """Whether the unit has power."""
        return self.tile.contactor

    @property
    def mode(self) -> SupplyMode:
        """Who decides about the contactor."""
        return self.tile.mode

    @property
    def read_at(self) -> datetime | None:
        """When it was read last."""
        return self.tile.read_at

    @property
    def credit(self) -> int | None:
        """Remaining credit in fen; None when it was never read, or counts energy."""
        return None if self.tile.purse == "energy" else self.tile.credit

    @property
    def holds(self) -> str:
        """Remaining credit in the purse's own unit."""
        if self.tile.credit is None:
            return "—"
        return f"{kwh(self.tile.credit)} kWh" if self.tile.purse == "energy" else str(Money(self.tile.credit))

    @property
    def arrears_fen(self) -> int:
        """What the next payment settles first."""
        return max(0, -(self.credit or 0))

    @property
    def silent(self) -> bool:
        """Whether a sale would have to wait for the line."""
        return self.tile.contact is not Contact.OK


@dataclass(frozen=True, slots=True)
class Chosen:
    """The customer the counter works for."""

    agreement: SupplyAgreement
    meters: tuple[MeterFace, ...]
    face: MeterFace | None  # the meter that is sold to

    @property
    def phone(self) -> str:
        """The phone number as far as the counter shows it."""
        return masked(self.agreement.customer.phone)


@dataclass(frozen=True, slots=True)
class Quote:
    """What an amount would do: so much pays arrears, the rest remains, which is about so much energy."""

    amount: Money
    arrears: Money
    rest: Money
    about_wh: int
    after: Money | None
    room: Money | None  # set when the amount is more than the meter may hold


def masked(phone: str) -> str:
    """A phone number by its first and last digits, as strangers at the counter may see it: 138****5678."""
    if len(phone) <= SHOWN_DIGITS:
        return phone
    head = phone[:3] if len(phone) > SHOWN_DIGITS + 3 else ""
    return f"{head}****{phone[-SHOWN_DIGITS:]}"


def choose(agreement: SupplyAgreement, meter_id: int | None = None) -> Chosen:
    """A customer with all the meters that serve him; the one asked for, or the only one, is chosen to be sold to."""
    chosen = all_chosen([agreement])[0]
    face = next((one for one in chosen.meters if one.meter.pk == meter_id), chosen.face)
    return Chosen(agreement, chosen.meters, face)


def all_chosen(agreements: Sequence[SupplyAgreement]) -> list[Chosen]:
    """Several customers with their meters, in a few queries. The agreements must come from a selector."""
    bound = AgreementMeter.objects.filter(agreement__in=agreements, unbound_at__isnull=True)
    rows = list(bound.select_related("meter").order_by("pk"))
    faces = _faces([row.meter for row in rows])
    found = []
    for agreement in agreements:
        mine = tuple(faces[row.meter_id] for row in rows if row.agreement_id == agreement.pk and row.meter_id in faces)
        found.append(Chosen(agreement, mine, mine[0] if len(mine) == 1 else None))
    return found


def face_of(meter: Meter) -> MeterFace | None:
    """One meter, unless it was retired. It must come from a selector."""
    return _faces([meter]).get(meter.pk)


def _faces(meters: Sequence[Meter]) -> dict[int, MeterFace]:
    by_id = {meter.pk: meter for meter in meters}
    waiting = pending_fen(by_id)
    shown = tiles(only=Q(pk__in=list(by_id)), placed_only=False) if by_id else []
    return {tile.meter_id: MeterFace(by_id[tile.meter_id], tile, waiting.get(tile.meter_id, 0)) for tile in shown}


def quote(face: MeterFace, amount: Money, site: Site) -> Quote:
    """What an amount would do to a meter's purse, at the price of the site."""
    arrears = Money(min(face.arrears_fen, amount.fen))
    rest = amount - arrears
    after = None if face.credit is None else Money(face.credit + face.under_way_fen) + amount
    ceiling = Money(site.stored_credit_max_fen)
    room = max(ceiling - after + amount, Money(0)) if after is not None and after > ceiling else None
    return Quote(amount, arrears, rest, energy_for(rest, Price(site.price)), after, room)
