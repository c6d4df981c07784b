"""Triple-DES records for sites that prescribe them: bytes in, bytes out, no socket, no clock and no chance of its own.

Record: sequence(8) | type(1) | length(2) | random IV(8) | 3DES-CBC, PKCS#7 | HMAC-SHA-256(32) over all before it.
The MAC is compared first and in constant time. Keys come by HKDF-SHA-256 from the shared secret and both nonces, one
for each direction and purpose. The sequence rises by exactly one, so a record left out, repeated or moved is refused.
A key seals at most 2^18 blocks or works one hour, then its sender renews it; at 2^19 blocks both sides stop.
Published with vectors in docs/security/record-3des.md. NIST disallows 3DES for new protection since 2024 (SP 800-131A):
TLS 1.3 is the default, this is chosen for a gateway by name and with a date.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

BLOCK = 8
MAC_BYTES = 32
NONCE_BYTES = 32
LEAST_SECRET_BYTES = 16
MOST_PAYLOAD = 16_384
REKEY_BLOCKS = 2**18
STOP_BLOCKS = 2**19
REKEY_S = 3600.0
REKEY_GRACE_S = 300.0  # what was under way when the other side's key turned an hour old
LABEL = b"prewatt record-3des v1 "

_HEAD = struct.Struct(">QBH")
OVERHEAD = _HEAD.size + BLOCK + MAC_BYTES
_LONGEST = MOST_PAYLOAD + BLOCK


class RecordRefused(Exception):
    """The connection must end. ``reason`` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(IntEnum):
    """What a record carries."""

    FINISHED = 1  # hash of both hellos: what was agreed is what both saw
    DATA = 2
    REKEY = 3  # a fresh nonce of the sender
    CLOSE = 4  # nothing follows: an end without it is a truncation


