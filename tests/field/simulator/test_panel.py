"""Simulated instruments against our profiles: transformers, decimal points, floats; every value a whole number."""

from __future__ import annotations

from random import Random

import pytest

from prewatt.field.simulator.panel import four_digits
from prewatt.field.simulator.plan import ACR, DTSD, PZ
from prewatt.meters import modbus, plan, registry
from prewatt.meters.decode import decoder
from prewatt.meters.row import ABSENT
from prewatt.meters.snapshot import snapshot
from tests.field.simulator.make import Desk, meter


def bodies_of(desk: Desk, profile: str, *, everything: bool = False) -> dict[str, bytes]:
    known, found = registry.get(profile), {}
    for exchange in plan.plan_blocks(known, 1) if everything else plan.plan_state(known, 1):
        reply = desk.say(exchange.frame)
        assert len(reply) == exchange.reply_length
        found[exchange.block] = reply[3:-2]
    return found


def desk_of(profile: str, seed: int = 7) -> Desk:
    desk = Desk(meter(profile=profile, kind="restaurant", scale_w=22_000, seed=seed, energy_wh=7_654_321_0))
    desk.clock.step(1800)
    return desk


@pytest.mark.parametrize("seed", [4, 5, 6, 7])  # current transformers of 20, 40, 60 and none
def test_a_dtsd_counts_on_the_secondary_side(seed: int) -> None:
    desk = desk_of(DTSD, seed)
    row = decoder(registry.get(DTSD)).row(1, 0, 0, bodies_of(desk, DTSD))
    one, ct = desk.meter, desk.meter.ratios[1]
    assert ct == (20, 40, 60, 1)[seed % 4]
    assert row.energy_wh == one.energy_quanta // ct * ct * 10
    assert row.peak_wh == one.quanta[1] // ct * ct * 10
    assert abs(row.power_w - one.electrics().total_w) < ct
    assert abs(row.current_a - one.electrics().amperes[0]) < ct
    assert row.voltage_c == one.electrics().volts[2]
    assert (row.credit, row.contactor, row.purchase_number) == (ABSENT, 0, ABSENT)


def test_without_its_ratio_nothing_is_guessed_and_the_estate_gives_what_the_meter_does_not_tell() -> None:
    known, bodies = registry.get(DTSD), bodies_of(desk_of(DTSD), DTSD)
    reader = decoder(known)
    whole = reader.row(1, 0, 0, bodies)
    assert reader.row(1, 0, 0, bodies, {"pt": 100, "ct": 77}).energy_wh == 100 * whole.energy_wh
    blind = reader.row(1, 0, 0, {name: body for name, body in bodies.items() if name != "ratio"})
    assert (blind.energy_wh, blind.power_w) == (ABSENT, ABSENT)
    assert reader.row(1, 0, 0, {**bodies, "ratio": bytes(2)}).energy_wh == ABSENT


@pytest.mark.parametrize("profile", [PZ, ACR])
def test_a_panel_meter_shows_four_digits_and_a_float(profile: str) -> None:
    desk = desk_of(profile)
    row = decoder(registry.get(profile)).row(1, 0, 0, bodies_of(desk, profile))
    one, shown = desk.meter, desk.meter.electrics()
    assert row.voltage_a == shown.volts[0]
    assert row.current_b == pytest.approx(shown.amperes[1], abs=10)
    assert row.power_w == pytest.approx(shown.total_w, abs=10)
    assert row.power_factor == shown.total_factor
    assert abs(row.energy_wh - one.energy_quanta * 10) <= 8  # a float32 of 76543.21 kWh
    assert isinstance(row.energy_wh, int)


def test_power_flowing_back_has_its_sign_from_another_register() -> None:
    known = registry.get(PZ)
    bodies = bodies_of(desk_of(PZ), PZ)
    moment = bytearray(bodies["moment"])
    moment[5] = 0b1001  # phase A and total
    row = snapshot(known, {**bodies, "moment": bytes(moment)})
    assert (row.value("power") or 0) < 0
    assert (row.value("power_a") or 0) < 0 < (row.value("power_b") or 0)


def test_every_block_is_there_and_everything_else_is_exception_2() -> None:
    for profile in (DTSD, PZ, ACR):
        desk = desk_of(profile)
        assert bodies_of(desk, profile, everything=True)
        assert desk.say(modbus.read_request(1, 0x0200, 48))[1:3] == b"\x83\x02"


def test_four_digits_keep_the_most_that_fits() -> None:
    assert four_digits([2_203, 2_198], 10) == (3, [2_203, 2_198])
    assert four_digits([1_234], 100) == (2, [1_234])
    assert four_digits([25_000], 1) == (5, [2_500])
    assert four_digits([-8_110], 1) == (4, [8_110])
    rng = Random(1)
    for _ in range(300):
        value = rng.randrange(10 ** rng.randrange(1, 9))
        point, (count,) = four_digits([value], 1)
        assert count <= 9_999
        assert 0 <= value - count * 10 ** max(0, point - 4) // 10 ** max(0, 4 - point) < 10 ** max(0, point - 4) + 1
