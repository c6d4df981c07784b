"""The project's own yardsticks in C, compiled when first used. No compiler: a named skip."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path


class NoCompilerError(Exception):
    """This machine has no C compiler."""


@cache
def build(name: str) -> Path:
    """The program made from ``name``.c. Raises NoCompilerError."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompilerError("no C compiler (cc) on this machine")
    program = Path(tempfile.mkdtemp(prefix="prewatt-yardstick-")) / name
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", program, source], check=True)
    return program
