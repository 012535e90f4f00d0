"""Finds assets with damaged bytes, and files and chunks that belong to nothing."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from avenue.health.checks.bytes import fault_of
from avenue.health.checks.models import Damage, DamagedFile, InspectedAsset, StoredVersion
from avenue.health.checks.store.assets import InspectedAssets
from avenue.media.models import State
from avenue.media.references import Fault, Kind
from avenue.storage.site_data import BUCKETS
from avenue.storage.survey import ChunkSize

MB = 1024 * 1024
SURVEYED_BYTES = 64 * MB  # the most bytes whose sizes the server reads for one query
CHUNK_BYTES = MB
TRIES = 3
SETTLE_SECONDS = 0.3  # deletions and aborted uploads have finished by then
OTHER_BYTES = Fault(Kind.WRONG_HASH, "The stored bytes are not those that were uploaded.")

Read = Callable[[int], None]


class FileInspector:
    """Checks stored files. Files are deleted only after no asset names them any more."""

    def __init__(self, store: InspectedAssets, *, keeps_sums: bool = False) -> None:
        """`keeps_sums`: an intact file without checksums of its chunks gets them."""
        self._store = store
        self._keeps_sums = keeps_sums

    def look(
        self,
        site_id: str,
        assets: Sequence[InspectedAsset],
        read: Read = lambda _: None,
        *,
        every_byte: bool = False,
    ) -> list[DamagedFile]:
        """Check the sizes of all versions of `assets`; with `every_byte` also the hashes.

        Return the damaged files. The assets are marked by the state of their current versions.
        `read` is called with the number of bytes of each piece read.
        """
        damaged: list[DamagedFile] = []
        for bucket in BUCKETS:
            mine = [
                each
                for each in assets
                if each.bucket == bucket and each.state is not State.PURGING and each.versions
            ]

            def fault_of(version: StoredVersion, bucket: str = bucket) -> Fault | None:
                if every_byte:
                    return self.fault_of(site_id, bucket, version, read)
                return self._faults(site_id, bucket, [version]).get(version.file)

            if mine:
                damaged += self._look(site_id, bucket, mine, fault_of, every_byte=every_byte)
        return damaged

    def _look(
        self,
        site_id: str,
        bucket: str,
        assets: Sequence[InspectedAsset],
        fault_of: Callable[[StoredVersion], Fault | None],
        *,
        every_byte: bool,
    ) -> list[DamagedFile]:
        versions = [version for each in assets for version in each.versions]
        faults = self._faults(site_id, bucket, versions)
        doubtful = {
            each.file for each in versions if each.file in faults or (every_byte and fault_of(each))
        }
        meant = [
            each
            for each in assets
            if each.damage or any(version.file in doubtful for version in each.versions)
        ]
        # Checked again, and only then whether they are still named: files are deleted after that.
        again = {
            version.file: fault_of(version)
            for each in meant
            for version in each.versions
            if version.file in doubtful
        }
        damaged = []
        for each in self._store.by_ids(site_id, [each.id for each in meant]).values():
            if each.state is State.PURGING or not each.versions:
                continue
            damaged += [
                DamagedFile(asset=each.id, bucket=bucket, version=version, fault=fault)
                for version in each.versions
                if (fault := again.get(version.file))
            ]
            shown = each.versions[0]
            fault = again.get(shown.file)
            if fault and each.current_fault != fault:
                self._store.mark(site_id, each.id, Damage(file=shown.file, fault=fault))
                if not fault_of(shown):
                    self._store.unmark(site_id, each.id)  # repaired in between
            # Only reading the bytes can disprove a mark about a hash.
            is_known = every_byte or not _is_about_hash(each)
            if not fault and each.damage and is_known and not fault_of(shown):
                self._store.unmark(site_id, each.id)
        return damaged

    def _faults(
        self, site_id: str, bucket: str, versions: Sequence[StoredVersion]
    ) -> dict[str, Fault]:
        """Return the faults of the stored files of `versions`, by file."""
        survey = self._store.survey(site_id, bucket)
        faults = {}
        for group in _grouped(versions):
            ids = [version.file for version in group]
            records = survey.records(ids)
            sizes = self._sizes(site_id, bucket, group)
            for version in group:
                fault = fault_of(version, records.get(version.file), sizes.get(version.file, ()))
                if fault:
                    faults[version.file] = fault
        return faults

    def _sizes(
        self, site_id: str, bucket: str, group: Sequence[StoredVersion]
    ) -> dict[str, list[ChunkSize]]:
        """Return the sizes of the chunks of `group`; those of a large file in several queries."""
        survey = self._store.survey(site_id, bucket)
        if len(group) > 1 or group[0].bytes <= SURVEYED_BYTES:
            return survey.chunk_sizes([version.file for version in group])
        file_id, count = group[0].file, SURVEYED_BYTES // CHUNK_BYTES
        # Chunks before 0 and after the last one, too: they should not exist.
        bounds: list[int | None] = [None, *range(count, group[0].bytes // CHUNK_BYTES, count), None]
        sizes: list[ChunkSize] = []
        for first, end in itertools.pairwise(bounds):
            sizes += survey.chunk_sizes([file_id], first, end).get(file_id, [])
        return {file_id: sizes}

    def look_at_hashes(self, site_id: str, asset_ids: Iterable[str], ends_at: float) -> bool:
        """Read the current bytes of assets and compare their hashes; False if time ran out."""
        for each in self._store.by_ids(site_id, asset_ids).values():
            if time.monotonic() > ends_at:
                return False
            known = each.current_fault
            is_readable = each.versions and each.state is State.LIVE and each.bucket in BUCKETS
            if not is_readable or (known and known.kind is not Kind.WRONG_HASH):
                continue
            shown = each.versions[0]
            digest = self._store.sha256_of(site_id, each.bucket, shown)
            if digest == shown.sha256 and known:
                self._store.unmark(site_id, each.id)
            elif digest not in {shown.sha256, None} and not known:
                self._store.mark(site_id, each.id, Damage(file=shown.file, fault=OTHER_BYTES))
                if self._store.sha256_of(site_id, each.bucket, shown) == shown.sha256:
                    self._store.unmark(site_id, each.id)  # repaired in between
        return True

    def fault_of(
        self, site_id: str, bucket: str, version: StoredVersion, read: Read = lambda _: None
    ) -> Fault | None:
        """Return the fault of the stored bytes of a version, read whole, or None."""
        faults = self._faults(site_id, bucket, [version])
        return faults.get(version.file) or self._fault_of_hash(site_id, bucket, version, read)

    def _fault_of_hash(
        self, site_id: str, bucket: str, version: StoredVersion, read: Read
    ) -> Fault | None:
        digest = self._store.sha256_of(site_id, bucket, version, read, keeps_sums=self._keeps_sums)
        return None if digest == version.sha256 else OTHER_BYTES

    def unowned_files(
        self, site_id: str, bucket: str, last: str, limit: int
    ) -> tuple[str, list[str]]:
        """Return those of the `limit` files after `last` that no asset names.

        The result is the last file checked ("" if there was none), and the ids found.
        """
        survey = self._store.survey(site_id, bucket)
        owners = {each.id: each.asset or "" for each in survey.records_after(last, limit)}

        def unowned(file_ids: Sequence[str]) -> list[str]:
            assets = self._store.by_ids(site_id, {owners[each] for each in file_ids})
            named = {version.file for each in assets.values() for version in each.versions}
            # Any remaining file of an asset whose record has lost its versions may be needed.
            bare = {each.id for each in assets.values() if not each.versions}
            there = survey.records(file_ids)
            return [
                each
                for each in file_ids
                if each not in named and owners[each] not in bare and each in there
            ]

        return max(owners, default=""), self._settled(site_id, list(owners), unowned)

    def orphan_chunks(
        self, site_id: str, bucket: str, last: str, limit: int
    ) -> tuple[str, dict[str, int]]:
        """Return those of the `limit` chunks after the file `last` whose file is missing.

        The result is the last file checked ("" if there was none), and the numbers of chunks by
        file.
        """
        survey = self._store.survey(site_id, bucket)
        owners = survey.chunk_owners_after(last, limit)

        def orphaned(file_ids: Sequence[str]) -> list[str]:
            there = survey.records(file_ids)
            return [each for each in file_ids if each not in there and survey.chunk_count(each)]

        orphans = self._settled(site_id, owners, orphaned)
        return (owners[-1] if owners else ""), {each: survey.chunk_count(each) for each in orphans}

    def settle(self) -> None:
        """Wait until running deletions and aborted uploads have finished."""
        threading.Event().wait(SETTLE_SECONDS)

    def _settled(
        self, site_id: str, file_ids: list[str], wrong: Callable[[Sequence[str]], list[str]]
    ) -> list[str]:
        """Return those that are `wrong`, stay so, and are not being written at the moment."""
        doubtful = wrong(file_ids) if file_ids else []
        for _ in range(TRIES):
            if not doubtful:
                break
            self.settle()
            writing = {each for each in doubtful if self._store.is_being_written(site_id, each)}
            doubtful = [each for each in wrong(doubtful) if each not in writing]
        return doubtful


def _grouped(versions: Sequence[StoredVersion]) -> Iterator[list[StoredVersion]]:
    """Yield `versions` in groups small enough for one query; a large file is alone."""
    group: list[StoredVersion] = []
    size = 0
    for each in versions:
        size += each.bytes
        if group and size > SURVEYED_BYTES:
            yield group
            group, size = [], each.bytes
        group.append(each)
    if group:
        yield group


def _is_about_hash(asset: InspectedAsset) -> bool:
    """Return whether only reading the bytes can disprove the mark of the asset."""
    known = asset.current_fault
    return known is not None and known.kind is Kind.WRONG_HASH
