"""The building as it stands: zones side by side, floors one above the other, tiles along each floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from prewatt.core.supply import UnitState
from prewatt.office.readings.selectors import Tile
from prewatt.web.console.base.states import STATES
from prewatt.web.console.overview.tiles import is_unsure

# from well to grave, those apart last: the order of the legend and of a zone's bar
ORDER = (
    UnitState.WELL,
    UnitState.LOW_1,
    UnitState.LOW_2,
    UnitState.ON_OVERDRAFT,
    UnitState.OFF_EMPTY,
    UnitState.FORCED_OFF,
    UnitState.OUT_OF_CONTACT,
    UnitState.NOT_OPENED,
)


@dataclass(slots=True)
class Floor:
    """A row of tiles."""

    label: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a zone's bar: so many of a state, from ``start`` on, both in thousandths."""

    state: str
    start: int
    width: int


@dataclass(slots=True)
class Zone:
    """A zone with its floors from the top down, and how its units are, as a bar."""

    key: int
    name: str
    count: int
    unsure: int = 0  # units whose gateway is away
    floors: list[Floor] = field(default_factory=list)
    bar: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Legend:
    """A state with how many units are in it."""

    key: str
    word: str
    icon: str
    hint: str
    count: int


def zones(tiles: Sequence[Tile], pieces: Sequence[str]) -> list[Zone]:
    """The wall: ``pieces`` is the HTML of ``tiles``, in the same order. Tiles come from the lowest floor up."""
    found = []
    for key, (name, members) in enumerate(_by_zone(tiles).items()):
        zone = _zone(key, name or _("without a building"), [tiles[place] for place in members])
        floors: dict[str, list[int]] = {}
        for place in members:
            floors.setdefault(_floor(tiles[place], name), []).append(place)
        labels = _labels(floors)
        for floor, places in reversed(floors.items()):
            places.sort(key=lambda place: _natural(tiles[place].unit))
            html = mark_safe("".join(pieces[place] for place in places))  # noqa: S308 - drawn and escaped in tiles
            zone.floors.append(Floor(labels[floor], html))
        found.append(zone)
    return found


def bars(tiles: Sequence[Tile]) -> list[Zone]:
    """The zones with their bars alone: for a wall that is already drawn."""
    by_zone = enumerate(_by_zone(tiles).values())
    return [_zone(key, "", [tiles[place] for place in members]) for key, members in by_zone]


def _zone(key: int, name: str, members: Sequence[Tile]) -> Zone:
    return Zone(key, name, len(members), sum(is_unsure(tile) for tile in members), bar=bar(members))


def _by_zone(tiles: Sequence[Tile]) -> dict[str, list[int]]:
    """Places of the tiles of each zone; a building without a zone stands for itself."""
    found: dict[str, list[int]] = {}
    for place, tile in enumerate(tiles):
        found.setdefault(tile.zone or tile.building or tile.group, []).append(place)
    return found


def _floor(tile: Tile, zone: str) -> str:
    """Building and floor within a zone; the group's own name where it is neither."""
    building = "" if tile.building == zone else tile.building
    floor = tile.floor or ("" if tile.group in {zone, tile.building} else tile.group)
    return f"{building} {floor}".strip()


def _labels(floors: Iterable[str]) -> dict[str, str]:
    """Short names of floors: without what all of them begin with (A区3层, A区4层: 3层, 4层)."""
    names = list(floors)
    shared = _shared([name for name in names if name]) if len(names) > 1 else ""
    cut = len(shared.rstrip("0123456789-BbFf"))
    return {name: name[cut:] or name for name in names}


def _shared(names: Sequence[str]) -> str:
    """What all these names begin with."""
    first, last = min(names, default=""), max(names, default="")
    length = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


def _natural(number: str) -> tuple[tuple[int, int, str], ...]:
    """Order people expect: A-2 before A-10."""
    parts: list[str] = []
    for letter in number:
        if parts and parts[-1][-1].isdecimal() == letter.isdecimal():
            parts[-1] += letter
        else:
            parts.append(letter)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def counts(tiles: Iterable[Tile]) -> Counter[UnitState]:
    """How many units are in each state."""
    return Counter(tile.state for tile in tiles)


def bar(tiles: Iterable[Tile]) -> list[Part]:
    """States of some units as stretches of a bar a thousand wide."""
    found = counts(tiles)
    total = sum(found.values()) or 1
    parts, passed = [], 0
    for state in ORDER:
        if found[state]:
            start, passed = passed * 1000 // total, passed + found[state]
            parts.append(Part(STATES[state].key, start, passed * 1000 // total - start))
    return parts


def legend(tiles: Iterable[Tile]) -> list[Legend]:
    """All states with their words, and how many units are in each."""
    found = counts(tiles)
    faces = ((state, STATES[state]) for state in ORDER)
    return [Legend(face.key, str(face.word), face.icon, str(face.hint), found[state]) for state, face in faces]
