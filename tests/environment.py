"""Loaded before anything else (pytest -p): gives the test run a home of its own, so that no real one is touched."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "PREWATT_TEST_HOME" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="prewatt-test-")
    os.environ["PREWATT_TEST_HOME"] = _folder
    _owner = os.getpid()

    def _clean() -> None:
        if os.getpid() == _owner:
            shutil.rmtree(_folder, ignore_errors=True)

    atexit.register(_clean)

os.environ["PREWATT_HOME"] = os.environ["PREWATT_TEST_HOME"]
os.environ.pop("PREWATT_PORT", None)
if os.environ.get("PREWATT_TEST_PG"):
    os.environ["PREWATT_DATABASE_URL"] = os.environ["PREWATT_TEST_PG"]
else:
    os.environ.pop("PREWATT_DATABASE_URL", None)
