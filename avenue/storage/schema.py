"""Checks the owner and version of a database, and migrates it to this version of Avenue.

A database is ours if `avenue_meta` has the schema document. One with documents in collections of
our names but without such a marker belongs to another application (the earlier shop used the same
names): it is refused and not changed.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from pymongo import UpdateOne
from pymongo.errors import OperationFailure

from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE, new_id
from avenue.storage.clusters import CLUSTER, mark_of
from avenue.storage.connection import (
    INSTALLATION,
    MARKER,
    META,
    Database,
    Document,
    unavailable_when_away,
)
from avenue.storage.indexes import (
    FORMER,
    FORMER_OF_MESSAGES,
    create_indexes,
    drop_indexes,
)
from avenue.storage.listing import LIBRARY_BUCKET, listing_of
from avenue.storage.outboxes import gather
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

RESTORE = "restore"
"""The entry of `META` during a restore."""
LISTED_AT_ONCE = 500
START_SECONDS = 2.0
"""How long a start waits for the database before it continues without."""

DEPLOYMENT_COLLECTIONS = (
    "sites",
    "users",
    "api_tokens",
    "password_links",
    "jobs",
    "leases",
    "instances",
    "fsck_findings",
    "rate_limits",
    "infra_metrics",
    "infra_alerts",
    "alert_choices",
    "push_subscriptions",
    "infra_errors",
    "infra_traffic",
    "notification_receivers",
    "house_notifications",
    "backups",
)
OUR_COLLECTIONS = frozenset(
    {
        *SITE_COLLECTIONS,
        *(f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks")),
        *DEPLOYMENT_COLLECTIONS,
    }
)


class Standing(StrEnum):
    """The state of a database."""

    READY = "ready"
    EMPTY = "empty"
    OLDER = "older"


class ForeignDatabase(Unavailable):
    """The database belongs to another application."""

    message = "This database belongs to another application, so Avenue will not touch it."
    hint = (
        "Use another database name in MONGODB_URI; Avenue creates what it needs there. To "
        "import what the earlier application has, run `python -m avenue adopt --from URI`; "
        "it only reads."
    )


class NotAReplicaSet(Unavailable):
    """A standalone mongod cannot do transactions and loses acknowledged writes."""

    message = "MongoDB is running standalone; Avenue needs a replica set (one member is enough)."
    hint = (
        "Start mongod with --replSet rs0 and run once: mongosh --eval "
        '\'rs.initiate({_id: "rs0", members: [{_id: 0, host: "127.0.0.1:27017"}]})\''
    )


class NotMigrated(Unavailable):
    """The database has not been prepared for this version."""

    message = "The database is not prepared for this version of Avenue."
    hint = "Run `python -m avenue migrate`."


class NewerDatabase(Unavailable):
    """A newer version of Avenue has migrated this database."""

    message = "This database was prepared by a newer version of Avenue."
    hint = "Deploy that version again, or restore a backup made before it."


class HalfRestored(Unavailable):
    """A restore into this database has started and is not complete."""

    message = "A restore into this database was not completed."
    hint = "Run the same `python -m avenue backup restore` again; it resumes where it stopped."


UNFIT = (ForeignDatabase, NotAReplicaSet, NewerDatabase, HalfRestored)
"""Errors that waiting does not fix: Avenue does not start on such a database, and writes nothing.
"""


def look(database: Database) -> Standing:
    """Return the state of the database, without writing.

    Raise `ForeignDatabase`, `NotAReplicaSet`, `NewerDatabase`, `HalfRestored`, or `Unavailable`.
    """
    with unavailable_when_away(), database.deadline(database.read_seconds):
        hello = database.client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise NotAReplicaSet
        marker = database.raw[META].find_one({"_id": MARKER})
        if marker is None:
            if database.raw[META].find_one({"_id": RESTORE}, {"_id": 1}) is not None:
                raise HalfRestored
            _refuse_foreign(database)
            return Standing.EMPTY
    return _compare(marker)


def migrate(database: Database) -> list[str]:
    """Migrate the database and its clusters to this version; return what was done, as texts.

    Repeatable. Nothing is written before all of them were checked.
    """
    for each in (database, *database.clusters.values()):
        look(each)
    with unavailable_when_away():
        for each in database.clusters.values():
            _refuse_of_others(each)
        done = _migrate(database, STEPS)
        for name, cluster in database.clusters.items():
            mark = mark_of(cluster, {"id": installation_of(database)})
            cluster.raw[META].replace_one({"_id": CLUSTER}, mark, upsert=True)
            done += [f"{name}: {each}" for each in _migrate(cluster, OF_CLUSTERS)]
    return done


def _migrate(database: Database, steps: Sequence["Step | None"]) -> list[str]:
    """Run the steps after the version of one database; None does not apply to it."""
    meta, done = database.raw[META], []
    meta.update_one({"_id": MARKER}, {"$setOnInsert": {"version": 0}}, upsert=True)
    marker = meta.find_one({"_id": MARKER}) or {"version": 0}
    create_indexes(database)
    for version, step in enumerate(steps, start=1):
        if version > marker["version"]:
            if step is not None:
                step(database)
                done.append(f"{version}: {(step.__doc__ or '').splitlines()[0]}")
            meta.update_one({"_id": MARKER}, {"$max": {"version": version}})
    return done


def _refuse_of_others(cluster: Database) -> None:
    """Raise `ForeignDatabase` for a cluster of another installation, or with another name."""
    meta = cluster.raw[META]
    mark, marker = (meta.find_one({"_id": each}) for each in (CLUSTER, MARKER))
    ours = cluster.home.raw[META].find_one({"_id": INSTALLATION}) or {}
    if (mark or marker) and mark != mark_of(cluster, ours):
        raise ForeignDatabase(
            f"The database {cluster.raw.name!r} of the cluster {cluster.cluster} is in use by "
            "another installation, or as another cluster, so it is left untouched."
        )


def installation_of(database: Database) -> str:
    """Return the unique id of this installation; created when first asked.

    Raises as the driver.
    """
    meta = database.raw[META]
    by_id = {"_id": INSTALLATION}
    meta.update_one(by_id, {"$setOnInsert": {"id": new_id()}}, upsert=True)
    found = meta.find_one(by_id) or {}
    return str(found["id"])


class Gate:
    """Lets requests use the database only once it is known to be ours and migrated."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = False

    def pass_or_raise(self) -> None:
        """Raise the reason why the database must not be used; a good result is cached."""
        if self._open:
            return
        if look(self._database) is not Standing.READY:
            raise NotMigrated
        self._open = True


