"""The other side of the engineer's door: how the demo panel and tests look into the simulator and disturb it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from prewatt.core.errors import Refusal
from prewatt.field.simulator.faults import FaultKind

__all__ = ["FaultKind", "SimulatorClient"]


class SimulatorClient:
    """Asks the simulator of a home. Every verb raises Refusal when it is not running or says no."""

    def __init__(self, path: Path, *, timeout_s: float = 3.0) -> None:
        self._path, self._timeout_s = path, timeout_s

    def meters(self) -> list[dict[str, Any]]:
        """All meters in short: serial, name, profile, gateway, line, address, powered."""
        return list(self._ask({"do": "meters"}))

    def lines(self) -> list[dict[str, Any]]:
        """All lines: name, gateway, host, port, baud, framing, meters."""
        return list(self._ask({"do": "lines"}))

    def inspect(self, serial: str) -> dict[str, Any]:
        """The truth inside a meter: remaining_fen, purchase_count, total_fen, contactor, reason, mode, log and more."""
        return dict(self._ask({"do": "inspect", "serial": serial}))

    def faults(self) -> list[dict[str, Any]]:
        """Faults that hold now: kind, target, chance, until_ms."""
        return list(self._ask({"do": "faults"}))

    def fault(
        self,
        kind: str,
        target: str,
        seconds: float | None = None,
        *,
        chance: float | None = None,
        when: str = "",
    ) -> dict[str, Any]:
        """Disturb a meter (by serial), a line or a gateway (by name), or everything (*), for seconds of site time.

        A power cut with ``when`` before, after or torn happens at the meter's next purchase.
        """
        request = {"do": "fault", "kind": kind, "target": target, "seconds": seconds, "chance": chance, "when": when}
        return dict(self._ask(request))

    def clear(self, kind: str | None = None, target: str | None = None) -> int:
        """End faults of a kind, at a target, or all of them; how many ended."""
        return int(self._ask({"do": "clear", "kind": kind, "target": target}))

    def _ask(self, request: dict[str, Any]) -> Any:
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(self._timeout_s)
                link.connect(str(self._path))
                link.sendall((json.dumps(request) + "\n").encode())
                with link.makefile("rb") as answers:
                    answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise Refusal("simulator-away", "The simulator is not running.") from error
        if not answer["ok"]:
            raise Refusal("simulator-refused", "The simulator refused: %(reason)s", reason=answer["error"])
        return answer["result"]
