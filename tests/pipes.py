"""A connection in virtual time: two asyncio transports back to back, with a latency, a bandwidth, and a knife."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

SEGMENT = 1400  # bytes that arrive together


class PipeEnd(asyncio.Transport):
    """One end. What is written arrives at the other after the wire's time; in order, whole, or not at all."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self._free_at = 0.0
        self.protocol: asyncio.Protocol
        self.other: PipeEnd
        self.written = 0
        self.closed = False
        self.inbox: deque[bytes] = deque()  # in the order of writing, whatever the timers do

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        self.written += len(data)
        for start in range(0, len(data), SEGMENT):
            piece = bytes(data[start : start + SEGMENT])
            began = max(loop.time(), self._free_at)
            self._free_at = began + len(piece) / self._pipe.bytes_per_s
            self.other.inbox.append(piece)
            loop.call_at(self._free_at + self._pipe.latency_s, self.other.arrive)

    def abort(self) -> None:
        self._pipe.cut()

    def close(self) -> None:
        self._pipe.cut()

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def arrive(self) -> None:
        """The next segment came through."""
        if self.closed or self._pipe.silent:
            return
        held = self._pipe.hold_until
        if held > asyncio.get_running_loop().time():
            asyncio.get_running_loop().call_at(held, self.arrive)
            return
        self.protocol.data_received(self.inbox.popleft())


class Pipe:
    """A connection. ``silent``: nothing arrives any more and nobody is told, as with a pulled cable."""

    def __init__(
        self, near: asyncio.Protocol, far: asyncio.Protocol, *, latency_s: float = 0.02, bytes_per_s: float = 1e6
    ) -> None:
        self.latency_s = latency_s
        self.bytes_per_s = bytes_per_s
        self.silent = False
        self.hold_until = 0.0  # whatever would arrive before waits until then, as behind a stalled router
        self.near, self.far = PipeEnd(self), PipeEnd(self)
        self.near.other, self.far.other = self.far, self.near
        self.near.protocol, self.far.protocol = near, far
        far.connection_made(self.far)
        near.connection_made(self.near)

    def cut(self) -> None:
        """Both ends are told."""
        for end in (self.near, self.far):
            if not end.closed:
                end.closed = True
                asyncio.get_running_loop().call_soon(end.protocol.connection_lost, None)


class Network:
    """Where gateways dial to. ``accept`` is who listens; None while nobody does."""

    def __init__(self) -> None:
        self.accept: dict[str, Callable[[], asyncio.Protocol | None]] = {}
        self.down = False
        self.dials: list[float] = []
        self.pipes: list[Pipe] = []
        self.latency_s = 0.02
        self.bytes_per_s = 1e6

    async def dial(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> None:
        """As ``dial_tls`` does. Raises OSError."""
        del port
        self.dials.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.latency_s)
        answering = self.accept.get(host)
        far = answering() if answering is not None and not self.down else None
        if far is None:
            raise ConnectionRefusedError(host)
        self.pipes.append(Pipe(factory(), far, latency_s=self.latency_s, bytes_per_s=self.bytes_per_s))

    def cut(self, *, silently: bool = False) -> None:
        """Nobody gets through any more."""
        self.down = True
        for pipe in self.pipes:
            if silently:
                pipe.silent = True
            else:
                pipe.cut()

    def mend(self) -> None:
        """The way is free again."""
        self.down = False

    @property
    def open(self) -> list[Pipe]:
        """Connections that live."""
        return [pipe for pipe in self.pipes if not pipe.near.closed]
