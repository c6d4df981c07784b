"""Uploaded workbooks wait in the home's upload folder under a token, so that what is imported is what was checked.

Beside each file lies a note of its own state. The note is replaced as a whole; the right to import a file is a file
made exclusively, so that of two clicks one imports and both see its result.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.utils.crypto import get_random_string

KEPT = timedelta(days=2)
TOKEN = re.compile(r"[A-Za-z0-9]{24}")


class NoUpload(LookupError):
    """No such upload, or another operator's."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded workbook of one operator."""

    folder: Path
    token: str

    @property
    def file(self) -> Path:
        """The workbook, byte for byte as it came."""
        return self.folder / f"{self.token}.xlsx"

    @property
    def _note(self) -> Path:
        return self.folder / f"{self.token}.json"

    @property
    def _claim(self) -> Path:
        return self.folder / f"{self.token}.claim"

    def note(self) -> dict[str, Any]:
        """What is known of it: name, operator, state, counts, errors."""
        kept: dict[str, Any] = json.loads(self._note.read_text("utf-8"))
        return kept

    def tell(self, **changes: Any) -> dict[str, Any]:
        """Change the note; gives it as it is now."""
        note = {**(self.note() if self._note.exists() else {}), **changes}
        fresh = self._note.with_suffix(".json.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            json.dump(note, target, ensure_ascii=False)
        fresh.replace(self._note)
        return note

    def body(self) -> bytes:
        """The workbook's bytes. Raises NoUpload when they are not those that were checked."""
        body = self.file.read_bytes()
        if sha256(body).hexdigest() != self.note()["sha256"]:
            raise NoUpload(self.token)
        return body

    def claim(self) -> bool:
        """Take the right to import it; only the first who asks gets it."""
        try:
            os.close(os.open(self._claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        return True

    def give_back(self) -> None:
        """Let it be tried again: nothing was imported."""
        self._claim.unlink(missing_ok=True)


def keep(folder: Path, body: bytes, *, name: str, operator: int, at: datetime) -> Upload:
    """Put a workbook aside under a new token; what is older than two days goes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear(folder, at)
    upload = Upload(folder, get_random_string(24))
    descriptor = os.open(upload.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(body)
    facts: Mapping[str, Any] = {
        "name": name[:120], "operator": operator, "at": at.isoformat(), "size": len(body),
        "sha256": sha256(body).hexdigest(), "state": "new",
    }  # fmt: skip
    upload.tell(**facts)
    return upload


def find(folder: Path, token: str, *, operator: int) -> Upload:
    """An operator's own upload. Raises NoUpload."""
    upload = Upload(folder, token)
    if not TOKEN.fullmatch(token) or not upload.file.exists():
        raise NoUpload(token)
    if upload.note().get("operator") != operator:
        raise NoUpload(token)
    return upload


def _clear(folder: Path, at: datetime) -> None:
    for note in folder.glob("*.json"):
        try:
            kept = datetime.fromisoformat(json.loads(note.read_text("utf-8"))["at"])
        except (ValueError, KeyError, OSError):
            continue
        if not timedelta() <= at - kept <= KEPT:
            for file in folder.glob(f"{note.stem}.*"):
                file.unlink(missing_ok=True)
