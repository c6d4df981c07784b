"""People at the tills: they sell, press twice, cancel, and send again what a meter refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from prewatt.core.errors import Refusal
from prewatt.core.money import Money
from prewatt.office.customers.models import SupplyAgreement
from prewatt.office.estate.models import Meter
from prewatt.office.operators.models import Operator
from prewatt.office.vending.models import Counter, CreditOrder
from prewatt.office.vending.services import again, cancel_queued, sell
from tests.storm.arena import out_of_loop
from tests.storm.crash import StoreDied, crashing
from tests.storm.plan import Sale

if TYPE_CHECKING:
    from tests.storm.world import World

PATIENCE = 8  # how often a form is sent again after an error page


class Cashier:
    """One till."""

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._number = number
        self._rng = world.chance(f"cashier {number}")
        self.refusals: list[str] = []

    async def work(self) -> None:
        """Serve the customers of the schedule."""
        mine = [(place, sale) for place, sale in enumerate(self._world.schedule.sales) if sale.cashier == self._number]
        async with asyncio.TaskGroup() as group:
            for place, sale in mine:
                group.create_task(self._serve(place, sale))

    async def _serve(self, place: int, sale: Sale) -> None:
        world = self._world
        await asyncio.sleep(sale.at)
        if sale.twice_after is not None:
            asyncio.get_running_loop().call_later(sale.twice_after, self._press, place, sale)
        for _ in range(PATIENCE):
            if self._press(place, sale):
                break
            await asyncio.sleep(self._rng.uniform(0.5, 4.0))
        if sale.cancel_at is not None:
            await asyncio.sleep(max(0.0, sale.cancel_at - world.now()))
            self.ask("cancel", sale)
        if sale.again:
            await asyncio.sleep(max(0.0, world.schedule.calm_at - world.now()) + self._rng.uniform(0.0, 90.0))
            self.ask("again", sale)

    def _press(self, place: int, sale: Sale) -> bool:
        """Send the form. False: an error page, and nobody knows."""
        people = self._world.arena.people

        def press() -> Any:
            return sell(
                key=f"form-{place}",
                agreement=SupplyAgreement.objects.get(pk=people.agreements[sale.meter]),
                meter=Meter.objects.get(pk=people.meters[sale.meter]),
                amount=Money(sale.fen),
                method="cash",
                counter=Counter.objects.get(pk=people.counters[self._number]),
                by=Operator.objects.get(pk=people.cashiers[self._number]),
                at=self._world.clock.now(),
            )

        return self._do("sell", f"{sale.fen}", press)

    def ask(self, verb: str, sale: Sale) -> bool:
        """Cancel the order of a sale, or send it again."""

        def ask() -> Any:
            order = CreditOrder.objects.filter(requested_fen=sale.fen).first()
            if order is None:
                return "no order"
            by = Operator.objects.get(pk=self._world.arena.people.cashiers[self._number])
            at = self._world.clock.now()
            return (cancel_queued if verb == "cancel" else again)(order=order, by=by, at=at).state

        return self._do(verb, f"{sale.fen}", ask)

    def _do(self, verb: str, what: str, call: Any) -> bool:
        """One transaction at this instant."""
        world = self._world
        crash = world.crash_at(verb)
        try:
            with crashing(world, crash):
                told = out_of_loop(call)
        except Refusal as refusal:
            world.note(f"cashier {self._number}", f"{verb} {what} refused {refusal.code}")
            self.refusals.append(refusal.code)
            return True
        except (StoreDied, DatabaseError) as error:
            world.note(f"cashier {self._number}", f"{verb} {what} error {error}")
            if crash is None:
                world.complain(f"{verb}: {error!r}")
            return False
        world.note(f"cashier {self._number}", f"{verb} {what} {told}")
        world.look_at_the_books()
        world.poke()
        return True
