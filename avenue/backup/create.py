"""Creates a snapshot: the records of each cluster at one time, then the objects that are missing.

No site switches to another cluster while a backup holds its lease: a move takes the same lease for
the switch, and the backup waits for it. A mover that was suspended in the middle of a switch may
continue without the lease, so the places of the sites are read first and last, and compared.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from avenue import __version__
from avenue.backup.copying import FileCopies, read_ahead
from avenue.backup.errors import BackupLost, BackupRuns, SitesMoved
from avenue.backup.models import (
    FORMAT,
    CollectionCopy,
    Finding,
    Manifest,
    Objects,
    Part,
    Progress,
    Share,
    Tell,
    ignore_progress,
)
from avenue.backup.repository import Repository
from avenue.backup.targets import Target
from avenue.clock import iso, utc_now
from avenue.storage.copying.reading import (
    CollectionAt,
    CollectionsChanged,
    DatabaseSource,
    HomeSource,
    Moment,
    count_in,
)
from avenue.storage.gridfs import BACKUP, DELETE_SECONDS
from avenue.storage.leases import Lease, Leases, Lost
from avenue.storage.schema import STEPS
from avenue.storage.site_moves import SWITCH

TRIES = 3
SETTLE_SECONDS = DELETE_SECONDS + 0.5
"""After it, deletions that were about to happen when the lease was taken are done."""
SWITCH_SECONDS = 60.0
"""How long to wait for a site that is switching to another cluster: usually a second or two."""
LOOK_SECONDS = 0.2
WAITS = "waiting for a site that moves"
LISTED = "objects.gz"


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
        copies = FileCopies(self._repository, self._id, self._lease, self._tell)
        parts: list[Part] = []
        with self._repository.writing(self._id, LISTED, parts) as listed:
            shares = [
                copies.put(source, share, listed)
                for source, share in zip(sources, shares, strict=True)
            ]
        manifest = self._manifest(shares, copies.objects(parts[0]), copies.findings)
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
            for batch in read_ahead(moment.records(collection.name)):
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

    def _manifest(
        self, shares: Sequence[Share], objects: Objects, findings: Sequence[Finding]
    ) -> Manifest:
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
            objects=objects,
            findings=tuple(findings),
        )
