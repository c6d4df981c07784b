"""The engineer's door into the simulator: a local socket that takes one JSON object a line and answers each with one.

Requests name what to ``do``: meters, lines, inspect, faults, fault, clear. Answers carry ``ok`` and ``result`` or
``error``.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prewatt.field.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from prewatt.field.simulator.server import BuildingServer

_LONGEST_LINE = 65_536


class Control:
    """Answers on a unix socket that only the home's owner can open."""

    def __init__(self, server: BuildingServer, path: Path) -> None:
        self._server, self._path = server, path
        self._listener: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Begin to listen, in place of whatever an earlier process left behind."""
        self._path.unlink(missing_ok=True)
        self._listener = await asyncio.start_unix_server(self._talk, self._path, limit=_LONGEST_LINE)
        self._path.chmod(0o600)

    async def close(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        for writer in list(self._talks):
            writer.close()
        await self._listener.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        try:
            while line := await reader.readline():
                writer.write((json.dumps(await self._reply(line), ensure_ascii=False) + "\n").encode())
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the caller went away, or never ended its line
        finally:
            self._talks.discard(writer)
            writer.close()

    async def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            return {"ok": True, "result": await self._do(request)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"ok": False, "error": str(error) or type(error).__name__}

    async def _do(self, request: dict[str, Any]) -> Any:
        building = self._server.building
        match request["do"]:
            case "meters":
                return [self._short(serial) for serial in building.meters]
            case "lines":
                return self._server.lines()
            case "inspect":
                if request["serial"] not in building.meters:
                    raise ValueError(f"there is no meter {request['serial']!r}")
                return building.inspect(request["serial"])
            case "faults":
                return [_shown(fault) for fault in building.faults.active(building.now_ms())]
            case "fault":
                fault = building.fault(
                    FaultKind(request["kind"]), request["target"], seconds=request.get("seconds"),
                    chance=request.get("chance"), when=request.get("when", ""),
                )  # fmt: skip
                await self._server.look()
                return _shown(fault)
            case "clear":
                kind = request.get("kind")
                gone = building.clear(FaultKind(kind) if kind else None, request.get("target"))
                await self._server.look()
                return gone
            case other:
                raise ValueError(f"the simulator cannot do {other!r}")

    def _short(self, serial: str) -> dict[str, Any]:
        building = self._server.building
        meter, (gateway, line) = building.meters[serial], building.places[serial]
        return {
            "serial": serial, "name": meter.plan.name, "profile": meter.plan.profile, "gateway": gateway,
            "line": line, "address": meter.plan.address, "powered": meter.off_until <= building.now_ms(),
        }  # fmt: skip


def _shown(fault: Fault) -> dict[str, Any]:
    return {"kind": fault.kind.value, "target": fault.target, "chance": fault.chance, "until_ms": fault.until_ms}
