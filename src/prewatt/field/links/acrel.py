"""The upload protocol of Acrel communication managers: frames, their sealing, and the XML they carry. Sans-I/O.

A frame is ``1F 1F | type | length(4, big-endian) | data``. Data frames are AES-128-CBC with the device secret as key
*and* IV: weak by design, so such a manager belongs on a private network. The XML follows the guideline for energy
monitoring of public buildings; it comes from a device and is read as from a stranger: no document type, no entities,
no depth, and nothing that grows when it is unpacked.
Source: the protocol as EMS4J implements it (protocol/gateway); not seen on a device.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import IntEnum
from html import escape
from typing import NamedTuple
from xml.parsers import expat

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES128

MAGIC = b"\x1f\x1f"
MOST_BYTES = 16 * 1024 * 1024  # of a frame, and of what a zipped one unpacks to
SECRET_BYTES = 16
MOST_DEPTH = 8
MOST_ELEMENTS = 200_000
MOST_TEXT = 65_536  # of one element
TIME_FORMAT = "%Y%m%d%H%M%S"
VERSION = "2"

_HEAD = struct.Struct(">2sBI")


class AcrelError(Exception):
    """What came is not this protocol, or not allowed: close the connection. ``reason`` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Type(IntEnum):
    """Types of frames."""

    AUTH = 0x01
    HEARTBEAT = 0x02
    DATA = 0x03
    DATA_ZIPPED = 0x04
    DOWNLINK = 0xF1
    DOWNLINK_ACK = 0xF2


class Frame(NamedTuple):
    """A whole frame."""

    type: Type
    data: bytes


class Cutter:
    """Cuts a byte stream into frames. ``most`` is small until the other side is known."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held = bytearray()

    def feed(self, data: bytes | memoryview) -> None:
        """Take what arrived."""
        self._held += data

    def next(self) -> Frame | None:
        """The next whole frame, None when there is none yet. Raises AcrelError."""
        held = self._held
        if bytes(held[:2]) != MAGIC[: len(held)]:
            raise AcrelError("not-acrel")
        if len(held) < _HEAD.size:
            return None
        _, number, size = _HEAD.unpack_from(held)
        if size > self.most:
            raise AcrelError("too-long")
        if number not in Type.__members__.values():
            raise AcrelError("type")
        if len(held) < _HEAD.size + size:
            return None
        data = bytes(held[_HEAD.size : _HEAD.size + size])
        del held[: _HEAD.size + size]
        return Frame(Type(number), data)


def frame(kind: Type, data: bytes) -> bytes:
    """A frame for the wire."""
    if len(data) > MOST_BYTES:
        raise AcrelError("too-long")
    return _HEAD.pack(MAGIC, kind, len(data)) + data


# -- sealing ----------------------------------------------------------------------------------------------------------


def check_secret(secret: bytes) -> bytes:
    """A device secret is an AES-128 key as it stands. Raises ValueError."""
    if len(secret) != SECRET_BYTES:
        raise ValueError("the device secret has exactly 16 bytes")
    return secret


def seal(secret: bytes, plain: bytes) -> bytes:
    """AES-128-CBC with PKCS#7; the key is the IV too."""
    padder = padding.PKCS7(128).padder()
    cipher = Cipher(AES128(check_secret(secret)), modes.CBC(secret)).encryptor()
    return cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()


