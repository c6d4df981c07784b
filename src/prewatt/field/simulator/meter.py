"""A prepaid meter that lives: it counts, charges its purse, opens and closes its contactor, and remembers.

It is advanced lazily: nothing happens between two looks that a look cannot catch up with, moment by moment where
something changes. All state is whole numbers and the load is a function of time, so two meters with the same
past are the same, however often they were looked at. Times are epoch milliseconds of the site.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from prewatt.field.simulator.electrics import GLIMPSE_MS, Electrics, measure
from prewatt.field.simulator.load import BANDS, SITE_OFFSET_S, SLOT_S, UJ_PER_WH, Load
from prewatt.field.simulator.past import opening_bands, past
from prewatt.field.simulator.plan import ADF_MODELS, DLT_MODELS, INSTRUMENTS, THREE_PHASE, MeterPlan
from prewatt.field.simulator.purse import QUANTUM_WH, Purse
from prewatt.field.simulator.relay import LoadControl, Relay
from prewatt.field.simulator.timetable import Steps, day_table, periods, rates, table_of_day

QUANTUM_UJ = QUANTUM_WH * UJ_PER_WH
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_SLOT_MS = SLOT_S * 1000
_RATIOS = (20, 40, 60, 1)  # current transformers 100/5 to 300/5, and none
WORKING_DAYS = 0b0011_1110  # bit 1 Monday to bit 7 Sunday
ZONES_DEFAULT = bytes((1, 1, 1)) + bytes(9)


class SimulatedMeter:
    """One meter: purse, relay, counters, clock and settings; a register map shows it to the wire.

    ``kept`` is a snapshot to go on from; without one the meter begins as the plan says. Raises KeyError or ValueError
    when ``kept`` is no snapshot.
    """

    def __init__(self, plan: MeterPlan, start_ms: int, kept: dict[str, Any] | None = None) -> None:
        self.plan = plan
        self.serial = plan.serial
        self.phases = 3 if plan.profile in THREE_PHASE else 1
        self.hour_first = plan.profile in ADF_MODELS
        self.load = Load(plan.kind, plan.scale_w, plan.seed)
        self.version = 0  # grows with everything but time and energy
        self.clock_drift_s = plan.seed % 41 - 20
        self.password = 0 if plan.profile in DLT_MODELS else 1
        instrument = plan.profile in INSTRUMENTS
        self.ratios = [1, _RATIOS[plan.seed % len(_RATIOS)] if instrument else 1]  # PT, CT: the load is the primary's
        self.zones = bytearray(ZONES_DEFAULT)
        self.tables = [bytearray(day_table(BANDS, hour_first=self.hour_first)) for _ in range(2)]
        circuits = self.phases
        self.time_words = [0, *([0, WORKING_DAYS] + [0] * 24) * circuits]
        self.load_control = LoadControl(circuits)
        self.relay = Relay(forced=plan.mode != "prepaid", forced_open=plan.mode == "forced-off", prepaid=not instrument)
        self.purse = _first_purse(plan)
        self.quanta = [0, 0, 0, 0, 0]  # of each rate, in 0.01 kWh
        self.residue = 0  # microjoules counted towards the next hundredth
        self.off_until = 0
        self.shown: object = None  # what the register map keeps of its last answer
        self.cut_at_purchase: tuple[str, int] | None = None  # before | after | torn, and for how many ms
        self.at_ms = start_ms
        self._calendar_day = -1
        self._rates: Steps = Steps((0,), (2,))
        self._time: tuple[Steps, ...] = ()
        self._controls: tuple[bool, ...] = ()
        self._glimpse: tuple[int, int, Electrics] | None = None
        if kept is None:
            self._begin(start_ms)
        else:
            self._restore(kept)
        self._mark = self.load.reached(self.at_ms)
        self.touched()

    def _begin(self, start_ms: int) -> None:
        start = start_ms / 1000
        for rate, energy in enumerate(opening_bands(self.plan, start)):
            self.quanta[rate] = energy // QUANTUM_WH
        told = past(self.plan, start)
        self.purse.count, self.purse.total = told.count & 0xFFFF, told.total_fen
        for bought in told.purchases:
            stamp = self._stamp(bought.at * 1000)
            energy = bought.energy_wh // QUANTUM_WH
            self.purse.remember(stamp, bought.count, bought.amount_fen, bought.after_fen, energy)

    # -- time ---------------------------------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> None:
        """Live until now. A clock that went back changes nothing."""
        while self.at_ms < now_ms:
            if self.at_ms < self.off_until:
                self._skip(min(now_ms, self.off_until))
                continue
            end = min(now_ms, self._next_change())
            if self.relay.closed:
                end = self._count(end)
            else:
                self._mark = self.load.reached(end)
            self.at_ms = end
            self._settle()

    def _skip(self, end: int) -> None:
        """The supply is away: nothing is drawn, nothing counted."""
        self._mark = self.load.reached(end)
        self.at_ms = end

    def _count(self, end: int) -> int:
        """Count what flows until ``end``, or until the credit meets a level at which the contactor may move."""
        reached = self.load.reached(end)
        quanta, residue = divmod(self.residue + reached - self._mark, QUANTUM_UJ)
        if quanta:
            rate = self._rate()
            stop = self._quanta_to_level(rate)
            if stop is not None and stop <= quanta:
                end = self._moment_of(stop, end)
                reached = self.load.reached(end)
                quanta = stop
                residue = self.residue + reached - self._mark - quanta * QUANTUM_UJ
            self.quanta[rate] += quanta
            if self.relay.prepaid:
                self.purse.charge(quanta, rate)
        self.residue, self._mark = residue, reached
        return end

    def _quanta_to_level(self, rate: int) -> int | None:
        purse, relay = self.purse, self.relay
        if not relay.prepaid:
            return None
        levels = []
        if not relay.arrears:
            levels.append(-purse.overdraft)
        if relay.warned is False and relay.pretrip_s >= 0:
            levels.append(purse.alarm_2 - 1)
        steps = [step for level in levels if (step := purse.quanta_to(level, rate)) is not None]
        return min(steps, default=None)

    def _moment_of(self, quanta: int, end: int) -> int:
        """The first millisecond at which that many more hundredths of a kWh are counted."""
        goal = quanta * QUANTUM_UJ - self.residue + self._mark
        low, high = self.at_ms, end
        while high - low > 1:
            middle = (low + high) // 2
            if self.load.reached(middle) >= goal:
                high = middle
            else:
                low = middle
        return high

    def _settle(self) -> None:
        """Let every control look at the state of this moment and set the contactor."""
        relay, purse = self.relay, self.purse
        relay.watch_purse(purse.remaining, purse.alarm_2, purse.overdraft, self.at_ms)
        relay.time_open = self._time_open()
        self.load_control.recover(self.at_ms)
        relay.load_open = self.load_control.open
        relay.decide()
        if self.load_control.enabled:
            self.load_control.watch(relay.closed, self._phase_loads(), self.at_ms)
            relay.load_open = self.load_control.open
            relay.decide()
        controls = (relay.closed, relay.prepaid_open, relay.load_open, relay.time_open, self.load_control.over)
        if controls != self._controls:
            self._controls = controls
            self.version += 1

    def touched(self) -> None:
        """A setting was written: look again at everything that follows from it."""
        self.version += 1
        self._calendar_day = -1
        self._settle()

    def _next_change(self) -> int:
        """The next moment at which a rate, a period or a control may change by itself."""
        minute_of_day = self._minute()
        day_start = self.at_ms - (self.at_ms + self._offset_ms()) % _DAY_MS
        minutes = [self._rates.next(minute_of_day)]
        if self.time_words[0]:
            minutes += [steps.next(minute_of_day) for steps in self._time]
        soonest = day_start + min(minutes) * _MINUTE_MS
        for moment in (self.relay.pretrip_until, self.load_control.next_moment()):
            if self.at_ms < moment < soonest:
                soonest = moment
        if self.load_control.enabled:
            slot_end = self.at_ms - (self.at_ms + SITE_OFFSET_S * 1000) % _SLOT_MS + _SLOT_MS
            soonest = min(soonest, slot_end)
        return soonest

    def _offset_ms(self) -> int:
        return (SITE_OFFSET_S + self.clock_drift_s) * 1000

    def _minute(self) -> int:
        day, into = divmod(self.at_ms + self._offset_ms(), _DAY_MS)
        if day != self._calendar_day:
            self._open_day(day)
        return into // _MINUTE_MS

    def _open_day(self, day: int) -> None:
        """Look up the tables that hold on a day of the meter's own calendar."""
        self._calendar_day = day
        date = datetime.fromtimestamp(day * 86_400, UTC)
        number = table_of_day(bytes(self.zones), date.month, date.day)
        self._rates = rates(bytes(self.tables[number - 1]), hour_first=self.hour_first)
        found = []
        for circuit in range(self.phases):
            words = self.time_words[1 + 26 * circuit : 27 + 26 * circuit]
            working = words[1] >> date.isoweekday() & 1  # weekday map: bit 1 Monday to bit 7 Sunday
            found.append(periods(words[14:26] if working else words[2:14], hour_first=self.hour_first))
        self._time = tuple(found)

    def _rate(self) -> int:
        return self._rates.at(self._minute())

    def _time_open(self) -> bool:
        if not self.time_words[0]:
            return False
        minute = self._minute()
        return any(steps.at(minute) for steps in self._time)

    def _phase_loads(self) -> tuple[int, ...]:
        mean = self.load.power_w(self.at_ms)
        return (mean // self.phases,) * self.phases

    # -- what it shows ------------------------------------------------------------------------------------------------

    @property
    def energy_quanta(self) -> int:
        """The register of total energy, in 0.01 kWh."""
        return sum(self.quanta)

    def electrics(self) -> Electrics:
        """Momentary values; nothing flows while the contactor is open."""
        glimpse = self.at_ms // GLIMPSE_MS
        known = self._glimpse
        if known is None or known[0] != glimpse or known[1] != self.version:
            mean = self.load.power_w(self.at_ms) if self.relay.closed else 0
            values = measure(self.plan.kind, self.plan.seed, glimpse, mean, self.phases)
            self._glimpse = known = (glimpse, self.version, values)
        return known[2]

    def civil_second(self) -> int:
        """The meter's own clock in whole seconds: local time of the site and a drift, as if it were UTC."""
        return (self.at_ms + self._offset_ms()) // 1000

    def civil(self) -> datetime:
        """The meter's own clock as a date, as if it were UTC."""
        return datetime.fromtimestamp(self.civil_second(), UTC)

    def _stamp(self, at_ms: int) -> bytes:
        when = datetime.fromtimestamp((at_ms + self._offset_ms()) // 1000, UTC)
        return bytes((when.year % 100, when.month, when.day, when.hour, when.minute, when.second))

    # -- what is done to it -------------------------------------------------------------------------------------------

    def buy(self, amount: int, count: int) -> bool:
        """A purchase that the purse does not refuse; False when nothing changed or the supply failed before it."""
        if count == self.purse.count:
            return False
        cut, self.cut_at_purchase = self.cut_at_purchase, None
        if cut and cut[0] == "before":
            self.cut_power(cut[1])
            return False
        stamp = self._stamp(self.at_ms)
        done = self.purse.buy(amount, count, stamp, self.energy_quanta, torn=bool(cut and cut[0] == "torn"))
        self.touched()
        if cut:
            self.cut_power(cut[1])
        return done

    def cut_power(self, for_ms: int) -> None:
        """Take its supply away for a while: it neither counts nor answers."""
        self.off_until = self.at_ms + for_ms

    @property
    def powered(self) -> bool:
        return self.at_ms >= self.off_until

    # -- keeping ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything that is not in the plan, as JSON values."""
        purse, relay = self.purse, self.relay
        return {
            "at_ms": self.at_ms, "residue": self.residue, "quanta": self.quanta, "off_until": self.off_until,
            "drift": self.clock_drift_s, "password": self.password, "ratios": self.ratios,
            "zones": self.zones.hex(), "tables": [table.hex() for table in self.tables],
            "time": self.time_words, "load": self.load_control.snapshot(), "relay": relay.snapshot(),
            "purse": {
                "prices": purse.prices, "remaining": purse.remaining, "count": purse.count, "total": purse.total,
                "base": purse.base, "alarm_1": purse.alarm_1, "alarm_2": purse.alarm_2, "overdraft": purse.overdraft,
                "ceiling": purse.ceiling, "owed": purse.owed, "last_amount": purse.last_amount,
            },
            "log": base64.b64encode(b"".join(purse.log)).decode(),
        }  # fmt: skip

    def _restore(self, kept: dict[str, Any]) -> None:
        self.at_ms, self.residue, self.off_until = kept["at_ms"], kept["residue"], kept["off_until"]
        self.quanta, self.clock_drift_s = list(kept["quanta"]), kept["drift"]
        self.password, self.ratios = kept["password"], list(kept["ratios"])
        self.zones = bytearray.fromhex(kept["zones"])
        self.tables = [bytearray.fromhex(table) for table in kept["tables"]]
        self.time_words = list(kept["time"])
        self.load_control.restore(kept["load"])
        self.relay.restore(kept["relay"])
        self.purse.restore(kept["purse"], base64.b64decode(kept["log"]))


def _first_purse(plan: MeterPlan) -> Purse:
    adf = plan.profile in ADF_MODELS
    price = plan.price // 100 * 100 if adf else plan.price  # ADF prices are whole fen
    return Purse(
        [price] * 5, remaining=plan.credit_fen, alarm_1=plan.alarm_1_fen, alarm_2=plan.alarm_2_fen,
        overdraft=plan.overdraft_fen, ceiling=0 if adf else plan.ceiling_fen,
        signed=not adf,
    )  # fmt: skip
