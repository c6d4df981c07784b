"""start: ``./run`` on a machine with only Python 3.11, to a living building; then again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Figure = tuple[str, object, str, str, bool | None, str]


def figures() -> list[Figure]:
    """Seconds of a first and a second start in a fresh copy, with an empty home and one program on the PATH."""
    if os.environ.get("PREWATT_BENCH_SHORT"):
        return [("start", "-", "s", "<= 90; <= 5", None, "measured by CI's own first step")]
    with tempfile.TemporaryDirectory(prefix="pw-start-") as folder:
        copy, programs, home = Path(folder, "prewatt"), Path(folder, "bin"), Path(folder, "home")
        kept = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT).decode().split("\0")
        for name in filter(None, kept):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        programs.mkdir()
        home.mkdir()
        (programs / "python3.11").symlink_to(os.path.realpath(sys.executable))
        done = subprocess.run(
            [sys.executable, "tools/first_start.py", str(programs), str(home)],
            cwd=copy, capture_output=True, text=True, check=False, env=os.environ | {"CI": ""},
        )  # fmt: skip
        found = re.findall(r"(first|second) start ([\d.]+) s", done.stdout)
        if len(found) != 2:
            raise RuntimeError(done.stdout + done.stderr)
        first, second = (float(seconds) for _, seconds in found)
        return [
            ("start-first", first, "s", "<= 90", first <= 90, "to a building whose meters are read"),
            ("start-second", second, "s", "<= 5", second <= 5, "to a console that answers"),
        ]