class Direction(StrEnum):
    """Who sends. The initiator is the one who dialled."""

    INITIATOR = "initiator"
    RESPONDER = "responder"

    @property
    def other(self) -> Direction:
        """The opposite direction."""
        return Direction.RESPONDER if self is Direction.INITIATOR else Direction.INITIATOR


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of one direction."""

    cipher: bytes
    mac: bytes

    @classmethod
    def derive(cls, secret: bytes, initiator_nonce: bytes, responder_nonce: bytes, direction: Direction) -> Keys:
        """HKDF-SHA-256: salt is both nonces, the label names version, direction and purpose."""
        fixed = hmac.digest(initiator_nonce + responder_nonce, secret, "sha256")  # HKDF-Extract, RFC 5869 2.2

        def purpose(name: bytes, length: int) -> bytes:
            return HKDFExpand(SHA256(), length, LABEL + direction.encode() + b" " + name).derive(fixed)

        return cls(purpose(b"3des-cbc", 24), purpose(b"hmac-sha256", MAC_BYTES))


class Sealer:
    """Seals records of one direction. One cipher context serves all records under a key: setting one up costs as much
    as a short record. Its chain runs on from record to record, so the first block is turned to start from the IV.
    """

    def __init__(self, keys: Keys, now: float) -> None:
        self.sequence = 0
        self.rekey(keys, now)

    def rekey(self, keys: Keys, now: float) -> None:
        """Go on with other keys; the sequence runs on."""
        self._mac = keys.mac
        self._chain = bytes(BLOCK)
        self._context = Cipher(TripleDES(keys.cipher), modes.CBC(self._chain)).encryptor()
        self.blocks = 0
        self.since = now

    def due(self, now: float) -> bool:
        """Whether the key has done its work."""
        return self.blocks >= REKEY_BLOCKS or now - self.since >= REKEY_S

    def seal(self, kind: Kind, payload: bytes, iv: bytes) -> bytes:
        """The next record. Raises RecordRefused at the hard stop."""
        length = len(payload) + BLOCK - len(payload) % BLOCK
        blocks = length // BLOCK
        if self.blocks + blocks > STOP_BLOCKS:
            raise RecordRefused("key-worn-out")
        padder = padding.PKCS7(8 * BLOCK).padder()
        plain = padder.update(payload) + padder.finalize()
        sealed = self._context.update(_xor(plain[:BLOCK], iv, self._chain) + plain[BLOCK:])
        self._chain = sealed[-BLOCK:]
        head = _HEAD.pack(self.sequence, kind, length) + iv + sealed
        self.sequence += 1
        self.blocks += blocks
        return head + hmac.digest(self._mac, head, "sha256")


class Opener:
    """Opens records of one direction. A record that is refused changes nothing here."""

    def __init__(self, keys: Keys, now: float) -> None:
        self.sequence = 0
        self.rekey(keys, now)

    def rekey(self, keys: Keys, now: float) -> None:
        """Go on with other keys; the sequence runs on."""
        self._mac = keys.mac
        self._chain = bytes(BLOCK)
        self._context = Cipher(TripleDES(keys.cipher), modes.CBC(self._chain)).decryptor()
        self.blocks = 0
        self.since = now

    def open(self, record: bytes, now: float) -> tuple[Kind, bytes]:
        """What a whole record carries. Raises RecordRefused."""
        head, mac = record[:-MAC_BYTES], record[-MAC_BYTES:]
        if not hmac.compare_digest(hmac.digest(self._mac, head, "sha256"), mac):
            raise RecordRefused("mac")
        if len(head) < _HEAD.size + 2 * BLOCK:
            raise RecordRefused("short")
        sequence, number, length = _HEAD.unpack_from(head)
        if sequence != self.sequence:
            raise RecordRefused("sequence")
        sealed = head[_HEAD.size + BLOCK :]
        if length != len(sealed) or length % BLOCK or length > _LONGEST:
            raise RecordRefused("length")
        if number not in Kind.__members__.values():
            raise RecordRefused("type")
        kind = Kind(number)
        blocks = length // BLOCK
        if self.blocks + blocks > STOP_BLOCKS:
            raise RecordRefused("key-worn-out")
        if kind is Kind.DATA and now - self.since > REKEY_S + REKEY_GRACE_S:
            raise RecordRefused("key-too-old")
        payload = self._decrypt(head[_HEAD.size : _HEAD.size + BLOCK], sealed)
        self.sequence += 1
        self.blocks += blocks
        return kind, payload

    def _decrypt(self, iv: bytes, sealed: bytes) -> bytes:
        plain = self._context.update(sealed)
        plain = _xor(plain[:BLOCK], iv, self._chain) + plain[BLOCK:]
        self._chain = sealed[-BLOCK:]
        unpadder = padding.PKCS7(8 * BLOCK).unpadder()
        try:
            return unpadder.update(plain) + unpadder.finalize()
        except ValueError:
            raise RecordRefused("padding") from None  # behind a good MAC: our own peer is broken


def cut(held: bytearray) -> bytes | None:
    """Take the first whole record from a stream; None while it is not complete. Raises RecordRefused.

    The length is not yet proven here; it can only make the record wrong, never longer than the limit.
    """
    if len(held) < _HEAD.size:
        return None
    length = int.from_bytes(held[9:11])
    if length > _LONGEST or not length or length % BLOCK:
        raise RecordRefused("length")
    size = OVERHEAD + length
    if len(held) < size:
        return None
    record = bytes(held[:size])
    del held[:size]
    return record


# -- the handshake ----------------------------------------------------------------------------------------------------

MAGIC = b"PWR3"
VERSION = 1
_HELLO = struct.Struct(">4sBB")  # magic, version, length of the name
LONGEST_NAME = 240


@dataclass(frozen=True, slots=True)
class Shared:
    """What both sides were given beforehand: a secret, and the day from which this mode is refused."""

    secret: bytes
    until: datetime

    def check(self, now: datetime) -> None:
        """Raises RecordRefused when this mode is over, or the secret is none."""
        if now >= self.until:
            raise RecordRefused("expired")
        if len(self.secret) < LEAST_SECRET_BYTES:
            raise RecordRefused("weak-secret")


@dataclass(frozen=True, slots=True)
class Hello:
    """The first words of a side, in clear; both are bound by FINISHED."""

    name: str
    nonce: bytes

    def encode(self) -> bytes:
        """As it goes on the wire: magic | version | length | name | nonce(32)."""
        name = self.name.encode()
        if len(name) > LONGEST_NAME:
            raise RecordRefused("name")
        return _HELLO.pack(MAGIC, VERSION, len(name)) + name + self.nonce


def cut_hello(held: bytearray) -> tuple[Hello, bytes] | None:
    """Take a hello from a stream, with its bytes; None while it is not complete. Raises RecordRefused.

    There is one version, and nothing to negotiate: whatever asks for another is refused.
    """
    if bytes(held[:4]) != MAGIC[: len(held)]:
        raise RecordRefused("not-a-record-hello")
    if len(held) < _HELLO.size:
        return None
    _, version, length = _HELLO.unpack_from(held)
    if version != VERSION:
        raise RecordRefused("version")
    if length > LONGEST_NAME:
        raise RecordRefused("name")
    size = _HELLO.size + length + NONCE_BYTES
    if len(held) < size:
        return None
    raw = bytes(held[:size])
    del held[:size]
    try:
        name = raw[_HELLO.size : _HELLO.size + length].decode()
    except UnicodeDecodeError:
        raise RecordRefused("name") from None
    return Hello(name, raw[-NONCE_BYTES:]), raw


def transcript(initiator: bytes, responder: bytes) -> bytes:
    """What FINISHED carries."""
    return hashlib.sha256(initiator + responder).digest()


Random = Callable[[int], bytes]


def _xor(first: bytes, second: bytes, third: bytes) -> bytes:
    value = int.from_bytes(first) ^ int.from_bytes(second) ^ int.from_bytes(third)
    return value.to_bytes(BLOCK)
