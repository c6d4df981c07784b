"""Delivery by evidence: every row of the table, every crash between two verbs, exactly once on the meter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prewatt.core.errors import Refusal
from prewatt.core.evidence import MAX_SENDS, PurchaseRecord
from prewatt.core.money import Money
from prewatt.field.headend.store import LeaseLost, Next, Permit, Refused
from prewatt.office.ledger import selectors as ledger
from prewatt.office.ledger.models import AccountKind
from prewatt.office.vending import selectors
from prewatt.office.vending.invariants import check
from prewatt.office.vending.models import Attempt, CreditEvent, CreditOrder, Observation, Purse, Receipt
from prewatt.office.vending.services import again, cancel_queued
from prewatt.office.vending.words import REASONS
from tests.office import factories
from tests.office.vending.desk import AMOUNT, SILENCE, Desk, fresh

MOST_STATEMENTS = 29  # of a delivered sale, all three transactions; ratcheted down, never up


def states(order: CreditOrder) -> list[str]:
    return list(CreditEvent.objects.filter(order=order).order_by("seq").values_list("to_state", flat=True))


def test_a_sale_reaches_the_meter_once_and_is_proven(desk: Desk) -> None:
    order = desk.deliver()
    assert (desk.purse.count, desk.purse.total, desk.purse.remaining) == (8, 600_00, 112_34)
    assert states(order) == ["queued", "unknown", "delivered"]
    assert ledger.balance(AccountKind.PENDING) == Money(0)
    assert ledger.by_account(AccountKind.ON_METER, transaction_kinds=("delivery",)) == {desk.meter.serial: AMOUNT.fen}
    proof = Receipt.objects.get(order=order, kind="proof").body
    assert (proof["count_before"], proof["count_after"]) == (7, 8)
    assert (proof["remaining_before_fen"], proof["remaining_after_fen"]) == (12_34, 112_34)
    assert proof["number"] == "A-00000001-P"
    assert check() == []


def test_the_first_observation_opens_the_purse(desk: Desk) -> None:
    desk.deliver()
    purse = Purse.objects.get()
    assert (purse.opening_count, purse.opening_total, purse.opening_remaining) == (7, 500_00, 12_34)
    assert (purse.proven_count, purse.proven_total) == (8, 600_00)
    assert ledger.balance(AccountKind.OPENING) == Money(-12_34)


def test_n_base_and_attempt_are_durable_before_the_frame(desk: Desk) -> None:
    order = desk.sell()
    permit = desk.armed(order)
    kept = fresh(order)
    assert (kept.state, kept.n, kept.base_count, kept.base_total, kept.armed_fen) == (
        "unknown", 8, 7, 500_00, AMOUNT.fen,
    )  # fmt: skip
    attempt = Attempt.objects.get(order=order)
    assert (attempt.number, attempt.n, attempt.amount, attempt.token) == (1, 8, AMOUNT.fen, desk.lease.token)
    assert (permit.n, permit.amount, permit.serial) == (8, AMOUNT.fen, desk.meter.serial)


class TestTheHeadEndIsKilled:
    """After each verb or byte a new head-end takes over; the meter ends up with the money once."""

    def killed(self, desk: Desk) -> None:
        [desk.lease] = desk.verbs.lease(holder="head-2", take_over=True)

    def ends_well(self, desk: Desk, order: CreditOrder) -> None:
        desk.settle(60)
        assert fresh(order).state == "delivered"
        assert (desk.purse.count, desk.purse.total) == (8, 600_00)
        assert check() == []

    def test_before_it_armed(self, desk: Desk) -> None:
        order = desk.sell()
        self.killed(desk)
        self.ends_well(desk, order)

    def test_after_it_armed_before_the_frame(self, desk: Desk) -> None:
        order = desk.sell()
        desk.armed(order)
        self.killed(desk)
        self.ends_well(desk, order)
        assert Attempt.objects.filter(order=order).count() == 2

    def test_after_the_frame_before_the_reply(self, desk: Desk) -> None:
        order = desk.sell()
        desk.send(desk.armed(order))
        self.killed(desk)
        self.ends_well(desk, order)
        assert Attempt.objects.filter(order=order).count() == 1

    def test_after_observe_said_again(self, desk: Desk) -> None:
        order = desk.sell()
        desk.armed(order)
        assert desk.observe(order).next is Next.AGAIN
        self.killed(desk)
        self.ends_well(desk, order)

    def test_after_the_retry_permit(self, desk: Desk) -> None:
        order = desk.sell()
        desk.armed(order)
        seen = desk.seen()
        assert desk.verbs.observe(order_id=order.pk, lease=desk.lease, evidence=seen).next is Next.AGAIN
        permit = desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=seen)
        assert isinstance(permit, Permit)
        desk.send(permit)
        self.killed(desk)
        self.ends_well(desk, order)

    def test_after_it_was_proven(self, desk: Desk) -> None:
        order = desk.deliver()
        self.killed(desk)
        self.ends_well(desk, order)
        assert desk.observe(order).next is Next.DONE


def test_a_stale_lease_is_refused_by_every_verb(desk: Desk) -> None:
    order = desk.sell()
    old = desk.lease
    [new] = desk.verbs.lease(holder="head-2", take_over=True)
    assert new.token == old.token + 1
    assert desk.due() == []
    for verb in (desk.verbs.arm, desk.verbs.retry, desk.verbs.observe):
        with pytest.raises(LeaseLost):
            verb(order_id=order.pk, lease=old, evidence=desk.seen())
    assert fresh(order).state == "queued"
    assert not Observation.objects.exists()


def test_a_lease_that_ran_out_arms_nothing(desk: Desk) -> None:
    order = desk.sell()
    desk.clock.step(200)
    assert desk.due() == []
    with pytest.raises(LeaseLost):
        desk.arm(order)


def test_leases_are_renewed_kept_from_others_and_taken_when_they_ran_out(desk: Desk) -> None:
    desk.clock.step(60)
    [renewed] = desk.verbs.lease(holder="head-1", take_over=False)
    assert (renewed.token, renewed.expires_ms > desk.lease.expires_ms) == (desk.lease.token, True)
    assert desk.verbs.lease(holder="head-2", take_over=False) == []
    desk.clock.step(121)
    [taken] = desk.verbs.lease(holder="head-2", take_over=False)
    assert taken.token == desk.lease.token + 1
    with pytest.raises(LeaseLost):
        desk.arm(desk.sell())


class TestEvidenceThatContradicts:
    """Two reads, two seconds apart, put the money in suspense and stop the purse; one alone does not."""

    def twice(self, desk: Desk, order: CreditOrder, **changes: object) -> CreditOrder:
        first = desk.observe(order, desk.seen(**changes))
        assert first.next is Next.WAIT
        assert fresh(order).state == "unknown"
        desk.clock.step(2)
        assert desk.observe(order, desk.seen(**changes)).next is Next.STOP
        return fresh(order)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"count": 8, "total": 500_00}, "torn-or-foreign"),
            ({"count": 8, "total": 555_00}, "torn-or-foreign"),
            ({"count": 7, "total": 510_00}, "foreign-total"),
            ({"count": 0, "total": 0}, "reset"),
            ({"count": 9, "total": 650_00, "records": (PurchaseRecord(9, 1, 1, ""),)}, "foreign-count"),
        ],
    )
    def test_torn_foreign_and_reset_end_in_quarantine(
        self, desk: Desk, changes: dict[str, object], reason: str
    ) -> None:
        order = desk.sell()
        desk.armed(order)
        order = self.twice(desk, order, **changes)
        assert (order.state, order.reason) == ("quarantine", reason)
        assert ledger.balance(AccountKind.SUSPENSE, order.number) == AMOUNT
        assert Purse.objects.get().stop_reason == reason
        assert check() == []

    def test_a_torn_write_that_heals_is_delivered(self, desk: Desk) -> None:
        order = desk.sell()
        desk.send(desk.armed(order))
        assert desk.observe(order, desk.seen(total=500_00)).next is Next.WAIT
        desk.clock.step(2)
        assert desk.observe(order).next is Next.DONE
        assert Purse.objects.get().stop_reason == ""

    def test_a_clear_read_between_two_torn_ones_begins_anew(self, desk: Desk) -> None:
        order = desk.sell()
        desk.armed(order)
        desk.observe(order, desk.seen(count=8))
        desk.clock.step(3)
        assert desk.observe(order).next is Next.AGAIN
        desk.clock.step(3)
        assert desk.observe(order, desk.seen(count=8)).next is Next.WAIT

    def test_nothing_more_is_sold_into_a_stopped_purse(self, desk: Desk) -> None:
        order = desk.sell()
        desk.armed(order)
        self.twice(desk, order, count=8, total=555_00)
        later = desk.sell()
        told = desk.arm(later)
        assert isinstance(told, Refused)
        assert (told.reason, fresh(later).state) == ("purse-stopped", "queued")
        assert set(selectors.waiting(desk.cashier, at=desk.clock.now())) == {order, later}


def test_a_swapped_meter_is_quarantined_after_three_reads_over_a_minute(desk: Desk) -> None:
    order = desk.sell()
    desk.send(desk.armed(order))
    for _ in range(2):
        decision = desk.observe(order, desk.seen(serial="999999999999", count=8, total=600_00))
        assert decision.next is Next.WAIT
        desk.clock.step(30)
    assert fresh(order).state == "unknown"
    assert desk.observe(order, desk.seen(serial="999999999999")).next is Next.STOP
    assert (fresh(order).state, Purse.objects.get().stop_reason) == ("quarantine", "other-serial")


def test_a_stranger_that_answers_once_changes_nothing(desk: Desk) -> None:
    order = desk.sell()
    desk.send(desk.armed(order))
    desk.observe(order, desk.seen(serial="999999999999"))
    desk.clock.step(30)
    assert desk.observe(order).next is Next.DONE


def test_another_serial_arms_nothing(desk: Desk) -> None:
    order = desk.sell()
    told = desk.arm(order, desk.seen(serial="999999999999"))
    assert isinstance(told, Refused)
    assert told.reason == "other-serial"
    assert not Purse.objects.exists()


def test_a_serial_learnt_from_the_meter_binds_the_purse(desk: Desk) -> None:
    type(desk.meter).objects.filter(pk=desk.meter.pk).update(serial="")
    desk.deliver()
    assert Purse.objects.get().serial == desk.purse.serial
    order = desk.sell()
    told = desk.arm(order, desk.seen(serial="999999999999"))
    assert isinstance(told, Refused)
    assert told.reason == "other-serial"


@pytest.mark.parametrize(
    ("changes", "reason"), [({"serial": None}, "no-identity"), ({"count": None}, "silent"), ({"total": None}, "silent")]
)
def test_incomplete_evidence_arms_nothing(desk: Desk, changes: dict[str, object], reason: str) -> None:
    order = desk.sell()
    told = desk.arm(order, desk.seen(**changes))
    assert isinstance(told, Refused)
    assert (told.reason, fresh(order).reason) == (reason, reason)
    assert told.retry_at_ms > 0
    assert not Attempt.objects.exists()


def test_a_meter_silent_for_an_hour_gets_its_money_once_when_it_answers(desk: Desk) -> None:
    order = desk.sell()
    desk.send(desk.armed(order))
    looks = 0
    for _ in range(720):
        desk.clock.step(5)
        [desk.lease] = desk.verbs.lease(holder="head-1", take_over=False)
        for task in desk.due():
            assert task.probe
            looks += 1
            assert desk.observe(order, replace(SILENCE, at=desk.clock.now().timestamp())).next is Next.WAIT
    assert fresh(order).state == "unknown"
    assert 100 <= looks <= 125
    assert selectors.is_alarming(fresh(order), at=desk.clock.now())
    assert list(selectors.waiting(desk.cashier, at=desk.clock.now())) == [order]
    desk.settle(60)
    assert (fresh(order).state, desk.purse.count, desk.purse.total) == ("delivered", 8, 600_00)


def test_silence_before_arming_keeps_the_order_in_the_queue_and_says_why(desk: Desk) -> None:
    order = desk.sell()
    told = desk.arm(order, SILENCE)
    assert isinstance(told, Refused)
    assert (told.reason, fresh(order).state, fresh(order).reason) == ("silent", "queued", "silent")
    assert desk.due() == []
    desk.clock.step(15)
    assert [task.order_id for task in desk.due()] == [order.pk]


def test_an_exception_refuses_and_nothing_more_is_sent(desk: Desk) -> None:
    desk.purse.ceiling = 100_00
    order = desk.deliver()
    assert (order.state, order.reason, desk.purse.count) == ("refused", "meter-refused", 7)
    desk.settle(300)
    assert Attempt.objects.filter(order=order).count() == 1
    assert ledger.balance(AccountKind.PENDING) == AMOUNT
    assert check() == []


def test_five_sends_without_effect_refuse(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    for number in range(2, MAX_SENDS + 1):
        desk.clock.step(2)
        seen = desk.seen()
        assert desk.verbs.observe(order_id=order.pk, lease=desk.lease, evidence=seen).next is Next.AGAIN
        permit = desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=seen)
        assert isinstance(permit, Permit)
        assert (permit.attempt, permit.n) == (number, 8)
    assert desk.observe(order).next is Next.STOP
    assert (fresh(order).state, fresh(order).reason) == ("refused", "no-effect")
    assert check() == []


def test_permits_of_head_ends_that_were_killed_do_not_count_as_sent(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    for number in range(2, 2 * MAX_SENDS):
        [desk.lease] = desk.verbs.lease(holder=f"head-{number}", take_over=True)
        seen = desk.seen()
        assert desk.verbs.observe(order_id=order.pk, lease=desk.lease, evidence=seen).next is Next.AGAIN
        assert isinstance(desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=seen), Permit)
    desk.settle(10)
    assert fresh(order).state == "delivered"
    assert check() == []


def test_looking_twice_after_one_frame_counts_it_once(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    for _ in range(2 * MAX_SENDS):
        assert desk.observe(order).next is Next.AGAIN
    assert fresh(order).fruitless == 1


def test_a_retry_needs_the_observation_that_allows_it(desk: Desk) -> None:
    order = desk.sell()
    permit = desk.armed(order)
    told = desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=desk.seen())
    assert isinstance(told, Refused)
    assert told.reason == "not-observed"
    seen = desk.seen()
    assert desk.verbs.observe(order_id=order.pk, lease=desk.lease, evidence=seen).next is Next.AGAIN
    assert isinstance(desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=seen), Permit)
    again_told = desk.verbs.retry(order_id=order.pk, lease=desk.lease, evidence=seen)
    assert isinstance(again_told, Permit)  # the observation is still the newest: same n, harmless for class A
    assert again_told.n == permit.n


def test_evidence_read_before_the_frame_proves_nothing_about_it(desk: Desk) -> None:
    order = desk.sell()
    early = desk.seen()
    permit = desk.arm(order, early)
    assert isinstance(permit, Permit)
    decision = desk.verbs.observe(order_id=order.pk, lease=desk.lease, evidence=early)
    assert (decision.next, decision.reason) == (Next.WAIT, "stale")


class TestARefusedOrder:
    """A person decides; a frame that a gateway held back may still arrive, and then the evidence decides."""

    @pytest.fixture
    def order(self, desk: Desk) -> CreditOrder:
        desk.purse.ceiling = 100_00
        order = desk.deliver()
        assert order.state == "refused"
        return order

    def test_cannot_be_cancelled_before_the_worst_delay_of_the_path(self, desk: Desk, order: CreditOrder) -> None:
        with pytest.raises(Refusal) as refused:
            cancel_queued(order=order, by=desk.cashier, at=desk.clock.now())
        assert refused.value.code == "not-proven-unapplied"

    def test_is_cancelled_after_a_read_proved_that_nothing_arrived(self, desk: Desk, order: CreditOrder) -> None:
        desk.settle(70)
        assert fresh(order).due_at is None
        assert cancel_queued(order=order, by=desk.cashier, at=desk.clock.now()).state == "cancelled"
        assert ledger.balance(AccountKind.CASH) == Money(0)
        assert check() == []

    def test_is_delivered_when_its_frame_arrives_late(self, desk: Desk, order: CreditOrder) -> None:
        desk.purse.ceiling = 50_000_00
        desk.purse.take(8, AMOUNT.fen)
        desk.settle(70)
        assert fresh(order).state == "delivered"
        assert check() == []

    def test_is_sent_again_when_a_person_says_so(self, desk: Desk, order: CreditOrder) -> None:
        desk.settle(70)
        desk.purse.ceiling = 50_000_00
        again(order=order, by=desk.cashier, at=desk.clock.now())
        desk.carry()
        assert (fresh(order).state, desk.purse.count) == ("delivered", 8)
        assert list(Attempt.objects.filter(order=order).values_list("number", flat=True)) == [1, 2]
        assert check() == []

    def test_sent_again_after_its_frame_arrived_late_is_not_doubled(self, desk: Desk, order: CreditOrder) -> None:
        desk.settle(70)
        again(order=order, by=desk.cashier, at=desk.clock.now())
        desk.purse.ceiling = 50_000_00
        desk.purse.take(8, AMOUNT.fen)
        desk.settle(10)
        assert (fresh(order).state, desk.purse.count, desk.purse.total) == ("delivered", 8, 600_00)
        assert states(order)[-3:] == ["queued", "unknown", "delivered"]
        assert check() == []

    def test_holds_up_other_orders_until_it_is_confirmed(self, desk: Desk, order: CreditOrder) -> None:
        other = desk.sell(Money(5_00))
        told = desk.arm(other)
        assert isinstance(told, Refused)
        assert told.reason == "in-flight"
        desk.settle(70)
        assert fresh(other).state == "delivered"
        assert check() == []

    def test_only_a_refused_order_is_sent_again(self, desk: Desk, order: CreditOrder) -> None:
        again(order=order, by=desk.cashier, at=desk.clock.now())
        with pytest.raises(Refusal):
            again(order=order, by=desk.cashier, at=desk.clock.now())


def test_two_orders_of_a_meter_go_one_after_the_other(desk: Desk) -> None:
    first, second = desk.sell(Money(10_00)), desk.sell(Money(20_00))
    assert [task.order_id for task in desk.due()] == [first.pk]
    permit = desk.armed(first)
    told = desk.arm(second)
    assert isinstance(told, Refused)
    assert told.reason == "in-flight"
    assert desk.due() == []
    desk.send(permit)
    desk.observe(first)
    desk.settle(10)
    assert (fresh(second).state, desk.purse.total) == ("delivered", 530_00)
    assert check() == []


def test_a_foreign_write_between_two_sales_stops_the_purse_after_a_second_look(desk: Desk) -> None:
    desk.deliver()
    desk.purse.take(9, 5_00)
    order = desk.sell()
    first = desk.arm(order)
    assert isinstance(first, Refused)
    assert (first.reason, Purse.objects.get().stop_reason) == ("disagrees", "")
    desk.clock.step(2)
    second = desk.arm(order)
    assert isinstance(second, Refused)
    assert (second.reason, Purse.objects.get().stop_reason) == ("purse-stopped", "disagrees")
    assert not Attempt.objects.filter(order=order).exists()


def test_a_misread_before_arming_costs_a_second_look_only(desk: Desk) -> None:
    desk.deliver()
    order = desk.sell()
    assert isinstance(desk.arm(order, desk.seen(count=9)), Refused)
    desk.settle(5)
    assert fresh(order).state == "delivered"


def test_somebody_elses_purchase_after_ours_is_delivered_with_an_alarm(desk: Desk) -> None:
    order = desk.sell()
    desk.send(desk.armed(order))
    desk.purse.take(9, 5_00)
    waiting = desk.observe(order)
    assert (waiting.next, waiting.reason) == (Next.WAIT, "log-unread")
    done = desk.observe(order, desk.seen(records=tuple(desk.purse.log)))
    assert done.next is Next.DONE
    assert Purse.objects.get().stop_reason == "foreign-purchase"
    assert check() == []


def test_two_verbs_at_once_on_one_order_leave_one_winner(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    told = desk.arm(order)
    assert isinstance(told, Refused)
    assert told.reason == "not-queued"
    assert Attempt.objects.count() == 1


def test_nothing_is_due_at_a_gateway_that_somebody_else_leads(desk: Desk) -> None:
    desk.sell()
    other = factories.make_gateway()
    desk.verbs.lease(holder="head-1", take_over=False)
    assert desk.verbs.due(leases=[replace(desk.lease, gateway_id=other.pk)]) == []


def test_every_reason_an_order_can_show_has_its_words(desk: Desk) -> None:
    desk.deliver()
    desk.purse.ceiling = 0
    desk.deliver()
    shown = set(CreditEvent.objects.values_list("reason", flat=True)) | set(
        CreditOrder.objects.values_list("reason", flat=True)
    )
    assert shown <= set(REASONS)


def test_the_journey_tells_what_happened_and_what_the_meter_showed(desk: Desk) -> None:
    journey = selectors.journey(desk.deliver())
    assert [step["state"] for step in journey] == ["queued", "unknown", "delivered"]
    assert [step["count"] for step in journey] == [None, 7, 8]


def test_a_delivered_sale_stays_within_its_statements(desk: Desk) -> None:
    desk.deliver()
    desk.clock.step(600)
    [desk.lease] = desk.verbs.lease(holder="head-1", take_over=False)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        order = desk.sell()
        permit = desk.armed(order)
        desk.send(permit)
        assert desk.observe(order).next is Next.DONE
    said = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(said) <= MOST_STATEMENTS, "\n".join(said)


def test_the_alarm_counts_from_arming(desk: Desk) -> None:
    order = desk.sell()
    desk.armed(order)
    at = desk.clock.now()
    assert not selectors.is_alarming(fresh(order), at=at + timedelta(minutes=14))
    assert selectors.is_alarming(fresh(order), at=at + timedelta(minutes=15))
