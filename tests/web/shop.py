"""A small building that sells: two zones with two supplied units each, a till, meters with credit, a clock by hand.

Deliveries go through the office's real verbs; only the wire is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from django.test import Client

from prewatt.core.clock import SteppedClock
from prewatt.core.evidence import Evidence
from prewatt.core.money import Money
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate.models import Meter, Premises
from prewatt.office.operators.models import Operator
from prewatt.office.readings.models import MeterState
from prewatt.office.vending.models import CreditOrder
from prewatt.office.vending.services import delivery, ensure_counter
from prewatt.office.vending.services.sell import sell
from tests.office import factories

NAMES = ("老何小面店", "星河律师事务所", "云朵服装店", "北岸计算机房")
PHONES = ("13912345678", "13812340002", "13712340003", "13612340004")
_key = count(1)


class Shop:
    """The building. ``units`` and ``agreements`` are A-101, A-102, B-101, B-102."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        factories.make_site(
            name="云岫广场", company="云岫物业", hotline="021-5555 0000", price=8500, alarm_1_fen=5000, alarm_2_fen=2000
        )
        self.till = ensure_counter(name="一号窗口", prefix="01", by=None, at=clock.now())
        self.floors, self.units, self.meters, self.agreements = [], [], [], []
        for letter in "AB":
            zone = factories.make_group("zone", name=f"{letter}区")
            floor = factories.make_group("floor", name=f"{letter}区 1层", parent=zone)
            line = factories.make_line(
                gateway=factories.make_gateway(name=f"{letter}区网关", zone=zone), name=f"{letter}区总线"
            )
            self.floors.append(floor)
            for number in (1, 2):
                self._unit(f"{letter}-10{number}", floor, line)

    def _unit(self, number: str, floor: Any, line: Any) -> None:
        place = len(self.units)
        unit: Premises = factories.make_premises(number=number, group=floor)
        meter = factories.make_meter(line=line, premises=unit, name=f"{number} 表", serial=f"26000000100{place}")
        self.units.append(unit)
        self.meters.append(meter)
        self.agreements.append(
            factories.make_agreement(meter=meter, premises=unit, name=NAMES[place], phone=PHONES[place])
        )
        self.holds(meter, 12_345)

    def holds(self, meter: Meter, fen: int, **fields: Any) -> None:
        """Let a meter be seen with that credit, just now."""
        row = {"at": self.clock.now(), "credit": fen, "contact": "ok", "contactor": 1, "version": 1, **fields}
        MeterState.objects.update_or_create(meter=meter, defaults=row)

    def sell(self, place: int = 0, yuan: int = 100, *, by: Operator | None = None, **fields: Any) -> CreditOrder:
        """A sale to the unit of that place."""
        agreement: SupplyAgreement = self.agreements[place]
        body = {"method": "cash", "counter": self.till, "confirmed_duplicate": True, **fields}
        return sell(
            key=f"shop-{next(_key)}", agreement=agreement, meter=self.meters[place], amount=Money(yuan * 100),
            by=by or self.cashier, at=self.clock.now(), **body,
        )  # fmt: skip

    @property
    def cashier(self) -> Operator:
        """Somebody to have sold."""
        return Operator.objects.filter(username="seller").first() or factories.make_operator(
            "cashier", username="seller", name="王芳"
        )

    def seen(
        self, order: CreditOrder, count: int | None, total: int, remaining: int, *, refused: bool = False
    ) -> Evidence:
        """A read of the order's meter, now."""
        return Evidence(
            serial=order.meter.serial if count is not None else None, count=count, total=total, remaining=remaining,
            refused=refused, at=self.clock.now().timestamp(),
        )  # fmt: skip

    def arm(self, order: CreditOrder) -> None:
        """Read the meter (count 6, total 100.00, remaining 123.45) and give leave to send."""
        self.clock.step(1)
        granted = delivery.arm(
            order_id=order.pk,
            claim=self.claim(order),
            evidence=self.seen(order, 6, 10_000, 12_345),
            at=self.clock.now(),
        )
        assert isinstance(granted, delivery.Grant), granted

    def claim(self, order: CreditOrder) -> delivery.Claim:
        """The lease of the order's gateway, in force now."""
        held = delivery.lease(holder="test", take_over=False, at=self.clock.now())
        one = next(one for one in held if one.gateway_id == order.meter.line.gateway_id)
        return delivery.Claim(one.gateway_id, "test", one.token)

    def observe(
        self, order: CreditOrder, count: int | None, total: int, remaining: int, *, refused: bool = False
    ) -> None:
        """A read three seconds after the last thing that happened."""
        self.clock.step(3)
        delivery.observe(
            order_id=order.pk, claim=self.claim(order), at=self.clock.now(),
            evidence=self.seen(order, count, total, remaining, refused=refused),
        )  # fmt: skip

    def deliver(self, order: CreditOrder) -> CreditOrder:
        """Let the order arrive: count 7, total and remaining higher by its amount."""
        self.arm(order)
        self.observe(order, 7, 10_000 + order.requested_fen, 12_345 + order.requested_fen)
        order.refresh_from_db()
        assert order.state == "delivered"
        return order

    def refuse(self, order: CreditOrder) -> CreditOrder:
        """Let the meter answer an exception."""
        self.arm(order)
        self.observe(order, 6, 10_000, 12_345, refused=True)
        order.refresh_from_db()
        assert order.state == "refused"
        return order

    def contradict(self, order: CreditOrder) -> CreditOrder:
        """Let the meter show a total that fits nothing, twice."""
        self.arm(order)
        self.observe(order, 7, 10_055 + order.requested_fen, 12_345 + order.requested_fen)
        self.observe(order, 7, 10_055 + order.requested_fen, 12_345 + order.requested_fen)
        order.refresh_from_db()
        assert order.state == "quarantine"
        return order

    def later(self, **span: int) -> None:
        """Let time pass."""
        self.clock.step(timedelta(**span).total_seconds())


Browser = Callable[..., Client]
