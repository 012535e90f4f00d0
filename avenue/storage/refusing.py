"""Validators with which a cluster's server refuses documents of sites that are elsewhere.

A validator of each collection names those sites. So a process that was stopped before a site moved,
and continues afterwards, cannot write to the copy that was left behind. Setting one waits for the
open transactions on the collection. Deletions pass validators, so those of sites include an
insertion (`insert_for`).
"""

import time
from collections.abc import Collection
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure, PyMongoError

from avenue.errors import Forbidden
from avenue.identity import new_id
from avenue.storage.connection import META, Database, Document, is_passing, unavailable
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

REFUSED_SITES = "refused"
"""The entry of `META` of a cluster: the sites that its collections refuse."""
MOST_WAITING_SECONDS = 0.3
"""How long one attempt waits for transactions, because all other operations wait behind it."""
PAUSE_SECONDS = 0.3
LONG_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""A transaction whose process was stopped is open for a minute."""
NOT_ALLOWED, NO_COLLECTION = 13, 26
PLEDGES = "site_counts"
"""The collection of `insert_for`."""


class MayNotRefuse(Forbidden):
    """The database user may not set validators."""

    message = "The database user is not allowed to set validators on the cluster {cluster}."
    hint = "Grant it `dbAdmin` on the database on both clusters; a site cannot be moved without it."


def refuse(cluster: Database, site_id: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Make a cluster refuse documents of a site; repeatable.

    Raise `MayNotRefuse`, or `Unavailable` if transactions are open for longer than `seconds`.
    """
    _meta_update(cluster, {"$addToSet": {"sites": site_id}})
    _set_all(cluster, seconds)


def take(cluster: Database, site_id: str) -> None:
    """Let a cluster accept documents of a site again; repeatable."""
    others = [each for each in refused_on(cluster) if each != site_id]
    _set(cluster, others, time.monotonic() + PATIENCE_SECONDS)
    _meta_update(cluster, {"$pull": {"sites": site_id}})  # only now: a killed run is repeated
    _set_all(cluster, PATIENCE_SECONDS)


def insert_for(cluster: Database, site_id: str, session: ClientSession | None) -> None:
    """Insert a document of a site in a transaction, which the server may refuse; and delete it."""
    pledge = {"_id": new_id(), "site": site_id}
    pledges = cluster.raw[PLEDGES]
    pledges.insert_one(pledge, session=session)
    pledges.delete_one(dict(pledge), session=session)


def refused_on(cluster: Database) -> list[str]:
    """Return the sites that a cluster should refuse."""
    found = _repeat(cluster, lambda: cluster.raw[META].find_one({"_id": REFUSED_SITES})) or {}
    sites = found.get("sites", [])
    return sorted(each for each in sites if isinstance(each, str))


def has_long_transactions(cluster: Database) -> bool:
    """Return whether a transaction has been open for a while: a validator waits for it.

    Those of other database users may be invisible.
    """
    asked = {"$currentOp": {"allUsers": False, "idleSessions": True}}
    is_long = {"transaction.timeOpenMicros": {"$gt": int(LONG_SECONDS * 1_000_000)}}
    admin = cluster.client.admin
    try:
        return bool(_repeat(cluster, lambda: list(admin.aggregate([asked, {"$match": is_long}]))))
    except OperationFailure:
        return False


def does_refuse(cluster: Database, site_id: str) -> bool:
    """Return whether every collection with documents of sites refuses those of this one."""
    sites, there = refused_on(cluster), _validators(cluster)
    wanted = {name: of_no(sites, name) for name in _collections()}
    return site_id in sites and wanted == {name: there.get(name) for name in wanted}


def _set_all(cluster: Database, seconds: float) -> None:
    """Set the validators for the listed sites.

    Other processes may change the list meanwhile, for other sites: then set them again. Each change
    of the list ends with this, so the validators match it once the last process has finished.
    """
    ends_at = time.monotonic() + seconds
    sites: list[str] | None = None
    while sites != (now := refused_on(cluster)):
        _set(cluster, now, ends_at)
        sites = now


def _set(cluster: Database, sites: Collection[str], ends_at: float) -> None:
    there = _validators(cluster)
    for name in _collections():
        wanted = of_no(sites, name)
        if there.get(name, {}) != wanted:
            rule = {"validator": wanted, "validationLevel": "strict", "validationAction": "error"}
            _command(cluster, {"collMod": name, **rule}, ends_at)
    _meta_update(cluster, {"$inc": {"times": 1}})  # a majority that has this has all earlier writes


def _validators(cluster: Database) -> dict[str, Document]:
    """Return the current validator of each existing collection."""
    found = _repeat(cluster, lambda: list(cluster.raw.list_collections()))
    return {each["name"]: each.get("options", {}).get("validator", {}) for each in found}


def _command(cluster: Database, command: Document, ends_at: float) -> None:
    while True:
        try:
            with cluster.deadline(MOST_WAITING_SECONDS):
                cluster.raw.command(command)
        except PyMongoError as error:
            _see_why(cluster, command, error)
            if time.monotonic() > ends_at:
                raise unavailable(error) from error
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _see_why(cluster: Database, command: Document, error: PyMongoError) -> None:
    """Return if another attempt may succeed; raise `MayNotRefuse`, or the error."""
    code = error.code if isinstance(error, OperationFailure) else None
    if code == NOT_ALLOWED:
        raise MayNotRefuse(words={"cluster": cluster.cluster}) from error
    if code == NO_COLLECTION:
        cluster.raw.create_collection(command["collMod"])
    elif not is_passing(error):
        raise error


def of_no(sites: Collection[str], collection: str) -> Document:
    """Return the condition for documents of a collection that belong to none of `sites`."""
    if not sites:
        return {}
    bucket, _, part = collection.partition(".")
    if bucket not in BUCKETS:
        return {"site": {"$nin": sorted(sites)}}
    field = "_id" if part == "files" else "files_id"
    return {field: {"$not": {"$regex": f"^({'|'.join(sorted(sites))})/"}}}


def _collections() -> list[str]:
    parts = [f"{bucket}.{part}" for bucket in BUCKETS for part in ("files", "chunks")]
    return [*sorted(SITE_COLLECTIONS), *parts]


def _meta_update(cluster: Database, change: Document) -> None:
    by_id = {"_id": REFUSED_SITES}
    _repeat(cluster, lambda: cluster.raw[META].update_one(by_id, change, upsert=True))


def _repeat(cluster: Database, operation: Any) -> Any:
    return cluster.repeat(operation, cluster.write_seconds)
