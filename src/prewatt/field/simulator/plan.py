"""The plan of the demo building: zones, gateways, lines, meters, units and tenants, drawn from a seed.

The same plan builds the estate in the books and the meters on the simulated wire, so that both tell of one house.
Money is in fen, energy in Wh, power in W, prices in 1/10000 yuan per kWh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from prewatt.field.simulator.chance import seed_of, stream
from prewatt.field.simulator.load import day_energy_wh
from prewatt.field.simulator.names import USES, Namer

DDSY = "acrel-ddsy1352-nk"
DTSY = "acrel-dtsy1352-nk"
ADF = "acrel-adf400l"
ADF_3P = "acrel-adf400l-3p"
DLT = "dlt645-2007"
DLT_3P = "dlt645-2007-3p"
DTSD = "acrel-dtsd1352"
PZ = "acrel-pz"
ACR = "acrel-acr"
PROFILES = (DDSY, DTSY, ADF, ADF_3P, DLT, DLT_3P, DTSD, PZ, ACR)
THREE_PHASE = frozenset({DTSY, ADF_3P, DLT_3P, DTSD, PZ, ACR})
DLT_MODELS = frozenset({DLT, DLT_3P})  # called by their serial number; 8E1
INSTRUMENTS = frozenset({DTSD, PZ, ACR})  # neither purse nor contactor; behind current transformers
ADF_MODELS = frozenset({ADF, ADF_3P})

PRICE = 8_500
ALARM_1_FEN = 50_00
ALARM_2_FEN = 20_00
CEILING_FEN = 50_000_00
OVERDRAFT_FEN = 200_00  # of the few tenants who have one

# (letter, name, floors and units a floor, kinds on single-phase meters, kinds on three-phase meters)
_ZONES = (
    (
        "A",
        "A区 塔楼低区",
        ("3层", "4层", "5层", "6层", "7层", "8层"),
        8,
        "office office office clinic",
        "office office server school",
    ),
    (
        "B",
        "B区 塔楼高区",
        ("15层", "16层", "17层", "18层", "19层", "20层"),
        8,
        "office office office",
        "office office server gym",
    ),
    (
        "C",
        "C区 裙楼商业",
        ("B1层", "1层", "2层", "3层"),
        12,
        "clothes clothes drinks salon",
        "restaurant restaurant restaurant store",
    ),
    ("D", "D区 附楼", ("1层", "2层", "3层", "4层"), 12, "storage office salon clinic", "school gym store public"),
)
_SINGLE_W = {"office": (900, 3_200), "clothes": (1_600, 4_500), "drinks": (2_200, 5_500), "salon": (1_800, 4_200)}
_THREE_W = {"restaurant": (9_000, 21_000), "server": (6_000, 18_000), "office": (5_000, 12_000), "gym": (8_000, 16_000)}
_WELL_DAYS = (18, 90)
_MIX = (("low-1", 8), ("low-2", 5), ("on-overdraft", 3), ("off-empty", 3))
_NOT_OPENED = 22


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """A meter as it leaves the engineer's hands on the first day of the demo."""

    name: str
    address: int
    profile: str
    serial: str
    kind: str = "steady"
    scale_w: int = 1_000
    seed: int = 0
    opened: bool = True
    credit_fen: int = 100_00  # what it holds on the first day
    energy_wh: int = 0  # its register on the first day
    opened_days: int = 0  # how long before the first day its supply was opened
    price: int = PRICE
    alarm_1_fen: int = ALARM_1_FEN
    alarm_2_fen: int = ALARM_2_FEN
    overdraft_fen: int = 0
    ceiling_fen: int = CEILING_FEN
    mode: str = "prepaid"  # or held-on, forced-off
    dead: bool = False  # does not answer until somebody clears the fault
    intent: str = "well"  # the state its tile is meant to show


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit number, who rents it, and its meter. ``customer`` is None where nobody has opened a supply."""

    number: str
    name: str
    zone: str
    floor: str  # name of the group of the floor, unique in the building
    use: str
    area_m2: int
    protected: bool
    customer: str | None
    phone: str
    meter: MeterPlan
    line: str


@dataclass(frozen=True, slots=True)
class LinePlan:
    """An RS-485 line: channel of its gateway, and the meters along it."""

    name: str
    gateway: str
    channel: int
    meters: tuple[MeterPlan, ...]
    baud: int = 9600
    parity: str = "N"
    framing: str = "rtu-over-tcp"  # or modbus-tcp, serial


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """A communication manager in a zone; channel n listens at its first port + n - 1."""

    name: str
    zone: str
    cabinet: str
    lines: tuple[LinePlan, ...]


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """A zone and its floors, from the bottom up."""

    name: str
    floors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildingPlan:
    """The whole house."""

    name: str
    company: str
    seed: int
    zones: tuple[ZonePlan, ...]
    gateways: tuple[GatewayPlan, ...]
    units: tuple[UnitPlan, ...]

    def lines(self) -> Iterator[LinePlan]:
        """All lines, gateway by gateway."""
        for gateway in self.gateways:
            yield from gateway.lines

    def meters(self) -> Iterator[MeterPlan]:
        """All meters, line by line."""
        for line in self.lines():
            yield from line.meters


@dataclass(slots=True)
class _Draft:
    """A unit while the building is being drawn."""

    zone: int
    number: str
    floor: str
    kind: str
    three_phase: bool
    intent: str = "well"


@lru_cache(maxsize=4)
def describe(seed: int = 1) -> BuildingPlan:
    """The demo building: 4 zones, a gateway and two lines each, 24 meters a line, about 170 of 192 units let."""
    rng = stream("building", seed)
    drafts = [draft for zone in range(len(_ZONES)) for draft in _draft_zone(zone, rng)]
    _give_intents(drafts, rng)
    namer = Namer(rng)
    units = [_unit(draft, place, seed, rng, namer) for place, draft in enumerate(drafts)]
    gateways = tuple(_gateway(zone, units) for zone in range(len(_ZONES)))
    zones = tuple(
        ZonePlan(name, tuple(f"{letter}区{floor}" for floor in floors)) for letter, name, floors, *_rest in _ZONES
    )
    return BuildingPlan("云岫广场", "云岫物业服务有限公司", seed, zones, gateways, tuple(units))


def bench(lines: int, meters: int, profile: str, baud: int, seed: int, framing: str = "rtu-over-tcp") -> BuildingPlan:
    """Plain lines of one kind of meter, a gateway each, for whoever wants something to read.

    Raises ValueError for an unknown profile, more than 247 meters a line, or a framing that cannot carry them.
    """
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; the simulator has {', '.join(PROFILES)}")
    if not 1 <= meters <= 247:
        raise ValueError("a line carries 1 to 247 meters")
    if profile in DLT_MODELS and framing == "modbus-tcp":
        raise ValueError("Modbus TCP does not carry frames of DL/T 645")
    parity = "E" if profile in DLT_MODELS else "N"
    gateways = []
    for number in range(1, lines + 1):
        on_line = tuple(_bench_meter(number, address, profile, seed) for address in range(1, meters + 1))
        line = LinePlan(f"line-{number}", f"gateway-{number}", 1, on_line, baud, parity, framing)
        gateways.append(GatewayPlan(f"gateway-{number}", "", "", (line,)))
    return BuildingPlan("bench", "", seed, (), tuple(gateways), ())


def _bench_meter(line: int, address: int, profile: str, seed: int) -> MeterPlan:
    own = seed_of("bench", seed, line, address)
    if profile in THREE_PHASE:
        kinds, scale = ("restaurant", "server", "gym", "store"), 6_000 + own % 14_000
    else:
        kinds, scale = ("office", "clothes", "drinks", "salon"), 1_000 + own % 3_000
    kind = kinds[own % len(kinds)]
    credit = day_energy_wh(kind, scale) * PRICE // 100_000 * (10 + own % 40)
    return MeterPlan(
        name=f"{line}-{address}",
        address=address,
        profile=profile,
        serial=_serial(seed, "bench", line, address),
        kind=kind,
        scale_w=scale,
        seed=own,
        credit_fen=credit,
        energy_wh=own % 9_000_000 // 10 * 10,
        opened_days=30,
    )


def _serial(seed: int, *place: object) -> str:
    return f"2306{seed_of('serial', seed, *place) % 10**8:08d}"


def _draft_zone(zone: int, rng: Random) -> Iterator[_Draft]:
    letter, _name, floors, a_floor, single, three = _ZONES[zone]
    for floor in floors:
        label = floor.removesuffix("层")
        for place in range(1, a_floor + 1):
            three_phase = place % 2 == 0
            kinds = (three if three_phase else single).split()
            number = f"{letter}-{label}{place:02d}"
            yield _Draft(zone, number, f"{letter}区{floor}", rng.choice(kinds), three_phase)


def _give_intents(drafts: list[_Draft], rng: Random) -> None:
    """Decide whose tile is not simply well: small tenants run low, important ones are held on."""
    small = [draft for draft in drafts if not draft.three_phase]
    rng.shuffle(small)
    for intent, count in _MIX:
        for _ in range(count):
            small.pop().intent = intent
    rest = [draft for draft in drafts if draft.intent == "well"]
    rng.shuffle(rest)
    held = [draft for draft in rest if draft.kind in ("server", "public")][:2]
    for draft in held:
        draft.intent = "held-on"
    others = [draft for draft in rest if draft.intent == "well"]
    for intent, count in (("forced-off", 2), ("dead", 2), ("not-opened", _NOT_OPENED)):
        for _ in range(count):
            others.pop().intent = intent


def _unit(draft: _Draft, place: int, seed: int, rng: Random, namer: Namer) -> UnitPlan:
    letter, zone_name, *_rest = _ZONES[draft.zone]
    opened = draft.intent != "not-opened"
    channel = 2 if draft.three_phase else 1
    meter = _meter(draft, place, seed, rng)
    return UnitPlan(
        number=draft.number,
        name=f"{draft.number.split('-')[1]}室" if letter in "AB" else f"{draft.number.split('-')[1]}铺",
        zone=zone_name,
        floor=draft.floor,
        use=USES[draft.kind],
        area_m2=max(18, meter.scale_w // (60 if not draft.three_phase else 70)),
        protected=draft.intent == "held-on",
        customer=namer.name(draft.kind) if opened else None,
        phone=f"1390000{rng.randrange(10_000):04d}" if opened else "",
        meter=meter,
        line=f"{letter}区{channel}号线",
    )


def _meter(draft: _Draft, place: int, seed: int, rng: Random) -> MeterPlan:
    in_zone = place % 48
    scale = _scale(draft, rng)
    days = rng.randrange(40, 700)
    a_day = day_energy_wh(draft.kind, scale)
    meter = MeterPlan(
        name=f"{draft.number} 电表",
        address=in_zone // 2 + 1,
        profile=DTSY if draft.three_phase else DDSY,
        serial=_serial(seed, "building", place),
        kind=draft.kind,
        scale_w=scale,
        seed=seed_of("load", seed, place),
        opened_days=days,
        energy_wh=(a_day * days + rng.randrange(20_000)) // 10 * 10,
        credit_fen=a_day * PRICE // 100_000 * rng.randrange(*_WELL_DAYS) + rng.randrange(60_00, 160_00),
        intent=draft.intent,
    )
    return _as_intended(meter, rng)


def _scale(draft: _Draft, rng: Random) -> int:
    if draft.intent in dict(_MIX):
        return rng.randrange(160, 380)  # a small tenant's credit stays low for long without running out
    low, high = (
        _THREE_W.get(draft.kind, (4_000, 11_000)) if draft.three_phase else _SINGLE_W.get(draft.kind, (900, 3_000))
    )
    return rng.randrange(low, high)


def _as_intended(meter: MeterPlan, rng: Random) -> MeterPlan:
    match meter.intent:
        case "low-1":
            return replace(meter, credit_fen=rng.randrange(36_00, 49_00))
        case "low-2":
            return replace(meter, credit_fen=rng.randrange(11_00, 19_50))
        case "on-overdraft":
            return replace(meter, credit_fen=-rng.randrange(8_00, 45_00), overdraft_fen=OVERDRAFT_FEN)
        case "off-empty":
            return replace(meter, credit_fen=0)
        case "held-on" | "forced-off" as mode:
            return replace(meter, mode=mode)
        case "dead":
            return replace(meter, dead=True)
        case "not-opened":
            return replace(meter, opened=False, credit_fen=0, energy_wh=rng.randrange(20, 400) * 10, opened_days=0)
        case _:
            return meter


def _gateway(zone: int, units: list[UnitPlan]) -> GatewayPlan:
    letter, zone_name, *_rest = _ZONES[zone]
    name = f"{letter}区通讯管理机"
    lines = []
    for channel in (1, 2):
        line = f"{letter}区{channel}号线"
        meters = tuple(unit.meter for unit in units if unit.line == line)
        lines.append(LinePlan(line, name, channel, meters))
    return GatewayPlan(name, zone_name, f"{letter}区弱电间", tuple(lines))