def mark_restored(database: Database, version: int) -> None:
    """Complete a restore of records of this version: mark the databases as ours.

    The home database comes last, and then the marks of the restore are deleted, there first.
    """
    meta, installation = database.raw[META], {"id": installation_of(database)}
    for cluster in database.clusters.values():
        marks = {CLUSTER: mark_of(cluster, installation), MARKER: {"version": version}}
        for own_id, mark in marks.items():
            cluster.raw[META].replace_one({"_id": own_id}, mark, upsert=True)
    _create_default_site(database)
    meta.insert_one({"_id": MARKER, "version": version})
    for each in (database, *database.clusters.values()):
        each.raw[META].delete_one({"_id": RESTORE})


def is_half_restored(database: Database) -> bool:
    """Return whether a restore into a database has started and is not complete.

    The clusters are marked as ours a moment before home is.
    """
    meta, home = database.raw[META], database.home
    found = {each["_id"]: each for each in meta.find({"_id": {"$in": [RESTORE, MARKER, CLUSTER]}})}
    if RESTORE not in found or MARKER not in found or database is home:
        return RESTORE in found and MARKER not in found
    ours = home.raw[META].find_one({"_id": INSTALLATION}) or {}
    return found.get(CLUSTER) == mark_of(database, ours) and is_half_restored(home)


