"""The way to a line behind one of our own gateways: each question travels with the time within which it must be begun.

The gateway polls the line; what the head-end itself wants to ask goes through here, one exchange at a time. An exchange
that came too late is dropped there; nothing is kept and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from prewatt.core.clock import Clock
from prewatt.field.bus.exchange import GATEWAY_NO_RESPONSE, Outcome, Question
from prewatt.field.links.base import LinkUser
from prewatt.field.links.uplink import Exchange, Result, Session
from prewatt.meters import modbus
from prewatt.meters.framing import BY_NAME, RTU, Framing

BEGIN_WITHIN_S = 4.0  # the gateway may be in the middle of another meter's silence
TRANSIT_S = 2.0  # there and back
EXTRA_S = BEGIN_WITHIN_S + TRANSIT_S  # what an answer may take longer than on a line of our own
GRACE_S = 10.0  # for a gateway to dial in again before it is missed
NO_UPLINK = "no-uplink"
OWN_KIND = "prewatt"  # of a gateway that runs our zone program


class Asking(Protocol):
    """The line's state machine: what is being asked just now."""

    @property
    def asked(self) -> tuple[Question, int, bool] | None:
        """The question, its priority, and whether the line is held."""


class Tunnels:
    """One gateway: its connection, when it has one, and the links of its lines."""

    def __init__(self, gateway_id: int, clock: Clock, token: Callable[[], int | None]) -> None:
        self.gateway_id = gateway_id
        self.session: Session | None = None
        self.links: dict[int, TunnelLink] = {}
        self._clock = clock
        self._token = token  # of our lease; None when it is not ours
        self._number = 0
        self._open: dict[int, tuple[TunnelLink, bytes, Framing]] = {}
        self._grace: asyncio.TimerHandle | None = None

    def came(self, session: Session) -> None:
        """The gateway dialled in. An older connection of it is over: nobody dials twice on purpose."""
        older, self.session = self.session, session
        if older is not None:
            older.hang_up("replaced")
            self._closed()
        self._stop_grace()
        for link in list(self.links.values()):
            link.up()

    def went(self, session: Session) -> None:
        """Its connection is gone."""
        if session is not self.session:
            return
        self.session = None
        self._closed()
        self.miss()

    def miss(self) -> None:
        """Give the gateway a moment to dial in; then it is missed."""
        self._stop_grace()
        self._grace = asyncio.get_running_loop().call_later(self._clock.real(GRACE_S), self._missed)

    def send(self, link: TunnelLink, frame: bytes, asked: tuple[Question, int, bool] | None) -> None:
        """Pass a frame on, if the gateway is there and ours to command."""
        session, token = self.session, self._token()
        if session is None or token is None or asked is None:
            return
        question, priority, hold = asked
        name = next(name for name, framing in BY_NAME.items() if framing is question.framing)
        self._number += 1
        # the line waits for one answer at a time: the one before is over
        self._open = {number: one for number, one in self._open.items() if one[0] is not link}
        self._open[self._number] = (link, frame, question.framing)
        within_ms = round(BEGIN_WITHIN_S * 1000)
        session.send(
            Exchange(self._number, session.now_ms(), link.line_id, within_ms, priority, hold, token, name, frame)
        )

    def result(self, session: Session, result: Result) -> None:
        """Hand an answer to the line that asked, or the gateway's word that none came."""
        found = self._open.pop(result.number, None) if session is self.session else None
        if found is None:
            return
        link, frame, framing = found
        if result.outcome in (Outcome.ANSWER, Outcome.REFUSED):
            link.arrived(result.raw)
        elif framing is RTU:
            # as any Modbus gateway says it
            link.arrived(modbus.exception_answer(frame[0], frame[1], GATEWAY_NO_RESPONSE))

    def _closed(self) -> None:
        self._open.clear()
        for link in list(self.links.values()):
            link.down("reopened")

    def _missed(self) -> None:
        for link in list(self.links.values()):
            link.down(NO_UPLINK)

    def _stop_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None


class TunnelLink:
    """One line's way through its gateway's connection."""

    def __init__(self, tunnels: Tunnels, line_id: int) -> None:
        self.line_id = line_id
        self._tunnels = tunnels
        self._user: LinkUser | None = None
        self._machine: Asking | None = None

    def start(self, user: LinkUser) -> None:
        self._user = user
        self._machine = getattr(user, "machine", None)
        self._tunnels.links[self.line_id] = self
        if self._tunnels.session is not None:
            asyncio.get_running_loop().call_soon(self.up)
        else:
            self._tunnels.miss()

    def send(self, frame: bytes, _answer_length: int, /) -> None:
        self._tunnels.send(self, frame, self._machine.asked if self._machine is not None else None)

    def reopen(self) -> None:
        """There is no connection of this line's own to open."""
        if self._tunnels.session is not None:
            self.down("reopened")
            asyncio.get_running_loop().call_soon(self.up)

    async def stop(self) -> None:
        self._user = None
        if self._tunnels.links.get(self.line_id) is self:
            del self._tunnels.links[self.line_id]

    def up(self) -> None:
        """The gateway is there."""
        if self._user is not None and self._tunnels.session is not None:
            self._user.link_up()

    def down(self, reason: str) -> None:
        """The gateway is not."""
        if self._user is not None:
            self._user.link_down(reason)

    def arrived(self, data: bytes) -> None:
        """The answer."""
        if self._user is not None:
            self._user.link_bytes(data)
