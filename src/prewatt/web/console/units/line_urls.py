"""Routes of the raw frame log."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.units import line_views

app_name = "lines"
urlpatterns = [
    path("", line_views.lines, name="list"),
    path("<int:pk>/", line_views.frames, name="frames"),
    path("<int:pk>/switch/", line_views.switch, name="switch"),
]
