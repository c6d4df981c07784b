"""The cutter under any chunking and any damage: the same answers, and never a wrong one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prewatt.meters import modbus
from prewatt.meters.modbus import Answer, CutKind, cut

UNITS = st.integers(1, 247)
BODIES = st.integers(1, 60).flatmap(lambda count: st.binary(min_size=2 * count, max_size=2 * count))
WRITES = st.builds(
    lambda unit, address, words: modbus.write_request(unit, address, words),
    UNITS,
    st.integers(0, 0xF000),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=12),
)
READS = st.builds(modbus.read_request, UNITS, st.integers(0, 0xF000), st.integers(1, 60))
SINGLES = st.builds(modbus.write_single, UNITS, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
REQUESTS = st.one_of(READS, WRITES, SINGLES)
NOISE = st.binary(max_size=12)


@st.composite
def answers(draw: st.DrawFn, request: bytes) -> bytes:
    """A true answer to a request."""
    if draw(st.integers(0, 5)) == 0:
        return modbus.exception_answer(request[0], request[1], draw(st.integers(1, 11)))
    if request[1] == modbus.READ:
        size = modbus.answer_length(request) - 5
        return modbus.read_answer(request[0], draw(st.binary(min_size=size, max_size=size)))
    parts = modbus.open_request(request)
    assert parts is not None
    return modbus.write_answer(parts)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request and what may come in after it: noise, foreign and true answers, echoes, in any order."""
    request = draw(REQUESTS)
    foreign = st.one_of(
        st.builds(modbus.read_answer, UNITS, BODIES),
        st.builds(modbus.exception_answer, UNITS, st.sampled_from([3, 6, 16]), st.integers(1, 11)),
    )
    parts = draw(st.lists(st.one_of(NOISE, foreign, answers(request), st.just(request)), min_size=1, max_size=5))
    return request, b"".join(parts)


def everything(request: bytes, pieces: list[bytes]) -> list[tuple[int, CutKind, Answer | None]]:
    """All that the cutter finds in a stream that comes in pieces, with the place in the stream where it ended."""
    found: list[tuple[int, CutKind, Answer | None]] = []
    buffer = b""
    dropped = 0
    for piece in pieces:
        buffer += piece
        while True:
            step = cut(request, buffer)
            buffer = buffer[step.consumed :]
            dropped += step.consumed
            if step.kind is CutKind.INCOMPLETE:
                break
            found.append((dropped, step.kind, step.answer))
    return found


@given(streams(), st.data())
def test_how_bytes_are_chunked_makes_no_difference(stream: tuple[bytes, bytes], data: st.DataObject) -> None:
    request, content = stream
    places = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pieces = [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]
    whole = everything(request, [content])
    assert everything(request, pieces) == whole
    assert everything(request, [content[at : at + 1] for at in range(len(content))]) == whole


def first_answer(request: bytes, content: bytes) -> Answer | None:
    """The first answer once the deadline has passed."""
    while True:
        found = cut(request, content, final=True)
        if found.kind is CutKind.INCOMPLETE:
            return None
        if found.kind is CutKind.ANSWER:
            return found.answer
        content = content[found.consumed :]


@given(st.data())
def test_a_true_answer_is_found_behind_junk(data: st.DataObject) -> None:
    request = data.draw(REQUESTS)
    answer = data.draw(answers(request))
    junk = data.draw(NOISE)
    assert first_answer(request, junk + answer) == modbus.open_answer(answer)


@given(st.data())
def test_junk_that_no_frame_begins_with_costs_nothing(data: st.DataObject) -> None:
    request = data.draw(REQUESTS)
    answer = data.draw(answers(request))
    junk = bytes(data.draw(st.lists(st.sampled_from([0x00, 0xF8, 0xFF]), max_size=10)))
    assert cut(request, junk + answer) == (CutKind.ANSWER, len(junk + answer), modbus.open_answer(answer))


@given(st.data())
def test_a_damaged_answer_never_gives_a_value(data: st.DataObject) -> None:
    request = data.draw(st.one_of(READS, WRITES))
    answer = bytearray(data.draw(answers(request)))
    # bursts of up to 16 bits, and up to three single bits, are always seen by the CRC at these lengths
    bits = 8 * len(answer)
    if data.draw(st.booleans()):
        start = data.draw(st.integers(0, bits - 1))
        pattern = data.draw(st.integers(0, 0x7FFF)) << 1 | 1
        flips = [start + place for place in range(16) if pattern >> place & 1 and start + place < bits]
    else:
        flips = data.draw(st.lists(st.integers(0, bits - 1), min_size=1, max_size=3, unique=True))
    for flip in flips:
        answer[flip // 8] ^= 1 << flip % 8
    assert first_answer(request, bytes(answer)) is None


@given(REQUESTS, st.binary(max_size=300), st.booleans())
def test_the_cutter_survives_any_bytes_and_always_comes_to_an_end(request: bytes, content: bytes, final: bool) -> None:
    rest = content
    for _ in range(len(content) + 1):
        found = cut(request, rest, final=final)
        assert 0 <= found.consumed <= len(rest)
        if found.kind is CutKind.INCOMPLETE:
            break
        assert found.consumed > 0
        if found.kind is CutKind.ANSWER:
            assert found.answer is not None
            assert (found.answer.unit, found.answer.function) == (request[0], request[1])
        rest = rest[found.consumed :]
    else:
        raise AssertionError("the cutter did not stop")


@given(st.data())
def test_only_the_unit_and_length_asked_are_ours(data: st.DataObject) -> None:
    request = data.draw(READS)
    other = data.draw(st.builds(modbus.read_answer, UNITS, BODIES))
    ours = other[0] == request[0] and len(other) == modbus.answer_length(request)
    found = cut(request, other)
    assert (found.kind is CutKind.ANSWER) == ours or found.kind is CutKind.INCOMPLETE
    if ours:
        assert found.kind is CutKind.ANSWER
