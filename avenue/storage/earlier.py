"""Another application's database, read and never written: on another database or cluster.

A user with the role `read` is enough. Values are plain Python: ids and UUIDs are texts,
`Decimal128` is `Decimal`, binary is `bytes`, so other modules need not know BSON.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import bson
from bson import Binary, DBRef, Decimal128
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError

from avenue.errors import Conflict, Invalid, Unavailable
from avenue.storage.connection import Document

SELECTION_MS = 10_000
SOCKET_MS = 60_000
READ_AT_ONCE = 20
"""Documents of a batch: each may have 16 MB."""
CHUNKS_AT_ONCE = 8
LONGEST_REASON = 300
DRIVERS_OWN = (" (configured timeouts", ", Timeout:")
"""Where the driver's messages begin to describe its settings and the whole topology."""
LOOK_MS = 1000
MECHANISM = "authmechanism"
MECHANISMS = frozenset({"scram-sha-1", "scram-sha-256"})
TYPED_OPTIONS = frozenset(
    {
        MECHANISM,
        "appname",
        "connecttimeoutms",
        "authsource",
        "directconnection",
        "journal",
        "readpreference",
        "replicaset",
        "retryreads",
        "retrywrites",
        "serverselectiontimeoutms",
        "ssl",
        "tls",
        "w",
    }
)
"""The connection options allowed in an address from a page."""
MOST_CHANGES = 1000
"""Changes returned together; the next call returns the others."""
READABLE: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    # a single text with invalid UTF-8 must not abort a pass
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


class BadSource(Invalid):
    """The address of the earlier application's database is invalid."""

    message = "That is not a valid database address: {reason}."
    hint = "Write mongodb://HOST:PORT/NAME, with the name of the earlier application's database."

    def __init__(self, reason: str) -> None:
        super().__init__(words={"reason": reason.rstrip(".")})


class CannotFollow(Conflict):
    """The earlier application's database does not report its changes."""

    message = "The earlier application's database does not report changes: {reason}."
    hint = "Only a replica set reports them. Run this without --follow, as often as needed."

    def __init__(self, error: PyMongoError) -> None:
        super().__init__(words={"reason": _reason(error)})


class SourceAway(Unavailable):
    """The earlier application's database does not answer, or denies access."""

    message = "The earlier application's database is not responding: {reason}."
    hint = "Check the address and that its user can read that database, then run it again."

    def __init__(self, error: PyMongoError) -> None:
        super().__init__(words={"reason": _reason(error)})


