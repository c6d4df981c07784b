"""Small things every page of the counter needs: the till, the site, where a request came from."""

from __future__ import annotations

from prewatt.office.estate.models import Site
from prewatt.office.vending.models import Counter
from prewatt.office.vending.selectors import counters
from prewatt.web.console.base.access import ConsoleRequest

TILL = "till"  # session keys
SLIP = "slip"


def address_of(request: ConsoleRequest) -> str | None:
    """Where the operator sits, for the operation log."""
    return request.META.get("REMOTE_ADDR") or None


def site_of(request: ConsoleRequest) -> Site:
    """The site's settings; before set-up they are defaults, never nothing."""
    site = request.site
    assert site is not None
    return site


def tills() -> list[Counter]:
    """All tills of the site."""
    return list(counters())


def till_of(request: ConsoleRequest) -> Counter | None:
    """The till this operator works at: the one chosen in this session, else the first."""
    every = tills()
    wanted = request.session.get(TILL)
    return next((one for one in every if one.pk == wanted), every[0] if every else None)
