"""Routes of the operators' pages."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.operators import journal, people, roles

app_name = "operators"
urlpatterns = [
    path("operators/", people.listed, name="list"),
    path("operators/new/", people.new, name="new"),
    path("operators/<int:pk>/", people.edit, name="edit"),
    path("operators/<int:pk>/active/", people.active, name="active"),
    path("operators/<int:pk>/password/", people.password, name="password"),
    path("roles/", roles.listed, name="roles"),
    path("roles/new/", roles.new, name="role_new"),
    path("roles/<int:pk>/", roles.edit, name="role"),
    path("log/", journal.listed, name="log"),
    path("log/<int:pk>/", journal.entry, name="log_entry"),
]
