"""The import page: what was checked is what is imported, once, all of it or nothing; every error has its place."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from prewatt.office.estate.models import Gateway, Line, Meter, Premises, UnitGroup
from prewatt.office.operators.models import OperationLog
from prewatt.web.console.estate import importer, importing

HEADS = {
    "groups": ("name", "kind", "parent"),
    "gateways": ("name", "kind", "host", "port", "zone"),
    "lines": ("name", "gateway", "channel"),
    "meters": ("name", "line", "address", "profile", "serial", "unit"),
    "units": ("number", "name", "group", "use"),
    "customers": ("name", "phone", "unit"),
}


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(importing, "folder", lambda: tmp_path / "uploads")
    return tmp_path / "uploads"


def rows(meters: int = 3) -> dict[str, list[tuple]]:
    return {
        "groups": [("北区", "zone", "")],
        "gateways": [("北区网关", "transparent", "127.0.0.1", 15000, "北区")],
        "lines": [("北区总线", "北区网关", 1)],
        "meters": [
            (f"N{n} 表", "北区总线", n, "acrel-ddsy1352-nk", f"2611{n:08d}", f"N-{n}") for n in range(1, meters + 1)
        ],
        "units": [(f"N-{n}", f"铺{n}", "北区", "餐饮") for n in range(1, meters + 1)],
        "customers": [("老王面馆", "13800000000", "N-1")],
    }


def workbook(sheets: dict[str, list[tuple]]) -> SimpleUploadedFile:
    file = io.BytesIO()
    book = Workbook(file)
    for name, lines in sheets.items():
        sheet = book.add_worksheet(name)
        for number, line in enumerate([HEADS[name], *lines]):
            sheet.write_row(number, 0, line)
    book.close()
    return SimpleUploadedFile("楼.xlsx", file.getvalue())


def upload(client, sheets) -> str:
    response = client.post("/system/import/", {"file": workbook(sheets)})
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def test_the_template_is_a_workbook_with_all_six_sheets(client) -> None:
    body = client.get("/system/import/template/").content
    names = CalamineWorkbook.from_filelike(io.BytesIO(body)).sheet_names
    assert len(names) >= 6


def test_checking_writes_nothing_and_counts_each_sheet(client) -> None:
    page = client.get(upload(client, rows()))
    assert page.context["error_count"] == 0
    assert {row["title"]: row["rows"] for row in page.context["rows"]}["Meters"] == 3
    assert not Meter.objects.exists()
    assert not UnitGroup.objects.exists()


def test_import_now_brings_in_the_very_file(client) -> None:
    address = upload(client, rows())
    client.get(address)
    result = client.post(f"{address}apply/", follow=True)
    assert result.context["imported"]
    assert Meter.objects.filter(premises__number__startswith="N-").count() == 3
    assert Premises.objects.get(number="N-1").agreements.get().customer.name == "老王面馆"
    entry = OperationLog.objects.filter(action="estate.import").get()
    assert entry.operator == client.operator


def test_import_now_twice_imports_once(client) -> None:
    address = upload(client, rows())
    client.get(address)
    client.post(f"{address}apply/")
    again = client.post(f"{address}apply/", follow=True)
    assert again.context["imported"]
    assert OperationLog.objects.filter(action="estate.import").count() == 1


def test_a_file_changed_after_its_check_is_not_imported(client, uploads) -> None:
    address = upload(client, rows())
    client.get(address)
    token = address.strip("/").split("/")[-1]
    (uploads / f"{token}.xlsx").write_bytes(workbook(rows(5)).read())
    assert client.post(f"{address}apply/", follow=True).context["state"] == "broken"
    assert not Meter.objects.exists()


def test_every_error_has_sheet_row_and_column(client) -> None:
    wrong = rows()
    wrong["meters"][1] = ("N2 表", "北区总线", 999, "no-such-model", "", "N-77")
    wrong["gateways"][0] = ("北区网关", "transparent", "127.0.0.1", "abc", "西区")
    page = client.get(upload(client, wrong))
    places = {(error["sheet"], error["row"], error["column"]) for error in page.context["errors"]}
    assert {("meters", 3, "address"), ("meters", 3, "profile"), ("meters", 3, "unit")} <= places
    assert {("gateways", 2, "port"), ("gateways", 2, "zone")} <= places
    assert client.post(f"{page.request['PATH_INFO']}apply/", follow=True).context["imported"] is False
    assert not Gateway.objects.exists()


def test_a_33rd_device_and_a_second_kind_on_a_line_are_errors(client) -> None:
    crowded = rows(33)
    crowded["meters"][1] = ("N2 表", "北区总线", 2, "acrel-dtsy1352-nk", "", "N-2")
    text = " ".join(error["message"] for error in client.get(upload(client, crowded)).context["errors"])
    assert "33" in text
    assert "kind" in text


def test_errors_can_be_narrowed_to_a_sheet_and_taken_along(client) -> None:
    wrong = rows()
    wrong["meters"][0] = ("N1 表", "无", 1, "acrel-ddsy1352-nk", "", "N-1")
    wrong["groups"][0] = ("北区", "castle", "")
    address = upload(client, wrong)
    only = client.get(address, {"sheet": "groups"}).context["errors"]
    assert {error["sheet"] for error in only} == {"groups"}
    book = b"".join(client.get(f"{address}errors/").streaming_content)
    lines = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert lines[0] == ["Sheet", "Row", "Column", "What is wrong"]
    assert len(lines) - 1 == client.get(address).context["error_count"]


@pytest.mark.parametrize(
    ("name", "body"),
    [("a.xlsx", b"not a workbook"), ("a.xls", b"PK"), ("a.xlsx", b"PK\x03\x04 broken"), ("a.csv", b"1,2")],
)
def test_what_is_no_workbook_is_refused_in_words(client, name, body) -> None:
    response = client.post("/system/import/", {"file": SimpleUploadedFile(name, body)}, follow=True)
    text = response.content.decode()
    assert ".xlsx" in text
    assert "Traceback" not in text
    assert not response.context.get("imported")


def test_a_file_too_large_is_refused(client, monkeypatch) -> None:
    monkeypatch.setattr(importing, "MAX_BYTES", 100)
    response = client.post("/system/import/", {"file": workbook(rows())})
    assert response.status_code == 422
    assert "10 MB" in response.content.decode()


def test_no_file_is_an_error_at_the_field(client) -> None:
    response = client.post("/system/import/", {})
    assert response.status_code == 422
    assert response.context["form"].errors["file"]


def test_an_upload_is_its_owners_alone(client, browser) -> None:
    address = upload(client, rows())
    other = browser()
    assert other.get(address).status_code == 404
    assert other.post(f"{address}apply/").status_code == 404
    assert client.get("/system/import/..%2f..%2fsecret/").status_code == 404


def test_uploads_are_readable_by_the_owner_of_the_home_only(client, uploads) -> None:
    upload(client, rows())
    assert uploads.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in uploads.iterdir()} == {0o600}


def test_an_operator_of_a_part_of_the_building_may_not_import(browser, building) -> None:
    client = browser("administrator", groups=(building.zones[0],))
    response = client.post("/system/import/", {"file": workbook(rows())})
    assert response.status_code == 422
    assert not UnitGroup.objects.filter(name="北区").exists()


def test_the_same_file_again_changes_nothing(client) -> None:
    for _ in range(2):
        address = upload(client, rows())
        client.get(address)
        assert client.post(f"{address}apply/", follow=True).context["imported"]
    assert (Line.objects.count(), Meter.objects.count(), Premises.objects.count()) == (1, 3, 3)


def test_what_was_taken_since_the_check_is_told_and_nothing_is_written(client, building) -> None:
    sheets = rows()
    sheets["gateways"][0] = ("北区网关", "transparent", "127.0.0.1", 17000, "北区")
    address = upload(client, sheets)
    assert client.get(address).context["error_count"] == 0
    Gateway.objects.filter(pk=building.gateways[0].pk).update(port=17000)
    page = client.post(f"{address}apply/", follow=True)
    assert page.context["error_count"] == 1
    assert not UnitGroup.objects.filter(name="北区").exists()


def test_a_big_workbook_is_worked_on_beside_the_page(client, monkeypatch) -> None:
    """The page answers at once and asks again each second; the test plays the thread, as it shares its transaction."""
    beside = []

    class Later:
        def __init__(self, *, target, args, name) -> None:
            assert target is importer._run_beside
            beside.append(args)

        def start(self) -> None:
            pass

    monkeypatch.setattr(importer, "AT_ONCE", 0)
    monkeypatch.setattr(importer, "Thread", Later)
    address = upload(client, rows())
    page = client.get(address)
    assert page.context["busy"]
    assert 'hx-trigger="every 1s"' in page.content.decode()
    assert client.get(address).context["busy"]
    importer._run(*beside.pop())
    assert not beside, "a second look must not start the work again"
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "import-state"})
    assert part.context["error_count"] == 0
    assert "<html" not in part.content.decode()
    client.post(f"{address}apply/")
    assert client.get(address).context["busy"]
    importer._run(*beside.pop())
    assert client.get(address).context["imported"]
    assert Meter.objects.count() == 3


def test_work_whose_process_died_can_be_started_again(client, uploads) -> None:
    from prewatt.web.console.estate.uploads import Upload

    address = upload(client, rows())
    kept = Upload(uploads, address.strip("/").split("/")[-1])
    kept.tell(state="checking", process=2**22 + 12345)
    assert client.get(address).context["state"] == "checked"
