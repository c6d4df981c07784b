"""The import: a whole building at once, or nothing and every error with its sheet, row and column."""

from __future__ import annotations

import io

import pytest
from python_calamine import CalamineWorkbook

from prewatt.core.errors import Refusal
from prewatt.office.customers import workbook
from prewatt.office.customers.models import AgreementMeter, Customer, SupplyAgreement
from prewatt.office.customers.services import edit_customer
from prewatt.office.estate import services as estate
from prewatt.office.estate.models import Gateway, Line, Meter, Premises, Site, UnitGroup
from prewatt.office.operators.models import OperationLog
from tests.office import factories as make
from tests.office.customers.books import Sheets, book, building

pytestmark = pytest.mark.django_db


def bring_in(sheets: Sheets) -> workbook.Counts:
    return workbook.apply(workbook.read(book(sheets)), by=None, at=make.AT)


def errors_of(sheets: Sheets) -> list[tuple[str, int, str]]:
    """Places of the errors; the same whether one only looks or tries to write, and nothing is written."""
    read = workbook.read(book(sheets))
    places = [(error.sheet, error.row, error.column) for error in workbook.check(read)]
    before = written()
    with pytest.raises(workbook.ImportRefused) as refused:
        workbook.apply(read, by=None, at=make.AT)
    assert [(error.sheet, error.row, error.column) for error in refused.value.errors] == places
    assert all(error.message for error in refused.value.errors)
    assert written() == before
    return places


def written() -> list[int]:
    kinds = (UnitGroup, Gateway, Line, Premises, Meter, Customer, SupplyAgreement, AgreementMeter, OperationLog)
    return [kind.objects.count() for kind in kinds]


def test_a_building_comes_in_with_its_customers() -> None:
    counts = bring_in(building(40))
    assert counts.rows == {"groups": 3, "gateways": 1, "lines": 2, "meters": 40, "units": 40, "customers": 40}
    assert counts.created == counts.rows
    meter = Meter.objects.select_related("line__gateway", "premises__group__parent").get(name="表007")
    assert meter.premises is not None
    assert meter.premises.group is not None
    assert meter.premises.group.parent is not None
    assert (meter.line.name, meter.address, meter.premises.group.parent.name) == ("A-2", 4, "A区")
    assert meter.premises.area_cm2 == 865_000
    bound = meter.agreements.get()
    assert (bound.opening_credit, bound.opening_energy_wh) == (15_025, 12_345_670)
    assert (bound.agreement.customer.name, bound.agreement.customer.phone) == ("商户007", "13800000007")
    assert bound.agreement.customer.initials == "sh007"
    assert SupplyAgreement.objects.filter(number__startswith="A").count() == 40
    assert Site.objects.get().roster_version > 1


def test_the_same_file_again_changes_nothing() -> None:
    bring_in(building(12))
    before = written()[:-1]
    counts = bring_in(building(12))
    assert (counts.created, counts.updated) == ({}, {})
    assert written()[:-1] == before


def test_a_changed_file_changes_what_differs() -> None:
    bring_in(building(4))
    sheets = building(4)
    sheets["meters"][2][2], sheets["meters"][4][2] = sheets["meters"][4][2], sheets["meters"][2][2]  # change places
    sheets["customers"][1][1] = "021-5555 1234"
    sheets["units"][1][3] = "餐饮"
    counts = bring_in(sheets)
    assert counts.updated == {"units": 1, "meters": 2, "customers": 1}
    assert Meter.objects.get(name="表002").address == 2
    assert Meter.objects.get(name="表004").address == 1
    assert Customer.objects.get(name="商户001").phone == "021-5555 1234"


def test_chinese_titles_and_values_are_understood() -> None:
    bring_in(
        {
            "建筑群": [["名称*", "类型", "上级"], ["一号楼", "楼", None]],
            "通讯管理机": [
                ["名称", "类型", "主机", "端口", "区域"],
                ["网关一", "透明", "10.0.0.9", "４００１", "一号楼"],
            ],
            "总线": [["名称", "通讯管理机", "混装"], ["线一", "网关一", "是"]],
            "仪表": [
                ["名称", "总线", "地址", "规约", "户号", "用途"],
                ["表一", "线一", 1.0, "acrel-adf400l", "101", "预付费"],
            ],
            "户号": [["户号", "建筑群"], [101, "一号楼"]],
            "用户": [["名称", "户号", "电话"], ["老何小面店", 101, 13800000000]],
        }
    )
    assert Line.objects.get().mixed
    assert Gateway.objects.get().port == 4001
    assert SupplyAgreement.objects.get().customer.initials == "lhxmd"


