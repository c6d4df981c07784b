"""Django's SQLite backend with a fair queue: a writer takes a file lock before BEGIN IMMEDIATE.

SQLite's own busy wait sleeps and tries again, so with many tills the unlucky one waits for seconds. The kernel hands an
``flock`` over in order, and frees it when its holder is killed. Reads outside a transaction never touch it.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any

from prewatt.main.sqlite_backend import library

library.install()

from django.db.backends.sqlite3 import base as sqlite  # noqa: E402 (after the swap of the library)

COMMANDS = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA busy_timeout=20000"


class DatabaseWrapper(sqlite.DatabaseWrapper):
    """One connection, with the lock file of its database beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queue: int | None = None  # file descriptor of the lock file
        self._queued = False

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        self.transaction_mode = "IMMEDIATE"
        self.init_commands: list[str] = [*COMMANDS.split(";"), *self.init_commands]
        return params

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        # A commit that fails leaves the transaction open: the rollback after it ends the turn.
        super()._commit()  # type: ignore[misc]
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self._queue is not None:
                os.close(self._queue)  # closing it frees the lock too
            self._queue = None
            self._queued = False

    def _take_turn(self) -> None:
        if self._queued or self.is_in_memory_db():
            return
        if self._queue is None:
            path = f"{self.settings_dict['NAME']}.queue"
            self._queue = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        self._queued = True

    def _end_turn(self) -> None:
        if self._queued and self._queue is not None:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
            self._queued = False
