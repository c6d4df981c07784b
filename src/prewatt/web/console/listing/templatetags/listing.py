"""Tags for forms and lists: the one-time token, what stands behind an input, how a field is drawn."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms import BoundField
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from prewatt.web.console.listing import once

register = template.Library()


@register.simple_tag(takes_context=True)
def once_token(context: Context) -> SafeString:
    """The hidden field that makes a second sending of the same form harmless."""
    request: HttpRequest = context["request"]
    return format_html('<input type="hidden" name="{}" value="{}">', once.FIELD, once.fresh(request))


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether the field is one tick box."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_many(field: BoundField) -> bool:
    """Whether the field is a group of tick boxes or radio buttons."""
    return isinstance(field.field.widget, (forms.CheckboxSelectMultiple, forms.RadioSelect))


@register.filter
def is_tree(field: BoundField) -> bool:
    """Whether the tick boxes stand in a tree."""
    return bool(getattr(field.field.widget, "depths", None))


@register.filter
def drawn(field: BoundField) -> SafeString:
    """The input itself, marked when it has an error."""
    attrs: dict[str, str | bool] = {
        "class": f"{field.field.widget.attrs.get('class', '')}{' is-invalid' if field.errors else ''}"
    }
    return field.as_widget(attrs={**attrs, "list": f"{field.auto_id}_list"} if suggested(field) else attrs)


@register.filter
def suggested(field: BoundField) -> Any:
    """What may be typed, offered while typing."""
    return getattr(field.form, "suggestions", {}).get(field.name, ())


@register.filter
def unit(field: BoundField) -> Any:
    """What is counted, shown behind the input."""
    return getattr(field.form, "units", {}).get(field.name, "")


@register.filter
def is_wide(field: BoundField) -> bool:
    """Whether the field takes a whole row."""
    return field.name in getattr(field.form, "wide", ())
