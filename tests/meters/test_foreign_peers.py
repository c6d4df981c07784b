"""Foreign implementations agree with our frames: pymodbus and minimalmodbus encode and decode the same bytes."""

from __future__ import annotations

import minimalmodbus
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    WriteMultipleRegistersRequest,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterRequest,
)

from prewatt.meters import modbus
from prewatt.meters.modbus import CutKind, cut
from tests.meters import vectors

UNITS = st.integers(1, 247)
ADDRESSES = st.integers(0, 0xFF00)
WORDS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=123)
CLIENT = FramerRTU(DecodePDU(False))
SERVER = FramerRTU(DecodePDU(True))
SOCKET = FramerSocket(DecodePDU(False))


def minimal(unit: int, function: int, payload: bytes) -> bytes:
    """A frame as minimalmodbus makes it."""
    return minimalmodbus._embed_payload(unit, minimalmodbus.MODE_RTU, function, payload)


@given(UNITS, ADDRESSES, st.integers(1, 125))
def test_a_read_is_the_same_frame_everywhere(unit: int, address: int, count: int) -> None:
    frame = modbus.read_request(unit, address, count)
    assert frame == CLIENT.buildFrame(ReadHoldingRegistersRequest(dev_id=unit, address=address, count=count))
    assert frame == minimal(unit, 3, address.to_bytes(2) + count.to_bytes(2))


@given(UNITS, ADDRESSES, WORDS)
def test_a_block_write_is_the_same_frame_everywhere(unit: int, address: int, words: list[int]) -> None:
    frame = modbus.write_request(unit, address, words)
    peer = WriteMultipleRegistersRequest(dev_id=unit, address=address, count=len(words), registers=words)
    assert frame == CLIENT.buildFrame(peer)
    body = b"".join(word.to_bytes(2) for word in words)
    assert frame == minimal(unit, 16, address.to_bytes(2) + len(words).to_bytes(2) + bytes((len(body),)) + body)


@given(UNITS, ADDRESSES, st.integers(0, 0xFFFF))
def test_a_single_write_is_the_same_frame_everywhere(unit: int, address: int, word: int) -> None:
    frame = modbus.write_single(unit, address, word)
    assert frame == CLIENT.buildFrame(WriteSingleRegisterRequest(dev_id=unit, address=address, registers=[word]))
    assert frame == minimal(unit, 6, address.to_bytes(2) + word.to_bytes(2))


@given(UNITS, ADDRESSES, st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_their_answers_are_cut_and_opened(unit: int, address: int, words: list[int]) -> None:
    request = modbus.read_request(unit, address, len(words))
    answer = SERVER.buildFrame(ReadHoldingRegistersResponse(dev_id=unit, registers=words))
    found = cut(request, answer)
    assert found.kind is CutKind.ANSWER
    assert found.answer is not None
    assert found.answer.body == b"".join(word.to_bytes(2) for word in words)
    assert modbus.read_answer(unit, found.answer.body) == answer


@given(UNITS, ADDRESSES, WORDS)
def test_their_answers_to_writes_are_cut_and_opened(unit: int, address: int, words: list[int]) -> None:
    request = modbus.write_request(unit, address, words)
    answer = SERVER.buildFrame(WriteMultipleRegistersResponse(dev_id=unit, address=address, count=len(words)))
    assert cut(request, answer).kind is CutKind.ANSWER
    parts = modbus.open_request(request)
    assert parts is not None
    assert modbus.write_answer(parts) == answer


@given(UNITS, st.sampled_from([3, 6, 16]), st.integers(1, 11))
def test_an_exception_is_the_same_frame_everywhere(unit: int, function: int, code: int) -> None:
    assert modbus.exception_answer(unit, function, code) == SERVER.buildFrame(
        ExceptionResponse(function, code, device_id=unit)
    )


@given(UNITS, ADDRESSES, st.integers(1, 125), st.integers(0, 0xFFFF))
def test_modbus_tcp_is_the_same_frame_everywhere(unit: int, address: int, count: int, transaction: int) -> None:
    peer = ReadHoldingRegistersRequest(dev_id=unit, transaction_id=transaction, address=address, count=count)
    assert modbus.mbap_wrap(transaction, modbus.read_request(unit, address, count)) == SOCKET.buildFrame(peer)


@pytest.mark.parametrize(
    "frame", [vectors.POLL, vectors.FORCED_TRIP, vectors.POLL_ANSWER], ids=["poll", "trip", "answer"]
)
def test_they_agree_with_the_published_vectors(frame: bytes) -> None:
    payload = frame[2:-2]
    assert minimal(frame[0], frame[1], payload) == frame
    assert FramerRTU.compute_CRC(frame[:-2]).to_bytes(2, "big") == frame[-2:]


def test_pymodbus_reads_the_registers_of_the_synthetic_answer() -> None:
    _, answer = CLIENT.handleFrame(vectors.POLL_ANSWER, 1, 0)
    assert answer is not None
    registers = answer.registers
    assert registers[0x15] << 16 | registers[0x16] == 1_234_567
    assert registers[0x1F] << 16 | registers[0x20] == 15_025
    assert registers[0x21] == 7
