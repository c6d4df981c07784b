"""Routes of units."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.units import views

app_name = "units"
urlpatterns = [
    path("", views.find, name="find"),
    path("<path:number>/live/", views.live, name="live"),
    path("<path:number>/read-now/", views.read_now, name="read-now"),
    path("<path:number>/asked/<str:orders>/", views.asked, name="asked"),
    path("<path:number>/", views.page, name="page"),
]
