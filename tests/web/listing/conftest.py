"""The same browsers as for the estate."""

from __future__ import annotations

from tests.web.estate.conftest import browser, building, client, site, somebody  # noqa: F401 - fixtures