def test_a_33rd_device_is_an_error_of_its_row() -> None:
    sheets = building(2)
    line_of_all = [[f"多{n}", "A-1", n + 10, "acrel-dtsy1352-nk"] + [""] * 3 for n in range(31)]
    sheets["meters"] = [sheets["meters"][0], sheets["meters"][2], *line_of_all]
    sheets["customers"] = [sheets["customers"][0]]
    bring_in(sheets)  # 32: full
    sheets["meters"].append(["第33", "A-1", 90, "acrel-dtsy1352-nk", "", "", ""])
    assert errors_of(sheets) == [("meters", 34, "line")]
    alone = {"meters": [sheets["meters"][0], sheets["meters"][-1]]}
    assert errors_of(alone) == [("meters", 2, "line")]  # counted with what is there already


def test_a_second_kind_is_an_error_unless_the_line_is_mixed() -> None:
    sheets = building(6)
    sheets["meters"][3][3] = "acrel-dtsy1352-nk"  # the second on A-2, where the first is single-phase
    assert errors_of(sheets)[0] == ("meters", 4, "profile")
    sheets["lines"][2][5] = "是"
    bring_in(sheets)
    sheets["lines"][2][5] = "否"
    assert ("lines", 3, "mixed") in errors_of({"lines": sheets["lines"]})


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value"),
    [
        ("groups", 3, "parent", "B区"),
        ("groups", 2, "parent", "A区 1层"),  # a circle
        ("groups", 3, "kind", "castle"),
        ("groups", 4, "name", "A区"),
        ("gateways", 2, "zone", "Z区"),
        ("gateways", 2, "kind", "telepathy"),
        ("gateways", 2, "host", ""),
        ("gateways", 2, "port", 70_000),
        ("gateways", 2, "port", "no"),
        ("lines", 2, "gateway", "无此网关"),
        ("lines", 3, "channel", 1),  # taken by the line above
        ("lines", 2, "baud", 9601),
        ("lines", 2, "parity", "Q"),
        ("lines", 2, "mixed", "perhaps"),
        ("meters", 2, "line", "无此总线"),
        ("meters", 2, "address", 1.5),
        ("meters", 2, "address", 0),
        ("meters", 2, "address", 248),
        ("meters", 2, "address", ""),
        ("meters", 4, "address", 1),  # double
        ("meters", 2, "profile", "acrel-none"),
        ("meters", 3, "serial", "261100000001"),  # double
        ("meters", 2, "unit", "U999"),
        ("meters", 2, "place", -4),
        ("meters", 3, "name", "表001"),
        ("units", 2, "group", "无此层"),
        ("units", 2, "area", "big"),
        ("units", 2, "protected", "vielleicht"),
        ("units", 3, "number", "U001"),
        ("customers", 2, "unit", "U999"),
        ("customers", 2, "name", ""),
        ("customers", 2, "phone", "call me"),
        ("customers", 3, "unit", "U001"),
        ("customers", 2, "meters", "表004"),  # another unit's
        ("customers", 2, "meters", "nowhere"),
        ("customers", 2, "opening_credit", "1.234"),
        ("customers", 2, "opening_credit", "lots"),
        ("customers", 2, "opening_reading", -3),
        ("customers", 2, "opening_reading", 1e15),
    ],
)
def test_an_error_names_its_sheet_row_and_column(sheet: str, row: int, column: str, value: object) -> None:
    sheets = building(4)
    place = sheets[sheet][0].index(column)
    sheets[sheet][row - 1][place] = value
    assert (sheet, row, column) in errors_of(sheets)


def test_every_error_is_listed_at_once() -> None:
    sheets = building(6)
    sheets["meters"][1][2] = "x"
    sheets["meters"][2][3] = "y"
    sheets["customers"][3][4] = "z"
    assert errors_of(sheets) == [("meters", 2, "address"), ("meters", 3, "profile"), ("customers", 4, "opening_credit")]


