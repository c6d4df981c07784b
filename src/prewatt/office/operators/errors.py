"""What the office says when a form cannot be taken as it is: one message a field, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field: an English msgid and its parameters; ``str()`` translates for the reader."""

    message: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        text = gettext(self.message)
        return text % {name: str(value) for name, value in self.params.items()} if self.params else text


class FormRefusal(Refusal):
    """A form was refused. ``errors`` names each field with its problem; "" stands for the form as a whole."""

    def __init__(self, errors: Mapping[str, Problem]) -> None:
        super().__init__("form", _("Please look at the marked fields."))
        self.errors = dict(errors)

    def __str__(self) -> str:
        return "; ".join(f"{name}: {problem}" if name else str(problem) for name, problem in self.errors.items())


class SignInRefused(Refusal):
    """Not signed in: wrong name or password, or too soon after a wrong one (``wait_s`` seconds)."""

    def __init__(self, code: str, message: str, *, wait_s: int = 0) -> None:
        super().__init__(code, message, **({"wait": wait_s} if wait_s else {}))
        self.wait_s = wait_s
