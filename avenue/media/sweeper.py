"""The sweeper deletes forgotten uploads, old trash, and bytes without an owner.

It decides by conditional writes and the server's clock. Leftovers of a crash always match one of
its filters: see docs/internals.md, "Uploading a picture".

Due data is found by indexes, so a round takes only as long as there is work. Then it checks a slice
of everything that is stored, for data that no index finds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from avenue.clock import utc_now
from avenue.errors import Unavailable
from avenue.media.models import Asset
from avenue.media.renditions.models import SweptRendition
from avenue.media.store.swept import SweptStore
from avenue.storage.file_facts import FileFacts

MOST_SKEW_SECONDS = 30
ORPHAN_AGE = timedelta(hours=1)
BATCH = 500
SLICE = 5_000
"""Files, chunks or renditions that a round checks in any case. A smaller store is checked
completely each time."""


class ClocksDiffer(Unavailable):
    """Our clock and the database's differ too much to judge the age of anything."""

    message = "The clocks of this machine and the database differ by more than 30 seconds."
    hint = "Synchronize both with NTP; the sweeper waits until they agree."


def agreed_skew_seconds(store: SweptStore) -> float:
    """Return how far our clock is from the database's; raise `ClocksDiffer` if that is too far.

    For all code that judges an age.
    """
    seconds = store.clock_skew_seconds()
    if abs(seconds) > MOST_SKEW_SECONDS:
        raise ClocksDiffer
    return seconds


