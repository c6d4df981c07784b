"""The SQLite backend: recent library, durable settings, and writers that take turns even when one is killed."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test.utils import CaptureQueriesContext  # noqa: F401 (proves Django is set up)

from prewatt.main.sqlite_backend import library
from prewatt.main.sqlite_backend.base import DatabaseWrapper

pytestmark = pytest.mark.sqlite_only


def connect(file: Path) -> DatabaseWrapper:
    settings = dict(connections["default"].settings_dict) | {"NAME": str(file), "OPTIONS": {"timeout": 20}}
    wrapper = DatabaseWrapper(settings, "till")
    wrapper.inc_thread_sharing()
    return wrapper


def scalar(till: DatabaseWrapper, statement: str) -> Any:
    with till.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def begin(till: DatabaseWrapper) -> None:
    till.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def end(till: DatabaseWrapper) -> None:
    till.commit()
    till.set_autocommit(True)


@pytest.fixture
def file(tmp_path: Path, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield tmp_path / "db.sqlite3"


def test_commits_survive_a_power_cut_and_references_hold(file: Path) -> None:
    till = connect(file)
    assert scalar(till, "PRAGMA journal_mode") == "wal"
    assert scalar(till, "PRAGMA synchronous") == 2
    assert scalar(till, "PRAGMA foreign_keys") == 1
    assert till.Database.sqlite_version_info >= library.LEAST
    till.close()


def test_a_writer_takes_its_turn_before_it_begins_and_gives_it_back(file: Path) -> None:
    till = connect(file)
    till.ensure_connection()
    assert not waits(file)
    begin(till)
    assert waits(file)
    end(till)
    assert not waits(file)
    begin(till)
    till.rollback()
    till.set_autocommit(True)
    assert not waits(file)
    begin(till)
    till.close()
    assert not waits(file)


def waits(file: Path) -> bool:
    """Whether a writer would have to wait now."""
    with Path(f"{file}.queue").open("a") as queue:
        try:
            fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_tills_in_threads_never_lose_an_update(file: Path) -> None:
    first = connect(file)
    with first.cursor() as cursor:
        cursor.execute("CREATE TABLE drawer (fen INTEGER)")
        cursor.execute("INSERT INTO drawer VALUES (0)")
    errors: list[BaseException] = []

    def sell() -> None:
        till = connect(file)
        try:
            for _time in range(25):
                begin(till)
                held = scalar(till, "SELECT fen FROM drawer")
                with till.cursor() as cursor:
                    cursor.execute("UPDATE drawer SET fen = %s", [held + 1])
                end(till)
        except BaseException as error:
            errors.append(error)
        finally:
            till.close()

    tills = [threading.Thread(target=sell) for _number in range(6)]
    for till in tills:
        till.start()
    for till in tills:
        till.join()
    assert not errors
    assert scalar(first, "SELECT fen FROM drawer") == 150
    first.close()


def test_a_killed_writer_frees_its_turn(file: Path) -> None:
    code = f"import fcntl,sys; q=open({f'{file}.queue'!r},'a'); fcntl.flock(q,fcntl.LOCK_EX); print('held',flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert waits(file)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    till = connect(file)
    begin(till)
    end(till)
    till.close()


def test_an_old_library_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(sqlite_version="3.40.1", sqlite_version_info=(3, 40, 1), dbapi2=None)
    monkeypatch.setitem(sys.modules, "pysqlite3", old)
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", old)
    monkeypatch.setitem(sys.modules, "sqlite3", sys.modules["sqlite3"])
    monkeypatch.setitem(sys.modules, "sqlite3.dbapi2", sys.modules["sqlite3.dbapi2"])
    with pytest.raises(ImproperlyConfigured, match=r"3\.40\.1 is older than 3\.51\.3"):
        library.install()
