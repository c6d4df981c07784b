"""Which database a home uses, as Django wants it said."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from prewatt.core.errors import Refusal

SQLITE_PREFIX = "sqlite:///"


def settings_of(url: str) -> dict[str, Any]:
    """Django's settings of ``sqlite:///PATH`` or ``postgresql://user:password@host:port/name?option=value``.

    A host that begins with / (percent-encoded, or as ``?host=``) is the folder of a unix socket. Raises Refusal for
    any other form; the message never repeats the address, which may hold a password.
    """
    if url.startswith(SQLITE_PREFIX):
        return {
            "ENGINE": "prewatt.main.sqlite_backend",
            "NAME": url.removeprefix(SQLITE_PREFIX),
            "OPTIONS": {"timeout": 20},
            "CONN_MAX_AGE": None,
            "TEST": {"NAME": ":memory:"},  # a runner that works in parallel would else make a path of the home's name
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise Refusal(
            "database-url",
            "PREWATT_DATABASE_URL must look like postgresql://user:password@host:5432/name or sqlite:////path/file",
        )
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
