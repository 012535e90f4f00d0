"""The numbers and sizes of the stored files of a site; large ones as last counted."""

from functools import partial

from avenue.health.checks.models import AssetCounts
from avenue.media.models import State
from avenue.media.store.documents import ASSETS
from avenue.storage.connection import Database
from avenue.storage.indexes import MARKED_AS_DAMAGED, SHOWS_DAMAGED
from avenue.storage.records import whole
from avenue.storage.scope import SiteRecords, site
from avenue.storage.site_counts import Counter, Numbers, SiteCount, SiteCounts
from avenue.storage.site_data import BUCKETS, RENDITIONS


class StoredCounts(SiteRecords):
    """The counts of one site at a time."""

    def __init__(self, database: Database, counts: SiteCounts) -> None:
        super().__init__(database)
        self._counts = counts
        self.counters: dict[str, Counter] = {
            **{bucket: partial(self._count_bucket, bucket=bucket) for bucket in BUCKETS},
            RENDITIONS: self._count_renditions,
            ASSETS: self._count_states,
        }

    def totals(self, site_id: str) -> dict[str, SiteCount]:
        """Return files, bytes and chunks of each bucket, large numbers as last counted."""
        return {bucket: self._counted(site_id, bucket) for bucket in BUCKETS}

    def stored_bytes(self, site_id: str) -> int:
        """Return the bytes of all buckets, for a job; see `SiteCounts.counted`."""
        found = [self._counts.counted(site_id, bucket, self.counters[bucket]) for bucket in BUCKETS]
        return sum(each["bytes"] for each in found)

    def renditions(self, site_id: str) -> SiteCount:
        """Return the number of stored renditions, and their bytes: see `totals`."""
        return self._counted(site_id, RENDITIONS)

    def asset_counts(self, site_id: str) -> AssetCounts:
        """Return the numbers of assets, through indexes: see `totals`."""
        states = self._counted(site_id, ASSETS)
        unclaimed, expired = self.waiting(site_id)
        live = states.known(State.LIVE)
        return AssetCounts(
            live=None if live is None else max(live - unclaimed - expired, 0),
            trash=states.known(State.TRASH),
            total_at_least=states.at_least,
            unclaimed=unclaimed,
            expired=expired,
            damaged=self.damaged(site_id),
            counted_at=states.counted_at,
        )

    def damaged(self, site_id: str) -> int:
        """Return the number of assets marked as damaged, through an index."""
        counted = self._records(site_id, ASSETS).aggregate(
            [{"$match": MARKED_AS_DAMAGED}, {"$match": SHOWS_DAMAGED}, {"$count": "n"}]
        )
        return counted[0]["n"] if counted else 0

    def waiting(self, site_id: str, *, temporary: bool = False) -> tuple[int, int]:
        """Return the numbers of assets without an owner: unexpired ones, and expired ones.

        With `temporary` only those that were uploaded before their product was saved.
        """
        only = {"temporary": True} if temporary else {}
        has_a_time = {"$eq": [{"$type": "$expires_at"}, "date"]}
        is_over = {"$and": [has_a_time, {"$lte": ["$expires_at", "$$NOW"]}]}
        counted = self._records(site_id, ASSETS).aggregate(
            [
                # `claim.kind`, too: that is in the index.
                {"$match": {"claim.kind": None, "claim": None, "state": State.LIVE, **only}},
                {"$group": {"_id": is_over, "count": {"$sum": 1}}},
            ]
        )
        count = {each["_id"]: each["count"] for each in counted}
        return count.get(False, 0), count.get(True, 0)

    def _counted(self, site_id: str, name: str) -> SiteCount:
        return self._counts.of(site_id, name, self.counters[name])

    def _count_bucket(self, site_id: str, most: int | None, *, bucket: str) -> Numbers | None:
        found = site(self._database, site_id).survey(bucket).totals(most)
        if found is None:
            return None
        return {"files": found.files, "bytes": found.bytes, "chunks": found.chunks}

    def _count_renditions(self, site_id: str, most: int | None) -> Numbers | None:
        renditions = self._records(site_id, RENDITIONS)
        sums = {"count": {"$sum": 1}, "bytes": {"$sum": whole("$bytes")}}
        bound = [] if most is None else [{"$limit": most + 1}]
        found = renditions.aggregate(
            [{"$sort": {"variant": 1, "bytes": 1}}, *bound, {"$group": {"_id": None, **sums}}]
        )
        numbers = {name: found[0][name] if found else 0 for name in sums}
        return None if most is not None and numbers["count"] > most else numbers

    def _count_states(self, site_id: str, most: int | None) -> Numbers | None:
        assets, bound = self._records(site_id, ASSETS), None if most is None else most + 1
        numbers = {
            state.value: assets.count({"state": state}, most=bound)
            for state in (State.LIVE, State.TRASH)
        }
        return None if most is not None and max(numbers.values()) > most else numbers
