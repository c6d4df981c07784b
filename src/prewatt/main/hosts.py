"""Which names a browser may call the console by: this machine, the address it listens on, and those that are given."""

from __future__ import annotations

import os
import socket

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 (compared, not bound)


def allowed(listens_on: str) -> list[str]:
    """Names for Django's check of the Host header. PREWATT_HOSTS adds more, separated by commas."""
    given = [name.strip() for name in os.environ.get("PREWATT_HOSTS", "").split(",") if name.strip()]
    if listens_on in EVERYWHERE:
        return [*LOOPBACK, socket.gethostname(), *_own_address(), *given]
    return [*LOOPBACK, f"[{listens_on}]" if ":" in listens_on else listens_on, *given]


def _own_address() -> list[str]:
    """The address this machine would be seen from. A datagram socket that connects sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address: only the route to it is asked for
            return [str(probe.getsockname()[0])]
        except OSError:
            return []
