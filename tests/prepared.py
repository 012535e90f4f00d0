"""One prepared database for a module's tests, emptied before each of them.

Making one and dropping it again takes longer than most tests do.
"""

import contextlib
from collections.abc import Iterator

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from tests.mongod import Mongod, database_name


@contextlib.contextmanager
def prepared_uri(mongod: Mongod) -> Iterator[str]:
    """Yield the URI of a database that is dropped in the end."""
    name = database_name()
    yield mongod.uri_of(name)
    mongod.client.drop_database(name)


@contextlib.contextmanager
def emptied(uri: str) -> Iterator[Database]:
    """Yield the database as `migrate` leaves an empty one, whatever a test has done to it."""
    database = Database(Settings(mongodb_uri=uri, local=True))
    for name in database.raw.list_collection_names(
        filter={"name": {"$not": {"$regex": "^system"}}}
    ):
        if database.raw[name].find_one({}, {"_id": 1}) is not None:
            database.raw[name].delete_many({})
    migrate(database)
    yield database
    database.close()
