"""Verifies the hashes of files that were copied to another cluster."""

import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pymongo.collection import Collection

from avenue.storage.connection import Document, unavailable_when_away
from avenue.storage.copying.moving import CHUNKS, DOCUMENTS_AT_ONCE, FILES, Keys, Part, SiteCopy
from avenue.storage.site_data import BUCKETS

FILES_AT_ONCE = 20


class CopiedFiles:
    """The files of a copied site."""

    def __init__(self, copy: SiteCopy) -> None:
        self._copy = copy

    def damaged(self, after: list[str], save: Callable[[list[str], int], None]) -> int:
        """Read every file of the target after the position `after`, and verify its hash.

        A file with other bytes at the source is copied again. Return how many are damaged on both
        sides; `save` is called with that and the position, now and then.
        """
        damaged = 0
        for bucket in sorted(BUCKETS):
            if after and bucket < after[0]:
                continue
            files = self._copy.parts[f"{bucket}{FILES}"]
            found = self._files_after(files, after[1] if after and bucket == after[0] else "")
            while some := list(itertools.islice(found, FILES_AT_ONCE)):
                wrong = self._wrong(bucket, some)
                damaged += sum(self._is_damaged(bucket, each) for each in wrong)
                save([bucket, some[-1]["_id"]], damaged)
        return damaged

    def _files_after(self, files: Part, last: str) -> Iterator[Document]:
        """Yield the file documents of the target after an id, in order."""
        collection = self._copy.target.raw[files.name]
        while True:
            query = {"_id": {**files.own["_id"], "$gt": last}} if last else files.own
            found = self._copy.target.repeat(
                partial(_first, collection, query), self._copy.target.read_seconds
            )
            if not found:
                return
            yield from found
            last = found[-1]["_id"]

    def _is_damaged(self, bucket: str, file: Document) -> bool:
        """Copy the chunks of a file again, and return whether they are still wrong."""
        part = self._copy.parts[f"{bucket}{CHUNKS}"]
        keys = Keys()
        for database in (self._copy.source, self._copy.target):
            chunks = database.raw[part.name]
            with unavailable_when_away():
                found = list(chunks.find({"files_id": file["_id"]}, {"_id": 1}))
            keys.add(part.name, (each["_id"] for each in found))
        self._copy.bring(keys)
        return bool(self._wrong(bucket, [file]))

    def _wrong(self, bucket: str, files: Sequence[Document]) -> list[Document]:
        """Return the files whose chunks do not match their documents."""
        sums = {each["_id"]: _Sums() for each in files}
        chunks = self._copy.target.raw[f"{bucket}{CHUNKS}"]
        order = [("files_id", 1), ("n", 1)]
        with unavailable_when_away():
            for each in chunks.find({"files_id": {"$in": [*sums]}}).sort(order):
                sums[each["files_id"]].add(each.get("data"))
        return [each for each in files if not sums[each["_id"]].are_of(each)]


class _Sums:
    """The checksums and length of a file's chunks, added one after the other."""

    def __init__(self) -> None:
        self._digest, self._each, self._length = hashlib.sha256(), list[int](), 0

    def add(self, data: object) -> None:
        """Add the next chunk."""
        read = data if isinstance(data, bytes) else b""
        self._digest.update(read)
        self._each.append(zlib.crc32(read))
        self._length += len(read)

    def are_of(self, file: Document) -> bool:
        """Return whether they match the file document."""
        metadata = file.get("metadata")
        sha256 = metadata.get("sha256") if isinstance(metadata, dict) else None
        return (
            self._length == file.get("length")
            and sha256 in {None, self._digest.hexdigest()}
            and file.get("crc32") in (None, self._each)
        )


def _first(collection: Collection[Document], query: Document) -> list[Document]:
    return list(collection.find(query).sort("_id", 1).limit(DOCUMENTS_AT_ONCE))
