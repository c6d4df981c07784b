"""The purse: exact to the fen whatever the prices, and a count that lets each purchase in once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prewatt.core.energy import EXACT_PER_FEN
from prewatt.field.simulator.purse import RECORD_BYTES, Purse

STAMP = bytes((26, 11, 23, 12, 0, 0))


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 4)), max_size=60),
    st.lists(st.integers(0, 20_000), min_size=5, max_size=5),
)
def test_credit_and_cost_agree_to_the_last_remainder(charges: list[tuple[int, int]], prices: list[int]) -> None:
    purse = Purse(prices, remaining=1_000_00)
    for quanta, rate in charges:
        purse.charge(quanta, rate)
    exact = sum(quanta * 10 * prices[rate] for quanta, rate in charges)
    assert (1_000_00 - purse.remaining) * EXACT_PER_FEN + purse.owed == exact
    assert 0 <= purse.owed < EXACT_PER_FEN


@given(
    st.integers(-50_00, 500_00),
    st.integers(-100_00, 400_00),
    st.integers(1, 20_000),
    st.integers(0, EXACT_PER_FEN - 1),
    st.integers(0, 900),
)
def test_the_forecast_of_a_level_is_the_first_hundredth_that_meets_it(
    credit: int, level: int, price: int, owed: int, base: int
) -> None:
    if level >= credit:
        return
    purse = Purse([price] * 5, remaining=credit, owed=owed, base=base)
    steps = purse.quanta_to(level, 2)
    assert steps is not None
    before = Purse([price] * 5, remaining=credit, owed=owed, base=base)
    before.charge(steps - 1, 2)
    purse.charge(steps, 2)
    assert before.remaining > level >= purse.remaining


def test_free_energy_never_meets_a_level() -> None:
    assert Purse([0] * 5, remaining=1).quanta_to(0, 2) is None


def test_the_base_amount_is_spent_before_the_bought_money() -> None:
    purse = Purse([10_000] * 5, remaining=500, base=30)
    purse.charge(40, 2)  # 40 fen
    assert (purse.base, purse.remaining) == (0, 490)


def test_purchases_are_taken_in_their_order_only() -> None:
    purse = Purse([8_500] * 5, remaining=10_00, count=7, total=90_00, ceiling=100_00)
    assert purse.refusal(50_00, 9) == 3
    assert purse.refusal(50_00, 6) == 3
    assert purse.refusal(0, 8) == 3
    assert purse.refusal(90_01, 8) == 4
    assert purse.refusal(-10_01, 8) == 4
    assert purse.refusal(90_00, 8) == 0
    assert purse.refusal(-10_00, 8) == 0
    assert purse.refusal(999_999_99, 7) == 0  # already done: nothing will change
    assert not purse.buy(999_999_99, 7, STAMP, 1)
    assert (purse.remaining, purse.count, purse.total, len(purse.log)) == (10_00, 7, 90_00, 0)
    assert purse.buy(50_00, 8, STAMP, 123)
    assert (purse.remaining, purse.count, purse.total) == (60_00, 8, 140_00)
    assert purse.records() == [
        {"at": "2026-11-23 12:00:00", "count": 8, "amount_fen": 50_00, "remaining_fen": 60_00, "energy_wh": 1230}
    ]


def test_a_meter_in_debt_gives_nothing_back() -> None:
    assert Purse([1] * 5, remaining=-1, count=1).refusal(-1, 2) == 4


def test_a_debt_is_settled_first() -> None:
    purse = Purse([8_500] * 5, remaining=-30_00, count=1)
    purse.buy(100_00, 2, STAMP, 0)
    assert purse.remaining == 70_00


def test_the_count_goes_round_at_sixteen_bits() -> None:
    purse = Purse([8_500] * 5, count=0xFFFF)
    assert purse.refusal(1, 0) == 0
    assert purse.buy(1, 0, STAMP, 0)
    assert purse.count == 0


def test_the_log_keeps_the_newest_twenty() -> None:
    purse = Purse([8_500] * 5)
    assert purse.log_bytes() == bytes(400)
    for count in range(1, 26):
        purse.buy(100, count, STAMP, 0)
    raw = purse.log_bytes()
    assert len(raw) == 20 * RECORD_BYTES == 400
    assert [int.from_bytes(raw[at + 6 : at + 8]) for at in range(0, 400, 20)] == list(range(25, 5, -1))
