"""The demo panel: only on a demo site, only with its right; faults reach a real simulator and its truth comes back."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from prewatt.office.estate.services import save_site
from prewatt.office.operators.models import OperationLog
from tests.office import factories
from tests.web.base.people import ROLES, browser_of, unit

pytestmark = pytest.mark.django_db


class Desk(socketserver.StreamRequestHandler):
    """Answers like the simulator's control socket, and remembers what it was asked."""

    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        self.server.asked.append(request)
        answer = {"ok": True, "result": self.server.answers[request["do"]]}
        if request.get("target") == "nowhere":
            answer = {"ok": False, "error": "there is no line 'nowhere'"}
        self.wfile.write((json.dumps(answer) + "\n").encode())


class Simulator(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    asked: list[dict[str, Any]]
    answers: dict[str, Any]


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> Path:
    """A demo home with a short path of its own: names of unix sockets are short."""
    import tempfile

    from prewatt.main.home import Home

    path = Path(tempfile.mkdtemp(prefix="pw"))
    settings.PREWATT_HOME = Home(path)
    factories.make_site()
    save_site(by=None, at=factories.AT, demo=True)
    return path


@pytest.fixture
def simulator(home: Path) -> Iterator[Simulator]:
    meter = unit("A-101", None, customer="星野咖啡", credit=100_00)
    truth = {
        "serial": meter.serial, "name": meter.name, "line": "A区1号线", "gateway": "A区网关", "address": 1,
        "remaining_fen": 88_00, "purchase_count": 9, "total_fen": 990_00, "energy_wh": 1_000, "power_w": 10,
        "contactor": "open", "mode": "prepaid", "powered": True, "clock": "2026-11-23 09:00:00", "log": [],
    }  # fmt: skip
    short = {name: truth[name] for name in ("serial", "name", "line", "gateway", "address", "powered")}
    with Simulator(str(home / "simulator.sock"), Desk) as server:
        server.asked = []
        server.answers = {
            "meters": [short], "lines": [{"name": "A区1号线", "gateway": "A区网关"}], "inspect": truth, "fault": {},
            "faults": [{"kind": "dead", "target": meter.serial, "chance": 1.0, "until_ms": None}], "clear": 1,
        }  # fmt: skip
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_the_panel_shows_what_is_broken(simulator: Simulator) -> None:
    html = browser_of().get("/demo/").content.decode()
    assert "电表失声" in html
    assert "A-101 电表" in html
    assert "直到手动恢复" in html


def test_the_truth_stands_beside_what_the_console_believes(simulator: Simulator) -> None:
    html = browser_of().get("/demo/?meter=A-101").content.decode()
    assert html.index("¥88.00") < html.index("¥100.00")
    assert "¥990.00" in html
    assert "分闸" in html


@pytest.mark.parametrize(
    ("form", "target", "seconds"),
    [
        ({"kind": "dead", "meter": "A-101", "seconds": "60"}, "serial", 60.0),
        ({"kind": "noise", "line": "A区1号线", "meter": "x", "seconds": ""}, "A区1号线", None),
        ({"kind": "gateway-lost", "gateway": "A区网关", "seconds": "5"}, "A区网关", 5.0),
        ({"kind": "power-cut", "meter": "A-101 电表", "seconds": "9", "when": "torn"}, "serial", 9.0),
    ],
)
def test_a_fault_is_made_and_written_down(
    form: dict[str, str], target: str, seconds: float | None, simulator: Simulator
) -> None:
    assert browser_of("engineer").post("/demo/make/", form)["Location"] == "/demo/"
    asked = next(one for one in simulator.asked if one["do"] == "fault")
    wanted = simulator.answers["inspect"]["serial"] if target == "serial" else target
    assert (asked["kind"], asked["target"], asked["seconds"]) == (form["kind"], wanted, seconds)
    assert asked["when"] == form.get("when", "")
    assert OperationLog.objects.filter(action="demo.fault", subject=wanted).count() == 1


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "dead", "meter": "nobody", "seconds": "60"},
        {"kind": "dead", "meter": "A-101", "seconds": "-3"},
        {"kind": "dead", "meter": "A-101", "seconds": "1e9"},
        {"kind": "noise", "line": "nowhere", "seconds": "60"},
    ],
)
def test_a_fault_that_cannot_be_is_explained_and_not_written_down(form: dict[str, str], simulator: Simulator) -> None:
    client = browser_of()
    assert "note--error" in client.post("/demo/make/", form, follow=True).content.decode()
    assert not OperationLog.objects.filter(action="demo.fault").exists()


def test_faults_are_ended_one_by_one_or_all(simulator: Simulator) -> None:
    client = browser_of()
    client.post("/demo/clear/", {"kind": "dead", "target": "260"})
    client.post("/demo/clear/")
    ended = [(one["kind"], one["target"]) for one in simulator.asked if one["do"] == "clear"]
    assert ended == [("dead", "260"), (None, None)]


def test_without_the_simulator_the_page_says_what_to_do(home: Path) -> None:
    answer = browser_of().get("/demo/")
    assert answer.status_code == 200
    assert "./run" in answer.content.decode()
    assert browser_of().get("/demo/active/").status_code == 200
    assert "note--error" in browser_of().post("/demo/clear/", follow=True).content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_make_faults_sees_the_panel(role: str, simulator: Simulator) -> None:
    allowed = role in {"administrator", "engineer"}
    client = browser_of(role)
    for path in ("/demo/", "/demo/active/", "/demo/inside/?meter=A-101"):
        assert client.get(path).status_code == (200 if allowed else 403)
    assert client.post("/demo/clear/").status_code == (302 if allowed else 403)


def test_a_real_site_has_no_such_page(simulator: Simulator) -> None:
    save_site(by=None, at=factories.AT, demo=False)
    client = browser_of()
    assert client.get("/demo/").status_code == 404
    assert client.post("/demo/make/", {"kind": "dead", "meter": "A-101"}).status_code == 404
    assert simulator.asked == []
    assert settings.PREWATT_HOME is not None