def _compare(marker: Document) -> Standing:
    if marker["version"] > len(STEPS):
        raise NewerDatabase
    return Standing.READY if marker["version"] == len(STEPS) else Standing.OLDER


def _refuse_foreign(database: Database) -> None:
    names = set(database.raw.list_collection_names()) & OUR_COLLECTIONS
    taken = sorted(name for name in names if database.raw[name].find_one({}, {"_id": 1}))
    if taken:
        raise ForeignDatabase(
            f"The database {database.raw.name!r} already holds documents in "
            f"{', '.join(taken)} that Avenue did not write, so it is left untouched.",
            collections=taken,
        )


def _create_default_site(database: Database) -> None:
    """Create the default site."""
    try:
        database.raw["sites"].update_one(
            {"_id": DEFAULT_SITE},
            {"$setOnInsert": {"name": "Avenue", "locale": "es"}},
            upsert=True,
        )
    except OperationFailure as error:  # two migrations at once: the other one was faster
        if error.code != 11000:  # noqa: PLR2004 - DuplicateKey
            raise


def _forget_group_names(database: Database) -> None:
    """Delete group names without a group: a product's group is one with an id."""
    known = database.raw["shop_products_grouped"].distinct("_id")
    database.raw["shop_products"].update_many(
        {"group": {"$exists": True, "$nin": known}}, {"$unset": {"group": ""}}
    )


def _list_library(database: Database) -> None:
    """Set the search and sort fields of media library files."""
    assets = database.raw["assets"]
    unlisted = {"bucket": LIBRARY_BUCKET, "listed": {"$exists": False}}
    fields = {"bucket": 1, "name": 1, "alt": 1, "tags": 1, "versions": 1}
    while found := list(assets.find(unlisted, fields, limit=LISTED_AT_ONCE)):
        assets.bulk_write(
            [UpdateOne({"_id": each["_id"]}, {"$set": listing_of(each)}) for each in found]
        )


def _list_sites_of_people(database: Database) -> None:
    """Store the sites where people have a role as a list."""
    roles = {"$cond": [{"$eq": [{"$type": "$roles"}, "object"]}, "$roles", {}]}
    sites = {"$map": {"input": {"$objectToArray": roles}, "in": "$$this.k"}}
    database.raw["users"].update_many({"sites": {"$exists": False}}, [{"$set": {"sites": sites}}])


def _drop_former_indexes(database: Database) -> None:
    """Drop indexes that no query needs any more."""
    drop_indexes(database, FORMER)


def _give_sites_profiles(database: Database) -> None:
    """Store the logo of each site beside its files."""
    for each in list(database.raw["sites"].find({"logo": {"$exists": True}}, {"logo": 1})):
        if isinstance(each["logo"], str):
            database.raw["site_profiles"].update_one(
                {"_id": each["_id"], "site": each["_id"]},
                {"$setOnInsert": {"logo": each["logo"]}},
                upsert=True,
            )
        database.raw["sites"].update_one({"_id": each["_id"]}, {"$unset": {"logo": ""}})


def _keep_keys_of_messages_apart(database: Database) -> None:
    """Allow messages of two sites to have the same key.

    Drop the indexes of the outboxes before version 6, too.
    """
    drop_indexes(database, FORMER_OF_MESSAGES)


Step = Callable[[Database], None]
STEPS: tuple[Step, ...] = (
    _create_default_site,
    _forget_group_names,
    _list_library,
    _list_sites_of_people,
    _drop_former_indexes,
    gather,
    _give_sites_profiles,
    _keep_keys_of_messages_apart,
)
OF_CLUSTERS: tuple[Step | None, ...] = tuple(
    None if step in {_create_default_site, _list_sites_of_people} else step for step in STEPS
)
"""The steps for clusters other than home, which have no data of the deployment."""
