"""What the web server calls."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from prewatt.main.cli import follow_parent

follow_parent()  # granian forks its worker, which would outlive a killed server and keep the port
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
application = get_wsgi_application()
