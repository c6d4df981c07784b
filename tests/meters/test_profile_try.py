"""``./run profile try``: a profile against one simulated meter over the network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import prewatt.meters
from prewatt.core.errors import Refusal
from prewatt.field.simulator.plan import DLT, DTSD, PZ, bench
from prewatt.main.profile import main
from tests.field.simulator.test_wire import running

FOLDER = Path(prewatt.meters.__file__).parent / "profiles"


def file(name: str) -> str:
    return str(FOLDER / f"{name}.toml")


def test_a_dlt_meter_shows_all_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    with running(bench(1, 1, DLT, 9600, 1), speed=20) as server:
        serial = next(iter(server.building.meters))
        link = f"tcp://127.0.0.1:{server.port()}"
        assert main(["try", file(DLT), "--link", link, "--serial", serial, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["serial"], told["contactor"]) == (serial, "closed")
    assert {one["outcome"] for one in told["blocks"]} == {"answer"}
    assert told["values"]["credit"]["shown"].endswith(" yuan")


@pytest.mark.parametrize(("framing", "scheme"), [("rtu-over-tcp", "tcp"), ("modbus-tcp", "mbap")])
def test_an_instrument_is_told_in_words(framing: str, scheme: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running(bench(1, 1, DTSD, 9600, 1, framing), speed=20) as server:
        link = f"{scheme}://127.0.0.1:{server.port()}"
        assert main(["try", file(DTSD), "--link", link, "--unit", "1"]) == 0
        # the wrong profile: refused, and said so
        assert main(["try", file(PZ), "--link", link, "--unit", "1"]) == 1
    out = capsys.readouterr().out
    assert "the sweep was answered" in out
    assert "refused: exception 02" in out
    assert "NOT answered: " in out


def test_a_serial_port_is_tried_too(capsys: pytest.CaptureFixture[str]) -> None:
    with running(bench(1, 1, PZ, 9600, 1, "serial"), speed=20) as server:
        device = server.server.plugs["line-1"].host
        assert main(["try", file(PZ), "--link", f"serial:{device}", "--unit", "1"]) == 0
    assert "energy = " in capsys.readouterr().out


@pytest.mark.parametrize("link", ["tcp://", "tcp://host", "usb:1", "tcp://h:port", "serial:"])
def test_a_link_that_is_none_is_refused(link: str) -> None:
    with pytest.raises(Refusal, match="write tcp://host:port"):
        main(["try", file(PZ), "--link", link])


def test_a_dlt_meter_without_its_serial_cannot_be_called(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refusal, match="serial number"):
        main(["try", file(DLT), "--link", "tcp://127.0.0.1:9"])
    assert main(["try", str(FOLDER / "none.toml"), "--link", "tcp://127.0.0.1:9"]) == 1
    assert "No such file" in capsys.readouterr().err
