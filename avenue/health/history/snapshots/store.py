"""Snapshots in MongoDB, and the counts of other collections that are part of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from itertools import pairwise

from avenue.health.history.snapshots.models import (
    ClusterFigures,
    KeptCounts,
    QuotaUse,
    Snapshot,
    Stored,
    StoredVariant,
    Traffic,
)
from avenue.health.history.traffic.models import Counts
from avenue.health.history.traffic.store import counts_of, document_of
from avenue.identity import new_id
from avenue.storage.clusters import every_cluster
from avenue.storage.connection import Database, Document
from avenue.storage.indexes import MARKED_AS_DAMAGED, SHOWS_DAMAGED
from avenue.storage.records import whole
from avenue.storage.scope import deployment, site
from avenue.storage.site_data import BUCKETS
from avenue.storage.status import DeploymentStatus, beside

SNAPSHOTS = "infra_metrics"
OLDEST_FIRST = [("created_at", 1)]
NEWEST_FIRST = [("created_at", -1)]
EVERY_SITE = {"site": {"$gt": ""}}
"""A condition that lets queries use the indexes that begin with the site."""
OF_EACH_SITE = ("stored", "renditions", "products", "damaged")
OF_THE_DEPLOYMENT = [
    each.name
    for each in fields(Snapshot)
    if each.name not in {"at", "quotas", "sites", *OF_EACH_SITE}
]
ROWS = {
    "stored": Stored,
    "renditions": StoredVariant,
    "quotas": QuotaUse,
    "clusters": ClusterFigures,
}


class SnapshotStore:
    """The snapshots of the deployment.

    Each is stored with the traffic since the beginning, and read with the traffic since the
    previous stored one: so deleting some loses no traffic.
    """

    def __init__(self, database: Database) -> None:
        self._snapshots = deployment(database).collection(SNAPSHOTS)

    def add(self, snapshot: Snapshot, traffic: Counts) -> None:
        """Store `snapshot` at the server's current time, with all `traffic` so far."""
        document = {
            **asdict(snapshot),
            "_id": new_id(),
            "traffic": document_of(traffic),
        }
        del document["at"], document["sites"]
        self._snapshots.insert_at_server_time(document, {"created_at": "$$NOW"})

    def newest(self) -> Snapshot | None:
        """Return the newest one, or None."""
        found = self._snapshots.values(_legible, {}, sort=NEWEST_FIRST, limit=2)
        return _snapshots(reversed(found))[-1] if found else None

    def newest_counts(self) -> KeptCounts | None:
        """Return the files and requests of the newest one, or None."""
        wanted = {"created_at": 1, "traffic.requests": 1, "stored": _stored_by(None)}
        found = self._snapshots.values(_counts, {}, wanted, sort=NEWEST_FIRST, limit=1)
        return found[0] if found else None

    def latest_until(self, moment: datetime) -> Snapshot | None:
        """Return the newest one until `moment`, else the oldest of all, or None."""
        until = {"created_at": {"$lte": moment}}
        found = self._snapshots.values(_legible, until, sort=NEWEST_FIRST, limit=1)
        found = found or self._snapshots.values(_legible, {}, sort=OLDEST_FIRST, limit=1)
        return _snapshots(found)[0] if found else None

    def history_since(self, moment: datetime, site_id: str | None) -> list[Snapshot]:
        """Return those from `moment` on, oldest first, with the storage of one site.

        None: with the sum of all sites. Other data of each site is not read: with many sites it is
        large.
        """
        wanted = dict.fromkeys(OF_THE_DEPLOYMENT, 1)
        return self._since(moment, {**wanted, "created_at": 1, "stored": _stored_by(site_id)})

    def figures_since(self, moment: datetime) -> list[Snapshot]:
        """Return the same without the storage of each site, which is large with many sites."""
        return self._since(moment, dict.fromkeys(OF_EACH_SITE, 0))

    def _since(self, moment: datetime, projection: Document | None) -> list[Snapshot]:
        earlier, later = {"created_at": {"$lt": moment}}, {"created_at": {"$gte": moment}}
        kept = self._snapshots
        before = kept.values(_legible, earlier, projection, sort=NEWEST_FIRST, limit=1)
        found = kept.values(_legible, later, projection, sort=OLDEST_FIRST)
        return _snapshots([*before, *found])[len(before) :]

    def times_before(self, moment: datetime) -> list[tuple[datetime, str]]:
        """Return the times of those before `moment`, and their ids, oldest first."""
        found = self._snapshots.find(
            {"created_at": {"$lt": moment}}, {"created_at": 1}, sort=OLDEST_FIRST
        )
        return [(each["created_at"], each["_id"]) for each in found]

    def forget(self, ids: Collection[str]) -> None:
        """Delete snapshots; repeatable."""
        if ids:
            self._snapshots.delete_all({"_id": {"$in": list(ids)}})


