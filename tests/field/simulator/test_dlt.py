"""The simulated DL/T 645 meter: what our profile makes of it, its orders, its purchases, and a foreign master."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from dlt645 import MeterClientService

from prewatt.core.supply import SupplyMode
from prewatt.field.simulator import dlt
from prewatt.field.simulator.esam import TestSigner
from prewatt.field.simulator.plan import DDSY, DLT, DLT_3P, bench
from prewatt.meters import dlt645, orders, plan, registry
from prewatt.meters.decode import decoder
from prewatt.meters.dlt645 import Answer, Reading, cut
from prewatt.meters.dlt645_orders import Access, broadcast_time, write_request
from prewatt.meters.dlt645_words import decode, explain
from prewatt.meters.row import CONTACTOR_CODES, MODE_CODES
from prewatt.meters.snapshot import snapshot
from tests.field.simulator.make import Desk, meter
from tests.field.simulator.test_wire import running

LATER = datetime(2027, 1, 1)
PLAIN = Access(0x02, "000000")


def ask(desk: Desk, frame: bytes) -> Answer:
    """A whole exchange with a meter that must answer."""
    found = cut(frame, desk.say(frame))
    assert isinstance(found.answer, Answer)
    return found.answer


def bodies_of(desk: Desk, profile: str) -> dict[str, bytes]:
    found = {}
    for exchange in plan.plan_state(registry.get(profile), desk.meter.serial):
        reply = desk.say(exchange.frame)
        assert len(reply) <= exchange.reply_length
        answer = exchange.framing.cut(exchange.frame, reply).answer
        assert answer is not None
        if not answer.exception:
            found[exchange.block] = answer.body
    return found


@pytest.mark.parametrize("profile", [DLT, DLT_3P])
@pytest.mark.parametrize("credit", [321_45, 40_00, -3_21])
def test_our_profiles_read_the_truth(profile: str, credit: int) -> None:
    desk = Desk(meter(profile=profile, credit_fen=credit, overdraft_fen=90_00, scale_w=6_000), baud=2400)
    desk.clock.step(1800)
    bodies = bodies_of(desk, profile)
    row = decoder(registry.get(profile)).row(9, 0, 0, bodies)
    one, shown = desk.meter, desk.meter.electrics()
    assert abs(row.energy_wh - one.energy_quanta * 10) <= 20  # it counts on while it is read
    assert abs(row.credit - one.purse.remaining) <= 2
    assert row.purchase_number == one.purse.count
    assert (row.voltage_a, row.current_a, row.power_w) == (shown.volts[0], shown.amperes[0], shown.total_w)
    assert row.power_factor == shown.total_factor
    if one.phases == 3:
        assert (row.voltage_b, row.current_c) == (shown.volts[1], shown.amperes[2])
    assert (CONTACTOR_CODES[row.contactor], MODE_CODES[row.mode]) == ("closed", "prepaid")
    view = snapshot(registry.get(profile), bodies)
    assert view.value("credit") == row.credit


def test_the_meter_is_told_by_the_serial_it_answers_to() -> None:
    desk = Desk(meter(profile=DLT))
    known = registry.get(DLT)
    (exchange,) = plan.plan_identity(known, desk.meter.serial)
    answer = exchange.framing.cut(exchange.frame, desk.say(exchange.frame)).answer
    assert answer is not None
    assert plan.identity(known, {exchange.block: answer.body}) == desk.meter.serial
    assert dlt645.address_text(ask(desk, dlt645.address_request()).body) == desk.meter.serial


def test_evidence_tells_count_total_and_what_remains_after_a_debt() -> None:
    desk = Desk(meter(profile=DLT, credit_fen=-12_34, overdraft_fen=90_00, scale_w=0))
    known = registry.get(DLT)
    bodies = {}
    for exchange in plan.plan_evidence(known, desk.meter.serial):
        answer = exchange.framing.cut(exchange.frame, desk.say(exchange.frame)).answer
        assert answer is not None
        bodies[exchange.block] = answer.body
    seen = plan.evidence(known, bodies)
    purse = desk.meter.purse
    assert (seen.serial, seen.count, seen.total) == (desk.meter.serial, purse.count, purse.total)
    assert seen.remaining == purse.remaining < 0


def test_an_item_that_is_not_there_is_refused_in_words() -> None:
    desk = Desk(meter(profile=DLT))
    for identifier in (0x00900100, 0x02010200, 0x12345678):
        answer = ask(desk, dlt645.read_request(desk.meter.serial, identifier))
        assert explain(answer.exception) == ("no-such-data",)


def test_a_long_item_comes_in_following_frames() -> None:
    one = meter(profile=DLT)
    reading = Reading(one.serial, 0x0001FF00)
    frames = 0
    while True:
        reply = dlt.answer(one, reading.frame, most=7)
        assert reply is not None
        answer = cut(reading.frame, reply).answer
        assert isinstance(answer, Answer)
        frames += 1
        whole = reading.take(answer)
        if whole is not None:
            break
    assert frames == 3
    assert decode(0x0001FF00, whole) == (one.energy_quanta, *one.quanta[:4])


# -- orders -----------------------------------------------------------------------------------------------------------


def order(desk: Desk, mode: SupplyMode, access: Access = PLAIN, until: datetime = LATER) -> list[int]:
    known = registry.get(DLT)
    return [
        ask(desk, exchange.frame).exception
        for exchange in orders.mode_frames(known, desk.meter.serial, mode, access=access, until=until)
    ]


def test_each_mode_is_set_and_read_back() -> None:
    desk = Desk(meter(profile=DLT))
    for mode, contactor in (
        (SupplyMode.FORCED_OFF, "open"), (SupplyMode.HELD_ON, "closed"), (SupplyMode.FORCED_OFF, "open"),
        (SupplyMode.PREPAID, "closed"), (SupplyMode.HELD_ON, "closed"), (SupplyMode.PREPAID, "closed"),
    ):  # fmt: skip
        assert not any(order(desk, mode))
        row = decoder(registry.get(DLT)).row(1, 0, 0, bodies_of(desk, DLT))
        assert (MODE_CODES[row.mode], CONTACTOR_CODES[row.contactor]) == (mode.value, contactor)


def test_an_empty_meter_that_opened_by_itself_is_not_forced() -> None:
    desk = Desk(meter(profile=DLT, credit_fen=0))
    row = decoder(registry.get(DLT)).row(1, 0, 0, bodies_of(desk, DLT))
    assert (MODE_CODES[row.mode], CONTACTOR_CODES[row.contactor]) == ("prepaid", "open")
    assert not any(order(desk, SupplyMode.PREPAID))  # taken, and without effect: the purse decides
    assert not desk.meter.relay.closed


def test_orders_are_refused_by_password_time_and_keep_power() -> None:
    desk = Desk(meter(profile=DLT))
    assert {explain(one) for one in order(desk, SupplyMode.FORCED_OFF, Access(0x02, "111111"))} == {("password",)}
    assert {explain(one) for one in order(desk, SupplyMode.FORCED_OFF, until=datetime(2020, 1, 1))} == {
        ("time-invalid",)
    }
    assert desk.meter.relay.closed
    order(desk, SupplyMode.HELD_ON)
    trip = orders.mode_frames(registry.get(DLT), desk.meter.serial, SupplyMode.FORCED_OFF, access=PLAIN, until=LATER)
    assert explain(ask(desk, trip[1].frame).exception) == ("trip-refused",)


def test_a_level_is_written_with_a_password_and_kept() -> None:
    desk = Desk(meter(profile=DLT))
    serial = desk.meter.serial
    assert ask(desk, write_request(serial, 0x04001001, bytes.fromhex("50120000"), PLAIN)).exception == 0
    assert desk.meter.purse.alarm_1 == 12_50
    assert desk.kept == [serial]
    denied = ask(desk, write_request(serial, 0x04001001, bytes(4), Access(0x04, "999999")))
    assert explain(denied.exception) == ("not-authorised",)


def test_time_for_all_is_taken_in_silence() -> None:
    desk = Desk(meter(profile=DLT))
    assert desk.say(broadcast_time(datetime(2026, 11, 23, 13, 0, 0))) == b""
    assert abs((desk.meter.civil() - datetime(2026, 11, 23, 13, 0, 0, tzinfo=UTC)).total_seconds()) < 3


# -- a purchase -------------------------------------------------------------------------------------------------------


def buy(desk: Desk, n: int, amount: int, customer: str | None = None, key: bytes | None = None) -> tuple[str, ...]:
    serial = desk.meter.serial
    exchange = orders.signed_credit_frame(
        registry.get(DLT), serial, n=n, amount=amount, customer=customer or serial, operator=1,
        signer=TestSigner(key) if key else TestSigner(),
    )  # fmt: skip
    return explain(ask(desk, exchange.frame).exception)


def test_a_signed_purchase_is_booked_once() -> None:
    desk = Desk(meter(profile=DLT, scale_w=0))
    purse = desk.meter.purse
    count, total, left = purse.count, purse.total, purse.remaining
    assert buy(desk, count + 1, 77_00) == ()
    assert buy(desk, count + 1, 77_00) == ("repeat-recharge",)
    assert (purse.count, purse.total, purse.remaining) == (count + 1, total + 77_00, left + 77_00)
    assert buy(desk, count + 3, 77_00) == ("wrong-count",)
    assert buy(desk, count + 2, 77_00, customer="1") == ("customer-number",)
    assert buy(desk, count + 2, 77_00, key=b"another key") == ("authentication",)
    assert buy(desk, count + 2, 60_000_00) == ("ceiling",)
    assert purse.count == count + 1


def test_without_a_signer_the_model_takes_no_credit() -> None:
    known = registry.get(DLT)
    assert orders.credit_class(known) == "C"
    assert orders.credit_class(known, TestSigner()) == "A"
    assert orders.credit_class(registry.get(DDSY), TestSigner()) == "A"
    with pytest.raises(orders.CreditUnsupported):
        orders.credit_frame(known, "1", n=1, amount=1_00)
    with pytest.raises(orders.CreditUnsupported, match="no signed purchase"):
        orders.signed_credit_frame(
            registry.get(DDSY), 1, n=1, amount=1_00, customer="1", operator=1, signer=TestSigner()
        )  # fmt: skip
    with pytest.raises(orders.ModeUnsupported, match="password"):
        orders.mode_frames(known, "1", SupplyMode.HELD_ON)


# -- the wire ---------------------------------------------------------------------------------------------------------


def test_a_foreign_master_reads_it_over_tcp() -> None:
    with running(bench(1, 2, DLT, 2400, 1)) as server:
        serial = next(iter(server.building.meters))
        master = MeterClientService.new_tcp_client("127.0.0.1", server.port(), 5)
        assert master.connect()
        master.address = bytearray(dlt645.address_bytes(serial))
        energy = master.read_00(0x00010000)
        voltage = master.read_02(0x02010100)
        master.disconnect()
        truth = server.truth()
        assert energy is not None
        assert round(energy.value * 1000) == pytest.approx(truth["energy_wh"], abs=50)
        assert voltage is not None
        assert 200 < voltage.value < 240


def test_modbus_tcp_cannot_carry_it() -> None:
    with pytest.raises(ValueError, match="does not carry"):
        bench(1, 1, DLT, 9600, 1, "modbus-tcp")
