"""The first day of a building: import a workbook, see the wall come alive, sell, and follow the money into the meter."""

from __future__ import annotations

import io
import re
import time

import pytest
import xlsxwriter
from playwright.sync_api import expect

from bench.building import Building
from prewatt.field.simulator.client import SimulatorClient
from tests.walks.conftest import Lines, Walker


def workbook(lines: Lines, *, wrong: bool = False) -> bytes:
    """Forty meters with units and customers on the two new lines; ``wrong`` plants three mistakes."""
    sheets: dict[str, list[list[object]]] = {
        "建筑群": [["名称", "类型"], ["E区 新楼", "区域"]],
        "gateways": [["name", "kind", "host", "port", "zone"]],
        "lines": [["name", "gateway", "channel", "baud", "parity"]],
        "meters": [["name", "line", "address", "profile", "serial", "unit"]],
        "units": [["number", "name", "group", "use"]],
        "customers": [["name", "phone", "unit", "meters"]],
    }
    for place, line in enumerate(lines.lines, 1):
        sheets["gateways"].append([f"E区网关{place}", "transparent", line["host"], line["port"], "E区 新楼"])
        sheets["lines"].append([f"E区{place}号线", f"E区网关{place}", 1, line["baud"], "N"])
        for meter in line["meters"]:
            unit = f"E-{place}{meter['address']:02d}"
            sheets["meters"].append(
                [f"{unit} 电表", f"E区{place}号线", meter["address"], meter["profile"], meter["serial"], unit]
            )
            sheets["units"].append([unit, f"{unit} 室", "E区 新楼", "办公"])
            sheets["customers"].append([f"新商户{unit}", "13900000000", unit, f"{unit} 电表"])
    if wrong:
        sheets["meters"][3][2] = sheets["meters"][2][2]  # the same address twice
        sheets["meters"][5][3] = "no-such-profile"
        sheets["units"][4][2] = "Z区"
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return target.getvalue()


def upload(walk: Walker, content: bytes) -> None:
    walk.go("/system/import/")
    file = {"name": "新楼.xlsx", "mimeType": "application/octet-stream", "buffer": content}
    walk.page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    walk.page.get_by_role("button", name="上传").click()


def choose(walk: Walker, unit: str) -> None:
    """Find a customer at the counter as a cashier does, by keyboard alone."""
    walk.go("/counter/")
    walk.page.keyboard.press("/")
    walk.page.keyboard.type(unit)
    expect(walk.page.locator("#hit-1")).to_contain_text(unit)
    walk.page.keyboard.press("Enter")
    expect(walk.page.locator("#amount")).to_be_focused()


def test_a_workbook_with_mistakes_is_refused_with_sheet_row_and_column(walk: Walker, new_lines: Lines) -> None:
    upload(walk, workbook(new_lines, wrong=True))
    expect(walk.page.locator(".alert-danger")).to_be_visible()
    rows = walk.page.locator(".l-table tbody tr")
    expect(rows).not_to_have_count(0)
    text = walk.page.locator(".l-table").inner_text()
    assert "no-such-profile" in text
    assert "Z区" in text
    assert re.search(r"\b4\b", text), "the row of the double address"
    walk.shot("import-errors-desktop")
    walk.page.set_viewport_size({"width": 390, "height": 844})
    walk.shot("import-errors-phone")


def test_from_the_workbook_to_credit_in_the_meter(walk: Walker, house: Building, new_lines: Lines) -> None:
    """Import 40 meters, find a unit on the wall, sell 100 yuan, see it pending then proven, print, and ask the meter."""
    page = walk.page
    upload(walk, workbook(new_lines))
    page.get_by_role("button", name="导入", exact=False).click()
    expect(page.locator(".alert-success")).to_contain_text("导入完成")

    walk.go("/")
    tile = page.locator("a", has_text="E-103").first
    expect(tile).to_be_visible()
    expect(tile).to_contain_text("¥", timeout=40_000)  # the new lines are read without a restart
    walk.shot("wall-desktop")
    tile.click()
    expect(page.get_by_text("新商户E-103").first).to_be_visible()
    walk.shot("unit-desktop")

    serial = next(m["serial"] for m in new_lines.lines[0]["meters"] if m["address"] == 3)
    choose(walk, "E-103")
    page.keyboard.type("100")
    expect(page.locator("#quote")).to_contain_text("kWh")
    walk.shot("counter-desktop")
    page.keyboard.press("Enter")
    expect(page.locator("#order")).to_contain_text("¥100.00")
    walk.shot("order-pending-desktop")
    expect(page.locator("#order.od--delivered")).to_be_visible(timeout=30_000)
    expect(page.locator(".od-proof")).to_contain_text("+")
    walk.shot("order-proven-desktop")

    page.locator("a[href*='/counter/receipts/']").first.click()
    expect(page.get_by_text("壹佰元整").first).to_be_visible()
    walk.shot("receipt-desktop")
    page.set_viewport_size({"width": 390, "height": 844})
    walk.shot("receipt-phone")
    kept = new_lines.purse(serial)
    assert any(record.get("amount") == 10_000 or 10_000 in record.values() for record in log_of(kept)), kept


def log_of(kept: dict[str, object]) -> list[dict[str, object]]:
    """Records of the purchase log in a meter's kept state."""
    found: list[dict[str, object]] = []
    stack: list[object] = [kept]
    while stack:
        thing = stack.pop()
        if isinstance(thing, dict):
            found.append(thing)
            stack.extend(thing.values())
        elif isinstance(thing, list):
            if thing and all(isinstance(value, int | str) for value in thing):
                found.append(dict(enumerate(thing)))  # type: ignore[arg-type]
            stack.extend(thing)
    return found


def test_a_sale_to_a_dead_meter_tells_where_the_money_is(walk: Walker, house: Building) -> None:
    """Silent meter: the money waits and the page says so; when the meter answers again, it arrives exactly once."""
    simulator = SimulatorClient(house.home / "simulator.sock")
    walk.go("/units/A-302/")
    serial = next(meter["serial"] for meter in simulator.meters() if meter["name"] == "A-302 电表")
    before = simulator.inspect(serial)
    simulator.fault("dead", serial)
    choose(walk, "A-302")
    walk.page.fill("#amount", "50")
    walk.page.locator("[data-go]").click()
    expect(walk.page.locator("#order")).to_contain_text("¥50.00")
    time.sleep(4)  # real processes, real time: long enough for a delivery that must not happen
    expect(walk.page.locator("#order.od--delivered")).to_have_count(0)
    walk.shot("order-waiting-desktop")
    simulator.clear("dead", serial)
    expect(walk.page.locator("#order.od--delivered")).to_be_visible(timeout=60_000)
    after = simulator.inspect(serial)
    assert after["purchase_count"] == before["purchase_count"] + 1
    assert after["total_fen"] == before["total_fen"] + 5_000


@pytest.mark.phone
def test_a_manager_sees_the_building_on_a_phone(walk: Walker) -> None:
    expect(walk.page.get_by_text("A-301").first).to_be_visible()
    width = walk.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "the page must not scroll sideways"
    walk.shot("wall-phone")
    walk.go("/units/A-301/")
    assert walk.page.evaluate("document.documentElement.scrollWidth") <= 390
    walk.shot("unit-phone")
