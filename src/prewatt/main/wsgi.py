"""The console as a WSGI application: what the web server loads in its worker."""

from __future__ import annotations

import os

from prewatt.main.cli import follow_parent

follow_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")

from django.core.wsgi import get_wsgi_application  # noqa: E402  (the environment comes first)

application = get_wsgi_application()
