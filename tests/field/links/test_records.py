"""Triple-DES records: the published vectors hold, and whatever was changed, moved, repeated or cut is refused."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from bench import records as bench
from prewatt.core.clock import SteppedClock
from prewatt.field.links import record3des as layer
from prewatt.field.links.record3des import Direction, Keys, Kind, Opener, RecordRefused, Sealer, Shared
from prewatt.field.links.recordsession import RecordSession
from tests.virtual import START

PAPER = Path(__file__).resolve().parents[3] / "docs" / "security" / "record-3des.md"
SECRET = bytes(range(32))
UNTIL = START + timedelta(days=30)


def published() -> dict[str, bytes]:
    """The vectors as the paper prints them: ``name = hex``, over as many lines as it takes."""
    text = PAPER.read_text("utf-8")
    found = re.findall(r"^([a-z][a-z0-9 ]+?) += ([0-9a-f \n]+?)$(?=\n\S|\n```)", text, re.MULTILINE)
    return {name: bytes.fromhex(value) for name, value in found}


class Pair:
    """Both ends of a connection, and the wire between them."""

    def __init__(self, *, secret: bytes = SECRET, theirs: bytes = SECRET, seed: int = 1) -> None:
        self.clock = SteppedClock(START)
        self.random = Random(seed)
        self.near = self.session(Direction.INITIATOR, secret)
        self.far = self.session(Direction.RESPONDER, theirs)

    def session(self, direction: Direction, secret: bytes) -> RecordSession:
        def lookup(name: str) -> Shared | None:
            return Shared(secret, UNTIL) if name in {"", "A区"} else None

        return RecordSession(direction, name="A区", lookup=lookup, clock=self.clock, random=self.random.randbytes)

    def greet(self) -> Pair:
        """Hello, hello and proof, proof."""
        self.far.feed(self.near.outgoing())
        self.near.feed(self.far.outgoing())
        self.far.feed(self.near.outgoing())
        assert self.near.established
        assert self.far.established
        return self

    def carry(self, data: bytes) -> bytes:
        self.near.send(data)
        return self.far.feed(self.near.outgoing())


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(RecordRefused) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.reason


def test_the_published_vectors_hold() -> None:
    given = published()
    keys = Keys.derive(given["secret"], given["initiator nonce"], given["responder nonce"], Direction.INITIATOR)
    back = Keys.derive(given["secret"], given["initiator nonce"], given["responder nonce"], Direction.RESPONDER)
    assert (keys.cipher, keys.mac) == (given["initiator cipher key"], given["initiator mac key"])
    assert (back.cipher, back.mac) == (given["responder cipher key"], given["responder mac key"])
    sealer = Sealer(keys, 0.0)
    for number, kind in enumerate((Kind.FINISHED, Kind.DATA, Kind.CLOSE)):
        record = sealer.seal(kind, given.get(f"payload {number}", b""), given[f"iv {number}"])
        assert record == given[f"record {number}"]


def test_a_published_record_opens_with_nothing_but_the_paper() -> None:
    """By hand: RFC 5869 in two lines, plain CBC from the record's own IV, HMAC over all before it."""
    given = published()
    fixed = hmac.digest(given["initiator nonce"] + given["responder nonce"], given["secret"], "sha256")

    def purpose(name: str, length: int) -> bytes:
        label = f"prewatt record-3des v1 initiator {name}".encode()
        return hmac.digest(fixed, label + b"\x01", "sha256")[:length]

    record = given["record 1"]
    assert hmac.digest(purpose("hmac-sha256", 32), record[:-32], "sha256") == record[-32:]
    assert int.from_bytes(record[:8]) == 1
    assert record[8] == 2
    assert int.from_bytes(record[9:11]) == len(record) - 8 - 1 - 2 - 8 - 32
    cipher = Cipher(TripleDES(purpose("3des-cbc", 24)), modes.CBC(record[11:19])).decryptor()
    plain = cipher.update(record[19:-32]) + cipher.finalize()
    assert plain[: -plain[-1]] == given["payload 1"]
    hellos = given["initiator hello"] + given["responder hello"]
    assert hashlib.sha256(hellos).digest() == given["payload 0"]


def test_two_ends_talk_both_ways_in_whatever_pieces_the_bytes_come() -> None:
    pair = Pair().greet()
    long = bytes(range(256)) * 200
    pair.near.send(long)
    pair.far.send(b"back")
    arrived = b"".join(pair.far.feed(bytes([byte])) for byte in pair.near.outgoing())
    assert arrived == long
    assert pair.near.feed(pair.far.outgoing()) == b"back"
    assert (pair.near.peer, pair.far.peer) == ("A区", "A区")
    pair.near.close()
    assert pair.far.feed(pair.near.outgoing()) == b""
    assert pair.far.closed
    pair.far.eof()


def test_nothing_travels_twice_under_the_same_bytes() -> None:
    pair = Pair().greet()
    seen = set()
    for _ in range(50):
        pair.near.send(b"the same words")
        record = pair.near.outgoing()
        seen.add(record[layer._HEAD.size :])
        pair.far.feed(record)
    assert len(seen) == 50


