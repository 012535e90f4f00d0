"""The rules of tus alone: what headers say, and how bytes become chunks."""

import base64
import hashlib
import string
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from avenue.uploads.tus.errors import InvalidTusHeader, UnsupportedTusVersion
from avenue.uploads.tus.protocol import Chunk, Cutter, check_version, checksum, metadata, number

CHUNK = 8
keys = st.text(string.ascii_letters + "_.-", min_size=1, max_size=20)
files = st.binary(max_size=5 * CHUNK + 3)


@st.composite
def partings(draw: st.DrawFn) -> tuple[bytes, list[list[bytes]]]:
    """A file, in parts, each in blocks as they come from a connection."""
    file = draw(files)
    return file, [_cut(draw, part) for part in _cut(draw, file)]


def _cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(partings())
def test_chunks_are_the_file_however_it_comes(parting: tuple[bytes, list[list[bytes]]]) -> None:
    """What stands between two parts is what the database keeps: an offset and a tail."""
    file, parts = parting
    offset, tail, chunks = 0, b"", []
    for part in parts:
        cutter = Cutter(offset, tail, CHUNK)
        for block in part:
            chunks += cutter.add(block)
        offset, tail = cutter.offset, cutter.rest.data
        assert offset == cutter.rest.end
        assert len(tail) == offset % CHUNK
    whole = len(file) // CHUNK
    assert offset == len(file)
    assert chunks == [
        Chunk(n, file[n * CHUNK : (n + 1) * CHUNK], (n + 1) * CHUNK) for n in range(whole)
    ]
    assert tail == file[whole * CHUNK :]
    assert cutter.rest == Chunk(whole, tail, len(file))


@given(st.dictionaries(keys, st.text(max_size=50)))
def test_metadata_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    pairs = [f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in fields.items()]
    assert metadata(",".join(pairs)) == fields
    assert metadata(", ".join(pairs)) == fields


def test_a_key_may_stand_alone() -> None:
    assert metadata("is_confidential,name YQ==") == {"is_confidential": "", "name": "a"}
    assert metadata(None) == metadata("") == {}


@given(st.text(max_size=40))
def test_whatever_metadata_says_is_read_or_refused(text: str) -> None:
    with suppress(InvalidTusHeader):
        assert "" not in metadata(text)


@pytest.mark.parametrize("sent", [None, "", " 5", "5 ", "+5", "-5", "5.0", "0x5", "٥", "1" * 16])
def test_what_is_no_number(sent: str | None) -> None:
    with pytest.raises(InvalidTusHeader):
        number("Upload-Offset", sent)


@given(st.integers(0, 10**15 - 1))
def test_numbers(value: int) -> None:
    assert number("Upload-Offset", str(value)) == value


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_checksum_fits_its_bytes_alone(data: bytes, other: bytes) -> None:
    value = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
    found = checksum(f"sha1 {value}")
    assert found is not None
    for sent in (data, other):
        digest = found.begin()
        digest.update(sent)
        assert found.fits(digest) == (sent == data)


def test_no_checksum_is_none() -> None:
    assert checksum(None) is None


@pytest.mark.parametrize("sent", [None, "", "1.0", "1.0.0 ", "0.2.2"])
def test_other_versions(sent: str | None) -> None:
    with pytest.raises(UnsupportedTusVersion):
        check_version(sent)
    check_version("1.0.0")
