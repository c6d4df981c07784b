"""Protected links: only a certificate of ours is heard, in TLS 1.3, until it is revoked."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest

from prewatt.core.clock import SystemClock
from prewatt.field.links import secure, tls
from prewatt.field.links.record3des import Shared
from tests.field.links.papers import Office

SECRET = bytes(range(32))


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.heard = b""
        self.news = asyncio.Event()
        self.lost = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if self.name:
            self.transport.write(data)
        self.news.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self.news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                self.news.clear()
                await self.news.wait()


class Site:
    """A server that listens in both modes and takes gateways in the mode each is set to."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        self.modes: dict[str, str] = {}
        self.shared: dict[str, Shared] = {}
        self.taken: list[Echo] = []
        self.random = Random(1)

    def accept(self, name: str, mode: str) -> Echo | None:
        if self.modes.get(name) != mode:
            return None
        self.taken.append(Echo(name))
        return self.taken[-1]

    async def __aenter__(self) -> Self:
        self.tls = await secure.listen_tls(self.accept, "127.0.0.1", 0, self.office.server, self.office.revocations)
        self.records = await secure.listen_records(
            self.accept, "127.0.0.1", 0, lookup=self.shared.get, clock=SystemClock(), random=self.random.randbytes
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tls.stop()
        await self.records.stop()

    async def dial(self, papers: tls.Papers, port: int | None = None) -> Echo:
        context = tls.client_context(papers)
        user = Echo()
        await secure.dial_tls(
            lambda: user, "127.0.0.1", port or self.tls.port, context, tls.admission(None, expected="")
        )
        return user

    async def dial_records(self, name: str, secret: bytes = SECRET, port: int | None = None) -> Echo:
        shared = Shared(secret, datetime.now(UTC) + timedelta(days=1))
        user = Echo()
        await secure.dial_records(
            lambda: user, "127.0.0.1", port or self.records.port, name=name, shared=shared, clock=SystemClock(),
            random=self.random.randbytes,
        )  # fmt: skip
        return user

    def share(self, name: str, days: float = 1) -> None:
        self.modes[name] = secure.RECORDS
        self.shared[name] = Shared(SECRET, datetime.now(UTC) + timedelta(days=days))


def live(folder: Path, story: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    async def tell() -> None:
        async with Site(folder) as site:
            await story(site)

    asyncio.run(tell())


async def talks(user: Echo) -> bool:
    user.transport.write(b"credit 1200")
    await user.until(lambda: user.lost or user.heard == b"credit 1200")
    return not user.lost


def test_a_gateway_with_a_certificate_talks_in_tls_1_3_under_its_name(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.modes["A区 1"] = secure.TLS
        user = await site.dial(site.office.gateway("A区 1"))
        assert await talks(user)
        assert user.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert [one.name for one in site.taken] == ["A区 1"]

    live(tmp_path, story)


def test_without_a_certificate_or_with_another_authoritys_nobody_is_heard(tmp_path: Path) -> None:
    other = Office(tmp_path / "other")

    async def story(site: Site) -> None:
        site.modes["north"] = secure.TLS
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(site.office.folder / "ca.pem")
        bare.check_hostname = False
        forged = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        forged.load_verify_locations(site.office.folder / "ca.pem")
        forged.check_hostname = False
        papers = other.gateway("north")
        forged.load_cert_chain(papers.certificate, papers.key)
        for context in (bare, forged):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.tls.port, ssl=context)
            (answer,) = await asyncio.gather(reader.read(), return_exceptions=True)
            assert answer == b"" or isinstance(answer, OSError)  # in TLS 1.3 the refusal comes with the first read
            writer.close()
        with pytest.raises(OSError):
            await site.dial(papers)  # nor does a gateway believe another authority's server
        assert site.taken == []

    live(tmp_path, story)


def test_older_versions_of_tls_are_refused(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.modes["north"] = secure.TLS
        context = tls.client_context(site.office.gateway("north"))
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await secure.dial_tls(Echo, "127.0.0.1", site.tls.port, context, tls.admission(None, expected=""))
        assert site.taken == []

    live(tmp_path, story)


def test_a_revoked_gateway_is_cut_off_and_stays_out(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.modes = {"north": secure.TLS, "south": secure.TLS}
        north, south = site.office.gateway("north"), site.office.gateway("south")
        cut, kept = await site.dial(north), await site.dial(south)
        assert await talks(cut)
        assert await talks(kept)
        site.office.authority.revoke("north", "stolen")
        site.tls.recheck()
        await cut.until(lambda: cut.lost)
        again = await site.dial(north)
        await again.until(lambda: again.lost)
        kept.heard = b""
        assert await talks(kept)
        assert len(site.taken) == 2

    live(tmp_path, story)
    assert secure.RECHECK_EVERY_S <= 60


def test_a_list_that_is_missing_damaged_or_anothers_admits_nobody(tmp_path: Path) -> None:
    office, other = Office(tmp_path / "a"), Office(tmp_path / "b")
    der = ssl.PEM_cert_to_DER_cert(office.gateway("north").certificate.read_text())
    crl = office.folder / "crl.pem"
    admit = tls.admission(office.revocations)
    assert admit(der).gateway == "north"
    for content in ((other.folder / "crl.pem").read_bytes(), b"damaged", None):
        if content is None:
            crl.unlink()
        else:
            crl.write_bytes(content)
        with pytest.raises(tls.NotAdmitted, match="no-revocation-list"):
            admit(der)


def test_a_gateways_certificate_never_passes_for_the_servers(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.modes["north"] = secure.TLS
        thief = site.office.gateway("thief")
        impostor = await secure.listen_tls(lambda name, _: Echo(name), "127.0.0.1", 0, thief, site.office.revocations)
        with pytest.raises(ssl.SSLCertVerificationError):
            await site.dial(site.office.gateway("north"), impostor.port)
        context = tls.client_context(site.office.gateway("south"), by_name=False)
        with pytest.raises(ConnectionRefusedError, match="somebody-else"):
            await secure.dial_tls(Echo, "127.0.0.1", impostor.port, context, tls.admission(None, expected=""))
        await impostor.stop()

    live(tmp_path, story)


def test_the_servers_certificate_is_no_gateway(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        user = await site.dial(site.office.server)
        await user.until(lambda: user.lost)
        assert site.taken == []

    live(tmp_path, story)


def test_records_carry_a_gateway_that_is_set_to_them(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.share("北区")
        user = await site.dial_records("北区")
        assert await talks(user)
        long = bytes(200_000)
        user.heard = b""
        user.transport.write(long)
        await user.until(lambda: len(user.heard) == len(long))
        user.transport.close()
        server = site.taken[0]
        await server.until(lambda: server.lost)

    live(tmp_path, story)


def test_one_mode_never_stands_in_for_the_other(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.modes["north"] = secure.TLS
        site.shared["north"] = Shared(SECRET, datetime.now(UTC) + timedelta(days=1))
        refused = await asyncio.gather(site.dial_records("north"), return_exceptions=True)
        assert isinstance(refused[0], OSError) or await _ends(refused[0])
        site.share("south")
        user = await site.dial(site.office.gateway("south"))
        await user.until(lambda: user.lost)
        with pytest.raises(OSError):
            await site.dial_records("south", port=site.tls.port)
        with pytest.raises(OSError):
            await site.dial(site.office.gateway("east"), port=site.records.port)
        assert site.taken == []

    live(tmp_path, story)


async def _ends(user: Any) -> bool:
    await user.until(lambda: user.lost)
    return True


def test_records_are_refused_after_their_date_with_another_secret_and_under_another_name(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.share("over", days=-1)
        site.share("north")
        for name, secret in (("over", SECRET), ("north", bytes(32)), ("nobody", SECRET)):
            with pytest.raises(OSError):
                await site.dial_records(name, secret)
        assert site.taken == []

    live(tmp_path, story)


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
@pytest.mark.parametrize("certified", [True, False])
def test_openssl_is_let_in_with_a_certificate_and_tls_1_3_only(
    tmp_path: Path, need_tool: Callable[[str], str], version: str, certified: bool
) -> None:
    openssl = need_tool("openssl")

    async def story(site: Site) -> None:
        site.modes["north"] = secure.TLS
        papers = site.office.gateway("north")
        own = ["-cert", str(papers.certificate), "-key", str(papers.key)] if certified else []
        process = await asyncio.create_subprocess_exec(
            openssl, "s_client", "-connect", f"127.0.0.1:{site.tls.port}", "-CAfile", str(papers.authority),
            "-verify_return_error", "-servername", tls.SERVER_NAME, version, *own,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(b"credit\n")
        await process.stdin.drain()
        assert process.stdout is not None
        said = b""
        async with asyncio.timeout(10):
            while b"\ncredit\n" not in said and (piece := await process.stdout.read(4096)):
                said += piece
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.wait()
        let_in = certified and version == "-tls1_3"
        assert (b"\ncredit\n" in said) == let_in, said.decode(errors="replace")
        assert bool(site.taken) == let_in
        if let_in:
            assert b"TLSv1.3" in said
            assert b"Verify return code: 0 (ok)" in said

    live(tmp_path, story)