def test_an_unknown_name_and_another_secret_are_refused() -> None:
    pair = Pair(theirs=bytes(32))
    pair.far.feed(pair.near.outgoing())
    assert refused(pair.near.feed, pair.far.outgoing()) == "mac"
    stranger = RecordSession(
        Direction.INITIATOR, name="B区", lookup=lambda _: Shared(SECRET, UNTIL), clock=pair.clock,
        random=pair.random.randbytes,
    )  # fmt: skip
    assert refused(Pair().far.feed, stranger.outgoing()) == "unknown-name"


def test_no_byte_of_the_user_goes_out_or_in_before_the_proof() -> None:
    pair = Pair()
    assert refused(pair.near.send, b"early") == "not-established"
    pair = Pair()
    pair.far.feed(pair.near.outgoing())
    # the far end skips its proof and sends data at once
    pair.far._out.clear()
    hello = pair.far._hellos[Direction.RESPONDER]
    sealer = Sealer(pair.far._keys(Direction.RESPONDER), 0.0)
    assert refused(pair.near.feed, hello + sealer.seal(Kind.DATA, b"early", bytes(8))) == "handshake"


def test_a_refused_session_stays_refused() -> None:
    pair = Pair().greet()
    pair.near.send(b"one")
    record = bytearray(pair.near.outgoing())
    record[-1] ^= 1
    assert refused(pair.far.feed, bytes(record)) == "mac"
    pair.near.send(b"two")
    assert refused(pair.far.feed, pair.near.outgoing()) == "mac"
    assert refused(pair.far.send, b"x") == "mac"
    assert pair.far.outgoing() == b""


def test_a_side_does_not_talk_to_its_own_reflection() -> None:
    pair = Pair()
    assert refused(pair.near.feed, pair.near.outgoing()) == "reflected"


def test_the_mode_ends_at_its_date_also_for_a_living_connection() -> None:
    pair = Pair().greet()
    pair.clock.step(29.9 * 86_400)
    pair.near.tick()
    pair.clock.step(0.2 * 86_400)
    assert refused(pair.near.tick) == "expired"
    assert refused(pair.near.send, b"x") == "expired"
    later = Pair()
    later.clock.step(30 * 86_400)
    assert refused(later.far.feed, later.near.outgoing()) == "expired"


def test_a_secret_that_is_none_is_refused() -> None:
    pair = Pair(theirs=b"short")
    assert refused(pair.far.feed, pair.near.outgoing()) == "weak-secret"


def test_a_key_is_renewed_after_2_to_the_18_blocks_and_the_sequence_runs_on() -> None:
    pair = Pair().greet()
    chunk = bytes(layer.MOST_PAYLOAD - 1)
    blocks = layer.MOST_PAYLOAD // 8
    first = pair.near._sealer
    assert first is not None
    used = first.blocks
    for _ in range(-(-(layer.REKEY_BLOCKS - used) // blocks)):
        assert pair.carry(chunk) == chunk
    assert first.blocks >= layer.REKEY_BLOCKS
    before = first.sequence
    assert pair.carry(b"after") == b"after"
    assert first.sequence == before + 2  # the renewal is a record itself
    assert first.blocks == 1
    assert pair.carry(b"and on") == b"and on"


def test_a_key_is_renewed_after_an_hour() -> None:
    pair = Pair().greet()
    sealer = pair.near._sealer
    assert sealer is not None
    mac = sealer._mac
    pair.clock.step(3599)
    pair.near.tick()
    assert sealer._mac == mac
    pair.clock.step(1)
    pair.near.tick()
    assert sealer._mac != mac
    assert pair.carry(b"fresh") == b"fresh"


def test_a_sender_that_does_not_renew_is_refused_by_age_and_by_blocks() -> None:
    keys = Keys.derive(SECRET, bytes(32), bytes(32), Direction.INITIATOR)
    sealer, opener = Sealer(keys, 0.0), Opener(keys, 0.0)
    assert opener.open(sealer.seal(Kind.DATA, b"x", bytes(8)), 3900.0) == (Kind.DATA, b"x")
    assert refused(opener.open, sealer.seal(Kind.DATA, b"x", bytes(8)), 3901.0) == "key-too-old"
    sealer.blocks = layer.STOP_BLOCKS - 1
    last = sealer.seal(Kind.DATA, b"x", bytes(8))
    assert refused(sealer.seal, Kind.DATA, b"x", bytes(8)) == "key-worn-out"
    opener.sequence, opener.blocks = 2, layer.STOP_BLOCKS
    assert refused(opener.open, last, 0.0) == "key-worn-out"


def test_an_end_without_farewell_is_a_truncation() -> None:
    pair = Pair().greet()
    assert refused(pair.far.eof) == "truncated"
    pair = Pair().greet()
    pair.near.send(b"all of it")
    pair.far.feed(pair.near.outgoing()[:-1])
    assert refused(pair.far.eof) == "truncated"


def test_nothing_is_heard_after_the_farewell() -> None:
    pair = Pair().greet()
    pair.near.close()
    farewell = pair.near.outgoing()
    assert pair.far.feed(farewell + b"anything at all") == b""
    assert pair.far.feed(b"more") == b""


@pytest.mark.parametrize("attack", bench.ATTACKS, ids=lambda attack: attack.__name__)
def test_attacks_of_each_kind_are_refused(attack: bench.Attack) -> None:
    assert attack(500, Random(7)) == 500
