"""The managers' upload protocol: its frames and proof as published, and what a hostile device may send."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from hypothesis import given
from hypothesis import strategies as st

from prewatt.field.links import acrel
from prewatt.field.links.acrel import AcrelError, Caller, Cutter, Report, Reported, Type
from prewatt.field.links.acrelsession import Answered, ManagerSession, Proven

SECRET = b"0123456789abcdef"
WHO = Caller("310000A001", "01")
NOW = datetime(2026, 11, 23, 8, 30, 5)
READ = bytes.fromhex("0103020000304466")


class Device:
    """A manager by hand: nothing of its answers comes from the code under test but the frame head."""

    def __init__(self, secret: bytes = SECRET, who: Caller = WHO) -> None:
        self.secret, self.who = secret, who
        self.server = ManagerSession(secret_of={WHO: SECRET}.get, civil_now=lambda: NOW, random=Random(1).randbytes)

    def say(self, kind: int, data: bytes) -> list[object]:
        return list(self.server.feed(b"\x1f\x1f" + bytes([kind]) + len(data).to_bytes(4) + data))

    def heard(self) -> list[tuple[int, bytes]]:
        cutter = Cutter(acrel.MOST_BYTES)
        cutter.feed(self.server.outgoing())
        frames = []
        while (frame := cutter.next()) is not None:
            frames.append((int(frame.type), frame.data))
        return frames

    def xml(self, kind: str, inner: str) -> bytes:
        common = f"<building_id>{self.who.building}</building_id><gateway_id>{self.who.gateway}</gateway_id>"
        return (
            f'<?xml version="1.0" encoding="utf-8"?><root version="2"><common>{common}<type>{kind}</type></common>'
            f"{inner}</root>"
        ).encode()

    def prove(self) -> list[object]:
        self.say(1, self.xml("id_validate", '<id_validate operation="request"></id_validate>'))
        ((kind, answer),) = self.heard()
        assert kind == 1
        sequence = answer.decode().split("<sequence>")[1].split("</sequence>")[0]
        md5 = hashlib.md5(self.secret + sequence.encode()).hexdigest()
        return self.say(1, self.xml("id_validate", f'<id_validate operation="md5"><md5>{md5}</md5></id_validate>'))

    def seal(self, plain: bytes) -> bytes:
        pad = 16 - len(plain) % 16
        cipher = Cipher(AES128(self.secret), modes.CBC(self.secret)).encryptor()
        return cipher.update(plain + bytes([pad]) * pad)


def refused(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(AcrelError) as caught:
        call(*arguments)
    return caught.value.reason


@pytest.fixture
def device() -> Device:
    made = Device()
    assert made.prove() == [Proven(WHO)]
    ((_, answer),) = made.heard()
    assert b"<result>pass</result>" in answer
    return made


def test_a_wrong_secret_or_a_stranger_fails_and_is_told_so() -> None:
    for device in (Device(secret=b"x" * 16), Device(who=Caller("310000A001", "02"))):
        assert refused(device.prove) == "not-proven"
        ((_, answer),) = device.heard()
        assert b"<result>fail</result>" in answer


def test_a_sequence_serves_once_and_only_its_own_caller() -> None:
    device = Device()
    device.say(1, device.xml("id_validate", '<id_validate operation="request"/>'))
    ((_, first),) = device.heard()
    sequence = first.decode().split("<sequence>")[1].split("</sequence>")[0]
    other = Device(who=Caller("x", "y"))
    other.server = device.server
    md5 = hashlib.md5(SECRET + sequence.encode()).hexdigest()
    said = f'<id_validate operation="md5"><md5>{md5}</md5></id_validate>'
    assert refused(other.say, 1, other.xml("id_validate", said)) == "not-proven"
    assert refused(device.say, 1, device.xml("id_validate", said)) == "out-of-place"


@pytest.mark.parametrize("kind", [2, 3, 4, 0xF2])
def test_nothing_is_taken_before_the_proof(kind: int) -> None:
    assert refused(Device().say, kind, b"x") == "not-proven"


def test_a_long_frame_is_refused_by_its_head_before_the_proof_and_after(device: Device) -> None:
    assert refused(Device().server.feed, b"\x1f\x1f\x01\x00\x00\x10\x01") == "too-long"
    assert refused(device.server.feed, b"\x1f\x1f\x03\x01\x00\x00\x01") == "too-long"


def test_a_heartbeat_is_answered_with_the_time(device: Device) -> None:
    device.say(2, device.xml("heart_beat", '<heart_beat operation="notify"/>'))
    ((kind, answer),) = device.heard()
    assert kind == 2
    assert b'<heart_beat operation="time"><time>20261123083005</time>' in answer


DATA = (
    '<data operation="report"><time>20261123080000</time>'
    '<meter id="01001"><function id="WPP" error="">123.45</function><function id="PowerHigher" error="">1.0006</function>'
    '<function id="PowerHigh" error="">20</function><function id="PowerFlat" error="0">3</function>'
    '<function id="PowerLow" error="">4.5</function><function id="EPISG" error="">0</function></meter>'
    '<meter id="02032"><function id="WPP" error="1">9</function><function id="Ua" error="">231.1</function></meter>'
    '<meter id="nonsense"><function id="WPP" error="">1</function></meter>'
    '<meter id="02033"><function id="WPP" error="">-1</function><function id="PowerHigh" error="">NaN</function></meter>'
    '<meter id="02034"><function id="WPP" error="">1e400</function></meter>'
    "</data>"
)
ENERGIES = {
    "energy_wh": 123_450, "sharp_wh": 1_001, "peak_wh": 20_000, "flat_wh": 3_000, "valley_wh": 4_500, "deep_wh": 0,
}  # fmt: skip


@pytest.mark.parametrize("zipped", [False, True])
def test_data_is_unsealed_and_what_is_no_number_left_out(device: Device, zipped: bool) -> None:
    plain = device.xml("energy_data", DATA)
    events = device.say(4 if zipped else 3, device.seal(zlib.compress(plain) if zipped else plain))
    assert events == [Report(datetime(2026, 11, 23, 8), (Reported(1, 1, ENERGIES),))]


def test_data_of_another_manager_or_another_secret_are_refused(device: Device) -> None:
    other = Device(who=Caller("310000A001", "02"))
    assert refused(device.say, 3, device.seal(other.xml("energy_data", DATA))) == "somebody-else"
    thief = Device(secret=b"x" * 16)
    assert refused(device.say, 3, thief.seal(thief.xml("energy_data", DATA))) in {"sealing", "xml"}


def test_a_frame_goes_down_and_its_answer_comes_back(device: Device) -> None:
    device.server.ask(1, 1, READ)
    ((kind, sealed),) = device.heard()
    assert kind == 0xF1
    assert sealed == device.seal(b"01001|0103020000304466")
    answer = bytes.fromhex("0103020007f986")
    assert device.say(0xF2, device.seal(b"01001|0103020007F986")) == [Answered(1, 1, answer)]


@pytest.mark.parametrize("plain", [b"01001", b"1001|00", b"01001|0g", b"01001|0", b"\xff\xff|00"])
def test_an_answer_that_is_none_is_refused(device: Device, plain: bytes) -> None:
    assert refused(device.say, 0xF2, device.seal(plain)) == "downlink"


def test_a_zip_bomb_stops_at_what_a_frame_may_hold(device: Device) -> None:
    bomb = zlib.compress(bytes(acrel.MOST_BYTES + 1))
    assert len(bomb) < 20_000
    assert refused(device.say, 4, device.seal(bomb)) == "zip-bomb"
    assert refused(device.say, 4, device.seal(zlib.compress(b"abc")[:-5])) == "zip"
    assert refused(device.say, 4, device.seal(b"no zlib")) == "zip"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE r [<!ENTITY a "ha">]><r>&a;</r>', "xml-doctype"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "xml-doctype"),
        ("<r>&lol;</r>", "xml"),
        ("<r>" * 9 + "</r>" * 9, "xml-size"),
        ("<r>" + "<a/>" * 200_000 + "</r>", "xml-size"),
        ("<r>" + "x" * 70_000 + "</r>", "xml-size"),
        ("<r>", "xml"),
        ("", "xml"),
        ('<?xml version="1.0" encoding="ebcdic-cp-xx"?><r/>', "xml"),
    ],
    ids=lambda value: value if value.startswith("xml") else "",
)
def test_xml_from_a_stranger_cannot_grow_or_reach_out(text: str, reason: str) -> None:
    assert refused(acrel.parse, text.encode()) == reason


def test_names_are_escaped() -> None:
    who = Caller('<&">', "北区")
    assert acrel.caller(acrel.parse(acrel.validate(who, "sequence", "<x>"))) == who


@given(st.binary(max_size=200), st.integers(1, 40))
def test_whatever_comes_is_a_frame_or_a_refusal(data: bytes, size: int) -> None:
    cutter = Cutter(4096)
    try:
        for start in range(0, len(data), size):
            cutter.feed(data[start : start + size])
            while cutter.next() is not None:
                pass
    except AcrelError:
        return
    assert data == b"" or data[0] == 0x1F


@given(st.lists(st.tuples(st.sampled_from(list(Type)), st.binary(max_size=50)), max_size=5), st.integers(1, 30))
def test_frames_are_cut_from_any_pieces(frames: list[tuple[Type, bytes]], size: int) -> None:
    stream = b"".join(acrel.frame(kind, data) for kind, data in frames)
    cutter = Cutter(4096)
    found = []
    for start in range(0, len(stream), size):
        cutter.feed(stream[start : start + size])
        while (frame := cutter.next()) is not None:
            found.append(tuple(frame))
    assert found == frames
