"""What the registers say, tried three ways: raw tables, our profiles, and frames a master might get wrong."""

from __future__ import annotations

from random import Random

import pytest

from prewatt.field.simulator.line import MAPS
from prewatt.field.simulator.plan import ADF, ADF_3P, DDSY, DTSY
from prewatt.meters import modbus, plan, registry
from prewatt.meters.decode import decoder
from prewatt.meters.row import CONTACTOR_CODES, MODE_CODES
from tests.field.simulator.make import HOUR_MS, Desk, meter

PROFILES = (DDSY, DTSY, ADF, ADF_3P)  # those that are sold to by registers
FORCED_TRIP = (1, 1)
KEEP_POWER = (1, 0)
BACK_TO_PREPAID = (0, 0)


def desk_of(profile: str, **changes: object) -> Desk:
    three = profile in {DTSY, ADF_3P}
    wanted: dict[str, object] = {"kind": "restaurant", "scale_w": 12_000} if three else {}
    return Desk(meter(profile=profile, **wanted | changes))


# -- every range ------------------------------------------------------------------------------------------------------

BLOCKS = {
    DDSY: [(0x0000, 17), (0x0022, 1), (0x0037, 2), (0x0043, 3), (0x0046, 28), (0x0063, 1), (0x0200, 48), (0x0360, 5),
           (0x0400, 25), (0x0420, 27), (0x0480, 7), (0x050D, 3), (0x1B00, 125), (0x1B7D, 75), (0x2000, 6),
           (0x2006, 21), (0x201B, 21), (0x5030, 2)],
    DTSY: [(0x0000, 17), (0x0028, 6), (0x0200, 48), (0x0400, 25), (0x0420, 79), (0x0480, 19), (0x2000, 21), (0x2015, 21)],
    ADF: [(0x0300, 24), (0x0400, 8), (0x0500, 18), (0x0600, 25), (0x0700, 8), (0x0801, 1), (0x0900, 9), (0x090B, 4),
          (0x0914, 48), (0x1A00, 120), (0x1B00, 120), (0x1B13, 10)],
    ADF_3P: [(0x033F, 50), (0x0430, 8), (0x0536, 18), (0x064E, 25), (0x0718, 8), (0x0804, 1), (0x1B00, 20)],
}  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
def test_every_block_of_the_tables_can_be_read_and_so_can_any_part_of_it(profile: str) -> None:
    registers, one, rng = MAPS[profile], desk_of(profile).meter, Random(1)
    for address, count in BLOCKS[profile]:
        whole = registers.read(one, address, count)
        assert whole is not None, f"{address:04X} x {count}"
        assert len(whole) == 2 * count
        for _ in range(8):
            first = rng.randrange(count)
            size = rng.randint(1, count - first)
            if address >= 0x1A00 and profile in {ADF, ADF_3P}:
                continue  # addressed by record, not by register
            assert registers.read(one, address + first, size) == whole[2 * first : 2 * (first + size)]


@pytest.mark.parametrize(
    ("address", "count"),
    [(0x0062, 1), (0x0011, 1), (0x01FF, 2), (0x0230, 1), (0x0200, 49), (0x1B00 + 199, 2), (0xFFFF, 1)],
)
def test_a_range_with_an_unknown_register_is_exception_2(address: int, count: int) -> None:
    desk = desk_of(DDSY)
    assert desk.say(modbus.read_request(1, address, count))[1:3] == b"\x83\x02"


def test_a_purchase_log_addressed_by_record_gives_each_record() -> None:
    desk = desk_of(ADF)
    newest = desk.read(0x1B00, 10)
    second = desk.read(0x1B01, 10)
    assert desk.read(0x1B00, 20) == newest + second
    assert newest != second
    assert desk.say(modbus.read_request(1, 0x1B13, 11))[1:3] == b"\x83\x02"


# -- what our profiles make of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("credit", [321_45, 40_00, 12_34, -3_21])
def test_our_profiles_read_the_truth(profile: str, credit: int) -> None:
    desk = desk_of(profile, credit_fen=credit, overdraft_fen=90_00)
    known = registry.get(profile)
    desk.clock.step(1800)
    bodies = {}
    for exchange in plan.plan_state(known, 1):
        reply = desk.say(exchange.frame)
        assert len(reply) == exchange.reply_length
        bodies[exchange.block] = reply[3:-2]
    row = decoder(known).row(9, 0, 0, bodies)
    one = desk.meter
    shown = one.electrics()
    assert (row.energy_wh, row.credit, row.purchase_number) == (
        one.energy_quanta * 10, one.purse.remaining, one.purse.count,
    )  # fmt: skip
    assert [row.sharp_wh, row.peak_wh, row.flat_wh, row.valley_wh] == [quanta * 10 for quanta in one.quanta[:4]]
    assert row.power_w == shown.total_w > 0
    assert (row.voltage_a, row.current_a, row.power_factor) == (shown.volts[0], shown.amperes[0], shown.total_factor)
    if one.phases == 3:
        assert (row.voltage_b, row.current_c) == (shown.volts[1], shown.amperes[2])
    assert CONTACTOR_CODES[row.contactor] == "closed"
    assert MODE_CODES[row.mode] == "prepaid"
    low = (one.purse.remaining < 50_00, one.purse.remaining < 20_00, one.purse.remaining <= 0)
    assert (bool(row.flags & 4), bool(row.flags & 8), bool(row.flags & 2)) == low


