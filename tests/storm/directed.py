"""Schedules written by hand: the shortest stories in which each mutant goes wrong, and the real code does not."""

from __future__ import annotations

from collections.abc import Iterator

from tests.storm import plan
from tests.storm.plan import Happening, Kill, Moment, Rule, Sale, Schedule

ONE = (Sale(at=5.0, meter=0, fen=50_00),)
AT_ONCE = (Sale(at=5.0, meter=0, fen=50_00), Sale(at=5.0, meter=0, fen=70_00, cashier=1))


def _reply_lost() -> Iterator[Schedule]:
    yield Schedule(1, ONE, rules=(Rule(plan.REPLY_LOST),))


def _silent_after_the_frame() -> Iterator[Schedule]:
    for delay in (0.05, 0.5):
        dead = Happening("dead", Moment(at=delay, money=1), for_s=12.0)
        yield Schedule(2, ONE, rules=(Rule(plan.REPLY_LOST),), happenings=(dead,))


def _killed_after_the_frame() -> Iterator[Schedule]:
    for byte in (0, 7, 14, 15, 22, 23, 31):
        yield Schedule(3, ONE, kills=(Kill(byte=byte, back_after=0.5),))


def _form_twice() -> Iterator[Schedule]:
    for later in (0.0, 130.0):
        yield Schedule(4, (Sale(at=5.0, meter=0, fen=50_00, twice_after=later, cancel_at=150.0),))


def _frozen_with_a_permit() -> Iterator[Schedule]:
    """The first head-end gets its permit very late: by then the order was given up, cancelled and paid back."""
    for lost in (4, 5):
        sale = Sale(at=5.0, meter=0, fen=50_00, cancel_at=98.0)
        stuck = Happening("stuck", Moment(verb="arm"), for_s=105.0)
        rule = Rule(plan.REQUEST_LOST, times=lost)
        yield Schedule(5, (sale,), rules=(rule,), happenings=(stuck,), calm_at=135.0)


def _second_order_meanwhile() -> Iterator[Schedule]:
    """The first order's frame is held back and the meter is silent; a second order is sold meanwhile."""
    for silent_s in (2.5, 4.0, 5.0, 5.5):
        for sold in (6.0, 7.5, 9.0):
            sales = (Sale(at=5.0, meter=0, fen=50_00), Sale(at=sold, meter=0, fen=70_00, cashier=1))
            dead = Happening("dead", Moment(at=0.05, money=1), for_s=silent_s)
            yield Schedule(6, sales, rules=(Rule(plan.REQUEST_LATE, delay=12.0),), happenings=(dead,))


def _cancelled_while_it_is_armed() -> Iterator[Schedule]:
    yield Schedule(7, ONE, interlope="cancel")


def _old_acknowledgement() -> Iterator[Schedule]:
    """The first order's acknowledgement comes once more while the second order's frame was lost."""
    for step in range(18):
        again = Rule(plan.REPLY_TWICE, delay=0.6 + 0.2 * step)
        yield Schedule(8, AT_ONCE, rules=(again, Rule(plan.REQUEST_LOST)))


def _twin_in_its_place() -> Iterator[Schedule]:
    for delay in (0.3, 1.0):
        twin = Happening("old-twin", Moment(at=delay, money=1), back=False)
        yield Schedule(9, ONE, rules=(Rule(plan.REPLY_LOST),), happenings=(twin,))


def _one_wrong_read() -> Iterator[Schedule]:
    for register in (0x021F, 0x0412):
        for skip in range(1, 5):
            yield Schedule(10, ONE, rules=(Rule(plan.IMPOSTOR, plan.READ, 0, skip, register=register),))


DIRECTED: dict[str, tuple[Schedule, ...]] = {
    "time-out, count + 1": tuple(_reply_lost()),
    "time-out, refund": tuple(_silent_after_the_frame()),
    "n not stored first": tuple(_killed_after_the_frame()),
    "no key on a form": tuple(_form_twice()),
    "stale frame accepted": tuple(_frozen_with_a_permit()),
    "no one-in-flight rule": tuple(_second_order_meanwhile()),
    "no compare-and-set": tuple(_cancelled_while_it_is_armed()),
    "trusting the ack": tuple(_old_acknowledgement()),
    "no serial check": tuple(_twin_in_its_place()),
    "one read for quarantine": tuple(_one_wrong_read()),
}


def _link_lost_in_the_quiet() -> Iterator[Schedule]:
    """The link goes while the line is held quiet after a frame without an answer: nobody may wait for ever."""
    for delay in (0.3, 1.5, 2.5, 3.2):
        down = Happening("link-down", Moment(at=delay, money=1), for_s=4.0)
        yield Schedule(11, ONE, rules=(Rule(plan.REQUEST_LOST),), happenings=(down,), calm_at=20.0)


# what the storm has found in the real code, kept so that it does not come back
FOUND: dict[str, tuple[Schedule, ...]] = {
    "a late permit": tuple(_frozen_with_a_permit()),
    "a link lost in the quiet after a frame": tuple(_link_lost_in_the_quiet()),
}
