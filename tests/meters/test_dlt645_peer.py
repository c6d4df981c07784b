"""A foreign DL/T 645-2007 implementation agrees: the dlt645 package builds, opens and serves the same frames."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from dlt645 import DLT645Protocol, MeterServerService
from hypothesis import given
from hypothesis import strategies as st

from prewatt.meters import dlt645, dlt645_words
from prewatt.meters.dlt645_orders import broadcast_time
from prewatt.meters.dlt645_words import NO_SUCH_DATA
from prewatt.meters.modbus import CutKind

METER = "230600000161"
ADDRESSES = st.integers(0, 10**12 - 1).map(lambda number: f"{number:012d}")


@given(ADDRESSES, st.integers(0, 255), st.binary(max_size=200), st.integers(0, 4))
def test_both_build_the_same_frame(address: str, control: int, content: bytes, wakes: int) -> None:
    theirs = DLT645Protocol.build_frame(dlt645.address_bytes(address), control, content, wakes)
    assert dlt645.build(address, control, content, wakes=wakes) == bytes(theirs)


@given(ADDRESSES, st.integers(0, 255), st.binary(max_size=200), st.integers(0, 4))
def test_each_opens_what_the_other_built(address: str, control: int, content: bytes, wakes: int) -> None:
    frame = dlt645.build(address, control, content, wakes=wakes)
    theirs = DLT645Protocol.deserialize(frame)
    assert theirs is not None
    assert (bytes(theirs.addr), theirs.ctrl_code, bytes(theirs.data)) == (
        dlt645.address_bytes(address), control, content,
    )  # fmt: skip
    assert dlt645.open_frame(DLT645Protocol.serialize(theirs)) == (address, control, content)


@contextmanager
def served() -> Iterator[tuple[MeterServerService, socket.socket]]:
    """Their server on a loopback port, and a socket to it."""
    server = MeterServerService.new_tcp_server("127.0.0.1", 0, 5)
    server.set_address(bytearray(dlt645.address_bytes(METER)))
    assert server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.server.port), timeout=5) as link:
            yield server, link
    finally:
        server.stop()


def ask(link: socket.socket, request: bytes) -> dlt645.Answer:
    """Send a request and cut the answer, byte by byte as they come."""
    link.sendall(request)
    held = b""
    while True:
        held += link.recv(4096)
        found = dlt645.cut(request, held)
        held = held[found.consumed :]
        assert found.kind is not CutKind.CORRUPT
        if found.answer is not None:
            assert isinstance(found.answer, dlt645.Answer)
            return found.answer


@pytest.fixture
def peer() -> Iterator[tuple[MeterServerService, socket.socket]]:
    with served() as both:
        yield both


def test_their_server_answers_our_reads(peer: tuple[MeterServerService, socket.socket]) -> None:
    server, link = peer
    assert server.set_00(0x00010000, 12_345.67)
    assert server.set_02(0x02010100, 220.3)
    assert server.set_02(0x02020100, 12.345)
    assert server.set_02(0x02030000, 8.1105)
    for identifier, count in (
        (0x00010000, 1_234_567), (0x02010100, 2_203), (0x02020100, 12_345), (0x02030000, 81_105),
    ):  # fmt: skip
        answer = ask(link, dlt645.read_request(METER, identifier, wakes=4))
        assert (answer.unit, answer.exception) == (METER, 0)
        assert dlt645_words.decode(identifier, answer.body) == (count,)


def test_their_server_refuses_what_it_does_not_have(peer: tuple[MeterServerService, socket.socket]) -> None:
    _, link = peer
    answer = ask(link, dlt645.read_request(METER, 0x00FEFE00))
    assert answer.exception == NO_SUCH_DATA
    assert dlt645_words.explain(answer.exception) == ("no-such-data",)


def test_their_server_tells_its_address(peer: tuple[MeterServerService, socket.socket]) -> None:
    _, link = peer
    assert dlt645.address_text(ask(link, dlt645.address_request()).body) == METER


def test_time_for_all_travels_low_byte_first_which_they_take_the_other_way_round() -> None:
    """The standard sends items low byte first; the peer reads the year first. Known, and why time is read back."""
    server = MeterServerService.new_tcp_server("127.0.0.1", 0, 1)
    sent = dlt645.open_frame(broadcast_time(datetime(2025, 11, 20, 14, 30, 5)))
    assert sent is not None
    server.set_time(bytearray(reversed(sent.data)))
    assert server.time == datetime(2025, 11, 20, 14, 30, 5)
