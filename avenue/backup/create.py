"""Creates a snapshot: the records of each cluster at one time, then the objects that are missing.

No site switches to another cluster while a backup holds its lease: a move takes the same lease for
the switch, and the backup waits for it. A mover that was suspended in the middle of a switch may
continue without the lease, so the places of the sites are read first and last, and compared.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from avenue import __version__
from avenue.backup.errors import BackupLost, BackupRuns, SitesMoved
from avenue.backup.models import (
    FORMAT,
    CollectionCopy,
    Finding,
    HashedFile,
    Kind,
    Manifest,
    Objects,
    Part,
    Progress,
    Share,
    Tell,
    ignore_progress,
)
from avenue.backup.repository import SHA256, PartWriter, Repository
from avenue.backup.targets import Target
from avenue.clock import iso, utc_now
from avenue.storage.copying.reading import (
    CollectionAt,
    CollectionsChanged,
    DatabaseSource,
    FileAt,
    HomeSource,
    Moment,
    bucket_of,
    count_in,
    files_in,
)
from avenue.storage.gridfs import BACKUP, DELETE_SECONDS, Incomplete
from avenue.storage.leases import Lease, Leases, Lost
from avenue.storage.schema import STEPS
from avenue.storage.site_moves import SWITCH

TRIES = 3
WRITERS = 8
"""Objects written at a time: on a disk several take little longer than one."""
BATCH_FILES = 200
BATCH_BYTES = 4 * 1024 * 1024
"""Small files read together, while those before them are written."""
SETTLE_SECONDS = DELETE_SECONDS + 0.5
"""After it, deletions that were about to happen when the lease was taken are done."""
SWITCH_SECONDS = 60.0
"""How long to wait for a site that is switching to another cluster: usually a second or two."""
LOOK_SECONDS = 0.2
WAITS = "waiting for a site that moves"
LISTED = "objects.gz"
MOST_FINDINGS = 10_000
TOLD_EVERY = 100
KEY_CHARACTERS = 32
"""Of a sha256: enough to tell objects apart, in half the memory."""


@contextlib.contextmanager
def alone(leases: Leases, what: str, tell: Tell = ignore_progress) -> Iterator[Lease]:
    """Ensure that nothing else writes to repositories, deletes bytes or switches a site meanwhile.

    If another process did so and was killed, wait until its lease expires; also wait for a site
    that is switching. Raise `BackupRuns`, and `BackupLost` if the lease is lost in the block.
    """
    ends_at, waits = time.monotonic() + SWITCH_SECONDS, False
    while True:
        with leases.taken(BACKUP, what, waits=waits) as lease:
            if isinstance(lease, Lease):
                try:
                    yield lease
                except Lost as error:
                    raise BackupLost from error
                return
        is_switch = lease.what == SWITCH
        has_waited = time.monotonic() > ends_at if is_switch else waits
        if has_waited:
            raise BackupRuns(since=iso(lease.since), what=lease.what)
        if is_switch:
            tell(Progress(phase=WAITS, done=0, total=None))
            time.sleep(LOOK_SECONDS)
        waits = not is_switch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copied:
    """The result of copying a file: the object with its bytes, or why there is none."""

    file: FileAt
    sha256: str = ""
    is_new: bool = False
    finding: Finding | None = None


@dataclass(slots=True, kw_only=True)
class _Counts:
    """The objects of a snapshot so far; `known` ones exist, with their sizes."""

    known: dict[bytes, int]
    named: set[bytes] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    size: int = 0
    new: int = 0
    new_size: int = 0


class Creation:
    """Backs up everything in `home` and the other clusters."""

    def __init__(
        self,
        home: HomeSource,
        leases: Leases,
        target: Target,
        key: bytes | None = None,
        *,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._home = home
        self._leases = leases
        self._target = target
        self._key = key
        self._settle_seconds = settle_seconds

    def run(self, tell: Tell = ignore_progress, *, takes_over: bool = False) -> Manifest:
        """Create a snapshot and return its manifest, which lists damaged files as findings.

        Repeatable: objects that an earlier run has written are kept, an incomplete snapshot is
        removed. Raise the errors of the target, of the repository and of reading; `SitesMoved`.
        """
        with alone(self._leases, "backup create", tell) as lease:
            installation = self._home.installation()
            repository = Repository.begun(
                self._target, installation, self._key, takes_over=takes_over
            )
            repository.remove_unfinished()
            time.sleep(self._settle_seconds)
            return _Snapshot(repository, self._home, lease, tell).write()


class _Snapshot:
    """A snapshot being created."""

    def __init__(self, repository: Repository, home: HomeSource, lease: Lease, tell: Tell) -> None:
        self._repository = repository
        self._home = home
        self._lease = lease
        self._tell = tell
        self._id = repository.next_id()
        self._began_at = utc_now()
        self._previous = next(
            (each.id for each in reversed(repository.snapshots()) if each.is_complete), None
        )

    def write(self) -> Manifest:
        """Write all of it, the manifest last."""
        sources, shares, places = self._records()
        known = {_key(sha256): size for sha256, size in self._repository.objects()}
        counts = _Counts(known=known)
        parts: list[Part] = []
        with self._repository.writing(self._id, LISTED, parts) as listed:
            shares = [
                self._files_of(source, share, listed, counts)
                for source, share in zip(sources, shares, strict=True)
            ]
        manifest = self._manifest(shares, parts[0], counts)
        now = self._home.places()
        # Bytes that were to be read may have gone; sites that were added meanwhile do not matter.
        if gone := [each for each in places if now.get(each, places[each]) != places[each]]:
            raise SitesMoved(sites=", ".join(gone))
        self._lease.check()
        self._repository.complete(manifest)
        return manifest

    def _records(self) -> tuple[Sequence[DatabaseSource], list[Share], Mapping[str, str]]:
        """Write the records of all sources, the home database first; again if sites moved.

        Return the sources, what was written of each, and the places of the sites.
        """
        moved: list[str] = []
        for _ in range(TRIES):
            self._wait_for_switches()
            home, places = self._records_of(self._home)
            beside = self._home.beside(places)
            shares = [home, *(self._records_of(each, places)[0] for each in beside)]
            if not beside:
                return [self._home], shares, places
            now = self._home.places()
            # The records of a site that moved to another cluster meanwhile are there, not at home.
            moved = [each for each in now if places.get(each, self._home.name) != now[each]]
            if not moved:
                return [self._home, *beside], shares, places
        raise SitesMoved(sites=", ".join(moved))

    def _wait_for_switches(self) -> None:
        ends_at = time.monotonic() + SWITCH_SECONDS
        while sites := self._home.switching():
            if time.monotonic() > ends_at:
                raise SitesMoved(sites=", ".join(sites))
            self._lease.check()
            self._tell(Progress(phase=WAITS, done=0, total=None))
            time.sleep(LOOK_SECONDS)

    def _records_of(
        self, source: DatabaseSource, places: Mapping[str, str] | None = None
    ) -> tuple[Share, Mapping[str, str]]:
        """Write all records of a source as of one time; again if collections changed.

        Return what was written, and the places of the sites at that time.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                with source.moment(places) as moment:
                    share = Share(
                        name=source.name,
                        cluster_time=moment.cluster_time,
                        at=moment.at,
                        sites=tuple(moment.sites),
                        collections=tuple(
                            self._collection(source, moment, each) for each in moment.collections
                        ),
                        files=0,
                    )
                    return share, moment.places
            except CollectionsChanged:
                if not tries_left:
                    raise
        raise CollectionsChanged

    def _collection(
        self, source: DatabaseSource, moment: Moment, collection: CollectionAt
    ) -> CollectionCopy:
        folder = "records" if source is self._home else f"records-{quote(source.name)}"
        name = f"{folder}/{quote(collection.name, safe='')}"
        count, parts = 0, list[Part]()
        with self._repository.writing(self._id, f"{name}.metadata.json.gz", parts) as writer:
            writer.add(collection.metadata)
        with self._repository.writing(self._id, f"{name}.bson.gz", parts) as writer:
            for batch in _ahead(moment.records(collection.name)):
                writer.add(batch)
                count += count_in(batch)
                self._lease.check()
                self._tell(Progress(phase=f"records of {collection.name}", done=count, total=None))
        metadata, records = parts
        return CollectionCopy(
            name=collection.name,
            uuid=collection.uuid,
            count=count,
            size=writer.plain_size,
            records=records,
            metadata=metadata,
        )

    def _files_of(
        self, source: DatabaseSource, share: Share, listed: PartWriter, counts: _Counts
    ) -> Share:
        """Write the missing objects of a source, and list all it needs."""
        files, hashed = 0, list[HashedFile]()
        total = sum(each.count for each in share.collections if bucket_of(each.name))
        copies = self._copies(source, self._files_in(share), counts)
        for copied in copies:
            self._lease.check()
            files += 1
            if files % TOLD_EVERY == 0 or files == total:
                self._tell(Progress(phase="files", done=files, total=total))
            if copied.finding is None:
                self._count(copied, listed, counts)
            elif len(counts.findings) < MOST_FINDINGS:
                counts.findings.append(copied.finding)
            if copied.sha256 and copied.sha256 != copied.file.sha256:
                file = copied.file
                hashed.append(HashedFile(bucket=file.bucket, file=file.id, sha256=copied.sha256))
        return replace(share, files=files, hashed=tuple(hashed))

    def _count(self, copied: _Copied, listed: PartWriter, counts: _Counts) -> None:
        key, size = _key(copied.sha256), copied.file.length
        if copied.is_new and counts.known.get(key) != size:
            counts.known[key] = size
            counts.new += 1
            counts.new_size += size
        if key not in counts.named:
            counts.named.add(key)
            counts.count += 1
            counts.size += size
            listed.add(f"{copied.sha256} {size}\n".encode())

    def _files_in(self, share: Share) -> Iterator[FileAt]:
        for each in share.collections:
            if bucket := bucket_of(each.name):
                with self._repository.reading(self._id, each.records) as records:
                    yield from files_in(bucket, records)

    def _copies(
        self, source: DatabaseSource, files: Iterator[FileAt], counts: _Counts
    ) -> Iterator[_Copied]:
        """Copy files in parallel, in any order; existing objects are only listed."""
        before: list[Future[_Copied]] = []
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="backup") as pool:
            try:
                for batch in _batches(files):
                    lacking = [each for each in batch if not _is_known(each, counts)]
                    named = [each for each in batch if _is_known(each, counts)]
                    copies = self._begun(pool, source, lacking)
                    yield from (_Copied(file=each, sha256=each.sha256 or "") for each in named)
                    yield from (each.result() for each in before)
                    before = copies
                yield from (each.result() for each in before)
            finally:
                pool.shutdown(cancel_futures=True)

    def _begun(
        self, pool: ThreadPoolExecutor, source: DatabaseSource, batch: Sequence[FileAt]
    ) -> list[Future[_Copied]]:
        """Read the small ones of some files, and start writing all; return the results."""
        small = [each for each in batch if _sha256_of(each) and each.length <= BATCH_BYTES]
        found = dict(source.read_together(small[0].bucket, small)) if small else {}
        return [pool.submit(self._copy, source, each, found.pop(each.id, None)) for each in batch]

    def _copy(self, source: DatabaseSource, file: FileAt, data: bytes | None) -> _Copied:
        """Copy one file into the repository; read it again if it had other bytes at first."""
        copied = self._copy_once(file, source.read(file) if data is None else [data])
        return self._copy_once(file, source.read(file)) if copied.finding else copied

    def _copy_once(self, file: FileAt, pieces: Iterable[bytes]) -> _Copied:
        what, digest = f"{file.bucket}/{file.id}", hashlib.sha256()
        with self._repository.target.draft() as draft:
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

    def _manifest(self, shares: Sequence[Share], listed: Part, counts: _Counts) -> Manifest:
        return Manifest(
            format=FORMAT,
            id=self._id,
            repository=self._repository.id,
            installation=self._repository.installation,
            avenue=__version__,
            schema=len(STEPS),
            began_at=self._began_at,
            finished_at=utc_now(),
            previous=self._previous,
            shares=tuple(shares),
            objects=Objects(
                count=counts.count,
                size=counts.size,
                new=counts.new,
                new_size=counts.new_size,
                listed=listed,
            ),
            findings=tuple(counts.findings),
        )


def _sha256_of(file: FileAt) -> str | None:
    """Return the sha256 in the document of a file."""
    return file.sha256 if file.sha256 and SHA256.fullmatch(file.sha256) else None


def _is_known(file: FileAt, counts: _Counts) -> bool:
    """Return whether the object of a file exists; one of another size is written again."""
    sha256 = _sha256_of(file)
    return sha256 is not None and counts.known.get(_key(sha256)) == file.length


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


def _ahead(batches: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the items of an iterator, reading one ahead."""
    with ThreadPoolExecutor(1, thread_name_prefix="records") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _key(sha256: str) -> bytes:
    return bytes.fromhex(sha256[:KEY_CHARACTERS])
