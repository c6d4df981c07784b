"""``prewatt gateway``: the zone program. Reads its lines, keeps readings through an outage, dials the head-end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import signal
import sqlite3
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from prewatt.core.clock import Clock
from prewatt.core.errors import Refusal
from prewatt.field.gateway.buffer import Buffer
from prewatt.field.gateway.uplink import Address, Dial, Factory, Uplink
from prewatt.field.links import secure, tls
from prewatt.field.links.record3des import Shared
from prewatt.main.headend import configure_log
from prewatt.main.home import Home
from prewatt.main.uplink import TLS_PORT
from prewatt.main.zone import Gateway, LocalLinks

log = structlog.get_logger(__name__)

BUFFER = "buffer.sqlite3"
SCHEMES = ("tcp", "modbus-tcp")


def main(argv: Sequence[str]) -> int:
    """Run until SIGTERM or SIGINT."""
    options = _parser().parse_args(list(argv))
    configure_log()
    folder: Path = options.data
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = dict(map(_line, options.line))
    servers = [_address(text, TLS_PORT + bool(options.secret_file)) for text in options.server]
    clock = Home(folder).clock()
    dial = _records(options, clock) if options.secret_file else _tls(options.bundle)
    try:
        buffer = Buffer(folder / BUFFER)
    except sqlite3.Error as error:
        raise Refusal("buffer", "Cannot use %(path)s: %(why)s", path=folder / BUFFER, why=error) from error
    gateway = Gateway(Uplink(dial, servers, clock), buffer, clock, LocalLinks(lines, clock).make)
    asyncio.run(serve(gateway, buffer))
    return 0


async def serve(gateway: Gateway, buffer: Buffer) -> None:
    """Work until told to stop; what was read is on the disk then."""
    working = asyncio.create_task(gateway.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    log.info("gateway.started", waiting=len(buffer))
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await working
    finally:
        log.info("gateway.stopped", waiting=len(buffer))
        buffer.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run gateway", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where readings wait")
    parser.add_argument(
        "--server", action="append", required=True, metavar="HOST[:PORT]",
        help=f"a head-end, {TLS_PORT} when no port is given; a second one is dialled when the first does not answer",
    )  # fmt: skip
    parser.add_argument(
        "--line", action="append", default=[], metavar="CHANNEL=WHERE",
        help="a line: /dev/ttyS1, tcp://host:port or modbus-tcp://host:port (else the gateway's device in the estate)",
    )  # fmt: skip
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--bundle", type=Path, metavar="FOLDER", help="what ./run pki enrol wrote for this gateway")
    way.add_argument("--secret-file", type=Path, metavar="FILE", help="triple-DES records: the shared secret, hex")
    parser.add_argument("--name", default="", help="with --secret-file: the gateway's name in the estate")
    parser.add_argument("--until", type=_day, metavar="DATE", help="with --secret-file: the last day of records")
    return parser


def _day(text: str) -> datetime:
    """The end of a day, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)


def _line(text: str) -> tuple[int, str]:
    channel, found, where = text.partition("=")
    scheme, remote, _ = where.partition("://")
    if not (found and channel.isdigit() and where) or (remote and scheme not in SCHEMES):
        raise Refusal("line", "A line is CHANNEL=WHERE, for example 1=/dev/ttyS1; this is none: %(text)s", text=text)
    return int(channel), where


def _address(text: str, default: int) -> Address:
    host, found, port = text.rpartition(":")
    if found and port.isdigit() and not (":" in host and not host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), default


def _tls(bundle: Path) -> Dial:
    papers = tls.Papers.of_gateway(bundle)
    try:
        tls.client_context(papers)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise Refusal("bundle", "%(path)s is no bundle of a gateway: %(why)s", path=bundle, why=error) from error
    admit = tls.admission(None, expected="")

    async def dial(factory: Factory, host: str, port: int) -> secure.Guard:
        # read anew: a renewed certificate counts from the next call on
        try:
            context = tls.client_context(papers)
        except ValueError as error:
            raise ConnectionRefusedError(str(error)) from error
        return await secure.dial_tls(factory, host, port, context, admit)

    return dial


def _records(options: argparse.Namespace, clock: Clock) -> Dial:
    if not (options.name and options.until):
        raise Refusal("records", "Triple-DES records need --name and --until as well.")
    try:
        secret = bytes.fromhex(options.secret_file.read_text("utf-8").strip())
    except (OSError, ValueError) as error:
        raise Refusal(
            "secret-file", "Cannot read %(path)s: %(why)s", path=options.secret_file, why=error
        ) from error  # fmt: skip
    shared = Shared(secret, options.until)

    async def dial(factory: Factory, host: str, port: int) -> secure.Guard:
        return await secure.dial_records(
            factory, host, port, name=options.name, shared=shared, clock=clock, random=secrets.token_bytes
        )

    return dial
