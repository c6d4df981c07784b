"""``prewatt pki``: the site's own authority. Makes it, enrols gateways, renews, revokes, lists; keeps secrets."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from prewatt.core.errors import Refusal
from prewatt.main.authority import FOLDER, RENEW_BEFORE, Authority, Issued
from prewatt.main.home import SITE, Home
from prewatt.main.secrets_ import ACREL, KINDS, GatewaySecrets, fresh


def main(argv: list[str]) -> int:
    """Run one deed of the authority."""
    options = _parser().parse_args(argv)
    home = Home.from_environment(SITE) if options.deed == "init" else Home.find()
    if options.deed == "init":
        home.create(home.kind())
    return int(options.run(home, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run pki", description="The site's own certificates and shared secrets.")
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    init = deeds.add_parser("init", help="make the authority and the server's certificate")
    init.add_argument("--name", default="Prewatt", help="name of the authority, as browsers show it")
    server = deeds.add_parser("server", help="a fresh certificate for the server")
    for one in (init, server):
        one.add_argument(
            "--host", action="append", default=[], help="a name or address people and gateways use; may be repeated"
        )
    enrol = deeds.add_parser("enrol", help="key and certificate for a gateway")
    renew = deeds.add_parser("renew", help="a fresh key and certificate for a gateway, or all that end soon")
    revoke = deeds.add_parser("revoke", help="a gateway's certificates are void within a minute")
    for one in (enrol, renew, revoke):
        one.add_argument("gateway", metavar="GATEWAY", nargs="?" if one is renew else None)
    for one in (enrol, renew):
        one.add_argument("--out", type=Path, help="folder for the bundle (the home's pki/bundles when not given)")
    revoke.add_argument("--reason", default="", help="why; kept in the list")
    listing = deeds.add_parser("list", help="every certificate that was signed")
    listing.add_argument("--json", action="store_true")
    secret = deeds.add_parser("secret", help="a secret shared with a gateway: 3des records, or an Acrel manager's")
    secret.add_argument("gateway", metavar="GATEWAY")
    secret.add_argument("--kind", choices=KINDS, required=True)
    secret.add_argument("--stdin", action="store_true", help="read it from standard input instead of making one")
    secret.add_argument("--drop", action="store_true", help="forget it")
    for one, run in (
        (init, _init), (server, _server), (enrol, _enrol), (renew, _renew), (revoke, _revoke), (listing, _list),
        (secret, _secret),
    ):  # fmt: skip
        one.set_defaults(run=run)
    return parser


def authority(home: Home) -> Authority:
    """The authority of a home. TLS looks at the machine's time, so that is what counts here."""
    return Authority(home.path / FOLDER, datetime.now(UTC))


def _init(home: Home, options: argparse.Namespace) -> int:
    authority(home).make(options.name, options.host)
    print(f"authority: {home.path / FOLDER / 'ca.pem'}  (give this file to browsers; ca.key never leaves this machine)")
    return 0


def _server(home: Home, options: argparse.Namespace) -> int:
    ours = authority(home)
    ours.issued()
    ours.make_server(options.host or ours.server_hosts())
    print(f"server: {home.path / FOLDER / 'server.pem'}  (./run serve takes it at its next start)")
    return 0


def _enrol(home: Home, options: argparse.Namespace) -> int:
    _say_bundle(options.gateway, authority(home).enrol(options.gateway, options.out))
    return 0


def _renew(home: Home, options: argparse.Namespace) -> int:
    ours = authority(home)
    if options.gateway:
        _say_bundle(options.gateway, ours.renew(options.gateway, options.out))
        return 0
    if options.out:
        raise Refusal("pki-out", "--out needs the name of one gateway.")
    for name in _ending(ours.issued(), datetime.now(UTC)):
        if name:
            _say_bundle(name, ours.renew(name))
        else:
            ours.make_server(ours.server_hosts())
            print("server: renewed  (./run serve takes it at its next start)")
    return 0


def _ending(issued: list[Issued], now: datetime) -> list[str]:
    """Names whose newest certificate ends soon. One that was revoked is not brought back by itself."""
    newest = {one.name: one for one in issued}
    return [
        name
        for name, one in newest.items()
        if not one.revoked_at and datetime.fromisoformat(one.expires_at) - now < RENEW_BEFORE
    ]


def _revoke(home: Home, options: argparse.Namespace) -> int:
    count = authority(home).revoke(options.gateway, options.reason)
    print(f"revoked: {options.gateway}  ({count} of its certificates; connections end within a minute)")
    return 0


def _list(home: Home, options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    rows = [
        {
            "gateway": one.name, "serial": one.serial, "issued_at": one.issued_at, "expires_at": one.expires_at,
            "state": one.state(now), "revoked_at": one.revoked_at, "reason": one.reason,
        }
        for one in authority(home).issued()
    ]  # fmt: skip
    if options.json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        print(f"{row['state']:<8} {row['expires_at'][:10]}  {row['gateway'] or '(server)'}  {row['reason']}".rstrip())
    for kind, name in GatewaySecrets(home.path).names():
        print(f"secret   {kind:<10}  {name}")
    return 0


def _secret(home: Home, options: argparse.Namespace) -> int:
    kept = GatewaySecrets(home.path)
    if options.drop:
        if not kept.drop(options.kind, options.gateway):
            raise Refusal("secret-none", "%(name)s has no such secret.", name=options.gateway)
        print(f"forgotten: {options.gateway}")
        return 0
    if options.stdin:
        given = sys.stdin.read().strip()
        try:
            secret = given.encode() if options.kind == ACREL else bytes.fromhex(given)
        except ValueError:
            raise Refusal("secret-hex", "The secret must be hexadecimal.") from None
        kept.set(options.kind, options.gateway, secret)
        print(f"kept: {options.gateway}")
        return 0
    secret = fresh(options.kind)
    kept.set(options.kind, options.gateway, secret)
    # shown this once, to be typed in at the gateway
    print(secret.decode() if options.kind == ACREL else secret.hex())
    return 0


def _say_bundle(gateway: str, folder: Path) -> None:
    print(f"{gateway}: {folder}  (carry it to the gateway and delete it here; it holds the key)")
