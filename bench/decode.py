"""decode: CRC and decode of one poll to scaled whole numbers, against pymodbus on the same bytes, run by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU

from prewatt.meters import registry
from prewatt.meters.decode import decoder
from prewatt.meters.modbus import read_answer
from prewatt.meters.vocabulary import TYPES

Figure = tuple[str, float, str, str, bool | None, str]

ROUNDS = 7
OURS, THEIRS = 50_000, 1_000
PROFILE = "acrel-dtsy1352-nk"
# a three-phase meter with three relays closed, prepaid on, 12345.67 kWh, 150.25 yuan, purchase 7
BODY = bytes.fromhex(
    "0005089b089608a204d2049c05160a820a0a0b221fae01360"
    "12c014a03ac03de03df03de03de000100010012d6870001e2400006f8550005464e0004b5a400003ab10007"
    "00000003e00f077700000000190b14040e1e00000000000000000000"
)
FRAME = read_answer(1, BODY)


def ours() -> Callable[[], tuple[int, ...] | None]:
    """Our decode of the poll."""
    decode = decoder(registry.get(PROFILE)).decode_frame
    return lambda: decode("state", FRAME)


def theirs() -> Callable[[], tuple[int, ...]]:
    """pymodbus: frame, CRC and registers by its framer, values by its own converter, the same fields."""
    framer = FramerRTU(DecodePDU(False))
    convert = ModbusClientMixin.convert_from_registers
    kinds = ModbusClientMixin.DATATYPE
    block = registry.get(PROFILE).block("state")
    numbers = {"u16": kinds.UINT16, "i16": kinds.INT16, "u32": kinds.UINT32, "i32": kinds.INT32}
    wide = [(one.offset // 2, one.offset // 2 + one.size // 2, numbers[one.type]) for one in block.fields
            if one.type in numbers]  # fmt: skip
    narrow = [(one.offset // 2, 8 * (1 - one.offset % 2)) for one in block.fields
              if one.type not in numbers and TYPES[one.type][1]]  # fmt: skip

    def decode() -> tuple[int, ...]:
        _, answer = framer.handleFrame(FRAME, 1, 0)
        assert answer is not None
        registers = answer.registers
        values = [convert(registers[start:end], kind) for start, end, kind in wide]
        values += [registers[place] >> shift & 0xFF for place, shift in narrow]
        return tuple(values)  # type: ignore[arg-type]

    return decode


def microseconds(run: Callable[[], object], times: int) -> float:
    """Time of one call."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times * 1e6


def figures() -> list[Figure]:
    """The two figures of this bench."""
    our_decode, their_decode = ours(), theirs()
    assert sorted(our_decode() or ()) == sorted(their_decode())  # the same work on both sides
    pairs = [(microseconds(our_decode, OURS), microseconds(their_decode, THEIRS)) for _ in range(ROUNDS)]
    mine = statistics.median(pair[0] for pair in pairs)
    ratio = statistics.median(pair[1] / pair[0] for pair in pairs)
    detail = f"median of {ROUNDS}, by turns; best {min(pair[0] for pair in pairs):.2f} µs"
    peer = f"pymodbus {statistics.median(pair[1] for pair in pairs):.0f} µs for the same fields"
    return [
        ("decode", round(mine, 2), "µs", "<= 1", mine <= 1, detail),
        ("decode-peer", round(ratio, 1), "x", ">= 50", ratio >= 50, peer),
    ]
