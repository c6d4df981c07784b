"""``prewatt import`` as scripts use it: exit status, the JSON of the contract, and a home that is made when needed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.office.customers.books import book, building

KEYS = {"PATH", "HOME", "VIRTUAL_ENV", "PYTHONPATH"}


def prewatt(home: Path, *arguments: str | Path, language: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a person does."""
    environment = {name: value for name, value in os.environ.items() if name in KEYS}
    environment |= {"PREWATT_HOME": str(home), "LANG": language, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "prewatt.main.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def meters_in(home: Path) -> int:
    with sqlite3.connect(home / "db.sqlite3") as database:
        return int(database.execute("SELECT count(*) FROM estate_meter").fetchone()[0])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.xlsx"
    file.write_bytes(book(building(8)))
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    sheets = building(8)
    sheets["meters"][3][2] = 300
    sheets["customers"][2][2] = "U999"
    file = tmp_path / "bad.xlsx"
    file.write_bytes(book(sheets))
    return file


def test_a_good_workbook_is_imported_and_told_in_json(home: Path, good: Path) -> None:
    looked = prewatt(home, "import", good, "--dry-run", "--json")
    assert (looked.returncode, meters_in(home)) == (0, 0), looked.stderr
    done = prewatt(home, "import", good, "--json")
    rows = {"groups": 3, "gateways": 1, "lines": 2, "meters": 8, "units": 8, "customers": 8}
    assert json.loads(looked.stdout) == {"ok": True, "rows": rows, "errors": []}
    assert json.loads(done.stdout) == {"ok": True, "rows": rows, "errors": [], "created": rows, "updated": {}}
    assert (done.returncode, meters_in(home)) == (0, 8)
    assert home.stat().st_mode & 0o777 == 0o700
    status = json.loads(prewatt(home, "status", "--json").stdout)
    assert [row["state"] for row in status["meters"]] == ["out-of-contact"] * 8
    assert status["gateways"] == [{"name": "A区网关", "contact": "unknown", "since": None}]


def test_errors_have_sheet_row_and_column_and_nothing_is_written(home: Path, bad: Path) -> None:
    done = prewatt(home, "import", bad, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], meters_in(home)) == (1, False, 0)
    places = [(error["sheet"], error["row"], error["column"]) for error in found["errors"]]
    assert places == [("meters", 4, "address"), ("customers", 3, "unit")]
    assert "300" in found["errors"][0]["message"]
    told = prewatt(home, "import", bad)
    assert "meters, row 4, address: " in told.stdout
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_one_error(home: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.xlsx"
    file.write_bytes(content)
    done = prewatt(home, "import", file, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["rows"], len(found["errors"])) == (1, False, {}, 1)
    assert set(found["errors"][0]) == {"sheet", "row", "column", "message"}


def test_a_missing_file_is_one_line_and_makes_no_home(home: Path, tmp_path: Path) -> None:
    done = prewatt(home, "import", tmp_path / "none.xlsx")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert not home.exists()


def test_wrong_usage_is_status_2(home: Path) -> None:
    assert prewatt(home, "import").returncode == 2
    assert prewatt(home, "import", "a.xlsx", "--what").returncode == 2


def test_the_template_is_written_once_and_is_a_valid_empty_import(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "empty.xlsx"
    assert prewatt(home, "import", "--template", file).returncode == 0
    again = prewatt(home, "import", "--template", file)
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
    found = json.loads(prewatt(home, "import", file, "--json").stdout)
    assert (found["ok"], set(found["rows"].values())) == (True, {0})


def test_status_of_no_system_is_one_line(home: Path) -> None:
    done = prewatt(home, "status", "--json")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