class DeploymentCounts:
    """Counts of the data of every site, through indexes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def files(self, site_id: str) -> list[Stored]:
        """Count the original files of a site, by bucket."""
        scope = site(self._database, site_id)
        found = [(bucket, *scope.survey(bucket).files()) for bucket in BUCKETS]
        return [
            Stored(site=site_id, bucket=bucket, files=files, bytes=length)
            for bucket, files, length in found
        ]

    def clusters(self) -> list[DeploymentStatus]:
        """Return the clusters other than home; raise `Unavailable` if one cannot be reached."""
        return beside(self._database)

    def renditions(self) -> list[StoredVariant]:
        """Count the renditions of all sites, by size."""
        key = {"site": "$site", "variant": "$variant"}
        sums = {"count": {"$sum": 1}, "bytes": {"$sum": whole("$bytes")}}
        found = self._of_all(
            "renditions",
            [
                {"$match": {**EVERY_SITE, "variant": {"$gte": ""}}},
                {"$group": {"_id": key, **sums}},
                {"$sort": {"_id": 1}},
            ],
        )
        return [
            StoredVariant(**each["_id"], count=each["count"], bytes=each["bytes"]) for each in found
        ]

    def products(self) -> dict[str, int]:
        """Count the products of each site that has any."""
        return self._by_site("shop_products", [{"$match": EVERY_SITE}])

    def damaged(self) -> dict[str, int]:
        """Count the files of each site whose current bytes are marked as damaged."""
        is_marked = {**EVERY_SITE, **MARKED_AS_DAMAGED}
        return self._by_site("assets", [{"$match": is_marked}, {"$match": SHOWS_DAMAGED}])

    def _by_site(self, collection: str, stages: Sequence[Document]) -> dict[str, int]:
        counting = {"$group": {"_id": "$site", "count": {"$sum": 1}}}
        found = self._of_all(collection, [*stages, counting, {"$sort": {"_id": 1}}])
        return {each["_id"]: each["count"] for each in found}

    def _of_all(self, collection: str, stages: Sequence[Document]) -> list[Document]:
        """Return the results of `stages` on all clusters; raise `Unavailable` if one is away."""
        return [
            row
            for each in every_cluster(self._database)
            for row in deployment(each).collection(collection).aggregate(stages)
        ]


def _counts(document: Document) -> KeptCounts:
    return KeptCounts(
        at=document["created_at"],
        requests=document["traffic"]["requests"],
        files=sum(each["files"] for each in document["stored"]),
    )


def _stored_by(site_id: str | None) -> Document:
    """Return the projection to the storage of a site; None: to one row of all sites together."""
    if site_id is not None:
        rows = {"$cond": [{"$isArray": "$stored"}, "$stored", []]}
        is_of_site = {"$eq": ["$$each.site", {"$literal": site_id}]}
        return {"$filter": {"input": rows, "as": "each", "cond": is_of_site}}
    sums = {name: {"$sum": f"$stored.{name}"} for name in ("files", "bytes")}
    together = [{"site": {"$literal": ""}, "bucket": {"$literal": ""}, **sums}]
    was_counted = {"$and": [{"$isArray": "$stored"}, {"$ne": ["$stored", []]}]}
    return {"$cond": [was_counted, together, []]}  # what was not counted is not 0


def _snapshots(documents: Iterable[Document]) -> list[Snapshot]:
    """Return the snapshots stored as `documents`, in sequence; the first has no traffic."""
    return [
        _snapshot(each, traffic=_between(before, each) if before else None)
        for before, each in pairwise([None, *documents])
        if each
    ]


def _legible(document: Document) -> Document:
    """Return a readable document; raise what reading it as a snapshot raises otherwise."""
    _between(document, document)
    _snapshot(document, traffic=None)
    return document


def _between(before: Document, after: Document) -> Traffic | None:
    """Return the traffic between two snapshots; None if the counts were reset."""
    counts = counts_of(after["traffic"]).since(counts_of(before["traffic"]))
    if counts.requests < 0:
        return None
    return Traffic(
        seconds=(after["created_at"] - before["created_at"]).total_seconds(),
        requests=counts.requests,
        errors=counts.errors,
        sent_bytes=counts.sent_bytes,
        p95_seconds=counts.p95_seconds,
    )


def _snapshot(document: Document, *, traffic: Traffic | None) -> Snapshot:
    fields = {name: value for name, value in document.items() if name not in {"_id", "created_at"}}
    rows = {
        name: tuple(kind(**each) for each in document.get(name, ())) for name, kind in ROWS.items()
    }
    sites = counts_of(document["traffic"]).sites
    known = {"at": document["created_at"], "traffic": traffic, "sites": sites}
    told = {name: tuple(document.get(name, ())) for name in ("missing", "percents")}
    return Snapshot(**{**fields, **rows, **known, **told})
