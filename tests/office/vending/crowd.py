"""Many at once, on a database of their own: run as a program, because threads cannot share a test's transaction.

``python -m tests.office.vending.crowd SCENE`` brings the database of PREWATT_HOME up, plays the scene with real
threads, and prints what each of them got as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

CASHIERS = 8


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own, all from the same moment; their results, in order."""
    from django.db import connections

    barrier = Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            results[place] = work()
        except Exception as error:
            results[place] = getattr(error, "code", repr(error))
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def same_form(desk: Any) -> list[Any]:
    """One form, sent by every thread: double clicks and a proxy that repeats."""
    return at_once([lambda: desk.sell(key="one form", sure=False).number] * CASHIERS)


def same_sale(desk: Any) -> list[Any]:
    """Cashiers who each sell the same amount for the same meter, each with a form of their own."""
    keys = [f"form {number}" for number in range(CASHIERS)]
    return at_once([lambda key=key: desk.sell(key=key, sure=False).number for key in keys])  # type: ignore[misc]


def many_sales(desk: Any) -> list[Any]:
    """Every cashier sells five times at one counter, for units of their own."""
    from tests.office import factories

    line = factories.make_line()
    units = []
    for number in range(CASHIERS):
        meter = factories.make_meter(line=line, premises=factories.make_premises())
        units.append((number, meter, factories.make_agreement(meter=meter)))

    def sell(number: int, meter: Any, agreement: Any) -> list[str]:
        return [desk.sell(key=f"{number}-{k}", meter=meter, agreement=agreement).number for k in range(5)]

    return at_once([lambda unit=unit: sell(*unit) for unit in units])  # type: ignore[misc]


def same_order(desk: Any) -> list[Any]:
    """Two head-ends' worth of threads that all want to arm one order on the same evidence."""
    order = desk.sell()
    seen = desk.seen()
    return at_once([lambda: type(desk.arm(order, seen)).__name__] * CASHIERS)


def same_purse(desk: Any) -> list[Any]:
    """Eight orders of one meter, all armed at once."""
    orders = [desk.sell() for _ in range(CASHIERS)]
    seen = desk.seen()
    return at_once([lambda order=order: type(desk.arm(order, seen)).__name__ for order in orders])  # type: ignore[misc]


def same_proof(desk: Any) -> list[Any]:
    """One delivered order, observed by everybody at once."""
    order = desk.sell()
    desk.send(desk.armed(order))
    seen = desk.seen()
    return at_once([lambda: desk.observe(order, seen).next.value] * CASHIERS)


SCENES = {scene.__name__: scene for scene in (same_form, same_sale, many_sales, same_order, same_purse, same_proof)}


def main() -> None:
    """Play one scene."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prewatt.main.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from prewatt.office.vending.invariants import check
    from prewatt.office.vending.models import CreditOrder, Receipt
    from tests.office.vending.desk import Desk

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    told = SCENES[sys.argv[1]](Desk.make())
    print(
        json.dumps(
            {
                "told": told,
                "orders": CreditOrder.objects.count(),
                "receipts": sorted(Receipt.objects.filter(kind="money").values_list("number", flat=True)),
                "proofs": Receipt.objects.filter(kind="proof").count(),
                "attempts": sum(order.attempts.count() for order in CreditOrder.objects.all()),
                "broken": check(),
            }
        )
    )


if __name__ == "__main__":
    main()
