"""Makes the environment when it is missing, half made or out of date, then hands over to the prewatt command.

Only the standard library, and no other program than this Python: the first start happens on a bare machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "prewatt-stamp.json"
PYTHON = VENV / "bin" / "python"
DEVELOPER_VERBS = {"test", "lint", "types", "bench", "docs", "messages", "develop"}


class Trouble(Exception):
    """Something that the person can mend, said in one line."""


def digest(*names: str) -> str:
    """Fingerprint of this Python and of the named files."""
    total = hashlib.sha256(f"{sys.version} {sysconfig.get_platform()} {VENV}".encode())
    for name in names:
        total.update((ROOT / name).read_bytes())
    return total.hexdigest()


def wanted(verb: str) -> dict[str, str]:
    """Which parts this verb needs, each with the fingerprint of what it is made from."""
    parts = {"runtime": digest("requirements.lock", "build.lock", "tools/uv.lock")}
    if verb in DEVELOPER_VERBS:
        parts["test"] = digest("test.lock")
    return parts


def made() -> dict[str, str]:
    """What the environment says it holds; nothing when it is missing or half made."""
    try:
        return dict(json.loads(STAMP.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def say(text: str) -> None:
    print(f"prewatt: {text}", file=sys.stderr, flush=True)


def call(what: str, command: Sequence[str | Path]) -> None:
    """Run one step quietly; on failure show the end of what it said. Raises Trouble."""
    environment = os.environ | {
        "UV_SYSTEM_CERTS": "1",
        "NODE_USE_SYSTEM_CA": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "VIRTUAL_ENV": str(VENV),
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(part) for part in command], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        tail = "\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-12:])
        raise Trouble(f"{what} failed. Is the package index reachable? The last lines were:\n{tail}")


def make_venv() -> None:
    """A fresh virtual environment. Raises Trouble when this Python cannot make one."""
    if VENV.exists():
        say("the environment was half made or of another Python; making it again")
        shutil.rmtree(VENV)
    try:
        import ensurepip  # noqa: F401  (Debian splits it from Python)
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(f"this Python has no venv module. Debian: apt install python{version}-venv") from None
    call("making the environment", [os.path.realpath(sys.executable), "-m", "venv", VENV])


def install(locks: Sequence[str]) -> None:
    """Install hash-pinned locks: by uv, or by pip where uv has no wheel."""
    requirements = [part for lock in locks for part in ("-r", lock)]
    uv = VENV / "bin" / "uv"
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "-q", "--require-hashes"]
    if not uv.exists():
        try:
            call("installing uv", [*pip, "-r", "tools/uv.lock"])
        except Trouble:
            say("uv is not available here; using pip, which takes longer")
    if uv.exists():
        call("installing packages", [uv, "pip", "install", "-q", "--require-hashes", *requirements])
    else:
        call("installing packages", [*pip, *requirements])


def install_project() -> None:
    """Make ``prewatt`` importable from this checkout, and give it its command."""
    site = next(VENV.glob("lib/python*/site-packages"))
    (site / "prewatt-checkout.pth").write_text(f"{ROOT / 'src'}\n", "utf-8")
    command = VENV / "bin" / "prewatt"
    command.write_text(f"#!{PYTHON}\nimport sys\nfrom prewatt.main.cli import entry\nsys.exit(entry())\n", "utf-8")
    command.chmod(0o755)


def prepare(verb: str) -> None:
    """Bring the environment to what the verb needs; quick when it is there already."""
    need = wanted(verb)
    have = made()
    if have.get("runtime") != need["runtime"]:
        began = time.monotonic()
        if have.get("python") == digest():
            say("the locks changed: bringing the environment up to date")
        else:
            say("first start: making the environment (about a minute)")
            make_venv()
        install(["requirements.lock", "build.lock"])
        install_project()
        have = {"python": digest(), "runtime": need["runtime"]}
        STAMP.write_text(json.dumps(have), "utf-8")
        say(f"environment ready after {time.monotonic() - began:.0f} s")
    if need.get("test", have.get("test")) != have.get("test"):
        say("installing the test tools")
        install(["test.lock"])
        have["test"] = need["test"]
        STAMP.write_text(json.dumps(have), "utf-8")
    if stale_assets():
        call("building the console's assets", [PYTHON, ROOT / "tools" / "assets.py"])


def stale_assets() -> bool:
    sys.path.insert(0, str(ROOT / "tools"))
    import assets

    return not assets.fresh(ROOT)


def main() -> int:
    arguments = sys.argv[1:]
    verb = arguments[0] if arguments else "demo"
    try:
        with (ROOT / ".venv.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            prepare(verb)
    except Trouble as trouble:
        say(str(trouble))
        return 1
    except OSError as error:
        say(f"cannot write the environment at {VENV}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        say("stopped; the next start goes on from here")
        return 1
    os.environ["PREWATT_ROOT"] = str(ROOT)
    os.environ.pop("PYTHONPATH", None)
    os.execv(PYTHON, [str(PYTHON), "-m", "prewatt.main.cli", *arguments])


if __name__ == "__main__":
    sys.exit(main())