@dataclass(slots=True, kw_only=True)
class Swept:
    """What one round deleted, in numbers."""

    unclaimed: int = 0
    owners: int = 0
    trash: int = 0
    purged: int = 0
    files: int = 0
    chunk_sets: int = 0
    renditions: int = 0

    @property
    def total(self) -> int:
        """Return the total so far."""
        return self.purged + self.files + self.chunk_sets + self.renditions

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by name."""
        return asdict(self)


class Sweeper:
    """Deletes unowned data; safe while uploads run, on many instances, after any crash."""

    def __init__(
        self,
        store: SweptStore,
        *,
        buckets: tuple[str, ...],
        trash_days: int,
        forget_owners: Callable[[datetime], int] = lambda _: 0,
        removal: Callable[[Asset], Callable[[], None]] = lambda _: lambda: None,
        orphan_age: timedelta = ORPHAN_AGE,
        has_size: Callable[[str, str], bool] = lambda _site, _variant: True,
    ) -> None:
        """`forget_owners` deletes owners of pictures that have been in the trash since then.

        It runs before the pictures are deleted, so that nothing is restored without some of them.
        `removal` is called for each asset before it is purged, and its result when it is gone.
        `has_size` tells whether a site still has a size.
        """
        self._has_size = has_size
        self._removal = removal
        self._store = store
        self._forget_owners = forget_owners
        self._buckets = buckets
        self._trash_days = trash_days
        self._orphan_age = orphan_age

    def sweep(
        self, progress: Callable[[Swept], None] = lambda _: None, *, all_of_it: bool = False
    ) -> Swept:
        """Do one round and return what was deleted; raise `ClocksDiffer` rather than guess ages.

        `all_of_it`: check everything that is stored, not just a slice.
        """
        began_at = utc_now() - timedelta(seconds=agreed_skew_seconds(self._store))
        swept = Swept()
        # no file is deleted meanwhile, so nothing that refers to one may be
        if self._store.is_backed_up():
            return swept
        for _ in self._due(swept, began_at):
            progress(swept)
        for _ in self._walks(swept, all_of_it=all_of_it):
            progress(swept)
        return swept

    def _due(self, swept: Swept, began_at: datetime) -> Iterator[None]:
        """Process what is due; nothing that becomes due meanwhile, or it might never end."""
        unreadable: list[object] = []
        while self._store.condemn_unclaimed(began_at, unreadable):
            swept.unclaimed += 1
            yield from self._purge(swept)
        trash_until = began_at - timedelta(days=self._trash_days)
        swept.owners += self._forget_owners(trash_until)
        while self._store.condemn_trash(trash_until, unreadable):
            swept.trash += 1
            yield from self._purge(swept)
        yield from self._purge(swept)
        until = began_at - self._orphan_age
        given_up = self._store.writes.given_up(until, SLICE)
        for first in range(0, len(given_up), BATCH):
            files = given_up[first : first + BATCH]
            for bucket in self._buckets:
                self._forget_files(bucket, self._store.files(bucket, files), swept)
                self._forget_chunks(bucket, files, swept)
            yield
        for assets in self._store.shown_anew(until, BATCH):
            for each in assets:
                self._forget_renditions(self._store.renditions.of_asset(each["_id"]), swept)
                self._store.looked_at(each, until)
            yield

    def _walks(self, swept: Swept, *, all_of_it: bool) -> Iterator[None]:
        """Check what follows the end of the last round, or everything."""
        walks: dict[str, Callable[[str], str | None]] = {}
        for bucket in self._buckets:
            walks[f"{bucket}.files"] = partial(self._orphan_files, bucket, swept)
            walks[f"{bucket}.chunks"] = partial(self._orphan_chunks, bucket, swept)
        walks["renditions"] = partial(self._stale_renditions, swept)
        places = {} if all_of_it else self._store.places()
        for name, step in walks.items():
            place: str | None = places.get(name, "")
            left = SLICE // BATCH
            while place is not None and (left or all_of_it):
                place, left = step(place), left - 1
                yield
            places[name] = place or ""
        if not all_of_it:
            self._store.keep_places(places)

    def _purge(self, swept: Swept) -> Iterator[None]:
        while condemned := self._store.condemned(BATCH):
            for asset in condemned:
                gone = self._removal(asset)
                self._store.purge(asset)
                gone()
                swept.purged += 1
            yield

    def _orphan_files(self, bucket: str, swept: Swept, last: str) -> str | None:
        """Delete files after `last` that are not a version of any asset; return the position."""
        files = self._store.walk(bucket).files_after(last, BATCH)
        self._forget_files(bucket, files, swept)
        return files[-1].id if files else None

    def _forget_files(self, bucket: str, files: Sequence[FileFacts], swept: Swept) -> None:
        used = self._store.used_files(files)
        for each in files:
            if each.id in used or not self._may_go(each.id, each.uploaded_at):
                continue
            # Only now can no write use it any more, whatever asset the file names.
            if not self._store.is_named(each.id):
                self._store.bucket(bucket).delete(each.id)
                swept.files += 1

    def _orphan_chunks(self, bucket: str, swept: Swept, last: str) -> str | None:
        """Delete chunks after those of `last` whose file document does not exist."""
        owners = self._store.walk(bucket).chunk_owners_after(last, BATCH)
        self._forget_chunks(bucket, owners, swept)
        return owners[-1] if owners else None

    def _forget_chunks(self, bucket: str, owners: Sequence[str], swept: Swept) -> None:
        existing = self._store.existing_files(bucket, owners)
        for file_id in owners:
            if file_id in existing:
                continue
            made_at = self._store.walk(bucket).newest_chunk_at(file_id)
            if not made_at or not self._may_go(file_id, made_at):
                continue
            # A file that an asset still refers to is damaged, not forgotten: its chunks can be
            # repaired.
            if self._store.may_be_named(file_id):
                continue
            if not self._store.existing_files(bucket, [file_id]):
                self._store.bucket(bucket).delete(file_id)
                swept.chunk_sets += 1

    def _stale_renditions(self, swept: Swept, last: str) -> str | None:
        """Delete outdated renditions, after `last`."""
        end, found = self._store.renditions.after(last, BATCH)
        self._forget_renditions(found, swept)
        return end

    def _forget_renditions(self, found: Sequence[SweptRendition], swept: Swept) -> None:
        ids = {each.key.asset for each in found}
        assets = self._store.assets_by_id(ids)
        # The content of an invalid record is unknown: what it may refer to is kept.
        unreadable = self._store.those_there(ids - assets.keys())
        for each in found:
            asset_id = each.key.asset
            asset = assets.get(asset_id)
            is_shown = each.belongs_to(asset) and self._is_size(asset, each.key.variant)
            if asset_id in unreadable or is_shown:
                continue
            if self._may_go(each.file, each.made_at):
                self._store.renditions.delete(each)
                swept.renditions += 1

    def _is_size(self, asset: Asset | None, variant: str) -> bool:
        return asset is not None and self._has_size(asset.site, variant)

    def _may_go(self, file_id: str, made_at: datetime) -> bool:
        """Return whether a file is old enough, and no one is writing it."""
        return utc_now() - made_at >= self._orphan_age and self._store.release(file_id)
