"""Routes of the overview."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.overview import views

app_name = "overview"
urlpatterns = [
    path("", views.home, name="home"),
    path("wall/", views.wall, name="wall"),
    path("wall/changes/", views.changes, name="changes"),
]
