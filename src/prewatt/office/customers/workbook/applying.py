"""The import as one transaction: judged under the lock that all edits of the estate queue for, then written at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
from prewatt.office.customers.names import initials
from prewatt.office.customers.workbook import estate_plan
from prewatt.office.customers.workbook.customers_plan import Opening, Openings, judge_customers
from prewatt.office.customers.workbook.estate_plan import Estate
from prewatt.office.customers.workbook.plan import Draft, Judge, Kept
from prewatt.office.customers.workbook.reading import RowError, Workbook
from prewatt.office.customers.workbook.sheets import SHEETS
from prewatt.office.estate.keeping import bump_roster
from prewatt.office.estate.models import Meter, UnitGroup
from prewatt.office.estate.selectors import scope_groups
from prewatt.office.operators.models import Operator
from prewatt.office.operators.services import record

BATCH = 500
AWAY = 1_000_000  # addresses step aside by this while meters of a line change places


@dataclass(frozen=True)
class Counts:
    """What an import did: rows read, things made and things changed, by sheet."""

    rows: dict[str, int]
    created: dict[str, int]
    updated: dict[str, int]


class ImportRefused(Refusal):
    """Nothing was written; ``errors`` says why, place by place."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__("import", _("The workbook has %(count)d errors; nothing was written."), count=len(errors))
        self.errors = list(errors)


def check(workbook: Workbook) -> list[RowError]:
    """Everything wrong with a workbook, against what exists now. Writes nothing."""
    return _plan(workbook)[2]


def row_counts(workbook: Workbook) -> dict[str, int]:
    """Rows read, by sheet, in the sheets' order."""
    return {sheet.name: len(workbook.rows[sheet.name]) for sheet in SHEETS if sheet.name in workbook.rows}


def apply(workbook: Workbook, *, by: Operator | None, at: datetime) -> Counts:
    """Write the workbook: all of it, or nothing. Raises ImportRefused with the errors.

    Only who works for the whole site may import: a workbook reaches everywhere.
    """
    if by is not None and scope_groups(by) is not None:
        raise Refusal("import-scope", _("Only an operator of the whole site may import a workbook."))
    try:
        with transaction.atomic():
            bump_roster()
            estate, openings, errors = _plan(workbook)
            if errors:
                raise ImportRefused(errors)
            counts = _write(workbook, estate, openings, by, at)
            record(
                by=by,
                at=at,
                action="estate.import",
                summary=", ".join(f"{name} {count}" for name, count in counts.rows.items()),
                data={"rows": counts.rows, "created": counts.created, "updated": counts.updated},
            )
    except IntegrityError as error:  # a name or an address was taken while we looked
        raise Refusal("import-race", _("Somebody else changed the estate meanwhile. Please import again.")) from error
    return counts


def _plan(workbook: Workbook) -> tuple[Estate, Openings, list[RowError]]:
    judge, estate = Judge(workbook), estate_plan.load()
    estate_plan.judge(judge, estate)
    openings = judge_customers(judge, estate)
    return estate, openings, judge.sorted_errors()


def _write(workbook: Workbook, estate: Estate, openings: Openings, by: Operator | None, at: datetime) -> Counts:
    created, updated = {}, {}
    _groups_by_level(estate.groups.drafts.values())
    sheets: tuple[tuple[str, Kept[Any]], ...] = (
        ("groups", estate.groups),
        ("gateways", estate.gateways),
        ("lines", estate.lines),
        ("units", estate.premises),
        ("meters", estate.meters),
    )
    for name, kept in sheets:
        drafts = list(kept.drafts.values())
        if name == "meters":
            _step_aside(drafts)
        created[name] = _create([made for made in drafts if made.old is None])
        updated[name] = _update([made for made in drafts if made.old is not None])
    created["customers"] = _open([opening for opening in openings.rows if opening.agreement is None], by, at)
    updated["customers"] = _correct([opening for opening in openings.rows if opening.agreement is not None], at)
    return Counts(row_counts(workbook), _some(created), _some(updated))