@pytest.mark.parametrize("profile", PROFILES)
def test_our_profiles_read_the_evidence_of_a_purchase(profile: str) -> None:
    from prewatt.meters import orders

    desk, known = desk_of(profile), registry.get(profile)
    before = _evidence(desk, profile)
    frame = orders.credit_frame(known, 1, n=(before.count or 0) + 1, amount=77_00)
    reply = desk.say(frame.frame)
    assert len(reply) == frame.reply_length
    assert not reply[1] & 0x80
    after = _evidence(desk, profile)
    assert (after.count, after.total) == ((before.count or 0) + 1, (before.total or 0) + 77_00)
    assert after.records[0].count == after.count
    assert after.records[0].amount == 77_00
    if profile in {DDSY, DTSY}:
        assert after.serial == desk.meter.serial


def _evidence(desk: Desk, profile: str):  # type: ignore[no-untyped-def]
    known = registry.get(profile)
    exchanges = {one.block: one for one in (*plan.plan_evidence(known, 1), *plan.plan_log(known, 1, newest=2))}
    return plan.evidence(known, {block: desk.say(one.frame)[3:-2] for block, one in exchanges.items()})


@pytest.mark.parametrize("profile", PROFILES)
def test_our_profiles_set_the_supply_mode(profile: str) -> None:
    from prewatt.core.supply import SupplyMode
    from prewatt.meters import orders

    desk, known = desk_of(profile), registry.get(profile)
    for mode in (SupplyMode.FORCED_OFF, SupplyMode.HELD_ON, SupplyMode.PREPAID, SupplyMode.FORCED_OFF):
        for exchange in orders.mode_frames(known, 1, mode):
            assert desk.say(exchange.frame)[1] == 0x10
        bodies = {one.block: desk.say(one.frame)[3:-2] for one in plan.plan_state(known, 1)}
        row = decoder(known).row(1, 0, 0, bodies)
        assert MODE_CODES[row.mode] == mode.value
        assert CONTACTOR_CODES[row.contactor] == ("open" if mode is SupplyMode.FORCED_OFF else "closed")


# -- buying -----------------------------------------------------------------------------------------------------------


def test_credit_goes_in_once_and_in_its_order() -> None:
    desk = desk_of(DDSY)
    held, start, total = desk.number(0x0221, 1), desk.meter.purse.remaining, desk.number(0x0412, signed=True)
    assert desk.buy(100_00, held + 2) == 3
    assert desk.buy(100_00, held - 1) == 3
    assert desk.buy(100_00, held + 1) == 0
    assert desk.buy(100_00, held + 1) == 0  # a repeated frame is answered normally and changes nothing
    assert desk.number(0x0221, 1) == desk.number(0x0401, 1) == held + 1
    assert desk.number(0x0412) == total + 100_00
    assert start + 99_00 < desk.number(0x021F, signed=True) <= start + 100_00
    assert desk.kept == [desk.meter.serial]


def test_above_the_ceiling_and_more_back_than_held_is_exception_4() -> None:
    desk = desk_of(DDSY, credit_fen=100_00, ceiling_fen=500_00)
    held = desk.meter.purse.count
    assert desk.buy(400_01 + 500, held + 1) == 4
    assert desk.buy(-100_01, held + 1) == 4
    assert desk.buy(-50_00, held + 1) == 0
    assert desk.number(0x0414, signed=True) <= 50_00
    assert desk.buy(-50_00, held + 1) == 0
    assert desk.meter.purse.remaining > 49_00
    assert desk.meter.purse.records()[0]["amount_fen"] == -50_00


def test_an_adf400l_gives_nothing_back() -> None:
    desk = desk_of(ADF)
    assert desk.buy(-1_00, desk.meter.purse.count + 1) == 4


def test_half_a_credit_frame_is_refused() -> None:
    desk = desk_of(DDSY)
    assert desk.write(0x050D, 0, 100) == 3
    assert desk.write(0x050E, 100, 1) == 3
    assert desk.write(0x050F, desk.meter.purse.count + 1) == 3
    assert desk.kept == []


# -- settings ---------------------------------------------------------------------------------------------------------


def test_the_vectors_of_forced_control_do_what_they_say() -> None:
    desk = desk_of(DDSY)
    for words, closed in ((FORCED_TRIP, False), (KEEP_POWER, True), (BACK_TO_PREPAID, True)):
        assert desk.write(0x0057, *words) == 0
        assert desk.meter.relay.closed is closed
        assert desk.read(0x0224, 1)[0] >> 5 & 1 == closed
    assert desk.read(0x0057, 2) == bytes(4)


