"""Which frames read a meter: the state sweep, its identity, the evidence of a credit, its purchase log.

One short read suffices for the state, so that a foreign server that holds nothing else can still be read. Evidence is a
few short reads back to back, never the whole block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prewatt.core.evidence import Evidence, PurchaseRecord
from prewatt.meters import dlt645, modbus
from prewatt.meters.decode import decoder, digits, net
from prewatt.meters.framing import RTU, Framing, of
from prewatt.meters.row import ABSENT
from prewatt.meters.shape import Block, Profile

LOG_BLOCK = "log"
Unit = int | str  # 1 to 247, or the twelve digits of a DL/T 645 meter


class Exchange(NamedTuple):
    """One frame to send, the name under which its answer's body is kept, and the length of a normal answer."""

    frame: bytes
    block: str
    reply_length: int
    framing: Framing = RTU


def unit_of(profile: Profile, address: int, serial: str) -> Unit:
    """By what a meter is called on its line: its address, or the digits of its serial number (DL/T 645).

    Raises ValueError when the serial number is needed and is none.
    """
    if profile.codec != "dlt645":
        return address
    if not serial:
        raise ValueError("a DL/T 645 meter is called by its serial number, which is not entered")
    return dlt645.address_text(dlt645.address_bytes(serial))


def plan_state(profile: Profile, unit: Unit) -> tuple[Exchange, ...]:
    """The state sweep; one read for most models."""
    return tuple(_read(profile, unit, name) for name in profile.sweep)


def plan_identity(profile: Profile, unit: Unit) -> tuple[Exchange, ...]:
    """What tells this meter from another: its serial, or its purchase log's last record. Empty when it has neither."""
    if profile.identity == "serial":
        return (_read(profile, unit, serial_block(profile)),)
    if profile.identity == "purchase-log":
        return plan_log(profile, unit, newest=1)
    return ()


def plan_evidence(profile: Profile, unit: Unit) -> tuple[Exchange, ...]:
    """What proves a credit. A model told by its log reads two records: the one before a purchase is still seen."""
    reads = tuple(_read(profile, unit, name) for name in profile.evidence)
    return reads + (plan_log(profile, unit, newest=2) if profile.identity == "purchase-log" else ())


def plan_log(profile: Profile, unit: Unit, newest: int = 1) -> tuple[Exchange, ...]:
    """The newest records of the purchase log. Bodies are kept under ``log:`` and the place of their first record."""
    form = profile.log
    if form is None or isinstance(unit, str):
        return ()
    wanted = min(newest, form.records)
    at_once = 1 if form.stride != form.registers else modbus.MAX_READ // form.registers
    found: list[Exchange] = []
    for first in range(0, wanted, at_once):
        count = min(at_once, wanted - first) * form.registers
        frame = modbus.read_request(unit, form.address + first * form.stride, count)
        found.append(Exchange(frame, f"{LOG_BLOCK}:{first}", 5 + 2 * count))
    return tuple(found)


def serial_block(profile: Profile) -> str:
    """Name of the block that holds the serial. Raises KeyError when there is none."""
    for block in profile.blocks:
        if block.field("serial"):
            return block.name
    raise KeyError("serial")


def identity(profile: Profile, bodies: Mapping[str, bytes]) -> str | None:
    """The serial in the bodies of ``plan_identity``, or the newest purchase's fingerprint; None when unreadable."""
    if profile.identity == "serial":
        return _serial(profile, bodies)
    if profile.identity == "purchase-log":
        found = records(profile, bodies)
        return fingerprint(found[0]) if found else None
    return None


def fingerprint(record: PurchaseRecord) -> str:
    """A purchase as an identity: two meters do not share one."""
    return f"log:{record.stamp}-{record.count}-{record.amount}"


def evidence(
    profile: Profile, bodies: Mapping[str, bytes], *, refused: bool = False, at: float = 0.0, known: str = ""
) -> Evidence:
    """What the answers to ``plan_evidence`` (and ``plan_log``) show. A missing body leaves its values None.

    ``known``: for a model told by its log, the fingerprint it had; it is still this meter while any record read has it.
    """
    seen = records(profile, bodies)
    serial = identity(profile, bodies)
    if profile.identity == "purchase-log" and known and any(fingerprint(record) == known for record in seen):
        serial = known
    return Evidence(
        serial=serial,
        count=_value(profile, bodies, "purchase_number"),
        total=_value(profile, bodies, "total_purchased"),
        remaining=_remaining(profile, bodies),
        records=seen,
        refused=refused,
        raw=b"".join(bodies.values()),
        at=at,
    )


def records(profile: Profile, bodies: Mapping[str, bytes]) -> tuple[PurchaseRecord, ...]:
    """Purchase records, newest first, without the empty places."""
    form = profile.log
    if form is None:
        return ()
    size = 2 * form.registers
    found: dict[int, PurchaseRecord] = {}
    for key, body in bodies.items():
        name, _, first = key.partition(":")
        if name != LOG_BLOCK or not first.isdigit():
            continue
        for place in range(len(body) // size):
            raw = body[place * size : (place + 1) * size]
            stamp = raw[form.stamp : form.stamp + 6]
            if not any(stamp) or all(byte == 0xFF for byte in stamp):
                continue
            found[int(first) + place] = PurchaseRecord(
                count=int.from_bytes(raw[form.count : form.count + 2]),
                amount=int.from_bytes(raw[form.amount : form.amount + 4], signed=True) * form.multiplier,
                remaining_after=int.from_bytes(raw[form.remaining : form.remaining + 4], signed=True) * form.multiplier,
                stamp="".join(f"{byte:02d}" for byte in stamp),
            )
    return tuple(found[place] for place in sorted(found))


def plan_blocks(profile: Profile, unit: Unit) -> tuple[Exchange, ...]:
    """Every block of the profile, for whoever tries it on a meter."""
    return tuple(_read(profile, unit, block.name) for block in profile.blocks)


def _read(profile: Profile, unit: Unit, name: str) -> Exchange:
    block = profile.block(name)
    if profile.codec == "dlt645":
        return _item(profile, str(unit), block)
    if isinstance(unit, str):
        raise ValueError(f"unit {unit!r} is not a number")  # noqa: TRY004
    return Exchange(modbus.read_request(unit, block.address, block.count), name, 5 + block.size)


def _item(profile: Profile, unit: str, block: Block) -> Exchange:
    wakes = int(profile.options["wakes"].value) if "wakes" in profile.options else dlt645.WAKES
    frame = dlt645.read_request(unit, block.address, wakes=wakes)
    return Exchange(frame, block.name, wakes + dlt645.MIN_FRAME + 4 + block.size, of(profile))


def _value(profile: Profile, bodies: Mapping[str, bytes], name: str) -> int | None:
    """A value in canonical units out of the first evidence block that holds it and was answered."""
    for block in profile.evidence:
        if block in bodies and profile.block(block).field(name):
            return decoder(profile).values(block, bodies[block]).get(name)
    return None


def _remaining(profile: Profile, bodies: Mapping[str, bytes]) -> int | None:
    credit, owed = _value(profile, bodies, "credit"), _value(profile, bodies, "overdrawn")
    return credit if credit is None else net(credit, ABSENT if owed is None else owed)


def _serial(profile: Profile, bodies: Mapping[str, bytes]) -> str | None:
    name = serial_block(profile)
    if name not in bodies:
        return None
    place = profile.block(name).field("serial")
    assert place is not None
    raw = bodies[name][place.offset : place.offset + place.size]
    return digits(raw[::-1] if place.type == "digits6" else raw)
