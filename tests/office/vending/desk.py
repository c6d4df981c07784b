"""A till, a meter that keeps a purse, and a head-end that carries: small, by hand, for tests of the office's verbs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from prewatt.core.clock import SteppedClock
from prewatt.core.evidence import Evidence, PurchaseRecord
from prewatt.core.money import Money
from prewatt.field.headend.store import CreditTask, Decision, Lease, Next, Permit, Refused
from prewatt.main.verbs import Verbs
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate.models import Meter
from prewatt.office.operators.models import Operator
from prewatt.office.vending.models import Counter, CreditOrder
from prewatt.office.vending.services import ensure_counter, sell
from tests.office import factories

AMOUNT = Money(100_00)
SILENCE = Evidence(None, None, None, None)


@dataclass
class Purse:
    """What the meter itself does with a credit frame (class A), and how it may be hurt."""

    serial: str
    count: int = 7
    total: int = 500_00
    remaining: int = 12_34
    log: list[PurchaseRecord] = field(default_factory=list)
    ceiling: int = 50_000_00

    def take(self, n: int, amount: int) -> bool:
        """Apply a frame. False: the meter answered an exception."""
        if n == self.count:
            return True
        if n != self.count + 1 or self.remaining + amount > self.ceiling:
            return False
        self.count, self.total, self.remaining = n, self.total + amount, self.remaining + amount
        self.log.insert(0, PurchaseRecord(n, amount, self.remaining, "261123090000"))
        return True


@dataclass
class Desk:
    """One till, one unit, one meter, one head-end with its lease."""

    clock: SteppedClock
    verbs: Verbs
    cashier: Operator
    counter: Counter
    meter: Meter
    agreement: SupplyAgreement
    purse: Purse
    lease: Lease
    keys: Iterator[int] = field(default_factory=count)

    @classmethod
    def make(cls) -> Desk:
        """A fresh one on the test database."""
        clock = SteppedClock(factories.AT)
        verbs = Verbs(clock)
        factories.make_site()
        meter = factories.make_meter(premises=factories.make_premises())
        agreement = factories.make_agreement(meter=meter)
        cashier = factories.make_operator("cashier")
        counter = ensure_counter(name="一号窗口", prefix="A", by=cashier, at=clock.now())
        [lease] = verbs.lease(holder="head-1", take_over=True)
        return cls(clock, verbs, cashier, counter, meter, agreement, Purse(meter.serial), lease)

    def sell(
        self, amount: Money = AMOUNT, *, key: str | None = None, sure: bool = True, **fields: object
    ) -> CreditOrder:
        """Sell at this till now."""
        given: dict[str, object] = {
            "key": key or f"form-{next(self.keys)}", "agreement": self.agreement, "meter": self.meter, "amount": amount,
            "method": "cash", "counter": self.counter, "by": self.cashier, "at": self.clock.now(),
            "confirmed_duplicate": sure,
        }  # fmt: skip
        return sell(**{**given, **fields})  # type: ignore[arg-type]

    def seen(self, *, refused: bool = False, **changes: object) -> Evidence:
        """Read the meter: a moment passes."""
        self.clock.step(0.2)
        shown = Evidence(
            serial=self.purse.serial, count=self.purse.count, total=self.purse.total, remaining=self.purse.remaining,
            refused=refused, raw=b"\x01", at=self.clock.now().timestamp(),
        )  # fmt: skip
        return replace(shown, **changes)  # type: ignore[arg-type]

    def due(self) -> list[CreditTask]:
        return self.verbs.due(leases=[self.lease])

    def arm(self, order: CreditOrder, evidence: Evidence | None = None) -> Permit | Refused:
        return self.verbs.arm(order_id=order.pk, lease=self.lease, evidence=evidence or self.seen())

    def armed(self, order: CreditOrder) -> Permit:
        """Arm, and insist."""
        permit = self.arm(order)
        assert isinstance(permit, Permit), permit
        return permit

    def observe(self, order: CreditOrder, evidence: Evidence | None = None) -> Decision:
        return self.verbs.observe(order_id=order.pk, lease=self.lease, evidence=evidence or self.seen())

    def send(self, permit: Permit) -> bool:
        """The frame arrives."""
        return self.purse.take(permit.n, permit.amount)

    def carry(self) -> None:
        """What a head-end does with everything that is due, without a fault."""
        for task in self.due():
            seen = self.seen()
            if task.probe:
                decision = self.verbs.observe(order_id=task.order_id, lease=self.lease, evidence=seen)
                if decision.next is not Next.AGAIN:
                    continue
                leave = self.verbs.retry(order_id=task.order_id, lease=self.lease, evidence=seen)
            else:
                leave = self.verbs.arm(order_id=task.order_id, lease=self.lease, evidence=seen)
            if isinstance(leave, Permit):
                refused = not self.send(leave)
                self.verbs.observe(order_id=task.order_id, lease=self.lease, evidence=self.seen(refused=refused))

    def deliver(self, amount: Money = AMOUNT) -> CreditOrder:
        """Sell and carry."""
        order = self.sell(amount)
        self.carry()
        return fresh(order)

    def settle(self, seconds: float = 900, step: float = 1.0) -> None:
        """Let time pass, carrying what falls due."""
        for _ in range(int(seconds / step)):
            self.clock.step(step)
            self.carry()


def fresh(order: CreditOrder) -> CreditOrder:
    """The order as the database has it now."""
    return CreditOrder.objects.get(pk=order.pk)
