"""The zone program over real sockets and TLS 1.3: readings up, credit down, and a stranger left outside."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from prewatt.core.clock import SystemClock
from prewatt.field.gateway.buffer import Buffer
from prewatt.field.gateway.uplink import Factory, Uplink
from prewatt.field.headend.service import HeadEnd
from prewatt.field.links import secure, tls
from prewatt.main.zone import Gateway
from tests.field.gateway.zonehouse import NAME, ZoneHouse
from tests.field.links.papers import Office


def test_readings_go_up_and_credit_goes_down_over_tls(tmp_path: Path) -> None:
    office = Office(tmp_path)
    papers = office.gateway(NAME)
    house = ZoneHouse([3])
    house.clock = house.store.clock = SystemClock()  # type: ignore[assignment]
    house.wires.clear()

    async def live() -> None:
        head = HeadEnd(house.store, house.clock, make_link=house.no_link)
        listener = await secure.listen_tls(head.uplinks.accept, "127.0.0.1", 0, office.server, office.revocations)

        async def dial(factory: Factory, host: str, port: int) -> secure.Guard:
            admit = tls.admission(None, expected="")
            return await secure.dial_tls(factory, host, port, tls.client_context(papers), admit)

        buffer = Buffer(tmp_path / "buffer.sqlite3")
        uplink = Uplink(dial, [("127.0.0.1", listener.port)], house.clock)
        gateway = Gateway(uplink, buffer, house.clock, house.make_link)
        running = [asyncio.create_task(head.run()), asyncio.create_task(gateway.run())]
        await house.until(lambda: len(house.store.latest) == 3, 15)
        order = house.store.sell(102, 300)
        await house.until(lambda: order.state == "DELIVERED", 15)
        session = gateway.zone.uplink
        assert session.up
        # revoked: cut off at the next look, and not let in again
        office.authority.revoke(NAME, "stolen")
        listener.recheck()
        await house.until(lambda: not session.up, 5)
        await asyncio.sleep(1.5)
        assert not session.up
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await listener.stop()
        buffer.close()

    asyncio.run(live())
    assert house.meters[102].applied == [(4, 300)]


def test_a_gateway_with_the_certificate_of_another_is_not_heard(tmp_path: Path) -> None:
    office = Office(tmp_path)
    papers = office.gateway("somebody else")
    house = ZoneHouse([1])

    async def live() -> None:
        head = HeadEnd(house.store, SystemClock(), make_link=house.no_link)
        listener = await secure.listen_tls(head.uplinks.accept, "127.0.0.1", 0, office.server, office.revocations)

        async def dial(factory: Factory, host: str, port: int) -> secure.Guard:
            return await secure.dial_tls(
                factory, host, port, tls.client_context(papers), tls.admission(None, expected="")
            )  # fmt: skip

        uplink = Uplink(dial, [("127.0.0.1", listener.port)], SystemClock())
        running = asyncio.create_task(head.run())
        uplink.begin()
        await asyncio.sleep(1.5)
        assert not uplink.up
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await uplink.stop()
        await listener.stop()

    asyncio.run(live())
    assert ssl.HAS_TLSv1_3
