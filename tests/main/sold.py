"""Brings the database of PREWATT_HOME up and sells once: for tests that start real processes. Prints the order."""

from __future__ import annotations

import json
import os


def main() -> None:
    """Migrate, make a small building, sell."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from prewatt.core.clock import SystemClock
    from tests.office.vending.desk import Desk

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    desk = Desk.make()
    order = desk.sell(at=SystemClock().now())
    print(json.dumps({"order": order.pk, "serial": desk.meter.serial}))


if __name__ == "__main__":
    main()
