"""Routes of the estate: five kinds of thing with the same verbs, defaults, import, export, read-now."""

from __future__ import annotations

from django.urls import URLPattern, path

from prewatt.web.console.estate import importing, reading, site, views
from prewatt.web.console.estate.things import THINGS, Thing

app_name = "estate"


def _routes(thing: Thing) -> list[URLPattern]:
    folder, page = f"{thing.list_page}/", thing.page
    form = views.form_view(thing)
    return [
        path(folder, views.list_view(thing), name=thing.list_page),
        path(f"{folder}new/", form, name=f"{page}_new"),
        path(f"{folder}<int:pk>/", views.page_view(thing), name=page),
        path(f"{folder}<int:pk>/edit/", form, name=f"{page}_edit"),
        path(f"{folder}<int:pk>/retire/", views.retire_view(thing), name=f"{page}_retire"),
    ]


urlpatterns = [
    path("meters/read-now/", reading.ask, name="read_now"),
    path("meters/read-now/<int:pk>/", reading.result, name="read_now_result"),
    *[route for thing in THINGS for route in _routes(thing)],
    path("defaults/", site.edit, name="site"),
    path("export/", site.export, name="export"),
    path("import/", importing.start, name="import"),
    path("import/template/", importing.template, name="import_template"),
    path("import/<str:token>/", importing.checked, name="import_checked"),
    path("import/<str:token>/errors/", importing.errors, name="import_errors"),
    path("import/<str:token>/apply/", importing.apply, name="import_apply"),
]
