"""Deletes all data of one site, in batches, and counts what is left.

Data of the deployment stays, except what it contains about the site: people lose their role there,
snapshots their rows. People who had a role on that site only are deleted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database as MongoDatabase

from avenue.errors import Unavailable
from avenue.storage.connection import META, Database, Document
from avenue.storage.gridfs import BACKUP, DELETE_SECONDS, IS_HELD, LEASES
from avenue.storage.scope import site
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

RECORDS_AT_ONCE = 1000
FILES_AT_ONCE = 200
BYTES_AT_ONCE = 64 * 1024 * 1024
OF_SITE = (
    *("api_tokens", "password_links", "jobs", "fsck_findings"),
    *("infra_alerts", "alert_choices", "push_subscriptions"),
    "house_notifications",
)
"""Collections of the deployment whose records may belong to a site."""
FORMER = ("webhook_events",)
"""Collections that versions before 6 may have left."""
ROWS = ("stored", "renditions", "quotas")
NUMBERS = ("products", "damaged", "traffic.sites")
"""The fields of a snapshot about each site: lists, and numbers by site."""
WALKS: tuple[tuple[str, Document], ...] = (
    ("swept", {"places": {}}),
    ("inspected", {"place": None}),
    ("referred", {"place": None}),
)
"""Positions of walks, which may be inside the site: they are reset."""


class WaitsForBackup(Unavailable):
    """A backup is reading the data to be deleted."""

    message = "A backup is running; nothing is deleted until it finishes."
    hint = "It resumes on its own once the backup finishes."


class SiteShare:
    """The data of a site on one cluster, whether the site is there or was left behind there."""

    def __init__(
        self,
        cluster: Database,
        site_id: str,
        check: Callable[[ClientSession], None] | None = None,
    ) -> None:
        """`check` raises in the transaction of a deletion that must no longer happen."""
        self._cluster = cluster
        self._check = check
        self._deployment = cluster.home.raw
        self._site = site_id
        self._own = cluster.raw
        self._ids = {"$gte": f"{site_id}/", "$lt": f"{site_id}0"}  # "0" follows "/"

    def delete(self) -> Iterator[tuple[str, int]]:
        """Delete it, yielding collection and number after each step; repeatable.

        Raise `WaitsForBackup` while a backup runs.
        """
        for bucket in BUCKETS:
            yield from self._delete_files(bucket)
        for name in sorted(SITE_COLLECTIONS):
            yield from self._delete_records(name)
        for name in FORMER:
            yield name, self._write(self._own[name], {"site": self._site})
        for walk, begins in WALKS:
            self._repeat(lambda walk=walk, begins=begins: self._begin_anew(walk, begins))

    def count(self) -> dict[str, int]:
        """Return the number of records in each collection, and in each part of buckets."""
        own: Document = {"site": self._site}
        asked = dict.fromkeys(sorted(SITE_COLLECTIONS), own)
        for bucket in BUCKETS:
            asked[f"{bucket}.files"] = {"_id": self._ids}
            asked[f"{bucket}.chunks"] = {"files_id": self._ids}
        return self._counted(self._own, asked)

    def _counted(
        self, raw: MongoDatabase[Document], asked: Mapping[str, Document]
    ) -> dict[str, int]:
        return {
            name: self._repeat(lambda source=raw[name], query=query: source.count_documents(query))
            for name, query in asked.items()
        }

    def _delete_files(self, bucket: str) -> Iterator[tuple[str, int]]:
        files, chunks = f"{bucket}.files", f"{bucket}.chunks"
        while some := self._next_files(files):
            self._repeat(lambda some=some: self._delete_file_records(files, some))
            gone = self._write(self._own[chunks], {"files_id": {"$in": some}})
            yield files, len(some)
            yield chunks, gone
        self._refuse_during_backup()
        yield chunks, self._write(self._own[chunks], {"files_id": self._ids})

    def _next_files(self, collection: str) -> list[str]:
        """Return the ids of some files, with about `BYTES_AT_ONCE` bytes."""
        found = self._repeat(
            lambda: list(
                self._own[collection]
                .find({"_id": self._ids}, {"length": 1})
                .sort("_id", 1)
                .limit(FILES_AT_ONCE)
            )
        )
        ids: list[str] = []
        size = 0
        for each in found:
            if ids and size > BYTES_AT_ONCE:
                break
            ids.append(each["_id"])
            length = each.get("length")
            size += length if isinstance(length, int) else 0
        return ids

    def _delete_file_records(self, collection: str, ids: Sequence[str]) -> None:
        """Delete file documents right after checking whether a backup runs."""
        with self._cluster.deadline(DELETE_SECONDS):
            self._refuse_during_backup()
            self._delete(self._own[collection], {"_id": {"$in": list(ids)}})

    def _refuse_during_backup(self) -> None:
        if self._deployment[LEASES].find_one({"_id": BACKUP, **IS_HELD}, {"_id": 1}) is not None:
            raise WaitsForBackup

    def _delete_records(self, name: str) -> Iterator[tuple[str, int]]:
        # Not through the scope: a cluster that the site has left refuses its insertions.
        records, own, last = self._own[name], {"site": self._site}, ""
        while True:
            found = self._repeat(
                lambda last=last: list(
                    records.find({**own, "_id": {"$gt": last}}, {"_id": 1})
                    .sort("_id", 1)
                    .limit(RECORDS_AT_ONCE)
                )
            )
            if not found:
                break
            ids = [each["_id"] for each in found]
            last = ids[-1]
            yield name, self._write(records, {**own, "_id": {"$in": ids}})
        if gone := self._write(records, own):  # ids that are not texts
            yield name, gone

    def _begin_anew(self, walk: str, begins: Mapping[str, Any]) -> None:
        for raw in (self._deployment, self._own):
            raw[META].update_one({"_id": walk}, {"$set": dict(begins)})

    def _write(self, source: MongoCollection[Document], query: Document) -> int:
        return int(self._repeat(lambda: self._delete(source, query)))

    def _delete(self, source: MongoCollection[Document], query: Document) -> int:
        check = self._check
        if check is None:
            return source.delete_many(query).deleted_count

        def delete(session: ClientSession) -> int:
            check(session)
            return source.delete_many(query, session=session).deleted_count

        return self._cluster.transaction(delete)

    def _repeat(self, operation: Any) -> Any:
        return self._cluster.repeat(operation, self._cluster.write_seconds)


class SiteRemains(SiteShare):
    """All data of one site in all databases, except its own record in `sites`."""

    def __init__(self, database: Database, site_id: str) -> None:
        super().__init__(site(database, site_id).database, site_id)

    def delete(self) -> Iterator[tuple[str, int]]:
        """Delete what its cluster has, and then what the deployment has."""
        yield from super().delete()
        for name in OF_SITE:
            yield name, self._write(self._deployment[name], {"site": self._site})
        yield from self._leave_people()
        yield "infra_metrics", self._leave_snapshots()
        yield "infra_traffic", self._leave_traffic()

    def count(self) -> dict[str, int]:
        """Return the number of records on its cluster and in the deployment."""
        asked: dict[str, Document] = {name: {"site": self._site} for name in OF_SITE}
        asked |= {"users": {"sites": self._site}, "infra_metrics": self._in_snapshots()}
        asked["infra_traffic"] = {f"sites.{self._site}": {"$exists": True}}
        return super().count() | self._counted(self._deployment, asked)

    def _leave_people(self) -> Iterator[tuple[str, int]]:
        """Remove everyone's role on the site; delete people without another one."""
        users = self._deployment["users"]
        here: Document = {"sites": self._site}
        leaves = {"$pull": {"sites": self._site}, "$unset": {f"roles.{self._site}": ""}}
        while found := self._repeat(
            lambda: list(users.find(here, {"sites": 1, "superuser": 1}).limit(RECORDS_AT_ONCE))
        ):
            ids = [each["_id"] for each in found]
            going = [
                each["_id"]
                for each in found
                if each["sites"] == [self._site] and not each.get("superuser")
            ]
            self._repeat(lambda ids=ids: users.update_many({**here, "_id": {"$in": ids}}, leaves))
            for name in ("api_tokens", "password_links"):
                yield name, self._write(self._deployment[name], {"user": {"$in": going}})
            # Only those who still have none: someone may have been added elsewhere just now.
            alone = {"_id": {"$in": going}, "sites": [], "superuser": {"$ne": True}}
            yield "users", self._write(users, alone)

    def _leave_snapshots(self) -> int:
        pulled = {name: {"site": self._site} for name in ROWS}
        unset = {f"{name}.{self._site}": "" for name in NUMBERS}
        done = self._repeat(
            lambda: self._deployment["infra_metrics"].update_many(
                self._in_snapshots(), {"$pull": pulled, "$unset": unset}
            )
        )
        return int(done.modified_count)

    def _leave_traffic(self) -> int:
        field = f"sites.{self._site}"
        done = self._repeat(
            lambda: self._deployment["infra_traffic"].update_many(
                {field: {"$exists": True}}, {"$unset": {field: ""}}
            )
        )
        return int(done.modified_count)

    def _in_snapshots(self) -> Document:
        rows: list[Document] = [{f"{name}.site": self._site} for name in ROWS]
        return {"$or": [*rows, *({f"{name}.{self._site}": {"$exists": True}} for name in NUMBERS)]}
