"""Databases as `migrate` leaves an empty one, for one module's tests after the other's.

Making one and dropping it again takes longer than most tests do; emptying it takes a twentieth.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandStartedEvent

from avenue.config import Settings
from avenue.storage.connection import MARKER, META, Database
from avenue.storage.schema import OUR_COLLECTIONS, STEPS, migrate
from tests.listening import listen
from tests.mongod import Mongod, database_name
from tests.waiting import wait_until

SHAPING = frozenset(
    {
        "collMod",
        "create",
        "createIndexes",
        "drop",
        "dropDatabase",
        "dropIndexes",
        "renameCollection",
    }
)
_as_migrated: dict[str, set[str]] = {}
"""The indexes of each database when it was new."""
_shapes: dict[str, tuple[int, int]] = {}
"""How many collections and indexes each had: what another process has changed shows in these."""
_reshaped: set[str] = set()
"""The databases whose collections or indexes this process may have changed since."""


def _note_shaping(event: CommandStartedEvent) -> None:
    if event.command_name in SHAPING:
        _reshaped.add(event.database_name)


listen(_note_shaping)


@contextlib.contextmanager
def prepared_uri(mongod: Mongod) -> Iterator[str]:
    """Yield the URI of a database as `migrate` leaves an empty one, for one user at a time.

    Afterwards it is emptied for the next one, or dropped where its collections or indexes are no
    longer those that `migrate` makes.
    """
    uri = mongod.prepared.pop() if mongod.prepared else mongod.uri_of(database_name())
    with emptied(uri):
        pass
    yield uri
    with closing(Database(Settings(mongodb_uri=uri, local=True))) as database:
        if _is_untouched(uri, database.raw):
            mongod.prepared.append(uri)
        else:
            mongod.client.drop_database(database.raw.name)


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


def _is_whole(uri: str, raw: Any) -> bool:
    """Whether a database has the marker, the collections and the indexes that `migrate` makes."""
    if raw[META].find_one({"_id": MARKER}) != {"_id": MARKER, "version": len(STEPS)}:
        return False
    if _is_untouched(uri, raw):
        return True
    return uri in _as_migrated and _as_migrated[uri] <= _indexes(raw)


def _is_untouched(uri: str, raw: Any) -> bool:
    """Whether no collection or index has come or gone since a database was emptied last."""
    return raw.name not in _reshaped and _shapes.get(uri) == _shape(raw)


@contextlib.contextmanager
def emptied(uri: str) -> Iterator[Database]:
    """Yield the database as `migrate` leaves an empty one, whatever a test has done to it."""
    database = Database(Settings(mongodb_uri=uri, local=True))
    raw = database.raw
    # A client is given a second for the first answer, which a busy machine does not always have.
    wait_until(lambda: raw.command("ping"), "the database answers", despite=(PyMongoError,))
    is_whole = _is_whole(uri, raw)
    for name, count in counts(raw).items():
        if count:
            raw[name].delete_many({"_id": {"$ne": MARKER}} if is_whole and name == META else {})
    if is_whole:  # `migrate` would ask for each index again
        for step in STEPS:
            step(database)
    else:
        migrate(database)
        # Those without indexes come when they are first used: what has them all from the beginning
        # keeps its shape, and need not be made again, which takes a second of processor time.
        for name in OUR_COLLECTIONS - set(raw.list_collection_names()):
            raw.create_collection(name)
        _as_migrated[uri] = _indexes(raw)
    _shapes[uri] = _shape(raw)
    _reshaped.discard(raw.name)
    yield database
    database.close()
