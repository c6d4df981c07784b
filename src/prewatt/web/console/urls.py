"""Routes of the console: each door under its own namespace."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

DOORS = (
    ("", "overview.urls"),
    ("", "sign.urls"),
    ("units/", "units.urls"),
    ("system/frames/", "units.line_urls"),
    ("counter/", "counter.urls"),
    ("customers/", "customers.urls"),
    ("system/", "estate.urls"),
    ("system/", "operators.urls"),
    ("demo/", "demo.urls"),
)


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _routes() -> list[URLPattern | URLResolver]:
    modules = ((prefix, f"prewatt.web.console.{door}") for prefix, door in DOORS)
    return [path(prefix, include(module)) for prefix, module in modules if _exists(module)]


urlpatterns = _routes()
