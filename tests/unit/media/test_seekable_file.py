"""A stored file read as if it lay on a disk, a piece at a time."""

import io
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, strategies as st

from avenue.media.serving.seekable_file import SeekableFile
from avenue.media.serving.stored_file import StoredFile
from avenue.storage.chunks import CHUNK_BYTES


class Stored:
    """Bytes in pieces, as a bucket gives them; notes what was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.length = data, len(data)
        self.asked: list[tuple[int, int]] = []

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        self.asked.append((start, end))
        yield self.data[start:end]


def opened(stored: Stored) -> SeekableFile:
    return SeekableFile(cast("StoredFile", cast("Any", stored)))


DATA = os.urandom(2 * CHUNK_BYTES + 1000)
PLACES = st.integers(0, len(DATA) + 10)


@given(st.lists(st.tuples(PLACES, st.integers(-1, CHUNK_BYTES + 10)), max_size=5))
def test_it_reads_what_a_file_reads(steps: list[tuple[int, int]]) -> None:
    ours, theirs = opened(Stored(DATA)), io.BytesIO(DATA)
    for place, size in steps:
        assert ours.seek(place) == theirs.seek(place)
        assert ours.read(size) == theirs.read(size)
        assert ours.tell() == theirs.tell()


def test_it_goes_from_the_end_and_never_before_the_beginning() -> None:
    file = opened(Stored(b"abcdef"))
    assert file.seek(-2, os.SEEK_END) == 4
    assert file.read() == b"ef"
    assert file.seek(-1, os.SEEK_CUR) == 5
    with pytest.raises(ValueError, match="before the beginning"):
        file.seek(-1)


def test_many_small_reads_ask_for_each_piece_once() -> None:
    stored = Stored(DATA)
    file = opened(stored)
    while file.read(4096):
        pass
    assert stored.asked == [
        (0, CHUNK_BYTES),
        (CHUNK_BYTES, 2 * CHUNK_BYTES),
        (2 * CHUNK_BYTES, len(DATA)),
    ]
