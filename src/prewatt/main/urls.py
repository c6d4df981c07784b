"""The root of all addresses: the console is at /, later rooms take a folder of their own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [path("", include("prewatt.web.console.urls"))]
