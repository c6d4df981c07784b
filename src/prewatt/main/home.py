"""A home: the one folder that holds a site's database, keys, sockets, clock and logs. Two homes never touch."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from prewatt.core.clock import Clock, ScaledClock, SystemClock
from prewatt.core.errors import Refusal

DEMO = "demo"
SITE = "site"


@dataclass(frozen=True, slots=True)
class Home:
    """Paths and secrets of one home. Nothing is created by making one; see ``create``."""

    path: Path

    @classmethod
    def from_environment(cls, kind: str) -> Home:
        """PREWATT_HOME, or the default folder of that kind of home (demo or site)."""
        given = os.environ.get("PREWATT_HOME")
        return cls(Path(given).absolute() if given else root() / "var" / kind)

    @classmethod
    def find(cls) -> Home:
        """The home a command without a kind of its own means. Raises Refusal when that is not clear.

        PREWATT_HOME when set; else the only one of var/demo and var/site that exists; else the one that is running.
        """
        if os.environ.get("PREWATT_HOME"):
            return cls.from_environment(DEMO)
        homes = [home for kind in (DEMO, SITE) if (home := cls(root() / "var" / kind)).exists()]
        if len(homes) > 1:
            homes = [home for home in homes if home.running()] or homes
        if len(homes) == 1:
            return homes[0]
        if not homes:
            raise Refusal("no-home", "There is no system here yet. Start one with ./run, or set PREWATT_HOME.")
        raise Refusal("two-homes", "There are two homes, var/demo and var/site. Say which one with PREWATT_HOME.")

    def create(self, kind: str) -> None:
        """Make the folder (0700) of that kind. Raises Refusal when it is a home of another kind or not writable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            (self.path / "logs").mkdir(exist_ok=True)
            marker = self.path / "home.json"
            if not marker.exists():
                write_durably(marker, json.dumps({"kind": kind}))
        except OSError as error:
            raise Refusal(
                "home-not-writable", "Cannot write %(path)s: %(why)s", path=self.path, why=error.strerror
            ) from error
        if self.kind() != kind:
            raise Refusal(
                "other-home",
                "%(path)s is a %(is)s home; this command needs a %(needs)s home. Set PREWATT_HOME to another folder.",
                path=self.path, needs=kind, **{"is": self.kind()},
            )  # fmt: skip

    def exists(self) -> bool:
        return (self.path / "home.json").exists()

    def kind(self) -> str:
        """``demo`` or ``site``; site when the folder is not a home yet."""
        try:
            return str(json.loads((self.path / "home.json").read_text("utf-8"))["kind"])
        except (OSError, ValueError, KeyError):
            return SITE

    @property
    def database_url(self) -> str:
        """PREWATT_DATABASE_URL, or the SQLite file of this home."""
        return os.environ.get("PREWATT_DATABASE_URL") or f"sqlite:///{self.path / 'db.sqlite3'}"

    @property
    def store_socket(self) -> Path:
        return self.path / "store.sock"

    @property
    def simulator_socket(self) -> Path:
        return self.path / "simulator.sock"

    def secret_key(self) -> str:
        """The key that signs sessions: made once, kept 0600."""
        return self.secret("secret.key", lambda: secrets.token_urlsafe(50))

    def secret(self, name: str, make: object = None) -> str:
        """A secret kept in a file of its own, made on first use when ``make`` is a function."""
        file = self.path / name
        try:
            return file.read_text("utf-8").strip()
        except FileNotFoundError:
            if not callable(make):
                raise
        value = str(make())
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(value)
        return value

    def metrics_token(self) -> str:
        """What a monitoring system must show to read /metrics from elsewhere; "" when nobody may."""
        try:
            return self.secret("metrics.token")
        except FileNotFoundError:
            return ""

    def clock(self) -> Clock:
        """The clock all processes of this home share."""
        try:
            kept = json.loads((self.path / "clock.json").read_text("utf-8"))
        except FileNotFoundError:
            return SystemClock()
        return ScaledClock(kept["wall_origin"], kept["site_origin"], kept["speed"])

    def set_speed(self, speed: float) -> Clock:
        """From now on let site time pass ``speed`` times as fast. Site time never jumps back: the offset is kept."""
        site_now = self.clock().now().timestamp()
        wall_now = time.time()
        if speed == 1 and site_now - wall_now < 1:
            (self.path / "clock.json").unlink(missing_ok=True)
        else:
            kept = {"wall_origin": wall_now, "site_origin": max(site_now, wall_now), "speed": speed}
            write_durably(self.path / "clock.json", json.dumps(kept))
        return self.clock()

    def running(self) -> bool:
        """Whether a supervisor holds this home."""
        try:
            with (self.path / "run.lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def hold(self) -> IO[str]:
        """Take this home for one supervisor, until the file is closed. Raises Refusal when another one has it."""
        lock = (self.path / "run.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise Refusal(
                "already-running",
                "Prewatt is already running on %(path)s. Stop it first, or set PREWATT_HOME to another folder.",
                path=self.path,
            ) from None
        return lock


def root() -> Path:
    """The checkout, when started by ./run; else the current folder."""
    return Path(os.environ.get("PREWATT_ROOT") or Path.cwd())


def write_durably(file: Path, text: str) -> None:
    """Replace a file so that after a power cut it holds the old text or the new one, never half of it."""
    fresh = file.with_suffix(file.suffix + ".new")
    with fresh.open("w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())
    fresh.replace(file)
