"""Django's settings: what is fixed for every home, and what the home itself says (database, keys, clock, hosts)."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Any

from prewatt.core.errors import Refusal
from prewatt.main import database, hosts, web
from prewatt.main.home import SITE, Home
from prewatt.main.poke import poke


def _home() -> Home:
    try:
        return Home.find()
    except Refusal:  # tools that only import the code (type checker, makemigrations) need no home
        return Home.from_environment(SITE)


PACKAGE = Path(__file__).resolve().parent.parent
PREWATT_HOME = _home()
PREWATT_CLOCK = PREWATT_HOME.clock()
PREWATT_METRICS_TOKEN = PREWATT_HOME.metrics_token  # read at each scrape
PREWATT_POKE = partial(poke, PREWATT_HOME)  # what a page calls after a commit that gives the field work

SECRET_KEY = PREWATT_HOME.secret_key() if PREWATT_HOME.path.is_dir() else secrets.token_urlsafe(50)
DEBUG = False
ALLOWED_HOSTS = hosts.allowed(web.address()[0])

# The console's doors in the order of its menu. ``base`` holds the layout and the middleware.
DOORS = (
    "base",
    "sign",
    "overview",
    "units",
    "demo",
    "listing",
    "estate",
    "network",
    "operators",
    "customers",
    "counter",
)

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "prewatt.office.operators",
    "prewatt.office.estate",
    "prewatt.office.customers",
    "prewatt.office.ledger",
    "prewatt.office.readings",
    "prewatt.office.controls",
    "prewatt.office.vending",
    *(f"prewatt.web.console.{door}" for door in DOORS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "prewatt.main.headers.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "prewatt.web.console.base.middleware.ConsoleMiddleware",
]

ROOT_URLCONF = "prewatt.main.urls"
WSGI_APPLICATION = "prewatt.main.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": database.settings_of(PREWATT_HOME.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "operators.Operator"
AUTHENTICATION_BACKENDS = ["prewatt.office.operators.backend.OperatorBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "prewatt_language"
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [str(path) for path in sorted(PACKAGE.rglob("locale")) if path.is_dir()]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

# Without DEBUG Django tells errors to nobody: here they go to stderr, which the supervisor keeps in the home's logs.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # files are served from the package: nothing to collect
WHITENOISE_AUTOREFRESH = False

# A cookie whose name begins with __Host- is lost on plain http, so its name follows the transport.
_SECURE = web.certificate(PREWATT_HOME) is not None
SESSION_COOKIE_NAME = "__Host-prewatt" if _SECURE else "prewatt_session"
CSRF_COOKIE_NAME = "__Host-prewatt-csrf" if _SECURE else "prewatt_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024  # the import page takes a workbook of up to 10 MB
FILE_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
SILENCED_SYSTEM_CHECKS: list[str] = []
