"""The site's own certificate authority: made once, kept in the home's ``pki`` folder, readable by its owner alone.

It signs one certificate for the server and one for each gateway, and the list of those no longer good. A gateway's key
is made here, handed over in its bundle, and not kept beside.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from prewatt.core.errors import Refusal
from prewatt.field.links.tls import SERVER_NAME, SERVER_URI, gateway_uri
from prewatt.main.home import write_durably

FOLDER = "pki"
AUTHORITY_YEARS = 20
GATEWAY_DAYS = 825
SERVER_DAYS = 397  # the longest a browser takes
RENEW_BEFORE = timedelta(days=60)
CLOCK_SLACK = timedelta(hours=1)  # a gateway whose clock is behind
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that was signed. ``name`` is a gateway's, or "" for the server's."""

    serial: str  # hexadecimal
    name: str
    issued_at: str
    expires_at: str
    revoked_at: str = ""
    reason: str = ""

    def state(self, now: datetime) -> str:
        """``valid``, ``revoked`` or ``expired``."""
        if self.revoked_at:
            return "revoked"
        return "expired" if datetime.fromisoformat(self.expires_at) <= now else "valid"


class Authority:
    """The authority in a folder. ``now`` is the machine's time: TLS looks at no other."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder = folder
        self._now = now.replace(microsecond=0)

    def exists(self) -> bool:
        """Whether it was made."""
        return (self.folder / "ca.pem").exists()

    def make(self, name: str, hosts: Sequence[str]) -> None:
        """Make authority, empty list and the server's certificate. Raises Refusal when there is one already."""
        if self.exists():
            raise Refusal("pki-exists", "There is an authority already: %(path)s", path=self.folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA"[:64])])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - CLOCK_SLACK)
            .not_valid_after(self._now + timedelta(days=366 * AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        certificate = builder.sign(key, hashes.SHA256())
        _keep(self.folder / "ca.key", _key_pem(key))
        self._keep_index([])
        self._write_list(key, certificate, [])
        _keep(self.folder / "ca.pem", certificate.public_bytes(Encoding.PEM))
        self.make_server(hosts)

    def make_server(self, hosts: Sequence[str]) -> None:
        """A fresh certificate for the server, called by these names and addresses; the one before is revoked."""
        names = [x509.DNSName(SERVER_NAME), *_names(hosts)]
        _, bundle = self._issue("", names, SERVER_URI, timedelta(days=SERVER_DAYS))
        _keep(self.folder / "server.key", bundle[1])
        _keep(self.folder / "server.pem", bundle[0])
        self._revoke_others("", "superseded")

    def server_hosts(self) -> list[str]:
        """Names and addresses of the server's certificate, without the one that gateways use."""
        certificate = x509.load_pem_x509_certificate((self.folder / "server.pem").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
        return [host for host in hosts if host != SERVER_NAME]

    def enrol(self, gateway: str, into: Path | None = None) -> Path:
        """Key, certificate and the authority's certificate for a gateway, in a folder of their own (0700, files 0600).

        Raises Refusal when it has a valid one: that one is renewed or revoked first.
        """
        if self._valid(gateway):
            raise Refusal(
                "pki-enrolled", "%(name)s has a valid certificate. Renew it, or revoke it first.", name=gateway
            )
        return self._hand_out(gateway, into)

    def renew(self, gateway: str, into: Path | None = None) -> Path:
        """A fresh key and certificate; the ones before go on until they are revoked or expire. Raises Refusal."""
        if not any(one.name == gateway for one in self.issued()):
            raise Refusal("pki-unknown", "%(name)s was never enrolled.", name=gateway)
        return self._hand_out(gateway, into)

    def revoke(self, gateway: str, reason: str) -> int:
        """Every valid certificate of a gateway is void from now on; how many. Raises Refusal when there is none."""
        count = len(self._valid(gateway))
        if not count:
            raise Refusal("pki-unknown", "%(name)s has no valid certificate.", name=gateway)
        self._mark({one.serial for one in self._valid(gateway)}, reason)
        return count

    def issued(self) -> list[Issued]:
        """Every certificate ever signed, oldest first. Raises Refusal without an authority."""
        try:
            rows = json.loads((self.folder / "index.json").read_text("utf-8"))
        except FileNotFoundError:
            raise Refusal("pki-none", "There is no authority yet: ./run pki init makes it.") from None
        return [Issued(**row) for row in rows]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _hand_out(self, gateway: str, into: Path | None) -> Path:
        if not gateway.strip() or gateway != gateway.strip() or len(gateway) > 80:
            raise Refusal("pki-name", "A gateway's name has 1 to 80 characters and no blanks at its ends.")
        folder = into or self.folder / "bundles" / quote(gateway, safe="")
        _, (certificate, key) = self._issue(gateway, [], gateway_uri(gateway), timedelta(days=GATEWAY_DAYS))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _keep(folder / "gateway.key", key)
        _keep(folder / "gateway.pem", certificate)
        _keep(folder / "ca.pem", (self.folder / "ca.pem").read_bytes())
        return folder

    def _issue(
        self, name: str, names: Iterable[x509.GeneralName], uri: str, life: timedelta
    ) -> tuple[Issued, tuple[bytes, bytes]]:
        authority_key, authority = self._open()
        key = ec.generate_private_key(ec.SECP256R1())
        number = x509.random_serial_number()
        until = min(self._now + life, authority.not_valid_after_utc)
        common = (name or "Prewatt")[:64]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(number)
            .not_valid_before(self._now - CLOCK_SLACK)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), *names]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
            .sign(authority_key, hashes.SHA256())
        )
        row = Issued(f"{number:x}", name, self._now.isoformat(), until.isoformat())
        self._keep_index([*self.issued(), row])
        return row, (certificate.public_bytes(Encoding.PEM), _key_pem(key))

    def _valid(self, name: str) -> list[Issued]:
        return [one for one in self.issued() if one.name == name and one.state(self._now) == "valid"]

    def _revoke_others(self, name: str, reason: str) -> None:
        """All but the newest."""
        self._mark({one.serial for one in self._valid(name)[:-1]}, reason)

    def _mark(self, serials: set[str], reason: str) -> None:
        if not serials:
            return
        at = self._now.isoformat()
        rows = [replace(one, revoked_at=at, reason=reason) if one.serial in serials else one for one in self.issued()]
        self._keep_index(rows)
        self._write_list(*self._open(), [one for one in rows if one.revoked_at])

    def _write_list(
        self, key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, revoked: Sequence[Issued]
    ) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(authority.subject)
            .last_update(self._now - CLOCK_SLACK)
            .next_update(authority.not_valid_after_utc)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(one.serial, 16))
                .revocation_date(datetime.fromisoformat(one.revoked_at))
                .build()
            )
        _keep(self.folder / "crl.pem", builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def _keep_index(self, rows: Sequence[Issued]) -> None:
        text = json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1)
        _keep(self.folder / "index.json", text.encode())

    def _open(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        try:
            key = load_pem_private_key((self.folder / "ca.key").read_bytes(), password=None)
            certificate = x509.load_pem_x509_certificate((self.folder / "ca.pem").read_bytes())
        except FileNotFoundError:
            raise Refusal("pki-none", "There is no authority yet: ./run pki init makes it.") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Refusal("pki-key", "The key of the authority in %(path)s is of another kind.", path=self.folder)
        return key, certificate


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for host in dict.fromkeys([*LOCAL_HOSTS, *hosts]):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            try:
                found.append(x509.DNSName(host.encode("idna").decode()))
            except (UnicodeError, ValueError):
                raise Refusal("pki-host", "%(host)s is neither a name nor an address.", host=host) from None
    return found


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _keep(file: Path, data: bytes) -> None:
    """Write durably, readable by the owner alone from its first byte."""
    os.close(os.open(file.with_suffix(file.suffix + ".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    write_durably(file, data.decode())
