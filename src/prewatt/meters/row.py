"""One observed state of a meter as a fixed binary row: what the head-end sends to the store by the thousand.

Quantities are whole numbers: Wh, W, fen (or Wh for an energy purse), 0.1 V, 0.01 A. ABSENT stands for "not measured".
Both sides of the wire use ``ROW`` so that a batch is packed once and unpacked straight into the database's parameters.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

ABSENT = -(2**62)
KEEP_ONLY = 2
CONTACTOR_CODES = ("unknown", "closed", "open")
MODE_CODES = ("prepaid", "held-on", "forced-off")


class ReadingRow(NamedTuple):
    """Fields of one row, in the order they are packed."""

    meter_id: int
    at_ms: int  # site epoch milliseconds of the answer
    store: int  # 1: also keep as a stored reading; 0: state only; 2: only keep, the state is known better
    energy_wh: int
    sharp_wh: int
    peak_wh: int
    flat_wh: int
    valley_wh: int
    deep_wh: int
    credit: int
    total_purchased: int
    purchase_number: int
    power_w: int
    voltage_a: int
    voltage_b: int
    voltage_c: int
    current_a: int
    current_b: int
    current_c: int
    power_factor: int  # 0.001
    contactor: int  # index into CONTACTOR_CODES
    mode: int  # index into MODE_CODES
    flags: int  # core.supply.MeterFlag
    meter_clock: int  # the meter's own clock as if UTC, epoch seconds


ROW = struct.Struct("<IqB" + "q" * 17 + "BBIq")
EMPTY_ROW = ReadingRow._make((0, 0, 0, *([ABSENT] * 17), 0, 0, 0, ABSENT))
