"""Forms as the console draws them: sections, hints, errors beside the field they belong to, input kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prewatt.core.errors import Refusal
from prewatt.office.operators.errors import FormRefusal

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class ScaledField(forms.CharField):
    """A decimal number a person types, kept as a whole number: yuan to fen, m² to cm². Never a float on the way."""

    default_error_messages = {
        "number": gettext_lazy("Enter a number such as 12.5."),
        "places": gettext_lazy("At most %(places)s decimal places."),
        "low": gettext_lazy("Not less than %(limit)s."),
        "high": gettext_lazy("Not more than %(limit)s."),
    }

    def __init__(
        self, *, places: int, scale: int = 1, low: int | None = None, high: int | None = None, **kw: Any
    ) -> None:
        """``places`` decimals are typed; the last of them counts ``scale`` units of what is kept."""
        super().__init__(**kw)
        self.places, self.scale, self.low, self.high = places, scale, low, high
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: Any) -> Any:
        """The whole number, or None for an empty field that may be empty."""
        # a Chinese input method types digits, comma, point and ¥ in full width
        text = unicodedata.normalize("NFKC", super().clean(value)).replace("。", ".").replace("¥", "").strip()
        if not text:
            return None
        # a comma groups thousands and nothing else: "12,5" may be meant as 12.5, so it is no number
        match = re.fullmatch(r"(-?)(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.(\d*))?", text, re.ASCII)
        if not match:
            raise ValidationError(self.error_messages["number"], code="number")
        sign, whole, decimals = match[1], match[2].replace(",", ""), (match[3] or "").rstrip("0")
        if len(decimals) > self.places:
            raise ValidationError(self.error_messages["places"], code="places", params={"places": self.places})
        number = int(whole + decimals.ljust(self.places, "0")) * self.scale * (-1 if sign else 1)
        if self.low is not None and number < self.low:
            raise ValidationError(self.error_messages["low"], code="low", params={"limit": self.text(self.low)})
        if self.high is not None and number > self.high:
            raise ValidationError(self.error_messages["high"], code="high", params={"limit": self.text(self.high)})
        return number

    def text(self, number: int) -> str:
        """A kept number as it is typed."""
        whole, rest = divmod(abs(number) // self.scale, 10**self.places)
        return f"{'-' if number < 0 else ''}{whole}" + (f".{rest:0{self.places}d}" if self.places else "")

    def prepare_value(self, value: Any) -> Any:
        return self.text(value) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class Section:
    """Some fields of a form under a heading."""

    title: Any
    fields: list[BoundField]


class KitForm(forms.Form):
    """A form drawn by ``console/listing/form.html``. ``sections`` orders the fields; ``wide`` ones take a whole row."""

    sections: Sequence[tuple[Any, Sequence[str]]] = ()
    wide: frozenset[str] = frozenset()
    units: ClassVar[dict[str, Any]] = {}  # what stands behind the input: yuan, kW, m²
    suggestions: Mapping[str, Sequence[str]] = {}  # what may be typed into a field, offered while typing

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            css = next(css for widget, css in _CLASSES if isinstance(field.widget, widget))
            field.widget.attrs.setdefault("class", css)

    def drawn(self) -> Iterator[Section]:
        """The sections with their bound fields; fields no section names come last, without a heading."""
        named = {name for _title, names in self.sections for name in names}
        for title, names in self.sections:
            yield Section(title, [self[name] for name in names if name in self.fields])
        rest = [self[name] for name in self.fields if name not in named]
        if rest:
            yield Section("", rest)

    def refuse(self, refusal: Refusal) -> None:
        """Show a service's refusal: each message at its field, the others above the form. What was typed stays."""
        if not isinstance(refusal, FormRefusal):
            self.add_error(None, words(refusal))
            return
        for name, problem in refusal.errors.items():
            self.add_error(name if name in self.fields else None, str(problem))


def words(refusal: Refusal) -> str:
    """A refusal in the reader's language."""
    text = _(refusal.message)
    if not refusal.params:
        return text
    # "what" names a kind of thing ("lines"), which has a word in each language; the rest are names and numbers
    return text % {name: _(str(value)) if name == "what" and value else value for name, value in refusal.params.items()}
