"""Every text a user can meet has its Chinese: templates and code are read, and each message is looked up."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

SOURCE = Path(__file__).resolve().parent.parent / "src" / "prewatt"
KEYWORDS = {
    "gettext": None, "gettext_lazy": None, "_": None, "gettext_noop": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdf]|%[sdf]")


def messages(file: Path) -> set[tuple[str, str]]:
    """(context, msgid) of the texts in a Python file or a template."""
    text = file.read_text("utf-8")
    if file.suffix == ".html":
        # indentation of markup is none of Python's, which the extractor reads as such
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(file)).splitlines())
    found = set()
    for _, message, _, context in extract("python", BytesIO(text.encode()), keywords=KEYWORDS):
        first = message[0] if isinstance(message, tuple) else message
        if first:
            found.add((context or "", first))
    return found


def refusals(file: Path) -> set[tuple[str, str]]:
    """Messages of refusals: raised below the web room as plain English, translated when shown."""
    import ast

    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
            "Refusal",
            "FormRefusal",
        }:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if len(texts) >= 2:
                found.add(("", texts[1]))
    return found


def catalogue() -> dict[tuple[str, str], str]:
    """All Chinese translations of the project."""
    texts: dict[tuple[str, str], str] = {}
    for file in sorted(SOURCE.rglob("locale/zh_Hans/LC_MESSAGES/django.po")):
        with file.open("rb") as source:
            for message in read_po(source, abort_invalid=True):
                msgid = message.id[0] if isinstance(message.id, tuple) else message.id
                string = message.string[0] if isinstance(message.string, tuple) else message.string
                if msgid and string and not message.fuzzy:
                    texts[message.context or "", msgid] = string
    return texts


def test_chinese_is_complete() -> None:
    known = catalogue()
    missing = [
        f"{file.relative_to(SOURCE)}: {message!r}"
        for file in sorted([*SOURCE.rglob("*.html"), *SOURCE.rglob("*.py")])
        if "migrations" not in file.parts and file.relative_to(SOURCE).parts[0] != "main"
        for context, message in sorted(messages(file) | (refusals(file) if file.suffix == ".py" else set()))
        if (context, message) not in known
    ]
    assert not missing, "\n".join(missing)


def test_translations_keep_their_placeholders() -> None:
    changed = [
        f"{msgid!r} -> {text!r}"
        for (_, msgid), text in catalogue().items()
        if sorted(PLACEHOLDER.findall(msgid)) != sorted(PLACEHOLDER.findall(text))
    ]
    assert not changed, "\n".join(changed)


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.html")), ids=lambda f: f.name)
def test_a_template_holds_no_bare_chinese(file: Path) -> None:
    """Chinese stands in the catalogue, so that the English switch is complete too."""
    assert not re.search(r"[一-鿿]", re.sub(r"\{#.*?#\}", "", file.read_text("utf-8")))
