"""Orders to gateways and lines: call a gateway anew, scan a line for devices; and how far a scan has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.controls.models import ControlKind, ControlOrder, ControlState, ScanResult
from prewatt.office.estate.models import Gateway, GatewayKind, Line, Parity
from prewatt.office.estate.selectors import gateways as visible_gateways
from prewatt.office.estate.selectors import lines as visible_lines
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator

RECONNECT_WITHIN = timedelta(minutes=2)
FIRST_ADDRESS, LAST_ADDRESS = 1, 247
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
SCAN_BEGINS_WITHIN = timedelta(minutes=10)
SLOWEST_QUESTION = timedelta(seconds=4)  # a silent address, with the polls and the money that go in between
OPEN = (ControlState.WAITING, ControlState.CLAIMED)
OUTSIDE = ("outside-scope", "This lies outside the part of the building that you work for.")


class Found(Protocol):
    """A device that answered a scan, as whoever scanned tells it."""

    @property
    def baud(self) -> int: ...
    @property
    def parity(self) -> str: ...
    @property
    def address(self) -> int: ...
    @property
    def profile(self) -> str: ...
    @property
    def candidates(self) -> str: ...
    @property
    def model_code(self) -> int: ...  # -1: it has none
    @property
    def serial(self) -> str: ...


@transaction.atomic
def request_reconnect(*, gateway: Gateway, key: str, by: Operator | None, at: datetime) -> ControlOrder:
    """Ask that a gateway is called at once, not after the pause it has grown to. Raises Refusal outside-scope."""
    if by is not None and not visible_gateways(by).filter(pk=gateway.pk).exists():
        raise Refusal(*OUTSIDE)
    kind = ControlKind.RECONNECT
    order, made = ControlOrder.objects.get_or_create(
        key=_key(key, kind, gateway.pk),
        defaults={"gateway": gateway, "kind": kind, "by": by, "at": at, "deadline": at + RECONNECT_WITHIN},
    )
    if made:
        record(by=by, at=at, action="gateway.reconnect", subject=gateway.name)
    return order


@transaction.atomic
def request_scan(
    *, line: Line, first: int, last: int, settings: Iterable[tuple[int, str]], key: str, by: Operator | None,
    at: datetime,
) -> ControlOrder:  # fmt: skip
    """Ask which addresses of a line answer. ``settings``: speeds and parities to try; empty: the line's own.

    Only a serial port can try others: the speed behind a gateway is the gateway's. Raises Refusal.
    """
    if by is not None and not visible_lines(by).filter(pk=line.pk).exists():
        raise Refusal(*OUTSIDE)
    if not FIRST_ADDRESS <= first <= last <= LAST_ADDRESS:
        raise Refusal("scan-range", _("Addresses run from 1 to 247, the first before the last."))
    wanted = _settings(line, settings)
    key = _key(key, ControlKind.SCAN, line.pk)
    told = ControlOrder.objects.filter(key=key).first()
    if told is not None:
        return told
    running = ControlOrder.objects.filter(kind=ControlKind.SCAN, line=line, state__in=OPEN, deadline__gt=at)
    if running.exists():
        raise Refusal("scan-running", _("This line is being scanned already. Wait for it, or stop it."))
    total = (last - first + 1) * len(wanted)
    order = ControlOrder(
        key=key, gateway_id=line.gateway_id, line=line, kind=ControlKind.SCAN, by=by, at=at, total=total,
        deadline=at + SCAN_BEGINS_WITHIN + total * SLOWEST_QUESTION,
        body={"from": first, "to": last, "settings": ",".join(f"{baud}{parity}" for baud, parity in wanted)},
    )  # fmt: skip
    order.save(force_insert=True)
    record(by=by, at=at, action="line.scan", subject=line.name, data=dict(order.body))
    return order


@transaction.atomic
def cancel_scan(*, order: ControlOrder, by: Operator | None, at: datetime) -> None:
    """Stop a scan: at once when nobody carries it yet, else at the next report of whoever does."""
    ours = ControlOrder.objects.filter(pk=order.pk, kind=ControlKind.SCAN)
    ours.filter(state=ControlState.WAITING).update(
        state=ControlState.FAILED, reason="cancelled", finished_at=at, cancelled_at=at
    )
    stopped = ours.filter(state=ControlState.CLAIMED, cancelled_at__isnull=True).update(cancelled_at=at)
    if stopped or ours.filter(cancelled_at=at).exists():
        record(by=by, at=at, action="line.scan.cancel", subject=order.line.name if order.line else "")


@transaction.atomic
def progress(*, order_id: int, token: int, asked: int, found: Iterable[Found]) -> bool | None:
    """How far a scan is, and what answered since the last report. Whether to go on; None: another holder has it."""
    claimed = ControlOrder.objects.filter(pk=order_id, state=ControlState.CLAIMED, claimed_token=token)
    order = claimed.first()
    if order is None:
        return None
    claimed.update(asked=min(asked, order.total))
    for one in found:
        told = {
            "profile": one.profile, "candidates": one.candidates[:240],
            "model_code": None if one.model_code < 0 else one.model_code,
        }  # fmt: skip
        ScanResult.objects.update_or_create(
            order_id=order_id, baud=one.baud, parity=one.parity, address=one.address, serial=one.serial, defaults=told
        )
    return order.cancelled_at is None


def _settings(line: Line, wanted: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    own = (line.baud, line.parity)
    chosen = list(dict.fromkeys(wanted)) or [own]
    if any(baud not in BAUDS or parity not in Parity.values for baud, parity in chosen):
        raise Refusal("scan-settings", _("Such a speed or parity does not exist."))
    if chosen != [own] and line.gateway.kind != GatewayKind.SERIAL:
        raise Refusal(
            "scan-fixed-speed", _("Behind this gateway the speed is fixed: it can be changed at the gateway only.")
        )
    return chosen


def _key(key: str, kind: str, number: int) -> str:
    return sha256(f"{key}|{kind}|{number}".encode()).hexdigest()
