"""Whether the stored bytes of a file are complete, by its document and the sizes of its chunks."""

from collections import Counter
from collections.abc import Sequence

from avenue.health.checks.models import StoredVersion
from avenue.media.references import Fault, Kind
from avenue.storage.survey import ChunkSize, FileRecord

MOST_NAMED = 5


def fault_of(
    version: StoredVersion, record: FileRecord | None, chunks: Sequence[ChunkSize]
) -> Fault | None:
    """Return the first problem of the stored file of `version`, or None."""
    if record is None:
        return Fault(
            Kind.FILE_MISSING, f"The file document is gone; {len(chunks)} chunks are left."
        )
    if record.length != version.bytes:
        said = f"The file document says {record.length} bytes, the asset {version.bytes}."
        return Fault(Kind.WRONG_LENGTH, said)
    if not record.chunk_bytes or record.chunk_bytes < 0:
        return Fault(Kind.WRONG_LENGTH, "The file document does not say how the file was cut.")
    return _fault_of_chunks(version.bytes, record.chunk_bytes, chunks)


def _fault_of_chunks(length: int, chunk_bytes: int, chunks: Sequence[ChunkSize]) -> Fault | None:
    count = -(-length // chunk_bytes)
    found = {chunk.number: chunk.bytes for chunk in chunks}
    gone = [number for number in range(count) if number not in found]
    if gone:
        return Fault(Kind.CHUNK_MISSING, f"Of {count} chunks these are gone: {_listed(gone)}.")
    times = Counter(chunk.number for chunk in chunks)
    several = [number for number in range(count) if times[number] > 1]
    if several:
        return Fault(Kind.CHUNK_DUPLICATE, f"Stored more than once: chunks {_listed(several)}.")
    for number in range(count):
        right = min(chunk_bytes, length - number * chunk_bytes)
        if found[number] != right:
            kind = Kind.CHUNK_SHORT if found[number] < right else Kind.CHUNK_LONG
            has = max(found[number], 0)
            return Fault(kind, f"Chunk {number} has {has} bytes instead of {right}.")
    surplus = [number for number in found if not 0 <= number < count]
    if surplus:
        return Fault(Kind.CHUNK_SURPLUS, f"Chunks beyond the file's end: {_listed(surplus)}.")
    return None


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_NAMED]))
    return f"{shown}, …" if len(numbers) > MOST_NAMED else shown
