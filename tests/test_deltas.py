"""A term stored as the difference from another one is the term that it was."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kprover import deltas

TEXTS = st.lists(st.sampled_from([b'{"args":[', b']}', b'{"node":"KToken","token":"%d"}' % 7, b',', b'x' * 60])).map(
    b''.join
)


def base(text: bytes, below: deltas.Base | None = None) -> deltas.Base:
    return deltas.Base(hashlib.sha256(text).hexdigest(), text, deltas.pack(text, below))


def state(counter: int, *, size: int = 200, seed: int = 0) -> bytes:
    """The text of a configuration of which one cell changes from step to step."""
    choice = random.Random(seed)
    cells = [b'{"node":"KToken","token":"%d"}' % choice.getrandbits(256) for _ in range(size)]
    cells[size // 2] = b'{"args":[{"node":"KToken","token":"%d"}],"node":"KApply"}' % counter
    return b'{"args":[' + b','.join(cells) + b'],"node":"KApply"}'


@settings(max_examples=300, deadline=None)
@given(TEXTS | st.binary(max_size=300), TEXTS | st.binary(max_size=300), st.binary(max_size=60))
def test_a_text_comes_back_from_its_difference(text: bytes, other: bytes, noise: bytes) -> None:
    for new in (text, text[: len(text) // 2] + noise + text[len(text) // 2 :] + other):
        blob = deltas.pack(new, below := base(other))
        assert deltas.expand(blob, other if deltas.base_of(blob) else None) == new
        assert blob == deltas.pack(new, below)


def test_a_step_that_changes_little_is_stored_in_little() -> None:
    below, sizes = None, []
    for counter in range(20):
        below = base(state(counter), below)
        sizes.append(len(below.blob))
    assert max(sizes[1:]) < 150 < sizes[0] / 20


def test_chains_end_where_reading_them_would_cost_more_than_a_whole_term() -> None:
    store: dict[str, bytes] = {}
    below, names = None, []
    for counter in range(3 * deltas.LONGEST_CHAIN):
        below = base(state(counter, size=100 + counter % 7, seed=counter // 40), below)
        store[below.name] = below.blob
        names.append((below.name, below.text))
    for name, text in names:
        links = deltas.chain(name, store.get)
        assert len(links) <= deltas.LONGEST_CHAIN + 1
        *deltas_on_the_way, whole = links.values()
        assert sum(map(len, deltas_on_the_way)) <= len(whole)
        assert deltas.text_of(name, store.get) == text
    assert sum(deltas.base_of(blob) is None for blob in store.values()) < 20


def test_a_base_that_is_at_hand_is_not_read() -> None:
    below = base(state(1))
    above = base(state(2), below)
    read = {above.name: above.blob}
    known = {below.name: below.text}
    assert deltas.text_of(above.name, read.get, known.get) == above.text
    with pytest.raises(deltas.MissingBase) as missing:
        deltas.text_of(above.name, read.get)
    assert missing.value.chain == (above.name, below.name)


def test_bases_in_a_circle_are_an_error_and_no_endless_loop() -> None:
    one, two = base(state(1)), base(state(2))
    blobs = {one.name: deltas.pack(one.text, two), two.name: deltas.pack(two.text, one)}
    with pytest.raises(deltas.MissingBase, match='circle'):
        deltas.text_of(one.name, blobs.get)


def test_another_text_under_a_name_is_refused() -> None:
    below = base(state(1))
    above = base(state(2), below)
    blobs = {above.name: above.blob, below.name: zlib.compress(state(3, seed=1))}
    with pytest.raises(deltas.DamagedTerm):
        deltas.text_of(above.name, blobs.get)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_difference_is_refused_calmly(data: st.DataObject) -> None:
    below = base(state(1))
    blob = bytearray(base(state(2), below).blob)
    if data.draw(st.booleans()):
        blob = blob[: data.draw(st.integers(0, len(blob) - 1))]
    else:
        place = data.draw(st.integers(0, len(blob) - 1))
        blob[place] ^= data.draw(st.integers(1, 255))
    name = hashlib.sha256(state(2)).hexdigest()
    blobs = {name: bytes(blob), below.name: below.blob}
    try:
        assert deltas.text_of(name, blobs.get) == state(2)  # the depth and the sizes are not part of the text
    except deltas.DamagedTerm:
        pass


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_compressed_text_is_refused_calmly(data: bytes) -> None:
    below = base(state(1))
    packer = zlib.compressobj()
    blob = base(state(2), below).blob[:43] + packer.compress(data) + packer.flush()
    try:
        deltas.expand(blob, below.text)
    except deltas.DamagedTerm:
        pass
