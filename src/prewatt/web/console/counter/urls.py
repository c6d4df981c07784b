"""Addresses of the counter."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.counter import desk, orders, papers, sales, selling

app_name = "counter"
urlpatterns = [
    path("", desk.home, name="home"),
    path("find", desk.find, name="find"),
    path("desk", desk.desk, name="desk"),
    path("figures", desk.figures, name="figures"),
    path("quote", desk.quote, name="quote"),
    path("till", desk.till, name="till"),
    path("sell", selling.sell, name="sell"),
    path("today", sales.today, name="today"),
    path("today/live", sales.today_live, name="today-live"),
    path("orders", sales.orders, name="orders"),
    path("orders/<str:number>", orders.order, name="order"),
    path("orders/<str:number>/live", orders.live, name="live"),
    path("orders/<str:number>/cancel", orders.cancel, name="cancel"),
    path("orders/<str:number>/again", orders.again, name="again"),
    path("receipts/<str:number>", papers.receipt, name="receipt"),
    path("receipts/<str:number>/print", papers.print_receipt, name="print"),
]
