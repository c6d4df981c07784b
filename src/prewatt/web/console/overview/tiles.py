"""A unit as a tile: drawn once a face, remembered, and sent to open walls only when its face changes.

A face is what a person recognises: number, customer, state, mode. Credit, power and the time of reading change with
every sweep; they travel as a compact list and are put into the tiles by the page's script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from urllib.parse import quote

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from prewatt.core.money import Money
from prewatt.core.supply import Contact, SupplyMode, UnitState
from prewatt.office.readings.selectors import Tile
from prewatt.web.console.base.states import MODES, STATES
from prewatt.web.console.base.templatetags.console import kw, kwh

MEMORY_LIMIT = 50_000  # tiles remembered at most, in all languages

LONG = 9  # characters of credit that fit in the usual size; ten thousand yuan and more do not

Face = tuple[object, ...]


@dataclass(slots=True)
class _Seen:
    """What this process last drew of a tile, and since when (site epoch ms) it has looked so."""

    face: Face
    html: str
    face_since: int
    numbers: str
    numbers_since: int


class Wall:
    """Remembers how each tile looks. One a process; walls of all operators share it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], _Seen] = {}
        self._lock = Lock()

    def look(self, tiles: Iterable[Tile], language: str, now_ms: int) -> list[_Seen]:
        """How these tiles look now, in their order."""
        with self._lock:
            if len(self._seen) > MEMORY_LIMIT:
                self._seen.clear()
            return [self._one(tile, language, now_ms) for tile in tiles]

    def forget(self) -> None:
        """Begin anew: every wall gets every tile once more."""
        with self._lock:
            self._seen.clear()

    def _one(self, tile: Tile, language: str, now_ms: int) -> _Seen:
        face, numbers = face_of(tile), numbers_of(tile)
        seen = self._seen.get((language, tile.meter_id))
        if seen is None:
            seen = _Seen(face, draw(tile), now_ms, numbers, now_ms)
            self._seen[language, tile.meter_id] = seen
        if seen.face != face:
            seen = _Seen(face, draw(tile), now_ms, numbers, now_ms)
            self._seen[language, tile.meter_id] = seen
        elif seen.numbers != numbers:
            seen.numbers, seen.numbers_since = numbers, now_ms
            seen.html = draw(tile)
        return seen


def face_of(tile: Tile) -> Face:
    """What makes a tile look different at a glance."""
    return (tile.unit, tile.customer, tile.circuit, tile.state, tile.mode, is_unsure(tile))


def is_unsure(tile: Tile) -> bool:
    """Whether nobody can ask the meter now, because its gateway is away: what the tile shows may have changed."""
    return tile.contact is Contact.UNKNOWN and tile.read_at is not None


def numbers_of(tile: Tile) -> str:
    """id|epoch seconds of the reading|credit|power, as the page's script reads it."""
    at = int(tile.read_at.timestamp()) if tile.read_at else 0
    return f"{tile.meter_id}|{at}|{_credit(tile)}|{_power(tile)}"


def _credit(tile: Tile) -> str:
    if tile.credit is None or tile.state is UnitState.NOT_OPENED:
        return ""
    return f"{kwh(tile.credit)} kWh" if tile.purse == "energy" else str(Money(tile.credit))


def _power(tile: Tile) -> str:
    return "" if tile.power_w is None else f"{kw(tile.power_w)} kW"


def draw(tile: Tile) -> str:
    """The tile's HTML. Built by hand: two thousand of them make a page."""
    state = STATES[tile.state]
    held = " is-held" if tile.mode is SupplyMode.HELD_ON else ""
    unsure = " is-unsure" if is_unsure(tile) else ""
    mark = f'<span class="visually-hidden">{escape(str(MODES[tile.mode].word))}</span>' if held else ""
    customer = escape(f"{tile.customer} · {tile.circuit}" if tile.circuit else tile.customer)
    word = escape(str(state.word))
    number, credit = escape(tile.unit), _credit(tile)
    long = " is-long" if len(credit) > LONG else ""
    at = int(tile.read_at.timestamp()) if tile.read_at else 0
    return (
        f'<a id="m{tile.meter_id}" class="tile state--{state.key}{held}{unsure}" data-state="{state.key}"'
        f' data-at="{at}" href="{_address(tile.unit)}">'
        f'<b>{number}</b>{mark}<i class="ti ti-{state.icon}" aria-hidden="true"></i>'
        f'<span class="tile__who">{customer}</span><span class="tile__word">{word}</span>'
        f'<span class="tile__credit{long}">{credit}</span><span class="tile__power">{_power(tile)}</span>'
        f'<span class="tile__age"></span></a>'
    )


def _address(number: str) -> str:
    return f"{_base()}{quote(number)}/"


@cache
def _base() -> str:
    return reverse("units:find")


def out_of_band(html: str) -> str:
    """A tile that takes its own place on a wall that is already open."""
    return f'<a hx-swap-oob="morph" {html[3:]}'


def changed(seen: Sequence[_Seen], since_ms: int) -> tuple[SafeString, str]:
    """What a wall drawn at ``since_ms`` lacks: whole tiles, and numbers of the others."""
    faces = [out_of_band(one.html) for one in seen if one.face_since > since_ms]
    numbers = [one.numbers for one in seen if one.numbers_since > since_ms >= one.face_since]
    return mark_safe("".join(faces)), "\n".join(numbers)  # noqa: S308 - every part is escaped in draw()


WALL = Wall()