def _some(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _groups_by_level(drafts: Iterable[Draft[UnitGroup]]) -> None:
    """Create new groups from the top down, so that each finds its parent's key."""
    waiting = [made for made in drafts if made.old is None]
    while waiting:
        ready = [made for made in waiting if made.thing.parent is None or made.thing.parent.pk is not None]
        _insert([made.thing for made in ready])
        waiting = [made for made in waiting if made.thing.pk is None]


def _create(drafts: Sequence[Draft[Any]]) -> int:
    _insert([made.thing for made in drafts if made.thing.pk is None])
    return len(drafts)


def _insert(things: Sequence[Any]) -> None:
    if things:
        models.QuerySet(type(things[0])).bulk_create(things, BATCH)


def _update(drafts: Sequence[Draft[Any]]) -> int:
    changed = {made.thing.pk: (made.thing, made.changed) for made in drafts if made.changed}
    if changed:
        names = sorted({name for _thing, fields in changed.values() for name in fields})
        things = [thing for thing, _fields in changed.values()]
        models.QuerySet(type(things[0])).bulk_update(things, names, BATCH)
    return len(changed)


def _step_aside(drafts: Sequence[Draft[Meter]]) -> None:
    """Free the addresses of meters that move, so that two may change places within one import."""
    moving = [made.thing.pk for made in drafts if {"line", "address"} & set(made.changed)]
    Meter.objects.filter(pk__in=moving).update(address=F("address") + AWAY)


def _open(openings: Sequence[Opening], by: Operator | None, at: datetime) -> int:
    """Open the supplies. Rows of the same name and telephone number are one customer."""
    people: dict[tuple[str, str, int], Customer] = {}
    for opening in openings:
        phone = opening.phone or ""
        key = (opening.name, phone, 0 if phone else opening.row)
        people.setdefault(key, Customer(name=opening.name, initials=initials(opening.name), phone=phone, created_at=at))
    _insert(list(people.values()))
    agreements = []
    for opening in openings:
        phone = opening.phone or ""
        customer = people[opening.name, phone, 0 if phone else opening.row]
        number = f"~{opening.premises.pk}"
        agreements.append(
            SupplyAgreement(number=number, customer=customer, premises=opening.premises, opened_at=at, opened_by=by)
        )
    _insert(agreements)
    for agreement in agreements:
        agreement.number = f"A{agreement.pk:06d}"
    SupplyAgreement.objects.bulk_update(agreements, ["number"], BATCH)
    _bind(list(zip(openings, agreements, strict=True)), at)
    return len(openings)


def _correct(openings: Sequence[Opening], at: datetime) -> int:
    """Telephone numbers and further meters of supplies that are open already."""
    changed: set[int] = set()
    pairs = []
    for opening in openings:
        agreement = opening.agreement
        assert agreement is not None
        pairs.append((opening, agreement))
        if opening.phone is not None and opening.phone != agreement.customer.phone:
            Customer.objects.filter(pk=agreement.customer_id).update(phone=opening.phone)
            changed.add(agreement.pk)
    return len(changed | _bind(pairs, at))


def _bind(pairs: Sequence[tuple[Opening, SupplyAgreement]], at: datetime) -> set[int]:
    """Let meters serve their agreements from now on; those that do already stay as they are."""
    bound = set(AgreementMeter.objects.filter(unbound_at__isnull=True).values_list("meter_id", flat=True))
    fresh, loose = [], []
    for opening, agreement in pairs:
        for place, meter in enumerate(opening.meters):
            if meter.pk in bound:
                continue
            figures = (opening.opening_credit, opening.opening_energy_wh) if place == 0 else (None, None)
            fresh.append(
                AgreementMeter(
                    agreement=agreement,
                    meter=meter,
                    bound_at=at,
                    opening_credit=figures[0],
                    opening_energy_wh=figures[1],
                )
            )
            if meter.premises is None:
                meter.premises = opening.premises
                loose.append(meter)
    _insert(fresh)
    Meter.objects.bulk_update(loose, ["premises"], BATCH)
    return {row.agreement_id for row in fresh}
