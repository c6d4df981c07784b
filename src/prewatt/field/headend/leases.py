"""The right to command gateways, held by lease: renewed in time, looked at again before each first byte."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from prewatt.field.headend.sitetime import SiteTime
from prewatt.field.headend.store import Lease, Store

log = structlog.get_logger(__name__)

RENEW_EVERY_S = 5.0


class Leases:
    """What the store last granted this process."""

    def __init__(self, store: Store, holder: str, time: SiteTime) -> None:
        self._store = store
        self._holder = holder
        self._time = time
        self._held: dict[int, Lease] = {}
        self._began = False

    async def renew(self) -> None:
        """Take or renew. The first call of a process takes over: tokens grow, and an older process is fenced off."""
        granted = await self._store.lease(holder=self._holder, take_over=not self._began)
        self._began = True
        before = set(self._held)
        self._held = {lease.gateway_id: lease for lease in granted}
        if set(self._held) != before:
            log.info("leases.changed", held=sorted(self._held))

    def lost(self, gateway_id: int) -> None:
        """The store said that somebody else has it now."""
        if self._held.pop(gateway_id, None) is not None:
            log.warning("lease.lost", gateway=gateway_id)

    def current(self, gateway_id: int) -> Lease | None:
        """The lease, unless it ran out."""
        lease = self._held.get(gateway_id)
        if lease is None or lease.expires_ms <= self._time.at_ms(self._time.now()):
            return None
        return lease

    def all(self) -> Sequence[Lease]:
        """Every lease that did not run out."""
        return [lease for number in self._held if (lease := self.current(number)) is not None]

    def gateways(self) -> frozenset[int]:
        """Gateways to read: granted, and not known to be lost. Reading goes on while the store is away."""
        return frozenset(self._held)
