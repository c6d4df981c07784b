"""Raw frames of a line: told in words, watched by who may, switched on and off."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import translation

from prewatt.meters import dlt645, modbus
from prewatt.office.estate.models import Line, Meter
from prewatt.office.operators.models import OperationLog
from prewatt.office.readings.models import LineFrame
from prewatt.web.console.units.frames import neighbours, told
from tests.office import factories
from tests.web.base.people import browser_of, unit, zone

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter() -> Meter:
    factories.make_site()
    return unit("A-101", zone("A区", 1)[1])


def keep(line: Line, direction: str, data: bytes, note: str = "") -> LineFrame:
    return LineFrame.objects.create(
        line=line, at=settings.PREWATT_CLOCK.now(), direction=direction, data=data, note=note
    )


def words(*rows: LineFrame, meter: Meter) -> list[tuple[str, str]]:
    with translation.override("en"):
        return [(one.kind, one.meaning) for one in told(rows, neighbours([meter]))]


def test_a_question_and_its_answer_name_the_block(meter: Meter) -> None:
    asked = modbus.read_request(meter.address, 0x0200, 48)
    answer = modbus.read_answer(meter.address, bytes(96))
    found = words(keep(meter.line, "tx", asked), keep(meter.line, "rx", answer), meter=meter)
    assert found[0][0] == "sent"
    assert found[0][1].endswith("0200h × 48")
    assert found[1][0] == "answer"
    assert found[1][1].startswith("answers 48 registers")


def test_a_refusal_a_damage_and_a_silence_are_told_apart(meter: Meter) -> None:
    asked = keep(meter.line, "tx", modbus.write_request(meter.address, 0x0100, [1, 2]))
    refusal = keep(meter.line, "rx", modbus.exception_answer(meter.address, modbus.WRITE, 3))
    damaged = keep(meter.line, "rx", b"\x01\x03\x02\x00\x00\x00\x00")
    silence = keep(meter.line, "note", b"", "timeout")
    found = words(asked, refusal, damaged, silence, meter=meter)
    assert [kind for kind, _meaning in found] == ["sent", "refusal", "trouble", "trouble"]
    assert found[0][1].startswith("writes")
    assert "exception 3" in found[1][1]
    assert found[3][1] == "no answer in time"


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\xff" * 300, b"\x01\x83"])
def test_any_bytes_can_be_shown(junk: bytes, meter: Meter) -> None:
    rows = [keep(meter.line, direction, junk, "odd") for direction in ("tx", "rx", "note")]
    assert len(words(*rows, meter=meter)) == 3


def test_frames_are_listed_newest_first_with_hex(meter: Meter) -> None:
    keep(meter.line, "tx", modbus.read_request(meter.address, 0x0200, 48))
    keep(meter.line, "note", b"", "timeout")
    html = browser_of("engineer").get(f"/system/frames/{meter.line_id}/").content.decode()
    assert html.index("应答超时") < html.index("02 00 00 30")
    assert meter.name in html


def test_the_log_is_switched_on_and_off_and_written_down(meter: Meter) -> None:
    client = browser_of("engineer")
    address = f"/system/frames/{meter.line_id}/"
    assert client.post(f"{address}switch/", {"log": "on"})["Location"] == address
    meter.line.refresh_from_db()
    assert meter.line.log_frames
    assert 'hx-trigger="every' in client.get(address).content.decode()
    client.post(f"{address}switch/", {"log": "off"})
    meter.line.refresh_from_db()
    assert not meter.line.log_frames
    assert 'hx-trigger="every 1500ms"' not in client.get(address).content.decode()
    assert OperationLog.objects.filter(subject=meter.line.name, action__startswith="estate.line").count() >= 2


@pytest.mark.parametrize("role", ["cashier", "manager", "finance", "auditor"])
def test_only_who_may_watch_lines_does(role: str, meter: Meter) -> None:
    client = browser_of(role)
    for path in ("/system/frames/", f"/system/frames/{meter.line_id}/"):
        assert client.get(path).status_code == 403
    assert client.post(f"/system/frames/{meter.line_id}/switch/", {"log": "on"}).status_code == 403


def test_lines_of_another_zone_are_not_there(meter: Meter) -> None:
    gateway_zone = zone("A座")[0]
    own = factories.make_line(gateway=factories.make_gateway(zone=gateway_zone))
    client = browser_of("engineer", groups=(gateway_zone,))
    assert client.get(f"/system/frames/{own.pk}/").status_code == 200
    assert client.get(f"/system/frames/{meter.line_id}/").status_code == 404
    assert meter.line.name not in client.get("/system/frames/").content.decode()


def test_frames_of_a_dlt_meter_are_told_by_their_identifier(meter: Meter) -> None:
    Meter.objects.filter(pk=meter.pk).update(profile="dlt645-2007", serial="230600000161")
    meter.refresh_from_db()
    asked = dlt645.read_request(meter.serial, 0x00900200, wakes=4)
    request = dlt645.open_frame(asked)
    assert request is not None
    answer = dlt645.answer(request, meter.serial, request.data + bytes.fromhex("25500100"))
    refusal = dlt645.refusal(request, meter.serial, b"\x02")
    stranger = dlt645.answer(request, "1", request.data + bytes(4))
    rows = [keep(meter.line, "tx", asked), *(keep(meter.line, "rx", data) for data in (answer, refusal, stranger))]
    assert words(*rows, meter=meter) == [
        ("sent", "reads credit 00900200"),
        ("answer", "answers remaining money = 150.25 yuan"),
        ("refusal", "refuses: no-such-data"),
        ("answer", "answers remaining money = 0.00 yuan"),
    ]
    named = told(rows, neighbours([meter]))
    assert [one.meter for one in named] == [meter.name] * 3 + [""]
