"""The banner that says a system has one operator only: nobody can check what he does."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse

from prewatt.office.operators.models import Operator

register = template.Library()


@register.inclusion_tag("console/operators/lone.html", takes_context=True)
def lone_operator(context: Context) -> dict[str, Any]:
    """A banner while only one active operator exists; nothing otherwise."""
    rights = context["request"].rights
    lone = Operator.objects.filter(is_active=True)[:2].count() < 2
    return {"lone": lone, "href": reverse("operators:new") if "operators.edit" in rights else ""}
