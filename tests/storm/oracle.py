"""What must be true at the end, judged by what the meters physically hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prewatt.office.ledger import selectors as ledger
from prewatt.office.ledger.models import AccountKind
from prewatt.office.vending import invariants
from prewatt.office.vending.models import CreditOrder
from tests.storm.meters import StormMeter

if TYPE_CHECKING:
    from tests.storm.world import World

LEAST_SENDS = 5


@dataclass
class Verdict:
    """The end of one schedule."""

    findings: list[str] = field(default_factory=list)
    by_order: int = 0  # fen lost or doubled, told by orders ...
    by_serial: int = 0  # ... and by meters
    needless: int = 0  # quarantines and stopped purses without a cause
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def fen(self) -> int:
        """Fen lost or doubled."""
        return max(self.by_order, self.by_serial)

    def wrong(self, fen: int, text: str) -> None:
        """An order's money is not where the books say."""
        self.by_order += abs(fen)
        self.findings.append(text)


def judge(world: World) -> Verdict:
    """Compare the books with the truth."""
    verdict = Verdict(list(world.complaints), counts=world.counts.copy())
    orders = list(CreditOrder.objects.order_by("pk"))
    for order in orders:
        _order(world, verdict, order)
        verdict.counts[order.state] += 1
    _forms(world, verdict, orders)
    _meters(world, verdict, orders)
    verdict.findings += invariants.check()
    return verdict


def _order(world: World, verdict: Verdict, order: CreditOrder) -> None:
    """One order against the purchases that meters took of its amount."""
    state, fen, place = order.state, order.requested_fen, order.meter_id - 1
    taken = [one for one in world.truth if one.amount == fen and not one.foreign]
    name = f"order {fen} {state} ({order.reason})"
    # what a meter held before it was initialised is gone, so it may be given once more
    last = {one.serial: one.life for one in taken}
    held = [one for one in taken if one.life == last[one.serial]]
    if len(held) > 1:
        verdict.wrong(fen * (len(held) - 1), f"doubled: {name}: {held}")
    if state == "delivered":
        whole = [one for one in taken if one.whole and (one.serial, one.count) == (order.serial, order.n)]
        if not whole:
            verdict.wrong(fen, f"lost: {name}: {taken}")
    elif state in ("refused", "cancelled", "queued") and taken:
        verdict.wrong(fen, f"on the meter, not in the books: {name}: {taken}")
    causes = world.causes[place] | ({"impostor"} if world.wire.impostors[place] > 1 else set())
    if state == "unknown" or (state == "queued" and not causes):
        verdict.findings.append(f"never settled: {name}")
    if state == "quarantine" and not causes:
        verdict.needless += 1
        verdict.findings.append(f"quarantine without a cause: {name}")
    if state == "refused" and not _may_refuse(world, fen, causes):
        verdict.findings.append(f"refused without a cause: {name}, {world.wire.unheard[fen]} frames unheard")


def _may_refuse(world: World, fen: int, causes: set[str]) -> bool:
    return bool(causes) or fen in world.wire.refused or world.wire.unheard[fen] >= LEAST_SENDS


def _forms(world: World, verdict: Verdict, orders: list[CreditOrder]) -> None:
    """One form, one order, one payment."""
    made = Counter(order.requested_fen for order in orders)
    for fen, times in made.items():
        if times > 1:
            verdict.wrong(fen * (times - 1), f"doubled: {times} orders of one form over {fen}")
    refused = sum(len(cashier.refusals) for cashier in world.cashiers)
    if not refused and len(made) < len(world.schedule.sales):
        verdict.findings.append(f"{len(world.schedule.sales)} forms, orders for {len(made)}")


def _meters(world: World, verdict: Verdict, orders: list[CreditOrder]) -> None:
    """Per serial: what its total grew by is what the ledger delivered, and what the ledger leaves open."""
    booked = ledger.by_account(AccountKind.ON_METER, transaction_kinds=("delivery",))
    state = {order.requested_fen: order.state for order in orders}
    for meter in world.meters:
        assert isinstance(meter, StormMeter)
        if meter.purse.total != meter.taken_total:
            verdict.findings.append(f"the storm lost count of {meter.serial}")
        if meter.life:
            continue
        mine = [one for one in world.truth if one.serial == meter.serial and one.whole]
        elsewhere = sum(one.amount for one in mine if one.foreign or state.get(one.amount) == "quarantine")
        grew = meter.purse.total - meter.opening_total - elsewhere
        if grew != booked.get(meter.serial, 0):
            verdict.by_serial += abs(grew - booked.get(meter.serial, 0))
            verdict.findings.append(
                f"serial {meter.serial}: total grew by {grew} fen, the ledger delivered {booked.get(meter.serial, 0)}"
            )
