"""Routes of signing in and of one's own settings."""

from __future__ import annotations

from django.urls import path

from prewatt.web.console.sign import views

app_name = "sign"
urlpatterns = [
    path("sign-in/", views.sign_in, name="in"),
    path("sign-out/", views.sign_out, name="out"),
    path("password/", views.password, name="password"),
    path("language/", views.language, name="language"),
]
