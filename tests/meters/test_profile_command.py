"""``./run profile``: what an engineer sees when a profile is right or wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import prewatt.meters
from prewatt.main.profile import main
from prewatt.meters import registry

GOOD = Path(prewatt.meters.__file__).parent / "profiles" / "acrel-adf400l.toml"


def test_a_sound_profile_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(GOOD)]) == 0
    out = capsys.readouterr().out
    assert "single-phase user; 1 phase(s), money purse, class A; fields verified: " in out


def test_a_mistake_ends_with_one_line_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acrel-adf400l.toml"
    file.write_text(
        GOOD.read_text("utf-8").replace("phases = 1", "phases = 8").replace("count = 24", "count = 2"), "utf-8"
    )
    assert main(["check", str(file), str(GOOD), str(tmp_path / "none.toml")]) == 1
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert f"{file}: phases: 8 is not 1 to 3" in lines
    assert f"{tmp_path / 'none.toml'}: file: No such file or directory" in lines
    assert captured.out.startswith(str(GOOD))
    assert main(["check", "--json", str(file)]) == 1
    listed = json.loads(capsys.readouterr().out)
    assert listed[0]["ok"] is False
    assert {"field": "phases", "reason": "8 is not 1 to 3"} in listed[0]["errors"]


def test_the_profiles_of_the_house_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(registry.names())
    assert main(["list", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == list(registry.names())


def test_wrong_usage_is_two() -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
