"""Copies the files of a snapshot into a repository, each as one object."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from avenue.backup.models import Finding, HashedFile, Kind, Objects, Part, Progress, Share, Tell
from avenue.backup.repository import SHA256, PartWriter, Repository
from avenue.backup.targets import Draft
from avenue.storage.chunks import Incomplete
from avenue.storage.copying.reading import DatabaseSource, FileAt, bucket_of, files_in
from avenue.storage.leases import Lease

T = TypeVar("T")
WRITERS = 8
"""Objects written at a time."""
BATCH_FILES = 200
BATCH_BYTES = 4 * 1024 * 1024
"""Files written together; the small ones are read together while those before are written."""
MOST_FINDINGS = 10_000
TOLD_EVERY = 100
KEY_CHARACTERS = 32
"""Of a sha256: enough to tell objects apart, in half the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copied:
    """The result of copying a file: the object with its bytes, or why there is none."""

    file: FileAt
    sha256: str = ""
    is_new: bool = False
    finding: Finding | None = None


_Batch = tuple[list[FileAt], list[FileAt], dict[str, bytes]]
"""Files that exist in the repository, others, and the bytes of those."""


class FileCopies:
    """The objects of a snapshot so far."""

    def __init__(self, repository: Repository, snapshot: str, lease: Lease, tell: Tell) -> None:
        self._repository = repository
        self._snapshot = snapshot
        self._lease = lease
        self._tell = tell
        self._known = {_key(sha256): size for sha256, size in repository.objects()}
        """The sizes of existing objects."""
        self._named: set[bytes] = set()
        self._size = self._new = self._new_size = 0
        self.findings: list[Finding] = []

    def objects(self, listed: Part) -> Objects:
        """Return how many there are; `listed` is the part that lists them."""
        return Objects(
            count=len(self._named),
            size=self._size,
            new=self._new,
            new_size=self._new_size,
            listed=listed,
        )

    def put(self, source: DatabaseSource, share: Share, listed: PartWriter) -> Share:
        """Write the missing objects of a source; all that it needs are `listed`."""
        files, hashed = 0, list[HashedFile]()
        total = sum(each.count for each in share.collections if bucket_of(each.name))
        copies = self._copies(source, self._files_in(share))
        for copied in copies:
            self._lease.check()
            files += 1
            if files % TOLD_EVERY == 0 or files == total:
                self._tell(Progress(phase="files", done=files, total=total))
            if copied.finding is None:
                self._count(copied, listed)
            elif len(self.findings) < MOST_FINDINGS:
                self.findings.append(copied.finding)
            if copied.sha256 and copied.sha256 != copied.file.sha256:
                file = copied.file
                hashed.append(HashedFile(bucket=file.bucket, file=file.id, sha256=copied.sha256))
        return replace(share, files=files, hashed=tuple(hashed))

    def _count(self, copied: _Copied, listed: PartWriter) -> None:
        key, size = _key(copied.sha256), copied.file.length
        if copied.is_new and self._known.get(key) != size:
            self._known[key] = size
            self._new += 1
            self._new_size += size
        if key not in self._named:
            self._named.add(key)
            self._size += size
            listed.add(f"{copied.sha256} {size}\n".encode())

    def _files_in(self, share: Share) -> Iterator[FileAt]:
        for each in share.collections:
            if bucket := bucket_of(each.name):
                with self._repository.reading(self._snapshot, each.records) as records:
                    yield from files_in(bucket, records)

    def _copies(self, source: DatabaseSource, files: Iterator[FileAt]) -> Iterator[_Copied]:
        """Copy files in parallel, in any order; existing objects are only listed."""
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="backup") as pool:
            for known, lacking, data in read_ahead(self._batches(source, files)):
                yield from (_Copied(file=each, sha256=each.sha256 or "") for each in known)
                with self._repository.target.drafts() as begin:
                    copy = partial(self._copy, source, data, begin)
                    copies = list(pool.map(copy, lacking))
                yield from copies

    def _batches(self, source: DatabaseSource, files: Iterator[FileAt]) -> Iterator[_Batch]:
        """Yield files in batches, with the bytes of the small ones that are to be written."""
        for batch in _batches(files):
            lacking = [each for each in batch if not _is_known(each, self._known)]
            known = [each for each in batch if _is_known(each, self._known)]
            small = [each for each in lacking if _sha256_of(each) and each.length <= BATCH_BYTES]
            data = dict(source.read_together(small[0].bucket, small)) if small else {}
            yield known, lacking, data

    def _copy(
        self,
        source: DatabaseSource,
        data: dict[str, bytes],
        begin: Callable[[], Draft],
        file: FileAt,
    ) -> _Copied:
        """Copy one file into the repository; read it again if it had other bytes at first."""
        found = data.pop(file.id, None)
        copied = self._copy_once(file, source.read(file) if found is None else [found], begin())
        return self._copy_once(file, source.read(file), begin()) if copied.finding else copied

    def _copy_once(self, file: FileAt, pieces: Iterable[bytes], draft: Draft) -> _Copied:
        what, digest = f"{file.bucket}/{file.id}", hashlib.sha256()
        try:
            for piece in pieces:
                digest.update(piece)
                draft.write(piece)
        except Incomplete as error:
            finding = Finding(kind=Kind.INCOMPLETE, what=what, detail=f"{error}.")
            return _Copied(file=file, finding=finding)
        found = digest.hexdigest()
        if _sha256_of(file) not in {None, found}:
            detail = f"Its bytes have the sha256 {found}, not {file.sha256}."
            finding = Finding(kind=Kind.WRONG_HASH, what=what, detail=detail)
            return _Copied(file=file, finding=finding)
        draft.keep(self._repository.object_name(found))
        return _Copied(file=file, sha256=found, is_new=True)


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an iterator, reading one ahead in another thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def _sha256_of(file: FileAt) -> str | None:
    """Return the sha256 in the document of a file."""
    return file.sha256 if file.sha256 and SHA256.fullmatch(file.sha256) else None


def _is_known(file: FileAt, known: Mapping[bytes, int]) -> bool:
    """Return whether the object of a file exists; one of another size is written again."""
    sha256 = _sha256_of(file)
    return sha256 is not None and known.get(_key(sha256)) == file.length


def _batches(files: Iterator[FileAt]) -> Iterator[list[FileAt]]:
    """Yield files in batches of one bucket that are read together."""
    batch: list[FileAt] = []
    size = 0
    for file in files:
        is_full = len(batch) == BATCH_FILES or size + file.length > BATCH_BYTES
        if batch and (is_full or file.bucket != batch[0].bucket):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.length
    if batch:
        yield batch


def _key(sha256: str) -> bytes:
    return bytes.fromhex(sha256[:KEY_CHARACTERS])
