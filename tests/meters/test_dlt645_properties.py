"""The DL/T 645 cutter under any chunking and any damage: the same answers, and never a wrong one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prewatt.meters import dlt645
from prewatt.meters.dlt645 import Answer, cut
from prewatt.meters.modbus import CutKind

ADDRESSES = st.integers(0, 10**12 - 1).map(lambda number: f"{number:012d}")
IDENTIFIERS = st.integers(0, 0xFFFF_FFFF)
BODIES = st.binary(min_size=1, max_size=60)
WAKES = st.integers(0, 4)
REQUESTS = st.builds(lambda a, i, w: dlt645.read_request(a, i, wakes=w), ADDRESSES, IDENTIFIERS, WAKES)
NOISE = st.one_of(st.binary(max_size=14), st.lists(st.sampled_from([0x68, 0xFE, 0x16, 0x91]), max_size=12).map(bytes))


def answer_to(request: bytes, body: bytes, wakes: int) -> bytes:
    asked = dlt645.open_frame(request)
    assert asked is not None
    return dlt645.answer(asked, asked.address, asked.data[:4] + body, wakes=wakes)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request and what may come in after it: noise, foreign and true answers, refusals, echoes, in any order."""
    request = draw(REQUESTS)
    asked = dlt645.open_frame(request)
    assert asked is not None
    foreign = st.builds(answer_to, REQUESTS, BODIES, WAKES)
    true = st.builds(answer_to, st.just(request), BODIES, WAKES)
    refused = st.builds(lambda err: dlt645.refusal(asked, asked.address, bytes((err,))), st.integers(0, 255))
    part = st.one_of(NOISE, foreign, true, refused, st.just(request))
    return request, b"".join(draw(st.lists(part, min_size=1, max_size=5)))


def everything(request: bytes, pieces: list[bytes]) -> list[tuple[int, CutKind, Answer | None]]:
    """All that the cutter finds in a stream that comes in pieces, with the place in the stream where it ended."""
    found: list[tuple[int, CutKind, Answer | None]] = []
    buffer, dropped = b"", 0
    for piece in pieces:
        buffer += piece
        while True:
            step = cut(request, buffer)
            buffer, dropped = buffer[step.consumed :], dropped + step.consumed
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


@given(REQUESTS, BODIES, WAKES, st.binary(max_size=12).map(lambda junk: junk.replace(b"\x68", b"")))
def test_a_true_answer_is_found_behind_junk(request: bytes, body: bytes, wakes: int, junk: bytes) -> None:
    answer = first_answer(request, junk + answer_to(request, body, wakes))
    assert answer is not None
    assert answer.body == body


@given(REQUESTS, BODIES, st.data())
def test_a_damaged_byte_never_gives_a_value(request: bytes, body: bytes, data: st.DataObject) -> None:
    """A sum sees every change of a single byte."""
    answer = bytearray(answer_to(request, body, 0))
    place = data.draw(st.integers(0, len(answer) - 1))
    answer[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != answer[place]))
    assert first_answer(request, bytes(answer)) is None


@given(REQUESTS, st.one_of(st.binary(max_size=300), st.lists(NOISE, max_size=20).map(b"".join)), st.booleans())
def test_the_cutter_survives_any_bytes_and_always_comes_to_an_end(request: bytes, content: bytes, final: bool) -> None:
    rest = content
    for _ in range(len(content) + 1):
        found = cut(request, rest, final=final)
        assert 0 <= found.consumed <= len(rest)
        if found.kind is CutKind.INCOMPLETE:
            break
        assert found.consumed > 0
        if found.answer is not None:
            assert found.answer.unit == dlt645.address_text(dlt645.strip(request)[1:7])
        rest = rest[found.consumed :]
    else:
        raise AssertionError("the cutter did not stop")


@given(ADDRESSES, st.integers(0, 255), st.binary(max_size=200), WAKES)
def test_what_is_built_can_be_opened(address: str, control: int, content: bytes, wakes: int) -> None:
    frame = dlt645.build(address, control, content, wakes=wakes)
    assert dlt645.open_frame(frame) == (address, control, content)
    assert dlt645.frame_length(frame) == len(frame)
