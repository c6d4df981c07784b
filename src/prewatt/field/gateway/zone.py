"""The zone program between its lines and its uplink: what goes up and in which order, and what comes down.

The present first, then the past oldest first, in a fifth of the uplink's time. A reading leaves the buffer when the
head-end says that it is stored there, so an outage or a restart loses none and one sent twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

import structlog

from prewatt.core.clock import Clock
from prewatt.field.gateway.buffer import Buffer
from prewatt.field.gateway.carry import Carrier, FindBus, Tokens
from prewatt.field.gateway.fresh import Facts, Fresh
from prewatt.field.gateway.share import Share
from prewatt.field.gateway.uplink import Uplink
from prewatt.field.links.uplink import UplinkLost
from prewatt.meters.row import ROW

log = structlog.get_logger(__name__)

SEND_EVERY_S = 1.0
LEAST_S = 0.05  # wall time
REFUSED_PAUSE_S = 5.0  # after the head-end could not take something
LEASE_NOTE = "lease"
_STORE_OFFSET = 12

Send = Callable[[Facts], bytes]  # a telegram's body
Taken = Callable[[bytes], bool]  # whether the answer says that it is stored


class Zone:
    """One gateway. ``encode`` and ``taken`` speak the head-end's language; ``find`` gives a running line."""

    def __init__(
        self, uplink: Uplink, buffer: Buffer, clock: Clock, *, find: FindBus, encode: Send, taken: Taken
    ) -> None:
        self.uplink = uplink
        self.buffer = buffer
        self.fresh = Fresh()
        self.backfilled = 0  # rows that the head-end took
        self.backfill_s = 0.0  # of the uplink's time, site seconds
        self._clock = clock
        self._encode = encode
        self._taken = taken
        self._share = Share()
        self._refused_until = -inf
        self._fresh_at = -inf
        self._after_fresh = False
        self._news = asyncio.Event()
        tokens = Tokens(int.from_bytes(buffer.note(LEASE_NOTE) or b""), self._keep_token)
        self.carrier = Carrier(clock, find, tokens)
        uplink.on_up = self._up
        uplink.on_down = self._down
        uplink.on_exchange = self.carrier.take

    async def run(self) -> None:
        """Work until cancelled."""
        self.uplink.begin()
        try:
            while True:
                await self._step()
        finally:
            await self.carrier.stop()
            await self.uplink.stop()

    def keep(self, rows: bytes) -> None:
        """Rows the lines brought: those that are stored readings go to the disk."""
        stored = [rows[at : at + ROW.size] for at in range(0, len(rows), ROW.size) if rows[at + _STORE_OFFSET]]
        if stored:
            self.buffer.add(b"".join(stored))

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        now = self._clock.monotonic()
        if not self.uplink.up:
            self._news.clear()
            await self._news.wait()
        elif now < self._refused_until:
            await self._sleep(self._refused_until - now)
        elif self.fresh.waits and now >= self._fresh_at and not self._past_next(now):
            await self._send_fresh()
        elif len(self.buffer) and now >= self._share.free_at:
            await self._send_past()
        else:
            await self._sleep(min(SEND_EVERY_S, self._next_at() - now))

    def _past_next(self, now: float) -> bool:
        """Where the present alone would fill the uplink, a portion of the past follows each telegram of it."""
        return self._after_fresh and len(self.buffer) > 0 and now >= self._share.free_at

    def _next_at(self) -> float:
        past = self._share.free_at if len(self.buffer) else inf
        return min(self._fresh_at if self.fresh.waits else inf, past)

    async def _send_fresh(self) -> None:
        self._after_fresh = True
        began = self._clock.monotonic()
        facts = self.fresh.take()
        if await self._sent(facts):
            # facts come second by second: collect them
            self._fresh_at = began if self.fresh.full else began + SEND_EVERY_S
        else:
            self.fresh.back(facts)

    async def _send_past(self) -> None:
        self._after_fresh = False
        began = self._clock.monotonic()
        rows = self.buffer.oldest(self._share.rows)
        if await self._sent(Facts(rows=b"".join(rows))):
            ended = self._clock.monotonic()
            self.backfill_s += ended - began
            self._share.took(began, ended)
            self.buffer.drop(rows)
            self.backfilled += len(rows)
        else:
            self._share.failed(self._clock.monotonic(), REFUSED_PAUSE_S)

    async def _sent(self, facts: Facts) -> bool:
        try:
            answer = await self.uplink.call(self._encode(facts))
        except UplinkLost:
            return False
        if self._taken(answer):
            return True
        self._refused_until = self._clock.monotonic() + REFUSED_PAUSE_S
        return False

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(self._clock.real(seconds), LEAST_S))

    def _up(self) -> None:
        self.fresh.tell_all()
        self._share = Share()
        self._refused_until = self._fresh_at = -inf
        self._after_fresh = False
        self._news.set()

    def _down(self) -> None:
        self.carrier.drop_all()

    def _keep_token(self, token: int) -> None:
        self.buffer.keep_note(LEASE_NOTE, token.to_bytes(8))
