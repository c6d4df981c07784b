"""The command line as people meet it: help that only helps, and one clear line instead of a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prewatt.main import develop
from prewatt.main.cli import VERBS
from prewatt.main.home import Home, root


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command in a process of its own, against that home and its own database."""
    environment = {name: text for name, text in os.environ.items() if name != "PREWATT_DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "prewatt.main.cli", *words], cwd=root(), env=environment | {"PREWATT_HOME": str(home)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if verb.module == "develop"])
def test_help_of_a_developers_verb_only_helps(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert develop.main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: ./run {verb} ")


@pytest.mark.parametrize("verb", ["status", "verify"])
def test_looking_at_a_home_that_is_not_there_is_one_line(verb: str, tmp_path: Path) -> None:
    done = run(tmp_path / "none", verb, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("prewatt: There is no system at ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", ["status", "verify"])
def test_looking_at_a_home_that_never_started_is_one_line(verb: str, tmp_path: Path) -> None:
    Home(tmp_path / "home").create("demo")
    done = run(tmp_path / "home", verb)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not of this version yet" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_verb_is_wrong_usage(tmp_path: Path) -> None:
    done = run(tmp_path, "wibble")
    assert (done.returncode, done.stderr) == (2, "prewatt: there is no verb 'wibble'. ./run help lists them.\n")
