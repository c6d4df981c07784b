"""TLS 1.3 with certificates on both sides: one authority, one certificate a gateway, no older version, no fallback.

Who a certificate speaks for stands in it as a URI, so a gateway's certificate can never pass for the server's, nor for
another gateway's. Revocation is the authority's list in a file: it is looked at again whenever the file changes.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

SERVER_NAME = "server.prewatt.internal"  # the name a gateway asks for, whatever the address it dials
SERVER_URI = "urn:prewatt:server"
GATEWAY_URI = "urn:prewatt:gateway:"


class NotAdmitted(Exception):
    """The other side's certificate is good for TLS but not for us. ``reason`` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Papers:
    """Files of one side: the authority's certificate, its own certificate and key."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def of_gateway(cls, bundle: Path) -> Papers:
        """The bundle that ``prewatt pki enrol`` wrote for a gateway."""
        return cls(bundle / "ca.pem", bundle / "gateway.pem", bundle / "gateway.key")

    @classmethod
    def of_server(cls, pki: Path) -> Papers:
        """The server's own, in the home's pki folder."""
        return cls(pki / "ca.pem", pki / "server.pem", pki / "server.key")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a certificate speaks for: the server, or a gateway by its name."""

    gateway: str  # "" for the server
    serial: int

    @property
    def is_server(self) -> bool:
        """Whether it is the server's."""
        return not self.gateway


def gateway_uri(name: str) -> str:
    """How a gateway's name stands in its certificate."""
    return GATEWAY_URI + quote(name, safe="")


def server_context(papers: Papers) -> ssl.SSLContext:
    """For whoever is dialled. Raises OSError, ssl.SSLError when the files are no good."""
    return _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), papers)


def client_context(papers: Papers, *, by_name: bool = True) -> ssl.SSLContext:
    """For whoever dials. ``by_name``: the other side must be called as we ask; else only its identity counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = by_name
    return _hardened(context, papers)


def _hardened(context: ssl.SSLContext, papers: Papers) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.options |= ssl.OP_NO_TICKET
    if context.protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0  # a session resumed would skip the look at the certificate
    context.load_verify_locations(cafile=papers.authority)
    context.load_cert_chain(papers.certificate, papers.key)
    return context


def identity(der: bytes | None) -> Identity:
    """Whom a peer's certificate speaks for. Raises NotAdmitted when it says nobody of ours, or several."""
    if not der:
        raise NotAdmitted("no-certificate")
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise NotAdmitted("no-identity") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise NotAdmitted("no-identity")
    if uris[0] == SERVER_URI:
        return Identity("", certificate.serial_number)
    if not uris[0].startswith(GATEWAY_URI) or not (name := unquote(uris[0].removeprefix(GATEWAY_URI))):
        raise NotAdmitted("no-identity")
    return Identity(name, certificate.serial_number)


class Revocations:
    """The authority's list of revoked certificates, read again when the file changes.

    Without a list that the authority signed, nobody is admitted: a missing list must not mean an empty one.
    """

    def __init__(self, crl: Path, authority: Path) -> None:
        self._crl = crl
        self._authority = authority
        self._seen: tuple[int, int, int] | None = None
        self._revoked: frozenset[int] | None = None

    def check(self, who: Identity) -> None:
        """Raises NotAdmitted for a revoked certificate, or when there is no list to trust."""
        self._refresh()
        if self._revoked is None:
            raise NotAdmitted("no-revocation-list")
        if who.serial in self._revoked:
            raise NotAdmitted("revoked")

    def _refresh(self) -> None:
        try:
            status = self._crl.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return
            self._revoked = self._read()
            self._seen = seen
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            self._seen = self._revoked = None

    def _read(self) -> frozenset[int] | None:
        crl = x509.load_pem_x509_crl(self._crl.read_bytes())
        authority = x509.load_pem_x509_certificate(self._authority.read_bytes())
        if not crl.is_signature_valid(authority.public_key()):  # type: ignore[arg-type]
            return None
        return frozenset(entry.serial_number for entry in crl)


Admit = Callable[[bytes | None], Identity]


def admission(revocations: Revocations | None, expected: str | None = None) -> Admit:
    """A check of a peer's certificate: its list, and whose it must be (None: any gateway's; "" the server's)."""

    def admit(der: bytes | None) -> Identity:
        who = identity(der)
        if who.is_server if expected is None else who.gateway != expected:
            raise NotAdmitted("somebody-else")
        if revocations is not None:
            revocations.check(who)
        return who

    return admit
