"""Which stored files are whole, by document and chunk sizes alone."""

import pytest

from avenue.health.checks.bytes import fault_of
from avenue.health.checks.models import StoredVersion
from avenue.media.references import Kind
from avenue.storage.survey import ChunkSize, FileRecord
from tests.table import table

LENGTH, CHUNK = 25, 10
WHOLE = [(0, 10), (1, 10), (2, 5)]


def fault(chunks, *, length=LENGTH, chunk_bytes=CHUNK, expected=LENGTH):
    record = FileRecord(id="f", length=length, chunk_bytes=chunk_bytes, uploaded_at=None, asset="a")
    version = StoredVersion(file="f", bytes=expected, sha256="0" * 64)
    return fault_of(version, record, [ChunkSize(*each) for each in chunks])


@pytest.mark.parametrize(
    ("chunks", "facts"),
    [
        (WHOLE, {}),
        ([(0, 25)], {"chunk_bytes": 255 * 1024}),
        ([(0, 10), (1, 10)], {"length": 20, "expected": 20}),
        ([], {"length": 0, "expected": 0}),
    ],
)
def test_a_whole_file_has_no_fault(chunks, facts):
    assert fault(chunks, **facts) is None


@table(
    "chunks, facts, kind",
    [
        (WHOLE, {"length": 26}, Kind.WRONG_LENGTH),
        (WHOLE, {"length": None}, Kind.WRONG_LENGTH),
        (WHOLE, {"chunk_bytes": None}, Kind.WRONG_LENGTH),
        (WHOLE, {"chunk_bytes": 0}, Kind.WRONG_LENGTH),
        ([], {}, Kind.CHUNK_MISSING),
        (WHOLE[:2], {}, Kind.CHUNK_MISSING),
        (WHOLE[1:], {}, Kind.CHUNK_MISSING),
        ([*WHOLE, (1, 10)], {}, Kind.CHUNK_DUPLICATE),
        ([*WHOLE, (1, 9)], {}, Kind.CHUNK_DUPLICATE),
        ([(0, 10), (1, 9), (2, 5)], {}, Kind.CHUNK_SHORT),
        ([(0, 10), (1, -1), (2, 5)], {}, Kind.CHUNK_SHORT),
        ([(0, 10), (1, 10), (2, 6)], {}, Kind.CHUNK_LONG),
        ([*WHOLE, (3, 1)], {}, Kind.CHUNK_SURPLUS),
        ([(-1, 1), *WHOLE], {}, Kind.CHUNK_SURPLUS),
        ([(0, 1)], {"length": 0, "expected": 0}, Kind.CHUNK_SURPLUS),
    ],
)
def test_a_damaged_file_has_the_fault_it_has(chunks, facts, kind):
    found = fault(chunks, **facts)
    assert found is not None
    assert found.kind is kind


def test_a_file_without_its_document_is_missing():
    version = StoredVersion(file="f", bytes=LENGTH, sha256="0" * 64)
    found = fault_of(version, None, [ChunkSize(*each) for each in WHOLE])
    assert found is not None
    assert (found.kind, "3 chunks" in found.detail) == (Kind.FILE_MISSING, True)
