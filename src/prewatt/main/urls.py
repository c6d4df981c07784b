"""The root of all addresses: the console is at /, later rooms take a folder of their own."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
if find_spec("prewatt.web.console.urls"):
    urlpatterns.append(path("", include("prewatt.web.console.urls")))