def test_unknown_sheets_and_columns_are_errors() -> None:
    sheets = building(2)
    sheets["units"][0].append("colour")
    sheets["holidays"] = [["day"], ["2026-10-01"]]
    assert errors_of(sheets) == [("holidays", 0, ""), ("units", 1, "colour")]


def test_a_missing_column_is_said_once() -> None:
    sheets = building(8)
    for row in sheets["meters"]:
        del row[3]
    assert errors_of(sheets) == [("meters", 1, "profile")]


def test_an_open_unit_keeps_its_customer() -> None:
    bring_in(building(2))
    sheets = building(2)
    sheets["customers"][1][0] = "别人"
    assert errors_of(sheets) == [("customers", 2, "name")]


def test_a_meter_that_serves_a_customer_stays_in_its_unit() -> None:
    bring_in(building(4))
    sheets = building(4)
    sheets["meters"][1][6] = "U003"
    assert ("meters", 2, "unit") in errors_of({"meters": sheets["meters"]})


def test_several_units_of_one_person_are_one_customer() -> None:
    sheets = building(3)
    for row in sheets["customers"][1:3]:
        row[0], row[1] = "连锁咖啡", "021-66668888"
    bring_in(sheets)
    assert Customer.objects.get(name="连锁咖啡").agreements.count() == 2


def test_what_is_exported_can_be_imported_again() -> None:
    bring_in(building(5))
    edit_customer(customer=Customer.objects.get(name="商户001"), name="=1+1", phone="1", by=None, at=make.AT)
    data = workbook.export(make.make_operator())
    counts = workbook.apply(workbook.read(data), by=None, at=make.AT)
    assert counts.rows == {"groups": 3, "gateways": 1, "lines": 2, "meters": 5, "units": 5, "customers": 5}
    assert (counts.created, counts.updated) == ({}, {})
    assert b"<f>" not in _unpacked(data), "an export never holds a live formula"


def test_an_export_shows_only_what_its_reader_may_see() -> None:
    bring_in(building(4))
    floor = UnitGroup.objects.get(name="A区 2层")
    read = workbook.read(workbook.export(make.make_operator("manager", groups=(floor,))))
    assert [row.cells["number"] for row in read.rows["units"]] == ["U001", "U003"]
    assert [row.cells["name"] for row in read.rows["customers"]] == ["商户001", "商户003"]
    assert read.rows["gateways"] == []


def test_the_template_is_empty_explains_itself_and_is_understood() -> None:
    data = workbook.template()
    read = workbook.read(data)
    assert read.errors == []
    assert set(read.rows) == {"groups", "gateways", "lines", "meters", "units", "customers"}
    assert not any(read.rows.values())
    explained = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("help 说明").to_python()
    assert any("acrel-ddsy1352-nk" in str(row[4]) for row in explained)


def test_an_operator_of_a_part_of_the_building_may_not_import() -> None:
    zone = make.make_group()
    with pytest.raises(Refusal) as refused:
        workbook.apply(workbook.read(book(building(1))), by=make.make_operator("engineer", groups=(zone,)), at=make.AT)
    assert refused.value.code == "import-scope"


def test_a_retired_unit_number_comes_back_when_it_is_imported() -> None:
    bring_in({"units": [["number"], ["U001"]]})
    estate.retire(instance=Premises.objects.get(), by=None, at=make.AT)
    counts = bring_in({"units": [["number"], ["U001"]]})
    assert counts.updated == {"units": 1}
    assert Premises.objects.get().retired_at is None


def test_one_line_in_the_log_says_who_imported_what() -> None:
    operator = make.make_operator("engineer")
    workbook.apply(workbook.read(book(building(2))), by=operator, at=make.AT)
    entry = OperationLog.objects.get(action="estate.import")
    assert (entry.operator, entry.data["created"]["meters"]) == (operator, 2)


def test_an_import_takes_few_statements(django_assert_max_num_queries: object) -> None:
    read = workbook.read(book(building(60)))
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        workbook.apply(read, by=None, at=make.AT)


def _unpacked(data: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
