"""Databases as `migrate` leaves an empty one, for one module's tests after the other's.

Making one and dropping it again takes longer than most tests do; emptying it takes a twentieth.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from pymongo import WriteConcern
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandStartedEvent

from avenue.config import Settings
from avenue.storage.connection import DURABLE, MARKER, META, Database
from avenue.storage.schema import OUR_COLLECTIONS, STEPS, migrate
from tests.listening import listen
from tests.mongod import Mongod, ReplicaSet, database_name
from tests.waiting import wait_until

SHAPING = frozenset(
    {
        "collMod",
        "create",
        "drop",
        "dropDatabase",
        "dropIndexes",
        "renameCollection",
    }
)
PROFILE = "system.profile"
"""Where MongoDB lists what a test had it profile."""
_as_migrated: dict[str, set[str]] = {}
"""The indexes of each database when it was new."""
_documents: dict[str, dict[str, list[Any]]] = {}
"""What each had in its collections then."""
_shapes: dict[str, tuple[int, int]] = {}
"""How many collections and indexes each had: what another process has changed shows in these."""
_reshaped: set[str] = set()
"""The databases whose collections or indexes this process may have changed since."""
_indexed: set[str] = set()
"Those it already has asked for indexes, which may be there: whoever migrates asks for all."


def _note_shaping(event: CommandStartedEvent) -> None:
    if event.command_name in SHAPING and event.command[event.command_name] != PROFILE:
        _reshaped.add(event.database_name)
    if event.command_name == "createIndexes":
        _indexed.add(event.database_name)


listen(_note_shaping)


@contextlib.contextmanager
def prepared_uri(mongod: Mongod | ReplicaSet) -> Iterator[str]:
    """Yield the URI of a database as `migrate` leaves an empty one, for one user at a time.

    Afterwards it is emptied for the next one, or dropped where its collections or indexes are no
    longer those that `migrate` makes.
    """
    uri = mongod.prepared.pop() if mongod.prepared else mongod.uri_of(database_name())
    raw = mongod.client[urlsplit(uri).path[1:]]
    _empty(uri, raw)
    yield uri
    if _is_untouched(uri, raw):
        mongod.prepared.append(uri)
    else:
        mongod.client.drop_database(raw.name)


def only_once(uri: str) -> None:
    """Have a database dropped afterwards: what killed processes have begun may hold it a while."""
    _reshaped.add(urlsplit(uri).path[1:])


def counts(raw: Any) -> dict[str, int]:
    """How many documents each collection of a database has; MongoDB knows without looking."""
    found = _of_all(raw, lambda _: [{"$collStats": {"count": {}}}])
    return {each["ns"].partition(".")[2]: each["count"] for each in found}


def _indexes(raw: Any) -> set[str]:
    """The indexes of a database, with their options."""
    found = _of_all(raw, lambda name: [{"$indexStats": {}}, {"$set": {"of": name}}])
    return {f"{each['of']} {each['spec']}" for each in found}


def _of_all(raw: Any, pipeline: Callable[[str], list[Any]]) -> Any:
    """What an aggregation of each collection finds; by one command, for thousands of tests ask."""
    names = raw.list_collection_names(filter={"name": {"$not": {"$regex": "^system"}}})
    if not names:
        return ()
    others = [{"$unionWith": {"coll": each, "pipeline": pipeline(each)}} for each in names[1:]]
    return raw[names[0]].aggregate([*pipeline(names[0]), *others])


def _shape(raw: Any) -> tuple[int, int]:
    told = raw.command("dbStats")
    return told["collections"], told["indexes"]


def _is_untouched(uri: str, raw: Any) -> bool:
    """Whether no collection or index has come or gone since a database was emptied last."""
    if raw.name in _reshaped or _shapes.get(uri) != _shape(raw):
        return False
    if raw.name in _indexed and _as_migrated[uri] == _indexes(raw):
        _indexed.discard(raw.name)
    return raw.name not in _indexed


@contextlib.contextmanager
def emptied(uri: str) -> Iterator[Database]:
    """Yield the database as `migrate` leaves an empty one, whatever a test has done to it."""
    with closing(Database(Settings(mongodb_uri=uri, local=True))) as database:
        raw = database.raw
        # A client is given a second for the first answer, which is little on a busy machine.
        wait_until(lambda: raw.command("ping"), "the database answers", despite=(PyMongoError,))
        _empty(uri, raw)
        yield database


def _empty(uri: str, raw: Any) -> None:
    """Bring a database to what `migrate` makes of an empty one."""
    is_marked = raw[META].find_one({"_id": MARKER}) == {"_id": MARKER, "version": len(STEPS)}
    if is_marked and _is_untouched(uri, raw):
        _restore(raw, _documents[uri])
        return
    if raw.list_collection_names(filter={"name": PROFILE}):
        raw.command("profile", 0)
        raw[PROFILE].drop()
    is_whole = is_marked and uri in _as_migrated and _as_migrated[uri] <= _indexes(raw)
    for name, count in counts(raw).items():
        if count:
            raw[name].delete_many({"_id": {"$ne": MARKER}} if is_whole and name == META else {})
    with closing(Database(Settings(mongodb_uri=uri, local=True))) as database:
        if is_whole:  # `migrate` would ask for each index again
            for step in STEPS:
                step(database)
        else:
            migrate(database)
            # Those without indexes come when they are first used: what has them all from the
            # beginning keeps its shape, and need not be made again, which takes a second of
            # processor time.
            for name in OUR_COLLECTIONS - set(raw.list_collection_names()):
                raw.create_collection(name)
            _as_migrated[uri] = _indexes(raw)
    _documents[uri] = {name: list(raw[name].find()) for name, count in counts(raw).items() if count}
    _shapes[uri] = _shape(raw)
    _reshaped.discard(raw.name)
    _indexed.discard(raw.name)


def _restore(raw: Any, documents: dict[str, list[Any]]) -> None:
    """Leave nothing but `documents`."""
    for name, count in counts(raw).items():
        kept = documents.get(name, [])
        if count == len(kept) and (not kept or list(raw[name].find()) == kept):
            continue
        quick = raw.get_collection(name, write_concern=WriteConcern(w=1))
        quick.delete_many({})
        if kept:
            quick.insert_many(kept)
    # One that waits for a majority waits for all before it.
    raw.get_collection(META, write_concern=DURABLE).delete_many({"_id": "nothing"})
