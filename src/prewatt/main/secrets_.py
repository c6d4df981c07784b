"""Secrets shared with gateways: one file in the home, 0600, by kind and gateway's name; never in the database or a log.

Kinds: ``3des``, the shared secret of the triple-DES record mode; ``acrel``, the device secret of a maker's manager.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from pathlib import Path

from prewatt.core.errors import Refusal
from prewatt.main.home import write_durably

FILE = "gateway-secrets.json"
RECORDS, ACREL = "3des", "acrel"
KINDS = (RECORDS, ACREL)
ACREL_BYTES = 16  # it is an AES-128 key as it stands


class GatewaySecrets:
    """The file of a home. It is read at each question: there are few, and a changed secret must count at once."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def get(self, kind: str, gateway: str) -> bytes | None:
        """A gateway's secret, None when there is none. Raises Refusal when others may read the file."""
        text = self._read().get(kind, {}).get(gateway)
        if text is None:
            return None
        return bytes.fromhex(text)

    def set(self, kind: str, gateway: str, secret: bytes) -> None:
        """Keep a secret. Raises Refusal for one that cannot be."""
        if kind == ACREL and len(secret) != ACREL_BYTES:
            raise Refusal("secret-length", "The device secret of an Acrel manager has exactly 16 bytes.")
        if kind == RECORDS and len(secret) < ACREL_BYTES:
            raise Refusal("secret-length", "A shared secret has at least 16 bytes.")
        kept = self._read()
        kept.setdefault(kind, {})[gateway] = secret.hex()
        self._write(kept)

    def drop(self, kind: str, gateway: str) -> bool:
        """Forget a secret; whether there was one."""
        kept = self._read()
        found = kept.get(kind, {}).pop(gateway, None) is not None
        if found:
            self._write(kept)
        return found

    def names(self) -> list[tuple[str, str]]:
        """Kind and gateway of every secret; never the secret."""
        return sorted((kind, name) for kind, by_name in self._read().items() for name in by_name)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            mode = stat.S_IMODE(self._file.stat().st_mode)
            if mode & 0o077:
                raise Refusal(
                    "secret-file", "%(path)s may be read by others (%(mode)s). Make it 0600.",
                    path=self._file, mode=oct(mode),
                )  # fmt: skip
            return dict(json.loads(self._file.read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise Refusal("secret-file", "%(path)s is damaged: %(why)s", path=self._file, why=error) from error

    def _write(self, kept: dict[str, dict[str, str]]) -> None:
        fresh = self._file.with_suffix(self._file.suffix + ".new")
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        write_durably(self._file, json.dumps(kept, ensure_ascii=False, indent=1))


def fresh(kind: str) -> bytes:
    """A new secret of the right length. That of an Acrel manager is typed in there: letters and digits."""
    return secrets.token_hex(ACREL_BYTES // 2).encode() if kind == ACREL else secrets.token_bytes(32)
