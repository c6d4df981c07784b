"""The whole head-end, over real sockets, against a DL/T 645-2007 server that others wrote."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from prewatt.core.clock import SystemClock
from prewatt.field.headend.service import HeadEnd
from prewatt.field.headend.store import GatewayEntry, LineEntry, MeterEntry, RosterData
from prewatt.meters.row import ABSENT, CONTACTOR_CODES
from tests.fakes import FakeStore
from tests.meters.test_dlt645_peer import METER, served

PROFILES = {1: "dlt645-2007-basic", 2: "dlt645-2007"}


def test_their_server_is_polled_and_in_contact_and_what_it_lacks_is_a_gap() -> None:
    with served() as (server, _):
        assert server.set_00(0x00010000, 12_345.67)
        assert server.set_02(0x02010100, 220.3)
        assert server.set_02(0x02030000, 8.1105)
        store = asyncio.run(read(server.server.port))
    basic, prepaid = store.latest[1], store.latest[2]
    assert (basic.energy_wh, basic.voltage_a, basic.power_w) == (12_345_670, 2203, 8111)
    assert (basic.credit, CONTACTOR_CODES[basic.contactor]) == (ABSENT, "closed")
    assert (prepaid.energy_wh, prepaid.credit, prepaid.voltage_a) == (ABSENT, ABSENT, 2203)
    assert [store.contact_of("meter", number) for number in PROFILES] == [["ok"], ["ok"]]


async def read(port: int) -> FakeStore:
    """Run the head-end until both meters, each on a line of its own, were read."""
    lines = tuple(
        LineEntry(number, f"line {number}", 1, 19200, "E", True, 0.0,
                  (MeterEntry(number, f"m{number}", 1, profile, METER, 1800),))
        for number, profile in PROFILES.items()
    )  # fmt: skip
    clock = SystemClock()
    gateway = GatewayEntry(1, "gateway", "transparent", "127.0.0.1", port, "", lines)
    store = FakeStore(RosterData(1, (gateway,)), clock)
    working = asyncio.create_task(HeadEnd(store, clock).run())
    try:
        async with asyncio.timeout(20):
            while set(store.latest) != set(PROFILES):
                await asyncio.sleep(0.02)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    return store
