"""Where gateways that run our zone program dial in: TLS 1.3 with certificates on both sides, or triple-DES records."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from prewatt.core.clock import Clock
from prewatt.core.errors import Refusal
from prewatt.field.headend.uplinks import Uplinks
from prewatt.field.links import secure
from prewatt.field.links.record3des import Shared
from prewatt.field.links.tls import Papers, Revocations

log = structlog.get_logger(__name__)

TLS_PORT = 4433  # records one above
TRY_EVERY_S = 30.0  # wall seconds
SecretOf = Callable[[str], bytes | None]


def port() -> int:
    """PREWATT_UPLINK_PORT, or 4433; triple-DES records are waited for one above. Raises Refusal."""
    text = os.environ.get("PREWATT_UPLINK_PORT") or str(TLS_PORT)
    if not (text.isdigit() and 0 < int(text) < 65535):
        raise Refusal("uplink-port", "PREWATT_UPLINK_PORT is %(text)s, which is no port.", text=text)
    return int(text)


async def listen(uplinks: Uplinks, pki: Path, secret_of: SecretOf, clock: Clock, host: str, at: int) -> None:
    """Wait for gateways until cancelled. A mode whose keys are not there yet is tried again from time to time."""
    kept: dict[str, secure.SecureListener] = {}
    said: dict[str, str] = {}
    try:
        while True:
            for mode, begin in (
                (secure.TLS, partial(_tls, uplinks, pki, host, at)),
                (secure.RECORDS, partial(_records, uplinks, secret_of, clock, host, at + 1)),
            ):
                if mode in kept:
                    continue
                try:
                    listener = await begin()
                except (OSError, ssl.SSLError, ValueError) as error:
                    if said.get(mode) != str(error):
                        said[mode] = str(error)
                        log.warning("uplink.not-listening", mode=mode, why=str(error))
                    continue
                if listener is not None:
                    kept[mode] = listener
                    log.info("uplink.listening", mode=mode, host=host, port=listener.port)
            await asyncio.sleep(TRY_EVERY_S)
    finally:
        for listener in kept.values():
            with contextlib.suppress(OSError):
                await listener.stop()


async def _tls(uplinks: Uplinks, pki: Path, host: str, at: int) -> secure.SecureListener | None:
    if not (pki / "server.pem").exists():
        return None
    revocations = Revocations(pki / "crl.pem", pki / "ca.pem")
    return await secure.listen_tls(uplinks.accept, host, at, Papers.of_server(pki), revocations)


async def _records(
    uplinks: Uplinks, secret_of: SecretOf, clock: Clock, host: str, at: int
) -> secure.SecureListener | None:
    def lookup(name: str) -> Shared | None:
        until_ms = uplinks.records_until_ms(name)
        secret = secret_of(name) if until_ms else None
        return Shared(secret, datetime.fromtimestamp(until_ms / 1000, UTC)) if secret is not None else None

    if not uplinks.any_records():
        return None
    return await secure.listen_records(
        uplinks.accept, host, at, lookup=lookup, clock=clock, random=secrets.token_bytes
    )  # fmt: skip
