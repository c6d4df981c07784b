"""A register profile: what one model of meter says, where, in which form, and how far anybody has proven it.

Frozen values only; ``schema`` makes them from TOML, ``profile`` is the front door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a profile: where and why."""

    field: str
    reason: str


class ProfileError(Exception):
    """A profile cannot be used. ``field`` and ``reason`` tell the first problem, ``problems`` all of them."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(file, problems)
        self.file = file
        self.problems = problems

    @property
    def field(self) -> str:
        return self.problems[0].field

    @property
    def reason(self) -> str:
        return self.problems[0].reason

    def __str__(self) -> str:
        return "\n".join(f"{self.file}: {problem.field}: {problem.reason}" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a fact comes from and how far it is proven: "no", "public" (tried by others) or "device" (tried by us)."""

    verified: str
    source: str


@dataclass(frozen=True, slots=True)
class Field:
    """One value inside a block. ``offset`` in bytes from the block's first; ``multiplier`` to canonical units."""

    name: str
    type: str
    offset: int
    size: int
    multiplier: int
    dimension: str  # "energy", "money", "power", ... "count", or "" for bits, clock and serial
    bits: tuple[tuple[str, int], ...]  # (name, bit number) of a status byte
    volatile: bool  # moves by itself: ignored when two polls are compared
    proof: Proof
    divisor: int = 1  # counts finer than the canonical unit are rounded
    decimal: str = ""  # field that tells the decimal point: times 10 to the power of it minus 4
    ratios: tuple[str, ...] = ()  # "pt", "ct": the register shows the transformers' secondary side
    sign: tuple[str, int] | None = None  # field and bit that make it negative

    @property
    def plain(self) -> bool:
        """Whether ``multiplier`` alone makes it canonical."""
        return self.divisor == 1 and not (self.decimal or self.ratios or self.sign or self.type == "f32")


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that are read together; or one data item: ``address`` is its identifier, ``count`` its bytes."""

    name: str
    function: int
    address: int
    count: int
    fields: tuple[Field, ...]
    width: int = 2  # bytes of each of ``count``

    @property
    def size(self) -> int:
        """Bytes of an answer's body."""
        return self.width * self.count

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def volatile(self) -> tuple[tuple[int, int], ...]:
        """Byte ranges [start, end) that move by themselves."""
        return tuple((one.offset, one.offset + one.size) for one in self.fields if one.volatile)


@dataclass(frozen=True, slots=True)
class Setting:
    """A register that can be written: prices, alarm levels, limits. In canonical units after ``multiplier``."""

    name: str
    address: int
    type: str
    multiplier: int
    dimension: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class CreditForm:
    """How an amount and its purchase number are written together (function 10)."""

    address: int
    amount_type: str
    multiplier: int
    refusals: tuple[tuple[int, str], ...]  # exception code -> stable word
    proof: Proof


@dataclass(frozen=True, slots=True)
class AbsoluteForm:
    """Remaining credit, purchase number and meter number in one frame of function 20. Offsets in bytes of its payload.

    In front of each stands an enable byte. What the meter used since it was read is given back: class B, experimental.
    """

    area: int
    registers: int
    remaining: int
    number: int
    serial: int
    multiplier: int
    proof: Proof


@dataclass(frozen=True, slots=True)
class LogForm:
    """The meter's own purchase log, newest first. Record i begins at ``address + i * stride``; offsets in bytes."""

    address: int
    records: int
    registers: int
    stride: int
    stamp: int
    count: int
    amount: int
    remaining: int
    energy: int
    multiplier: int
    energy_multiplier: int
    proof: Proof


@dataclass(frozen=True, slots=True)
class ModeForm:
    """Words that put a meter into each supply mode: registers (function 10), or commands of DL/T 645 one by one."""

    address: int
    words: Mapping[str, tuple[int, ...]]  # core.supply.SupplyMode value -> registers or commands
    proof: Proof


@dataclass(frozen=True, slots=True)
class Option:
    """A fact on which sources differ: the value in force and the others it may take."""

    value: str
    allowed: tuple[str, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything the house knows about one model of meter."""

    name: str
    title: str
    maker: str
    models: tuple[str, ...]
    model_code: int | None  # what the register "model" holds
    phases: int
    codec: str
    framing: tuple[str, ...]
    purse: str | None
    credit_class: str | None
    returns_credit: bool
    capabilities: frozenset[str]
    line: Mapping[str, int | str]  # factory line setting: baud, parity
    blocks: tuple[Block, ...]
    sweep: tuple[str, ...]  # blocks of the state sweep
    evidence: tuple[str, ...]  # blocks that prove a credit
    identity: str  # "serial", "purchase-log" or "none"
    credit: CreditForm | None
    log: LogForm | None
    modes: ModeForm | None
    settings: tuple[Setting, ...]
    options: Mapping[str, Option]
    sources: Mapping[str, str]
    experimental: bool = False  # never offered, never sells unless somebody who knows says so
    absolute: AbsoluteForm | None = None
    ratios: Mapping[str, str] = field(default_factory=dict)  # "pt", "ct" -> "meter" or "estate"
    _by_name: Mapping[str, Block] = field(default_factory=dict, compare=False, repr=False)

    def __hash__(self) -> int:
        return hash(self.name)

    def block(self, name: str) -> Block:
        """The block of that name. Raises KeyError."""
        return self._by_name[name]

    def can(self, capability: str) -> bool:
        """Whether the model has a capability."""
        return capability in self.capabilities

    def setting(self, name: str) -> Setting | None:
        """The writable register of that name."""
        return next((one for one in self.settings if one.name == name), None)
