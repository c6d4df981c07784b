"""Reading a TOML table key by key, noting every mistake with its place instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prewatt.meters.shape import Problem, Proof
from prewatt.meters.vocabulary import VERIFIED

_TYPE_NAMES = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


class Table:
    """One table of a profile. Keys that nobody asked for are mistakes; ``close`` notes them."""

    def __init__(self, content: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
        self._content = content
        self._asked: set[str] = set()
        self.path = path
        self.problems = problems

    def wrong(self, key: str, reason: str) -> None:
        """Note a mistake at a key of this table."""
        self.problems.append(Problem(f"{self.path}.{key}" if self.path and key else self.path or key, reason))

    def has(self, key: str) -> bool:
        """Whether the key is there; counts as asked."""
        self._asked.add(key)
        return key in self._content

    def text(self, key: str, default: str | None = None, *, among: Iterable[str] | None = None) -> str:
        """A text; mandatory without a default."""
        value = str(self._take(key, str, default, ""))
        if among is not None and value and value not in (known := tuple(among)):
            self.wrong(key, f"unknown value {value!r}; known: {', '.join(known)}")
        return value

    def number(self, key: str, default: int | None = None, *, low: int = 0, high: int = 0xFFFF) -> int:
        """A whole number within limits."""
        value = int(self._take(key, int, default, low))
        if not low <= value <= high:
            self.wrong(key, f"{value} is not {low} to {high}")
            return low
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        return bool(self._take(key, bool, default, False))

    def texts(self, key: str, *, among: Iterable[str] | None = None) -> tuple[str, ...]:
        """A list of texts, none twice."""
        values = [value for value in self._take(key, list, None, []) if self._is_text(key, value)]
        known = None if among is None else tuple(among)
        for value in values:
            if known is not None and value not in known:
                self.wrong(key, f"unknown value {value!r}; known: {', '.join(known)}")
            if values.count(value) > 1:
                self.wrong(key, f"{value!r} stands twice")
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        """A list of register values."""
        values = self._take(key, list, None, [])
        if not values or any(type(value) is not int or not 0 <= value <= 0xFFFF for value in values):
            self.wrong(key, "must be register values 0 to 65535")
            return ()
        return tuple(values)

    def table(self, key: str) -> Table:
        """A table inside; an empty one, and a mistake, when it is missing."""
        content = self._take(key, dict, None, {})
        return Table(content, f"{self.path}.{key}" if self.path else key, self.problems)

    def tables(self, key: str, *, label: str = "name", default: list[Any] | None = None) -> list[Table]:
        """A list of tables, each told by its label in messages."""
        found: list[Table] = []
        for place, content in enumerate(self._take(key, list, default, [])):
            path = f"{self.path}.{key}" if self.path else key
            if not isinstance(content, dict):
                self.wrong(key, f"entry {place + 1} is not a table")
                continue
            found.append(Table(content, f"{path}[{content.get(label, place + 1)}]", self.problems))
        return found

    def names(self) -> tuple[str, ...]:
        """All keys; they count as asked."""
        self._asked.update(self._content)
        return tuple(self._content)

    def proof(self, sources: Iterable[str], default: Proof | None = None) -> Proof:
        """The two keys that say how far a fact is proven and where it comes from."""
        verified = self.text("verified", default.verified if default else None, among=VERIFIED)
        return Proof(verified, self.text("source", default.source if default else None, among=sources))

    def close(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                self.wrong(key, "unknown key")

    def _is_text(self, key: str, value: object) -> bool:
        if isinstance(value, str):
            return True
        self.wrong(key, f"{value!r} is not text")
        return False

    def _take(self, key: str, kind: type, default: Any, fallback: Any) -> Any:
        self._asked.add(key)
        if key not in self._content:
            if default is None:
                self.wrong(key, "is missing")
                return fallback
            return default
        value = self._content[key]
        if type(value) is not kind:
            self.wrong(key, f"{value!r} is not {_TYPE_NAMES[kind]}")
            return fallback
        return value
