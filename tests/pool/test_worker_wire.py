"""The message format between driver and worker, on any cut of the stream and on damage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kprover.worker.wire import Decoder, Message, WireError, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.builds(
    Message,
    st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    st.dictionaries(st.text(max_size=5), st.binary(max_size=50), max_size=3),
)


@given(st.lists(MESSAGES, max_size=5), st.lists(st.integers(1, 40), min_size=1))
def test_messages_come_through_however_the_stream_is_cut(messages: list[Message], cuts: list[int]) -> None:
    stream = b''.join(encode(message) for message in messages)
    decoder, received, position, turn = Decoder(), [], 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        received += decoder.feed(stream[position : position + size])
        position, turn = position + size, turn + 1
    assert received == messages


@given(st.binary(min_size=16, max_size=100))
def test_bytes_that_are_no_message_are_refused_or_incomplete(data: bytes) -> None:
    if data[:4] == b'KPW1':
        return
    with pytest.raises(WireError, match='KPW1'):
        Decoder().feed(data)


@given(MESSAGES, st.data())
def test_a_flipped_byte_never_raises_anything_but_a_wire_error(message: Message, data: st.DataObject) -> None:
    stream = bytearray(encode(message))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    try:
        Decoder().feed(bytes(stream))
    except WireError:
        pass


@pytest.mark.parametrize('body', [{'set': {1}}, {'nan': float('nan')}, {'bytes': b''}])
def test_a_body_that_is_no_json_is_the_callers_mistake(body: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode(Message(body))
