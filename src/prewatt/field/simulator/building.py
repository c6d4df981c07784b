"""All simulated lines and meters of one plan, their faults, and the file they are kept in.

What a master did to a meter is on disk before the meter acknowledges it. Everything else follows from the
plan and the time, so that a snapshot of last month is as good as one of this second: the meter catches up from there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from prewatt.core.clock import Clock
from prewatt.field.simulator.faults import USUAL_CHANCE, Fault, FaultKind, Faults
from prewatt.field.simulator.line import SimulatedLine
from prewatt.field.simulator.meter import SimulatedMeter
from prewatt.field.simulator.plan import BuildingPlan

STATE_FILE = "state.json"


class SimulatedBuilding:
    """Lines by name and meters by serial. ``folder`` keeps their state; None: they forget.

    ``start_ms`` is the first day, on which every meter is as the plan says; now when it is not given.
    """

    def __init__(
        self, plan: BuildingPlan, clock: Clock, *, folder: Path | None = None, start_ms: int | None = None
    ) -> None:
        self.plan, self.clock = plan, clock
        self.faults = Faults()
        self._file = folder / STATE_FILE if folder else None
        self._texts: dict[str, str] = {}
        kept = self._load()
        self.start_ms: int = kept["start_ms"] if kept else start_ms if start_ms is not None else self.now_ms()
        self.meters: dict[str, SimulatedMeter] = {}
        self.lines: dict[str, SimulatedLine] = {}
        self.places: dict[str, tuple[str, str]] = {}  # serial -> gateway, line
        for line in plan.lines():
            on_line = {}
            for meter_plan in line.meters:
                snapshot = kept["meters"].get(meter_plan.serial) if kept else None
                meter = SimulatedMeter(meter_plan, self.start_ms, snapshot)
                if meter_plan.dead and snapshot is None:
                    self.faults.set(Fault(FaultKind.DEAD, meter.serial))
                on_line[meter_plan.address] = self.meters[meter.serial] = meter
                self.places[meter.serial] = (line.gateway, line.name)
            self.lines[line.name] = SimulatedLine(
                line.name, on_line, clock, gateway=line.gateway, baud=line.baud, parity=line.parity,
                seed=plan.seed, faults=self.faults, keep=self.keep,
            )  # fmt: skip
        if kept:
            for fault in kept["faults"]:
                self.faults.set(Fault(FaultKind(fault["kind"]), fault["target"], fault["chance"], fault["until_ms"]))

    def now_ms(self) -> int:
        """Site time in epoch milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    # -- faults -------------------------------------------------------------------------------------------------------

    def fault(
        self, kind: FaultKind, target: str, *, seconds: float | None = None, chance: float | None = None, when: str = ""
    ) -> Fault:
        """Set a fault for so many seconds of site time, or until cleared.

        A power cut with ``when`` (before, after, torn) waits for the next purchase of that meter. Raises ValueError for
        a target that is not there.
        """
        now = self.now_ms()
        gateways = {gateway.name for gateway in self.plan.gateways}
        if target not in {"*", *self.meters, *self.lines, *gateways}:
            raise ValueError(f"there is no meter, line or gateway {target!r}")
        until = None if seconds is None else now + int(seconds * 1000)
        fault = Fault(kind, target, USUAL_CHANCE.get(kind, 1.0) if chance is None else chance, until)
        if kind is FaultKind.POWER_CUT:
            self._cut(target, int((seconds or 60) * 1000), when)
        else:
            self.faults.set(fault)
            self.save()
        return fault

    def _cut(self, target: str, for_ms: int, when: str) -> None:
        if when not in ("", "before", "after", "torn"):
            raise ValueError(f"a power cut comes before, after or torn, not {when!r}")
        for serial, meter in self.meters.items():
            if target in (serial, "*", *self.places[serial]):
                meter.advance(self.now_ms())
                if when:
                    meter.cut_at_purchase = (when, for_ms)
                else:
                    meter.cut_power(for_ms)

    def clear(self, kind: FaultKind | None = None, target: str | None = None) -> int:
        """End faults; power cuts too when they are meant. How many ended."""
        gone = self.faults.clear(kind, target)
        if kind in (None, FaultKind.POWER_CUT):
            for serial, meter in self.meters.items():
                off = meter.off_until > self.now_ms() or meter.cut_at_purchase is not None
                if off and target in (None, serial, *self.places[serial]):
                    meter.advance(self.now_ms())
                    meter.off_until, meter.cut_at_purchase = 0, None
                    gone += 1
        self.save()
        return gone

    # -- keeping ------------------------------------------------------------------------------------------------------

    def keep(self, meter: SimulatedMeter) -> None:
        """Bring one meter's state to disk; returns when it is there."""
        self._texts[meter.serial] = json.dumps(meter.snapshot())
        self._write()

    def save(self) -> None:
        """Bring everything to disk."""
        for serial, meter in self.meters.items():
            self._texts[serial] = json.dumps(meter.snapshot())
        self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        faults = [
            {"kind": fault.kind, "target": fault.target, "chance": fault.chance, "until_ms": fault.until_ms}
            for fault in self.faults.active(self.now_ms())
        ]
        head = json.dumps({"seed": self.plan.seed, "start_ms": self.start_ms, "faults": faults}, ensure_ascii=False)
        meters = ",\n".join(f'"{serial}": {text}' for serial, text in self._texts.items())
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as target:
            target.write(f'{head[:-1]}, "meters": {{\n{meters}\n}}}}\n')
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(self._file)

    def _load(self) -> dict[str, Any] | None:
        """What was kept for this plan. A file of another seed belongs to another building and is left out."""
        if self._file is None or not self._file.exists():
            return None
        kept: dict[str, Any] = json.loads(self._file.read_text("utf-8"))
        if kept["seed"] != self.plan.seed:
            return None
        self._texts = {serial: json.dumps(state) for serial, state in kept["meters"].items()}
        return kept

    # -- looking ------------------------------------------------------------------------------------------------------

    def inspect(self, serial: str) -> dict[str, Any]:
        """The truth inside one meter, whatever its line lets through. Raises KeyError for an unknown serial."""
        meter = self.meters[serial]
        meter.advance(self.now_ms())
        gateway, line = self.places[serial]
        purse, relay, shown = meter.purse, meter.relay, meter.electrics()
        return {
            "serial": serial, "name": meter.plan.name, "profile": meter.plan.profile, "gateway": gateway, "line": line,
            "address": meter.plan.address, "kind": meter.plan.kind, "at_ms": meter.at_ms,
            "remaining_fen": purse.remaining, "purchase_count": purse.count, "total_fen": purse.total,
            "owed": purse.owed, "energy_wh": meter.energy_quanta * 10,
            "bands_wh": [quanta * 10 for quanta in meter.quanta], "power_w": shown.total_w,
            "contactor": "closed" if relay.closed else "open", "reason": relay.reason(),
            "mode": ("forced-off" if relay.forced_open else "held-on") if relay.forced else "prepaid",
            "prices": purse.prices[:4], "alarm_1_fen": purse.alarm_1, "alarm_2_fen": purse.alarm_2,
            "overdraft_fen": purse.overdraft, "ceiling_fen": purse.ceiling, "trips": meter.load_control.trips,
            "powered": meter.powered, "clock": meter.civil().strftime("%Y-%m-%d %H:%M:%S"), "log": purse.records(),
            "faults": [
                f.kind.value for f in self.faults.active(meter.at_ms) if f.target in {serial, line, gateway, "*"}
            ],
        }  # fmt: skip