def _reason(error: PyMongoError) -> str:
    """Return the server's message; the driver's may contain the whole topology."""
    details = error.details if isinstance(error, OperationFailure) else None
    said = str((details or {}).get("errmsg") or error)
    for beginning in DRIVERS_OWN:
        said = said.partition(beginning)[0]
    return said[:LONGEST_REASON].rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One document: `handle` reads it again, `key` is its id as a text."""

    handle: bytes
    key: str
    fields: Document


def shown(uri: str) -> str:
    """Return hosts and database of an address for `EarlierDatabase`, without its user."""
    return uri.partition("://")[2].rpartition("@")[2].partition("?")[0]


def check_typed(uri: str) -> None:
    """Raise `BadSource` unless an address may come from a page.

    It must not name a file or a socket of this machine, or use the machine's cloud identity.
    """
    authority, _, rest = uri.partition("://")[2].partition("/")
    if "%2f" in authority.rpartition("@")[2].lower():
        raise BadSource("a socket is named on the command line only")
    for each in re.split("[&;]", rest.partition("?")[2]):
        name, _, value = each.lower().partition("=")
        if name and (name not in TYPED_OPTIONS or (name == MECHANISM and value not in MECHANISMS)):
            raise BadSource(f"the option {name[:40]} is for the command line only")


class EarlierDatabase:
    """One database of another application. Every method may raise `SourceAway`."""

    def __init__(self, uri: str) -> None:
        """Do not connect yet; raise `BadSource` if `uri` names no database."""
        try:
            self._client: MongoClient[Document] = MongoClient(
                uri,
                connect=False,
                appname="avenue-adopt",
                readPreference="secondaryPreferred",
                serverSelectionTimeoutMS=SELECTION_MS,
                socketTimeoutMS=SOCKET_MS,
                retryReads=True,
            )
            database = self._client.get_default_database()
        except (ConfigurationError, InvalidURI, ValueError, TypeError) as error:
            raise BadSource(str(error).split(":", maxsplit=1)[0] + ".") from None
        self.name = database.name
        self._raw = database.with_options(codec_options=READABLE)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def is_same_as(self, uri: str) -> bool:
        """Return whether `uri` is this very database, whatever the name of its server."""
        with MongoClient[Document](uri, serverSelectionTimeoutMS=SELECTION_MS) as other, _said():
            if other.get_default_database("avenue").name != self.name:
                return False
            return bool(set(self._client.admin.command("hello").get("hosts", ()))) and (
                self._client.admin.command("hello").get("hosts")
                == other.admin.command("hello").get("hosts")
            )

    def collections(self) -> dict[str, int]:
        """Return the collections, without views, with their approximate numbers of documents."""
        with _said():
            names = self._raw.list_collection_names(filter={"type": "collection"})
            return {
                name: self._raw[name].estimated_document_count()
                for name in sorted(names)
                if not name.startswith("system.")
            }

    def records(self, collection: str, only: Sequence[str] | None = None) -> Iterator[Record]:
        """Yield all documents in the order of ids, with `only` these fields if given."""
        fields = dict.fromkeys(only, 1) if only else None
        with _said():
            cursor = self._raw[collection].find(
                {}, fields, sort=[("_id", 1)], batch_size=READ_AT_ONCE if not only else 0
            )
            for document in cursor:
                yield _record(document)

    def samples(self, collection: str, count: int) -> list[Record]:
        """Return the first documents."""
        with _said():
            found = self._raw[collection].find({}, sort=[("_id", 1)], limit=count)
            return [_record(each) for each in found]

    def get(self, collection: str, handle: bytes) -> Record | None:
        """Return one document in its current state, or None."""
        with _said():
            found = self._raw[collection].find_one(_query(handle))
        return _record(found) if found else None

    @contextmanager
    def changes(self) -> Iterator["Changes"]:
        """Open a stream of changes from now on; raise `CannotFollow`."""
        try:
            # Only the place and time of a change are needed; the record is read again.
            wanted = {"$project": {"ns": 1, "clusterTime": 1}}
            stream = self._raw.watch([wanted], max_await_time_ms=LOOK_MS)
        except OperationFailure as error:
            raise CannotFollow(error) from error
        except PyMongoError as error:
            raise SourceAway(error) from error
        with stream:
            yield Changes(stream)

    def chunks(self, bucket: str, handle: bytes, length: int) -> Iterator[bytes]:
        """Yield the bytes of a GridFS file; raise `ValueError` if they are not `length`."""
        wanted, arrived = {"files_id": _query(handle)["_id"]}, 0
        with _said():
            cursor = self._raw[f"{bucket}.chunks"].find(
                wanted, {"n": 1, "data": 1}, sort=[("n", 1)], batch_size=CHUNKS_AT_ONCE
            )
            for number, chunk in enumerate(cursor):
                data = chunk.get("data")
                if chunk.get("n") != number or not isinstance(data, bytes):
                    raise ValueError("a chunk is missing")
                arrived += len(data)
                yield bytes(data)
        if arrived != length:
            raise ValueError("a chunk is missing")


class Changes:
    """The times of changes in a database since it was opened."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def taken(self) -> list[datetime]:
        """Return the time of each change since the last call; waits a second for the first."""
        found: list[datetime] = []
        with _said():
            while len(found) < MOST_CHANGES and (change := self._stream.try_next()) is not None:
                found.append(change["clusterTime"].as_datetime())
        return found


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except (PyMongoError, BSONError) as error:
        known = error if isinstance(error, PyMongoError) else PyMongoError(str(error))
        raise SourceAway(known) from error


def _record(document: Document) -> Record:
    own_id = document.get("_id")
    return Record(
        handle=bson.encode({"_id": own_id}),
        key=str(_plain(own_id)),
        fields={name: _plain(value) for name, value in document.items()},
    )


def _query(handle: bytes) -> Document:
    found = bson.decode(handle, READABLE)
    return {"_id": {"$eq": found["_id"]}} if isinstance(found["_id"], dict) else found


def _plain(value: Any) -> Any:
    """Return a stored value without BSON types, or as text."""
    for types, reader in _READERS:
        if isinstance(value, types):
            return reader(value)
    return str(value)


def _binary(value: Binary) -> Any:
    """Return binary as bytes, and a UUID as text."""
    is_uuid = value.subtype in UUID_SUBTYPES and len(value) == UUID_BYTES
    return str(uuid.UUID(bytes=bytes(value))) if is_uuid else bytes(value)


UUID_SUBTYPES = (3, 4)
UUID_BYTES = 16
_READERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((str, bool, float, datetime, Decimal, type(None)), lambda value: value),
    (int, int),
    (Decimal128, Decimal128.to_decimal),
    (Binary, _binary),
    (bytes, bytes),
    (dict, lambda value: {str(name): _plain(each) for name, each in value.items()}),
    (list, lambda value: [_plain(each) for each in value]),
    (DBRef, lambda value: _plain(value.id)),
    (DatetimeMS, lambda _: None),  # a time outside of the calendar
)
