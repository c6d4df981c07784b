"""frame-fuzz: damaged, cut, joined and random frames into every decoder; nothing crashes, nothing is made up."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from itertools import count

from prewatt.meters import dlt645, dlt645_words, modbus, registry, vendor20
from prewatt.meters.decode import decoder
from prewatt.meters.modbus import CutKind
from prewatt.meters.plan import evidence
from prewatt.meters.snapshot import snapshot

Figure = tuple[str, float, str, str, bool | None, str]
Decode = Callable[[bytes], None]

FULL, SHORT = 1_000_000, 20_000
SEED = 1
METER = "230600000161"
POLL = modbus.read_request(1, 0x0200, 48)
WRITE = modbus.write_request(1, 0x050D, (0, 100, 7))
ITEM = dlt645.read_request(METER, 0x0001FF00, wakes=4)
TRIP = dlt645.build(METER, dlt645.CONTROL, bytes(16))
VENDOR = vendor20.request(1, 0x0200, bytes(60))

SEEDS = (
    POLL, WRITE, ITEM, TRIP, VENDOR,
    modbus.read_answer(1, bytes(range(96))), modbus.exception_answer(1, 3, 2),
    modbus.seal(b"\x01\x20" + bytes(11)),
    modbus.mbap_wrap(7, modbus.read_answer(1, bytes(96))),
    dlt645.build(METER, 0x91, dlt645.identifier_bytes(0x0001FF00) + bytes(range(20)), wakes=4),
    dlt645.build(METER, 0xB1, dlt645.identifier_bytes(0x0001FF00) + bytes(8)),
    dlt645.build(METER, 0xD1, b"\x02"), dlt645.build(METER, 0xDC, b"\x20\x00"), dlt645.build(METER, 0x9C),
)  # fmt: skip


def frames(number: int, rng: random.Random) -> Iterator[bytes]:
    """Frames in the ways that lines damage them: bits, bytes, cuts, joins, lengths, and pure noise."""
    for _ in range(number):
        frame = bytearray(rng.choice(SEEDS))
        match rng.randrange(6):
            case 0:
                frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
            case 1:
                for _ in range(rng.randint(1, 4)):
                    frame[rng.randrange(len(frame))] = rng.randrange(256)
            case 2:
                del frame[rng.randrange(len(frame)) :]
            case 3:
                frame[rng.randrange(len(frame)) :] = rng.choice(SEEDS)
            case 4:
                frame = bytearray(rng.randbytes(rng.randrange(40)))
            case _:
                frame[:0] = rng.randbytes(rng.randint(1, 5))
        yield bytes(frame)


def _cutting(cut: Callable[..., modbus.Cut | dlt645.Cut], request: bytes) -> Decode:
    """A cutter run to its end; it must consume what it decides about."""

    def run(content: bytes) -> None:
        for final in (False, True):
            rest = content
            while (found := cut(request, rest, final=final)).kind is not CutKind.INCOMPLETE:
                assert 0 < found.consumed <= len(rest)
                rest = rest[found.consumed :]

    return run


def _mbap(content: bytes) -> None:
    found = modbus.mbap_cut(content)
    assert found.consumed <= len(content)


def _requests(content: bytes) -> None:
    modbus.request_length(content)
    modbus.open_request(content)


def _dlt_frames(content: bytes) -> None:
    dlt645.frame_length(content)
    frame = dlt645.open_frame(content)
    if frame is not None:
        dlt645_words.shown(frame.identifier or 0x0001FF00, frame.data[4:])
        dlt645_words.status_word_3(frame.data)


def _profile(name: str) -> Decode:
    """A profile's decoder, fed with a body of the length its block has (registers) or of any (items)."""
    profile = registry.get(name)
    reader, blocks = decoder(profile), profile.blocks
    turn = count()

    def run(content: bytes) -> None:
        bodies = {
            block.name: content[: block.size] if block.width == 1 else (content * (block.size + 1))[: block.size]
            for block in blocks
            if content
        }
        row = reader.row(1, 0, 0, bodies)
        assert all(isinstance(value, int) for value in row)
        if next(turn) % 16 == 0:  # what people and the office see is made from the same values, and slower
            snapshot(profile, bodies)
            evidence(profile, bodies)

    return run


def decoders() -> dict[str, Decode]:
    """Every decoder by name."""
    return {
        "modbus-read": _cutting(modbus.cut, POLL),
        "modbus-write": _cutting(modbus.cut, WRITE),
        "modbus-requests": _requests,
        "mbap": _mbap,
        "vendor20": _cutting(vendor20.cut, VENDOR),
        "dlt645-read": _cutting(dlt645.cut, ITEM),
        "dlt645-control": _cutting(dlt645.cut, TRIP),
        "dlt645-frames": _dlt_frames,
        **{f"profile {name}": _profile(name) for name in registry.names(experimental=True)},
    }


def fuzz(name: str, number: int, seed: int = SEED) -> tuple[int, str]:
    """So many frames into one decoder: how many crashed it, and the first that did, in words."""
    decode, crashes, first = decoders()[name], 0, ""
    for frame in frames(number, random.Random(f"{seed} {name}")):
        try:
            decode(frame)
        except Exception as error:
            crashes += 1
            first = first or f"{type(error).__name__}: {error} at {frame.hex()}"
    return crashes, first


def figures() -> list[Figure]:
    """One figure: crashes of all decoders together. In short: 20,000 frames each instead of 1,000,000."""
    number = SHORT if os.environ.get("PREWATT_BENCH_SHORT") else FULL
    began, crashes, first = time.perf_counter(), 0, ""
    for name in decoders():
        here, why = fuzz(name, number)
        crashes += here
        first = first or (f"; {name}: {why}" if why else "")
    spent = time.perf_counter() - began
    detail = f"{number:,} frames into each of {len(decoders())} decoders in {spent:.0f} s{first}"
    return [("frame-fuzz", crashes, "crashes", "0", crashes == 0, detail)]
