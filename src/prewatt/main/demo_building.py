"""Makes the demo building: the plan as an import workbook, its first operator, and two weeks of readings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import xlsxwriter

from prewatt.core.energy import EXACT_PER_FEN
from prewatt.field.simulator.load import energy_wh
from prewatt.field.simulator.past import past
from prewatt.field.simulator.plan import BuildingPlan, MeterPlan, describe
from prewatt.main.home import Home
from prewatt.main.operator import make_first, new_password
from prewatt.meters.row import ABSENT, EMPTY_ROW, ROW

HISTORY_DAYS = 14
STEP_S = 1800
FIRST_PORT = 15020
BATCH_ROWS = 20_000

Rows = list[list[object]]


def make(home: Home, seed: int, say: Callable[[str], None]) -> int:
    """Fill an empty demo home by the steps that a real site takes too; its first moment in epoch milliseconds."""
    from prewatt.office.customers import workbook
    from prewatt.office.estate.services import save_site
    from prewatt.office.operators.models import Operator

    plan = describe(seed)
    at = home.clock().now()
    password = home.secret("first-operator.txt", new_password)
    make_first("admin", "系统管理员", password)
    operator = Operator.objects.get(username="admin")
    save_site(by=operator, at=at, name=plan.name, company=plan.company, hotline="021-0000 0000", demo=True, price=8_500)
    content = as_workbook(plan)
    (home.path / "building.xlsx").write_bytes(content)
    workbook.apply(workbook.read(content), by=operator, at=at)
    say(f"writing {HISTORY_DAYS} days of readings")
    write_history(plan, at.timestamp())
    return int(at.timestamp() * 1000)


def as_workbook(plan: BuildingPlan) -> bytes:
    """The plan as the Excel file that an engineer would import."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as book:
        for name, rows in sheets(plan).items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return target.getvalue()


def sheets(plan: BuildingPlan) -> dict[str, Rows]:
    """Rows of every sheet, the title row first."""
    gateways: Rows = [["name", "kind", "host", "port", "zone", "cabinet"]]
    lines: Rows = [["name", "gateway", "channel", "baud", "parity"]]
    meters: Rows = [["name", "line", "address", "profile", "serial", "place", "cabinet", "unit", "role"]]
    units: Rows = [["number", "name", "group", "use", "protected", "area"]]
    customers: Rows = [["name", "phone", "unit", "meters", "opening_credit"]]
    groups: Rows = [["name", "kind", "parent"]]
    for zone in plan.zones:
        groups.append([zone.name, "zone", None])
        groups.extend([floor, "floor", zone.name] for floor in zone.floors)
    for place, gateway in enumerate(plan.gateways):
        gateways.append(
            [gateway.name, "transparent", "127.0.0.1", FIRST_PORT + 2 * place, gateway.zone, gateway.cabinet]
        )
        lines.extend([line.name, gateway.name, line.channel, line.baud, line.parity] for line in gateway.lines)
    for unit in plan.units:
        meter = unit.meter
        units.append([unit.number, unit.name, unit.floor, unit.use, "yes" if unit.protected else "no", unit.area_m2])
        meters.append(
            [
                meter.name,
                unit.line,
                meter.address,
                meter.profile,
                meter.serial,
                meter.address,
                None,
                unit.number,
                "prepaid",
            ]
        )
        if unit.customer:
            credit = f"{max(0, meter.credit_fen) // 100}.{max(0, meter.credit_fen) % 100:02d}"
            customers.append([unit.customer, unit.phone, unit.number, meter.name, credit])
    return {
        "groups": groups,
        "gateways": gateways,
        "lines": lines,
        "meters": meters,
        "units": units,
        "customers": customers,
    }


def write_history(plan: BuildingPlan, start: float) -> None:
    """Two weeks of half-hour readings, as if the head-end had been there, up to the last half hour."""
    from prewatt.office.estate.models import Meter
    from prewatt.office.readings.ingest import ingest

    ids = dict(Meter.objects.values_list("serial", "pk"))
    batch: list[bytes] = []
    for meter in plan.meters():
        batch.extend(history_rows(meter, ids[meter.serial], start))
        if len(batch) >= BATCH_ROWS:
            ingest(rows=b"".join(batch))
            batch.clear()
    ingest(rows=b"".join(batch))


def history_rows(meter: MeterPlan, meter_id: int, start: float) -> Iterator[bytes]:
    """Packed rows of one meter, newest first; register and credit lead to what the plan says it holds at the start."""
    purchases = list(past(meter, start).purchases)
    register, used_uj, then = meter.energy_wh, 0, start
    credit, count = meter.credit_fen, (past(meter, start).count if meter.opened else 0)
    at = int(start) // STEP_S * STEP_S
    for _ in range(HISTORY_DAYS * 48):
        step = energy_wh(meter.kind, meter.scale_w, meter.seed, at, then)
        register, used_uj, length, then = register - step, used_uj + step * meter.price, then - at, at
        while purchases and purchases[-1].at > at:
            bought = purchases.pop()
            credit, count = credit - bought.amount_fen, bought.count - 1
        if register < 0:
            return
        held = credit + used_uj // EXACT_PER_FEN if meter.opened else ABSENT
        yield ROW.pack(
            *EMPTY_ROW._replace(
                meter_id=meter_id, at_ms=at * 1000, store=1, energy_wh=register // 10 * 10, credit=held,
                purchase_number=count, power_w=int(step * 3600 / max(1, length)), contactor=1,
            )
        )  # fmt: skip
        at -= STEP_S
