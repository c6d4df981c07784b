"""The mains have failed and the machines run from a battery: told by a UPS, or by a person.

While it lasts nothing new is begun that a machine going dark could leave half done: no credit is armed. What is open is
finished, and the console says so.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from prewatt.office.estate.models import Site
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator


@transaction.atomic
def set_battery(*, on: bool, by: Operator | None, at: datetime, source: str = "") -> bool:
    """Write down that the battery carries the site, or no longer does. False when that was known already."""
    changed = Site.objects.filter(pk=1, battery_since__isnull=on).update(battery_since=at if on else None)
    if not changed:
        return False
    record(by=by, at=at, action="site.battery.on" if on else "site.battery.off", subject="UPS", summary=source)
    return True


def on_battery() -> bool:
    """Whether the battery carries the site."""
    return Site.objects.filter(battery_since__isnull=False).exists()
