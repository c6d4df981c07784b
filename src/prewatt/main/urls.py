"""The root of all addresses: the console is at /, later rooms take a folder of their own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from prewatt.web.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("metrics", metrics, name="metrics"),
    path("", include("prewatt.web.console.urls")),
]
