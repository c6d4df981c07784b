"""A schedule: what is sold, what goes wrong and when. Drawn from a seed, or written by hand for a directed test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from prewatt.field.simulator.chance import stream

# what may become of a frame on the wire
REQUEST_LOST, REQUEST_CORRUPT, REQUEST_TWICE, REQUEST_LATE = (
    "request-lost",
    "request-corrupt",
    "request-twice",
    "request-late",
)
REPLY_LOST, REPLY_CORRUPT, REPLY_TWICE, REPLY_LATE, REPLY_CUT = (
    "reply-lost", "reply-corrupt", "reply-twice", "reply-late", "reply-cut",
)  # fmt: skip
WRONG_UNIT, IMPOSTOR = "wrong-unit", "impostor"  # a neighbour answers in its own name; in ours
BUSY, REFUSE, NO_PATH = "busy", "refuse", "no-path"  # exceptions 06, 04, 0B instead of an answer
CUT_BEFORE, CUT_AFTER, TORN = "cut-before", "cut-after", "torn"  # power fails as the purchase is applied
ON_THE_WIRE = (REQUEST_LOST, REQUEST_CORRUPT, REQUEST_TWICE, REQUEST_LATE, REPLY_LOST, REPLY_CORRUPT, REPLY_TWICE,
               REPLY_LATE, REPLY_CUT, WRONG_UNIT)  # fmt: skip
MONEY, READ, ANY = "money", "read", "any"
LONGEST_DELAY_S = 44.0  # with the age of a permit below the worst delay that the office counts on


@dataclass(frozen=True, slots=True)
class Rule:
    """One trouble on the wire: for which frames, from which on, and how often."""

    kind: str
    what: str = MONEY
    meter: int | None = None  # 0 or 1; None: either
    skip: int = 0
    times: int = 1
    chance: float = 1.0
    delay: float = 1.5
    from_s: float = 0.0
    register: int | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A cashier's form, perhaps sent twice."""

    at: float
    meter: int
    fen: int
    cashier: int = 0
    twice_after: float | None = None
    cancel_at: float | None = None  # somebody tries to cancel it then
    again: bool = False  # somebody sends it again once the meter refused it


@dataclass(frozen=True, slots=True)
class Moment:
    """When: at a time, or so long after the n-th credit frame to a meter, or after the n-th call of a verb."""

    at: float = 0.0
    money: int = 0  # 0: by time
    meter: int = 0
    verb: str = ""
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Happening:
    """Something done to a meter, the link, the store or the clock, for a while."""

    kind: str  # dead, swap, twin, old-twin, reset, foreign, link-down, store-away, stuck, clock, second-head
    when: Moment
    meter: int = 0
    for_s: float = 5.0
    value: int = 0
    back: bool = True  # what was swapped comes back when the faults stop


@dataclass(frozen=True, slots=True)
class Kill:
    """The head-end dies and is started anew."""

    verb: str = ""  # before or after the n-th call of a verb ...
    nth: int = 1
    after: bool = False
    byte: int | None = None  # ... or at the k-th byte on the link, counted from the nth credit frame on
    at: float | None = None  # ... or at a time
    back_after: float = 1.0


@dataclass(frozen=True, slots=True)
class Crash:
    """The store dies in the n-th call of a verb: at a statement, instead of its COMMIT, or before it can answer."""

    verb: str
    nth: int = 1
    statement: int | None = None
    commit: bool = False
    full: bool = False  # the disk is full: an error of the database instead of a death


@dataclass(frozen=True, slots=True)
class Schedule:
    """A whole story."""

    seed: int
    sales: tuple[Sale, ...]
    rules: tuple[Rule, ...] = ()
    happenings: tuple[Happening, ...] = ()
    kills: tuple[Kill, ...] = ()
    crashes: tuple[Crash, ...] = ()
    calm_at: float = 40.0
    load_w: int = 0
    opening: tuple[tuple[int, int], ...] = ((3, 200_00), (7, 500_00))  # count and total of each meter
    interlope: str = ""  # "cancel": somebody cancels while the order is being armed, after it was read


def draw(seed: int) -> Schedule:
    """The schedule of a seed: up to three orders, one to six troubles."""
    rng = stream("storm", seed)
    calm_at = rng.uniform(15.0, 60.0)
    sales = tuple(_sales(rng, calm_at))
    wild = rng.random() < 0.25  # a smaller share with causes for quarantine
    rules: list[Rule] = []
    happenings: list[Happening] = []
    kills: list[Kill] = []
    crashes: list[Crash] = []
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5, 6))):
        match rng.choices(("wire", "noise", "power", "kill", "crash", "happening"), (30, 12, 12, 22, 14, 10))[0]:
            case "wire":
                rules.append(_wire(rng))
            case "noise":
                rules.append(replace(_wire(rng), what=ANY, times=999, chance=rng.choice((0.05, 0.15, 0.4)), skip=0))
            case "power":
                kind = rng.choice((CUT_BEFORE, CUT_AFTER, TORN) if wild else (CUT_BEFORE, CUT_AFTER))
                rules.append(Rule(kind, MONEY, skip=rng.randrange(3), delay=rng.choice((0.5, 3.0, 20.0))))
            case "kill":
                kills.append(_kill(rng, calm_at))
            case "crash":
                crashes.append(_crash(rng))
            case "happening":
                happenings.append(_happening(rng, calm_at))
    if wild:
        happenings.append(_cause(rng, calm_at))
    return Schedule(
        seed, sales, tuple(rules), tuple(happenings), tuple(kills), tuple(crashes), calm_at,
        load_w=rng.choice((0, 0, 2_000)), opening=_opening(rng),
    )  # fmt: skip