def test_prices_alarms_overdraft_and_ceiling_are_written_and_obeyed() -> None:
    desk = desk_of(DDSY)
    assert desk.write(0x0402, 0, 12_000, 0, 10_500, 0, 8_000, 0, 3_333) == 0
    assert desk.meter.purse.prices == [12_000, 10_500, 8_000, 3_333, 3_333]
    assert desk.write(0x040A, 0, 3000, 0, 1000, 0, 5000, 1, 0) == 0
    purse = desk.meter.purse
    assert (purse.alarm_1, purse.alarm_2, purse.overdraft, purse.ceiling) == (3000, 1000, 5000, 65536)
    assert desk.read(0x0046, 6) == desk.read(0x040A, 6)
    assert desk.kept == [desk.meter.serial] * 2


def test_a_write_that_is_refused_in_part_is_refused_in_whole() -> None:
    desk = desk_of(DDSY)
    before = desk.read(0x0400, 25)
    assert desk.write(0x0400, 7) == 3
    assert desk.write(0x0400, 0, 9) == 2  # the count behind it is read only
    assert desk.write(0x0402, 0) == 3  # half a price
    assert desk.write(0x0412, 0, 1) == 2
    assert desk.write(0x0043, 1, 2, 3) == 2
    assert desk.write(0x0200, 1) == 2
    after = desk.read(0x0400, 25)
    assert after[:40] == before[:40]
    assert desk.kept == []


def test_raising_the_overdraft_gives_power_back() -> None:
    desk = desk_of(DDSY, credit_fen=0)
    assert desk.read(0x0224, 1) == bytes((0, 0b1110_1000))
    assert desk.write(0x040E, 0, 100_00) == 0
    assert desk.meter.relay.closed
    assert desk.write(0x040E, 0, 0) == 0
    assert not desk.meter.relay.closed


def test_load_control_and_tables_can_be_written_in_parts() -> None:
    desk = desk_of(DTSY)
    assert desk.write(0x0480, 1, 2_000) == 0
    assert desk.read(0x0480, 2) == bytes((0, 1, 7, 208))
    desk.clock.step(30)
    assert desk.read(0x0225, 1)[0] == 0b1000  # enabled, all three open
    assert desk.number(0x0222, 1) == 1
    assert desk.write(0x2000, 0x0100, 0x0002, 0x001E) == 0
    assert desk.read(0x2000, 3) == bytes((1, 0, 0, 2, 0, 30))


def test_prepaid_control_can_be_switched_off() -> None:
    desk = desk_of(DDSY, credit_fen=0)
    assert desk.write(0x0400, 0) == 0
    assert desk.meter.relay.closed
    desk.clock.step(3600)
    desk.read(0x0200, 48)
    assert desk.meter.purse.remaining == 0


def test_an_adf400l_takes_its_clock_and_prices_in_whole_fen() -> None:
    desk = desk_of(ADF)
    assert desk.write(0x0501, 0, 92) == 0
    assert desk.meter.purse.prices[0] == 9_200
    assert desk.write(0x090B, 0x0A1E, 0x0E03, 0x190B, 0x0018) == 0
    assert desk.meter.civil().strftime("%Y-%m-%d %H:%M") == "2024-11-25 14:30"
    assert desk.write(0x090B, 0x0A1E, 0x0E03, 0x190D, 0x0018) == 3  # a thirteenth month


def test_an_adf400l_obeys_its_own_form_of_time_control() -> None:
    desk = desk_of(ADF)
    desk.clock.step(60)
    assert desk.write(0x0600, 0x010C, 0x0000, 0x0D00) == 0  # working days: open from 12:00, closed from 13:00
    assert desk.meter.relay.reason() == "time"
    desk.meter.advance(desk.meter.at_ms + HOUR_MS + 60_000)
    assert desk.meter.relay.closed


# -- the head of the composite block, byte by byte ----------------------------------------------------------------------


def test_the_composite_block_lies_as_the_table_says() -> None:
    desk = desk_of(DTSY)
    body = desk.read(0x0200, 48)
    one, shown = desk.meter, desk.meter.electrics()
    assert int.from_bytes(body[0:2]) == 5
    assert int.from_bytes(body[2:4]) == shown.volts[0]
    assert int.from_bytes(body[10:12]) == shown.amperes[1]
    assert int.from_bytes(body[20:22], signed=True) == shown.total_w
    assert int.from_bytes(body[36:38], signed=True) == shown.total_factor
    assert body[38:42] == bytes((0, 1, 0, 1))
    assert int.from_bytes(body[42:46]) == one.energy_quanta
    assert int.from_bytes(body[62:66], signed=True) == one.purse.remaining
    assert int.from_bytes(body[66:68]) == one.purse.count
    assert body[72:76] == bytes((0xE0, 0x0F, 0x07, 0x77))
    now = one.civil()
    assert body[80:87] == bytes((26, 11, 23, 1, now.hour, now.minute, now.second))
    assert sum(int.from_bytes(body[at : at + 4]) for at in (46, 50, 54, 58)) == one.energy_quanta


def test_currents_times_volts_times_factor_are_the_power() -> None:
    shown = desk_of(DTSY).meter.electrics()
    watts = sum(v * a * shown.total_factor for v, a in zip(shown.volts, shown.amperes, strict=True)) / 1_000_000
    assert watts == pytest.approx(shown.total_w, rel=0.01)
