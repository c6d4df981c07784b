"""``prewatt web``: the console, served by granian on one address."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

from prewatt.core.errors import Refusal
from prewatt.main.home import SITE, Home

DEFAULT_PORT = 8000


def address() -> tuple[str, int]:
    """PREWATT_HOST and PREWATT_PORT, loopback and 8000 by default. Raises Refusal for a port that is no number."""
    text = os.environ.get("PREWATT_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Refusal("bad-port", "PREWATT_PORT is '%(text)s'; it must be a number from 1 to 65535.", text=text)
    return os.environ.get("PREWATT_HOST") or "127.0.0.1", int(text)


def certificate(home: Home) -> tuple[Path, Path] | None:
    """PREWATT_TLS_CERT and PREWATT_TLS_KEY, else those of a site's own authority. Raises Refusal when unreadable."""
    names = os.environ.get("PREWATT_TLS_CERT"), os.environ.get("PREWATT_TLS_KEY")
    if not any(names):
        own = home.path / "pki" / "server.pem", home.path / "pki" / "server.key"
        return own if home.kind() == SITE and all(file.exists() for file in own) else None
    for name in names:
        if not name or not os.access(name, os.R_OK):
            raise Refusal(
                "tls-files",
                "PREWATT_TLS_CERT and PREWATT_TLS_KEY must name two readable files; '%(name)s' is not.",
                name=name,
            )
    return Path(str(names[0])), Path(str(names[1]))


def require_free(host: str, port: int) -> None:
    """Raise Refusal when something else listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refusal(
                "port-in-use",
                "Port %(port)d on %(host)s is not free (%(why)s). Choose another one: PREWATT_PORT=%(next)d ./run",
                host=host, port=port, next=port + 1, why=error.strerror,
            ) from error  # fmt: skip


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="./run web", description="Only the console.")
    parser.parse_args(argv)
    host, port = address()
    require_free(host, port)
    home = Home.find()
    os.environ.setdefault("PREWATT_HOME", str(home.path))
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    files = certificate(home)
    os.environ["PREWATT_SUPERVISOR"] = str(os.getpid())  # the worker follows this process
    Granian(
        "prewatt.main.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=8,
        backpressure=64,
        log_level=LogLevels.warning,
        ssl_cert=files[0] if files else None,
        ssl_key=files[1] if files else None,
    ).serve()
    return 0