def _opening(rng: Random) -> tuple[tuple[int, int], ...]:
    return tuple((rng.choice((0, 1, 7, 300)), rng.choice((0, 100_00, 5_432_10))) for _ in range(2))


def _sales(rng: Random, calm_at: float) -> list[Sale]:
    found: list[Sale] = []
    together = rng.random() < 0.4  # two cashiers at once
    for number in range(rng.choice((1, 2, 2, 3))):
        at = found[0].at if together and number == 1 else rng.uniform(0.5, min(20.0, calm_at))
        found.append(
            Sale(
                at=at,
                meter=found[0].meter if together and number == 1 else rng.choice((0, 0, 1)),
                fen=100 * rng.randrange(1, 90) * 10 + 100 * number + 100,  # no two alike: an amount names its order
                cashier=number % 2,
                twice_after=rng.choice((None, None, None, 0.0, 0.3, 4.0)),
                cancel_at=at + rng.uniform(0.0, 90.0) if rng.random() < 0.15 else None,
                again=rng.random() < 0.3,
            )
        )
    return found


def _wire(rng: Random) -> Rule:
    kind = rng.choice(ON_THE_WIRE)
    if rng.random() < 0.08:
        kind = rng.choice((BUSY, REFUSE, NO_PATH, IMPOSTOR))
    what = rng.choice((MONEY, MONEY, MONEY, READ, ANY))
    if kind == IMPOSTOR:
        what = READ
    delays = {REPLY_LATE: (0.6, 1.2, 1.8, 2.6, 4.5, 9.0), REQUEST_LATE: (0.9, 1.6, 3.0, 8.0, 20.0, LONGEST_DELAY_S)}
    delay = rng.choice(delays.get(kind, (0.05, 0.5, 1.3, 3.0, 10.0, LONGEST_DELAY_S)))
    return Rule(
        kind, what, rng.choice((None, 0, 1)), skip=rng.choice((0, 0, 0, 1, 2)),
        times=rng.choice((1, 1, 1, 2, 3, 6)), delay=delay * rng.uniform(0.8, 1.0),
    )  # fmt: skip


def _kill(rng: Random, calm_at: float) -> Kill:
    back = rng.choice((0.05, 0.5, 2.0, 10.0))
    match rng.choice(("verb", "verb", "byte", "byte", "time")):
        case "verb":
            verb = rng.choice(("arm", "arm", "observe", "observe", "retry", "due", "lease", "ingest"))
            return Kill(verb=verb, nth=rng.choice((1, 1, 2, 3)), after=rng.random() < 0.5, back_after=back)
        case "byte":
            return Kill(byte=rng.randrange(60), nth=rng.choice((1, 1, 2, 3)), back_after=back)
    return Kill(at=rng.uniform(1.0, calm_at), back_after=back)


def _crash(rng: Random) -> Crash:
    verb = rng.choice(("sell", "arm", "arm", "observe", "observe", "retry", "lease", "ingest"))
    nth = rng.choice((1, 1, 2, 3))
    match rng.choice(("statement", "statement", "commit", "answer", "full")):
        case "statement":
            return Crash(verb, nth, statement=rng.randrange(1, 24))
        case "commit":
            return Crash(verb, nth, commit=True)
        case "answer":
            return Crash(verb, nth)
    return Crash(verb, nth, statement=rng.randrange(1, 24), full=True)


def _moment(rng: Random, calm_at: float) -> Moment:
    match rng.randrange(6):
        case 0 | 1 | 2:
            return Moment(at=rng.uniform(0.0, 4.0), money=rng.choice((1, 1, 2, 3)), meter=rng.choice((0, 0, 1)))
        case 3:
            verb = rng.choice(("arm", "observe", "retry"))
            return Moment(at=rng.choice((0.0, 0.0, 2.0)), verb=verb, nth=rng.choice((1, 1, 2)))
    return Moment(at=rng.uniform(0.5, calm_at))


def _happening(rng: Random, calm_at: float) -> Happening:
    kind = rng.choice(
        ("dead", "dead", "link-down", "link-down", "store-away", "store-away", "stuck", "second-head", "clock")
    )
    value = rng.choice((-600, -90, -3, 2, 45, 400)) if kind == "clock" else 0
    return Happening(
        kind, _moment(rng, calm_at), rng.choice((0, 0, 1)), rng.choice((0.5, 3.0, 12.0, 40.0, 100.0)), value
    )


def _cause(rng: Random, calm_at: float) -> Happening:
    kind = rng.choice(("swap", "twin", "old-twin", "reset", "foreign", "foreign"))
    return Happening(
        kind,
        _moment(rng, calm_at),
        rng.choice((0, 0, 1)),
        value=100 * rng.randrange(1, 90) + 7,
        back=rng.random() < 0.5,
    )
