"""One prepared database for a module's tests, emptied before each of them.

Making one and dropping it again takes longer than most tests do.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.schema import MARKER, META, STEPS, migrate
from tests.mongod import Mongod, database_name

_as_migrated: dict[str, set[str]] = {}
"""The indexes of each database when it was new."""


@contextlib.contextmanager
def prepared_uri(mongod: Mongod) -> Iterator[str]:
    """Yield the URI of a database that is dropped in the end."""
    name = database_name()
    yield mongod.uri_of(name)
    mongod.client.drop_database(name)


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


@contextlib.contextmanager
def emptied(uri: str) -> Iterator[Database]:
    """Yield the database as `migrate` leaves an empty one, whatever a test has done to it."""
    database = Database(Settings(mongodb_uri=uri, local=True))
    raw = database.raw
    marker = {"_id": MARKER, "version": len(STEPS)}
    is_whole = (
        raw[META].find_one({"_id": MARKER}) == marker
        and uri in _as_migrated
        and _as_migrated[uri] <= _indexes(raw)
    )
    for name, count in counts(raw).items():
        if count:
            raw[name].delete_many({"_id": {"$ne": MARKER}} if is_whole and name == META else {})
    if is_whole:  # `migrate` would ask for each index again
        for step in STEPS:
            step(database)
    else:
        migrate(database)
        _as_migrated[uri] = _indexes(raw)
    yield database
    database.close()
