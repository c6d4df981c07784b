"""A simulated Acrel communication manager: dials in, proves itself, reports, and passes frames to its lines."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from prewatt.core.clock import Clock
from prewatt.field.links import acrel
from prewatt.field.links.acrel import Caller, Cutter, Type
from prewatt.field.simulator.line import SimulatedLine

GATHER_S = 0.05  # silence after which the manager takes an answer as whole
PATIENCE_S = 2.0  # how long it waits for a meter


@dataclass
class SimulatedManager:
    """One manager with its lines by port. ``heard`` tells what the server said."""

    who: Caller
    secret: bytes
    lines: Mapping[int, SimulatedLine]
    clock: Clock
    heard: list[str] = field(default_factory=list)
    proven: asyncio.Event = field(default_factory=asyncio.Event)
    time_told: str = ""

    async def run(self, host: str, port: int) -> None:
        """Dial, and serve until the connection ends or the task is cancelled. Raises OSError."""
        reader, self._writer = await asyncio.open_connection(host, port)
        self._busy: set[asyncio.Task[None]] = set()
        self._turn = {number: asyncio.Lock() for number in self.lines}
        cutter = Cutter(acrel.MOST_BYTES)
        self._say(Type.AUTH, acrel.validate(self.who, "request"))
        try:
            while data := await reader.read(65_536):
                cutter.feed(data)
                while (frame := cutter.next()) is not None:
                    self._take(frame.type, frame.data)
        finally:
            self.proven.clear()
            for task in self._busy:
                task.cancel()
            self._writer.close()

    def beat(self) -> None:
        """A heartbeat."""
        self._say(Type.HEARTBEAT, acrel.heartbeat(self.who, "notify"))

    def report(
        self, at: datetime, energies: Mapping[tuple[int, int], Mapping[str, int]], *, zipped: bool = False
    ) -> None:
        """Energies in Wh by port and address, then by function id, as of a civil time."""
        meters = "".join(
            f'<meter id="{acrel.station_of(*place)}">'
            + "".join(f'<function id="{name}" error="">{Decimal(wh) / 1000}</function>' for name, wh in values.items())
            + "</meter>"
            for place, values in energies.items()
        )
        inner = f'<data operation="report"><time>{at.strftime(acrel.TIME_FORMAT)}</time>{meters}</data>'
        plain = acrel.document(self.who, "energy_data", inner)
        kind = Type.DATA_ZIPPED if zipped else Type.DATA
        self._say(kind, acrel.seal(self.secret, zlib.compress(plain) if zipped else plain))

    def _say(self, kind: Type, data: bytes) -> None:
        self._writer.write(acrel.frame(kind, data))

    def _take(self, kind: Type, data: bytes) -> None:
        if kind is Type.DOWNLINK:
            task = asyncio.create_task(self._pass_on(*acrel.open_downlink(acrel.unseal(self.secret, data))))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
            return
        root = acrel.parse(data)
        if kind is Type.HEARTBEAT:
            beat = root.child("heart_beat")
            self.time_told = beat.words("time") if beat is not None else ""
            self.heard.append("time")
            return
        step = root.child("id_validate")
        assert step is not None
        operation = step.attributes["operation"]
        self.heard.append(f"{operation}:{step.words('result')}" if operation == "result" else operation)
        if operation == "sequence":
            said = acrel.proof(self.secret, step.words("sequence"))
            self._say(Type.AUTH, acrel.validate(self.who, "md5", said))
        elif step.words("result") == "pass":
            self.proven.set()

    async def _pass_on(self, port: int, address: int, frame: bytes) -> None:
        """One frame at a time on each line; what the meter says within the manager's patience goes back."""
        line = self.lines.get(port)
        if line is None:
            return
        async with self._turn[port]:
            answer, waited = b"", 0.0
            for delay, piece in line.respond(frame):
                await asyncio.sleep(self.clock.real(max(0.0, delay - waited)))
                waited = max(waited, delay)
                answer += piece
            if not answer:
                await asyncio.sleep(self.clock.real(PATIENCE_S))
                return
            await asyncio.sleep(self.clock.real(GATHER_S))
            self._say(Type.DOWNLINK_ACK, acrel.seal(self.secret, acrel.downlink(port, address, answer)))
