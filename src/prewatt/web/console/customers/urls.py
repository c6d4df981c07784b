"""Addresses of customers."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.customers import agreement, opening, people

app_name = "customers"
urlpatterns = [
    path("", people.listed, name="list"),
    path("open", opening.open_supply, name="open"),
    path("open/meters", opening.meters, name="open-meters"),
    path("<str:number>", agreement.page, name="agreement"),
    path("<str:number>/live", agreement.live, name="live"),
    path("<str:number>/phone", agreement.phone, name="phone"),
    path("<str:number>/edit", agreement.edit, name="edit"),
]
