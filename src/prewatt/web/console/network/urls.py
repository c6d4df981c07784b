"""Routes of the network's pages."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.network import diagram, scans, silent, traffic, work

app_name = "network"
urlpatterns = [
    path("", diagram.page, name="diagram"),
    path("silent/", silent.meters, name="silent"),
    path("silent/read-now/", silent.read_now, name="silent_read_now"),
    path("silent/gateways/", silent.gateways, name="silent_gateways"),
    path("silent/gateways/reconnect/", silent.reconnect, name="silent_reconnect"),
    path("silent/work/", work.orders, name="silent_work"),
    path("silent/work/meter/<int:pk>/", work.open_at_meter, name="silent_work_meter"),
    path("silent/work/gateway/<int:pk>/", work.open_at_gateway, name="silent_work_gateway"),
    path("silent/work/<int:pk>/", work.close, name="silent_work_order"),
    path("health/", traffic.page, name="traffic"),
    path("scan/", scans.scans, name="scans"),
    path("scan/<int:pk>/", scans.scan, name="scan"),
    path("scan/<int:pk>/stop/", scans.stop, name="scan_stop"),
    path("scan/<int:pk>/rows/", scans.rows, name="scan_rows"),
]
