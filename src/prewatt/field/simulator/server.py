"""A building on the network: a plug for every line, a control socket, and gateways that vanish when told to."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from prewatt.field.simulator.building import SimulatedBuilding
from prewatt.field.simulator.control import Control
from prewatt.field.simulator.faults import FaultKind
from prewatt.field.simulator.wire import Plug, PtyPlug, TcpPlug

_LOOK_S = 0.1  # real time between looks at the gateways' faults


class BuildingServer:
    """Serves a building until stopped. ``ports`` names each line's port; a line that is not named gets a free one."""

    def __init__(
        self,
        building: SimulatedBuilding,
        *,
        host: str = "127.0.0.1",
        ports: dict[str, int] | None = None,
        control: Path | None = None,
    ) -> None:
        self.building = building
        self._ports = ports or {}
        self._host = host
        self._control = Control(self, control) if control else None
        self._watcher: asyncio.Task[None] | None = None
        self._lost: set[str] = set()
        self.plugs: dict[str, Plug] = {}
        for plan in building.plan.lines():
            line = building.lines[plan.name]
            if plan.framing == "serial":
                self.plugs[plan.name] = PtyPlug(line)
            else:
                self.plugs[plan.name] = TcpPlug(line, plan.framing, host, self._ports.get(plan.name, 0))

    async def start(self) -> None:
        """Open every line. Raises OSError that names the port when one is taken; nothing stays open then."""
        try:
            for plug in self.plugs.values():
                await plug.open()
            if self._control:
                await self._control.open()
        except OSError:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Close everything and bring the building's state to disk."""
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        if self._control:
            await self._control.close()
        for plug in self.plugs.values():
            await plug.close()
        self.building.save()

    def lines(self) -> list[dict[str, Any]]:
        """Where each line is found: name, host, port, baud, framing and its meters."""
        return [
            {
                "name": plan.name, "gateway": plan.gateway, "host": self.plugs[plan.name].host,
                "port": self.plugs[plan.name].port, "baud": plan.baud, "parity": plan.parity, "framing": plan.framing,
                "meters": [{"address": m.address, "profile": m.profile, "serial": m.serial} for m in plan.meters],
            }
            for plan in self.building.plan.lines()
        ]  # fmt: skip

    async def look(self) -> None:
        """Take gateways off the network and put them back, as the faults of this moment say."""
        now = self.building.now_ms()
        for name, plug in self.plugs.items():
            gateway = self.building.lines[name].gateway
            lost = self.building.faults.find(FaultKind.GATEWAY_LOST, now, name, gateway) is not None
            if lost and name not in self._lost:
                self._lost.add(name)
                await plug.close()
            elif not lost and name in self._lost:
                with contextlib.suppress(OSError):  # the port is taken for the moment: the next look tries again
                    await plug.open()
                    self._lost.discard(name)

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)
