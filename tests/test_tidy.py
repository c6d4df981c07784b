"""The house rules as a test: sizes, no bare save, no clock or chance below main. Ratcheted: never loosened to pass."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "prewatt"
FILE_LINES = 600
FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 12

FILES = [file for file in sorted(SOURCE.rglob("*.py")) if "migrations" not in file.parts]
BELOW_MAIN = [file for file in FILES if file.relative_to(SOURCE).parts[0] != "main"]
# the two places that make a clock of the machine's own, and what the web room is given
CLOCKS = {"core/clock.py"}
TIME_CALLS = re.compile(
    r"\b(datetime\.now|datetime\.utcnow|timezone\.now|date\.today|time\.time|time\.monotonic|random\.(random|choice|randint|"
    r"shuffle|uniform|getrandbits)|secrets\.|uuid\.uuid[14]|os\.urandom|os\.environ|os\.getenv)\b"
)


def name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Names and lengths, without docstrings, of the functions of a file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield node.name, (node.end_lineno or node.lineno) - body[0].lineno + 1


def code_without_comments(file: Path) -> Iterator[tuple[int, str]]:
    """Lines of code with comments and strings taken out."""
    lines: dict[int, str] = {}
    with file.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type in {tokenize.NAME, tokenize.OP, tokenize.NUMBER}:
                lines[token.start[0]] = (
                    lines.get(token.start[0], "") + ("" if token.string in ".(" else " ") + token.string
                )
    for number, text in lines.items():
        yield number, text.replace(". ", ".").replace(" .", ".")


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_fits_in_a_head(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_says_what_it_is(file: Path) -> None:
    text = file.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "the first line of a module is its docstring"
    assert text.startswith('"""')


def test_functions_are_short() -> None:
    sizes = [(lines, f"{name(file)}:{function}") for file in FILES for function, lines in functions(file)]
    assert not [entry for entry in sizes if entry[0] > FUNCTION_LINES]
    ordered = sorted(lines for lines, _ in sizes)
    assert ordered[len(ordered) // 2] <= MEDIAN_FUNCTION_LINES


@pytest.mark.parametrize("file", BELOW_MAIN, ids=name)
def test_time_and_chance_are_passed_in(file: Path) -> None:
    if name(file) in CLOCKS:
        pytest.skip("makes the clocks that everybody else is given")
    found = [f"{number}: {text.strip()}" for number, text in code_without_comments(file) if TIME_CALLS.search(text)]
    assert not found


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "time . time()", "random.choice(x)", "os.environ['X']"])
def test_the_search_for_time_and_chance_finds_it(call: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"x = {call}\n", "utf-8")
    assert any(TIME_CALLS.search(text) for _, text in code_without_comments(module))


@pytest.mark.parametrize("file", [f for f in FILES if "office" in f.parts or "web" in f.parts], ids=name)
def test_no_bare_save(file: Path) -> None:
    """A bare save() writes columns that somebody else changed meanwhile: update_fields or a conditional update()."""
    bare = [
        node.lineno
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "save"
        and not any(word.arg in {"update_fields", "force_insert"} for word in node.keywords)
    ]
    assert not bare


def test_no_printing_below_the_command_line() -> None:
    printing = [
        f"{name(file)}:{node.lineno}"
        for file in BELOW_MAIN
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def test_locks_and_configuration_name_no_host() -> None:
    for lock in [*ROOT.glob("*.lock"), ROOT / "tools" / "uv.lock", ROOT / ".npmrc"]:
        assert not re.search(r"https?://", lock.read_text("utf-8")), lock.name
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text("utf-8")


def test_templates_keep_the_strict_content_policy() -> None:
    """No inline style, script or handler: the page's policy would drop it silently."""
    inline = re.compile(
        r"(\sstyle=|\son[a-z]+=\"|<style\b|<script(?![^>]*\bsrc=)(?![^>]*application/json))", re.IGNORECASE
    )
    found = [
        f"{template.relative_to(ROOT)}:{number}"
        for template in sorted(SOURCE.rglob("templates/**/*.html"))
        for number, line in enumerate(template.read_text("utf-8").splitlines(), 1)
        if inline.search(line)
    ]
    assert not found
