"""Routes of the console: each door under its own namespace."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("prewatt.web.console.overview.urls")),
    path("", include("prewatt.web.console.sign.urls")),
    path("units/", include("prewatt.web.console.units.urls")),
    path("counter/", include("prewatt.web.console.counter.urls")),
    path("customers/", include("prewatt.web.console.customers.urls")),
    path("system/network/", include("prewatt.web.console.network.urls")),
    path("system/frames/", include("prewatt.web.console.units.line_urls")),
    path("system/", include("prewatt.web.console.estate.urls")),
    path("system/", include("prewatt.web.console.operators.urls")),
    path("demo/", include("prewatt.web.console.demo.urls")),
]
