"""Access to collections: `site(site)` for features, `deployment()` for the whole deployment.

The site handle adds `site` to every filter, every new document and every pipeline, so a query that
forgot it cannot be written. The callers of `deployment()` are listed in a test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pymongo.client_session import ClientSession

from avenue.errors import MalformedRecord
from avenue.storage.clusters import database_of_site
from avenue.storage.collection import AlreadyThere, Collection, Filter, Sort
from avenue.storage.connection import QUICK, Database, Document
from avenue.storage.file_walk import FileWalk
from avenue.storage.gridfs import Files
from avenue.storage.mending import Mender
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from avenue.storage.survey import Survey

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteScope:
    """Access to the data of one site only."""

    database: Database
    site: str

    def collection(self, name: str) -> Collection:
        """Return a site collection; all its documents have this site."""
        if name not in SITE_COLLECTIONS:
            raise ValueError(f"{name} is not a collection of sites")
        return Collection(
            database=self.database, source=self.database.raw[name], fixed={"site": self.site}
        )

    def quick_collection(self, name: str) -> Collection:
        """Return a site collection for data that can be generated again: writes do not wait."""
        return _quick(self.collection(name))

    def anew(self, name: str, ids: Sequence[str], write: Callable[[], T]) -> T:
        """Return the result of `write` for records that can be generated again, with these `ids`.

        One of them without this site would conflict, and is deleted.
        """
        try:
            return write()
        except AlreadyThere:
            strays = Collection(database=self.database, source=self.database.raw[name], fixed={})
            strays.delete_all({"_id": {"$in": list(ids)}, "site": {"$ne": self.site}})
            return write()

    def files(self, bucket: str) -> Files:
        """Return the GridFS bucket, restricted to ids that begin with this site."""
        return Files(self.database, bucket, prefix=self._prefix_in(bucket))

    def survey(self, bucket: str) -> Survey:
        """Return the statistics of a bucket's files without reading them."""
        return Survey(self.database, bucket, prefix=self._prefix_in(bucket))

    def mender(self, bucket: str) -> Mender:
        """Return the service that repairs a bucket's files."""
        return Mender(self.database, bucket, prefix=self._prefix_in(bucket))

    def _prefix_in(self, bucket: str) -> str:
        if bucket not in BUCKETS:
            raise ValueError(f"{bucket} is not a bucket")
        return f"{self.site}/"

    def transaction(self, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in one transaction; see `Database.transaction`."""
        return self.database.transaction(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentScope:
    """Access to the data of all sites: sign-in, sweeper, jobs, ops and migration only."""

    database: Database

    def collection(self, name: str) -> Collection:
        """Return a collection, unscoped; for collections of sites, those on this cluster."""
        self.database.home.instance.begin()
        return Collection(database=self.database, source=self.database.raw[name], fixed={})

    def quick_collection(self, name: str) -> Collection:
        """Return a collection of counters that may be lost: writes do not wait."""
        return _quick(Collection(database=self.database, source=self.database.raw[name], fixed={}))

    def files(self, bucket: str) -> Files:
        """Return the GridFS bucket with ids as they are stored (`<site>/<id>`)."""
        self.database.home.instance.begin()
        return Files(self.database, bucket, prefix="")

    def walk(self, bucket: str) -> FileWalk:
        """Return the walk through the files of all sites on this cluster."""
        self.database.home.instance.begin()
        return FileWalk(self.database, bucket)


def _quick(collection: Collection) -> Collection:
    return replace(collection, source=collection.source.with_options(write_concern=QUICK))


def site(database: Database, site_id: str) -> SiteScope:
    """Return the handle for feature stores, the only place that chooses the database of a site.

    Raises as `database_of_site`.
    """
    return SiteScope(database=database_of_site(database, site_id), site=site_id)


class SiteRecords:
    """Stored records of one site at a time; every method takes the id of the site."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _records(self, site_id: str, collection: str) -> Collection:
        return site(self._database, site_id).collection(collection)


def of_its_site(collection: Collection, found: Document) -> Collection:
    """Return a collection of all sites in the scope of the site of this record.

    Raise `MalformedRecord` for a record without a site.
    """
    site_id = found.get("site")
    if not isinstance(site_id, str):
        raise MalformedRecord(collection.name, found["_id"], "site")
    scope = SiteScope(database=collection.database, site=site_id)  # where the record is
    return scope.collection(collection.name)


def next_of_sites(
    collection: Collection, query: Filter, sort: Sort
) -> tuple[Collection, object] | None:
    """Return the id of the first matching record of any site, and its site's collection.

    The following change then names its site. Raise `MalformedRecord` for a record without a site.
    """
    for found in collection.find(query, {"site": 1}, sort=sort, limit=1):
        return of_its_site(collection, found), found["_id"]
    return None


def deployment(database: Database) -> DeploymentScope:
    """Return the handle for all sites; its callers are listed in a test."""
    return DeploymentScope(database=database)
