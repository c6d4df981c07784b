"""Routes of the demo's faults."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.demo import views

app_name = "demo"
urlpatterns = [
    path("", views.faults, name="faults"),
    path("make/", views.make, name="make"),
    path("clear/", views.clear, name="clear"),
    path("active/", views.active, name="active"),
    path("inside/", views.inside, name="inside"),
]
