"""A transparent gateway that speaks TLS or records itself: frames go through, and only to the gateway that is meant."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prewatt.core.clock import SystemClock
from prewatt.field.headend.plant import Links
from prewatt.field.headend.store import GatewayEntry, LineEntry
from prewatt.field.links import secure, tls
from prewatt.field.links.protected import ProtectedLink, Protection
from prewatt.field.links.record3des import Shared
from tests.field.links.papers import Office
from tests.field.links.test_links import ANSWER, REQUEST, User

SECRET = bytes(range(32))
LINE = LineEntry(1, "line", 1, 9600, "N", False, 0.0, ())


class Gateway(asyncio.Protocol):
    """Answers every request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        assert data == REQUEST
        self.transport.write(ANSWER)


class Site:
    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        self.papers = self.office.gateway("北区")
        self.protection = Protection(
            self.office.server, self.office.revocations, {"北区": SECRET}.get, SystemClock(), secrets.token_bytes
        )

    def link(self, mode: str, port: int, name: str = "北区", days: float = 1) -> Any:
        until = round((datetime.now(UTC) + timedelta(days=days)).timestamp() * 1000)
        entry = GatewayEntry(1, name, "transparent", "127.0.0.1", port, "", (LINE,), mode, until)
        return Links(SystemClock(), None, self.protection).make(entry, LINE)


def live(folder: Path, story: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story(Site(folder)))


async def told_by(link: ProtectedLink) -> str:
    """The first thing a link says."""
    user = User()
    link.start(user)
    await user.until(count=1)
    await link.stop()
    return user.told[0]


def test_a_line_over_tls_reaches_the_gateway_that_is_meant_and_no_other(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Gateway, "127.0.0.1", 0, ssl=tls.server_context(site.papers))
        port = server.sockets[0].getsockname()[1]
        link, user = site.link("tls", port), User()
        link.start(user)
        await user.until(count=1)
        link.send(REQUEST, len(ANSWER))
        await user.until(length=len(ANSWER))
        assert (user.told, user.bytes) == (["up"], ANSWER)
        # the thief of a gateway's key is cut off while the line runs
        site.office.authority.revoke("北区", "stolen")
        link._recheck()
        await user.until(count=2)
        assert user.told[1] == "closed"
        await link.stop()
        assert await told_by(site.link("tls", port)) == "refused-connection"
        assert await told_by(site.link("tls", port, name="南区")) == "refused-connection"
        server.close()

    live(tmp_path, story)


def test_a_line_over_records_ends_at_its_date(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        shared = Shared(SECRET, datetime.now(UTC) + timedelta(days=30))
        listener = await secure.listen_records(
            lambda _name, _mode: Gateway(), "127.0.0.1", 0, lookup=lambda name: shared if name == "北区" else None,
            clock=SystemClock(), random=secrets.token_bytes,
        )  # fmt: skip
        link, user = site.link("3des", listener.port), User()
        link.start(user)
        await user.until(count=1)
        link.send(REQUEST, len(ANSWER))
        await user.until(length=len(ANSWER))
        assert (user.told, user.bytes) == (["up"], ANSWER)
        await link.stop()
        assert await told_by(site.link("3des", listener.port, days=-1)) == "cannot-open"
        assert await told_by(site.link("3des", listener.port, name="南区")) == "refused-connection"  # has no secret
        await listener.stop()

    live(tmp_path, story)


def test_a_site_without_an_authority_opens_nothing_rather_than_in_clear(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        for file in site.office.folder.glob("*.pem"):
            file.unlink()
        assert await told_by(site.link("tls", 1)) == "cannot-open"
        entry = GatewayEntry(1, "北区", "transparent", "127.0.0.1", 1, "", (LINE,), "tls")
        assert Links(SystemClock()).make(entry, LINE) is None
        unknown = GatewayEntry(1, "北区", "transparent", "127.0.0.1", 1, "", (LINE,), "rot13")
        assert Links(SystemClock(), None, site.protection).make(unknown, LINE) is None

    live(tmp_path, story)