def unseal(secret: bytes, sealed: bytes) -> bytes:
    """Back again. Raises AcrelError for what that secret did not seal."""
    if not sealed or len(sealed) % 16:
        raise AcrelError("sealing")
    cipher = Cipher(AES128(check_secret(secret)), modes.CBC(secret)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        return unpadder.update(cipher.update(sealed) + cipher.finalize()) + unpadder.finalize()
    except ValueError:
        raise AcrelError("sealing") from None


def unzip(packed: bytes) -> bytes:
    """Unpack zlib data, never to more than a frame may hold. Raises AcrelError."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, MOST_BYTES)
    except zlib.error:
        raise AcrelError("zip") from None
    if not unpacker.eof:
        raise AcrelError("zip-bomb" if len(plain) >= MOST_BYTES else "zip")
    return plain


def proof(secret: bytes, sequence: str) -> str:
    """What a manager answers to a sequence: hex MD5 of secret and sequence, as the protocol has it."""
    return hashlib.md5(secret + sequence.encode(), usedforsecurity=False).hexdigest()


def proven(secret: bytes, sequence: str, said: str) -> bool:
    """Whether that is the answer, compared in constant time."""
    return hmac.compare_digest(proof(secret, sequence).encode(), said.strip().lower().encode())


# -- the XML ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """An element: its name, attributes, text and children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        """The first child of that name."""
        return next((one for one in self.children if one.name == name), None)

    def words(self, name: str) -> str:
        """Text of the first child of that name, "" without one."""
        found = self.child(name)
        return found.text.strip() if found is not None else ""


class _Builder:
    """Builds nodes as expat reads. Handlers of document types and entities end the reading."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= MOST_DEPTH:
            raise AcrelError("xml-size")
        node = Node(name, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        node = self._open[-1]
        node.text += text
        if len(node.text) > MOST_TEXT:
            raise AcrelError("xml-size")

    @staticmethod
    def forbid(*_: object) -> int:
        raise AcrelError("xml-doctype")


def parse(data: bytes) -> Node:
    """The root element of a document. Raises AcrelError: not XML, with a document type, too deep or too many."""
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.forbid
    parser.EntityDeclHandler = builder.forbid
    parser.ExternalEntityRefHandler = builder.forbid
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise AcrelError("xml") from None
    if builder.root is None:
        raise AcrelError("xml")
    return builder.root


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a manager says it is."""

    building: str
    gateway: str

    def __str__(self) -> str:
        return f"{self.building}/{self.gateway}"


def caller(root: Node) -> Caller:
    """Who sent a document. Raises AcrelError when it does not say."""
    common = root.child("common")
    if common is None or not (gateway := common.words("gateway_id")):
        raise AcrelError("nameless")
    return Caller(common.words("building_id"), gateway)


def document(who: Caller, kind: str, inner: str) -> bytes:
    """A document of that type around some XML."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><root version="{VERSION}"><common>'
        f"<building_id>{escape(who.building)}</building_id><gateway_id>{escape(who.gateway)}</gateway_id>"
        f"<type>{kind}</type></common>{inner}</root>"
    ).encode()


def validate(who: Caller, operation: str, value: str = "") -> bytes:
    """A step of the authentication: ``request``, ``sequence``, ``md5`` or ``result``."""
    inner = f"<{operation}>{escape(value)}</{operation}>" if value else ""
    return document(who, "id_validate", f'<id_validate operation="{operation}">{inner}</id_validate>')


def heartbeat(who: Caller, operation: str, at: datetime | None = None) -> bytes:
    """``notify`` of a manager, ``time`` of the server with the site's civil time."""
    inner = f"<time>{at.strftime(TIME_FORMAT)}</time>" if at is not None else ""
    return document(who, "heart_beat", f'<heart_beat operation="{operation}">{inner}</heart_beat>')


# -- data -------------------------------------------------------------------------------------------------------------

# function ids of meters.md: total, and the registers of sharp, peak, flat, valley and deep valley
ENERGIES = {
    "WPP": "energy_wh", "PowerHigher": "sharp_wh", "PowerHigh": "peak_wh", "PowerFlat": "flat_wh",
    "PowerLow": "valley_wh", "EPISG": "deep_wh",
}  # fmt: skip
MOST_WH = 2**53


@dataclass(frozen=True, slots=True)
class Reported:
    """Energies of one meter at one time, in Wh, by the names of a reading."""

    port: int
    address: int
    energies: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """What a manager measured at a civil time of the site."""

    at: datetime  # naive: the manager's clock, set by our heartbeats
    meters: tuple[Reported, ...]


def report(root: Node) -> Report | None:
    """The readings of a document, None when it holds none. Raises AcrelError for a time that is none.

    What a manager marks as an error, or what is no number, is left out; one bad meter costs only itself.
    """
    data = root.child("data")
    if data is None:
        return None
    try:
        at = datetime.strptime(data.words("time"), TIME_FORMAT)  # noqa: DTZ007 (civil time of the site)
    except ValueError:
        raise AcrelError("time") from None
    found = (_meter(node) for node in data.children if node.name == "meter")
    return Report(at, tuple(one for one in found if one is not None))


def _meter(node: Node) -> Reported | None:
    place = station(node.attributes.get("id", ""))
    if place is None:
        return None
    energies: dict[str, int] = {}
    for value in node.children:
        name = ENERGIES.get(value.attributes.get("id", ""))
        if value.name == "function" and name and not value.attributes.get("error", "").strip("0 "):
            amount = _wh(value.text)
            if amount is not None:
                energies[name] = amount
    return Reported(*place, energies) if energies else None


def _wh(text: str) -> int | None:
    """Printed kWh as whole Wh."""
    try:
        amount = (Decimal(text.strip()) * 1000).quantize(Decimal(1), ROUND_HALF_UP)
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and 0 <= amount < MOST_WH else None


def station(text: str) -> tuple[int, int] | None:
    """Port and address of ``PPAAA``, None when it is none."""
    if len(text) != 5 or not (text.isascii() and text.isdecimal()):
        return None
    return int(text[:2]), int(text[2:])


def station_of(port: int, address: int) -> str:
    """``PPAAA``."""
    return f"{port:02d}{address:03d}"


def downlink(port: int, address: int, rtu: bytes) -> bytes:
    """What F1 and F2 carry, before it is sealed: ``PPAAA|hex``."""
    return f"{station_of(port, address)}|{rtu.hex().upper()}".encode()


def open_downlink(plain: bytes) -> tuple[int, int, bytes]:
    """Port, address and frame; an empty one when the meter kept silent. Raises AcrelError."""
    place, bar, text = plain.decode("ascii", "replace").partition("|")
    found = station(place.strip())
    try:
        rtu = bytes.fromhex(text.strip())
    except ValueError:
        rtu = None
    if found is None or rtu is None or not bar:
        raise AcrelError("downlink")
    return (*found, rtu)
