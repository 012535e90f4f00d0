"""What of MongoDB can be amiss: indexes, oplog, write concerns. What it may not tell is None."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pymongo.errors import OperationFailure, PyMongoError

from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.storage.connection import Database, Document, is_passing, unavailable_when_away
from avenue.storage.indexes import INDEXES, Index
from avenue.storage.schema import META, OUR_COLLECTIONS, Standing, look
from avenue.storage.status import DeploymentStatus

T = TypeVar("T")
PRIMARY_KEY = "_id_"


class UnreadableAddress(Unavailable):
    """The address of the database cannot be used."""

    message = "MONGODB_URI cannot be used: its form is wrong, or its name is not known."
    hint = "Compare it with mongodb+srv://user:password@cluster.example/avenue."


class DatabaseRefuses(Unavailable):
    """The database answers, and does not let us in or lacks a privilege for us."""

    message = "MongoDB refuses what Avenue asks of it."
    hint = "Look at user, password and roles: 18 is a wrong password, 13 a missing privilege."

    def __init__(self, *, code: int | None) -> None:
        super().__init__(mongodb_code=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIndex:
    """An index there is. `uses` counts what it answered `since`; both None where untold."""

    collection: str
    name: str
    is_unique: bool
    ttl_seconds: int | None
    uses: int | None
    since: datetime | None

    @property
    def place(self) -> str:
        """Where it is, in words of `mongosh`."""
        return f"{self.collection}.{self.name}"


class Diagnosis(DeploymentStatus):
    """Asks MongoDB what could be wrong with it; `Unavailable` when it is away."""

    def standing(self) -> Standing:
        """Return how the database stands; raise what `look` raises, or `DatabaseRefuses`."""
        with unless_refused():
            return look(self._database)

    def own_write_concern(self) -> Mapping[str, Any]:
        """Return what our connection asks of every write, whatever the URI says."""
        return dict(self._database.client.write_concern.document)

    def default_write_concern(self) -> Mapping[str, Any] | None:
        """Return what the cluster asks of writers that say nothing."""
        told = self._told("getDefaultRWConcern")
        found = (told or {}).get("defaultWriteConcern")
        return dict(found) if found else None

    def clock_ahead_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the primary's."""
        return self._database.clock_skew().total_seconds()

    def arbiters(self) -> tuple[str, ...]:
        """Return the members that only vote."""
        return tuple((self._told("hello") or {}).get("arbiters", ()))

    def indexes(self) -> list[KnownIndex]:
        """Return the indexes of our collections, those of `_id` left out."""
        raw, found = self._database.raw, []
        there = set(self._repeated(raw.list_collection_names))
        for name in sorted(there & (OUR_COLLECTIONS | {META})):
            uses = self._uses(name)
            for index, options in self._repeated(raw[name].index_information).items():
                if index != PRIMARY_KEY:
                    used = (uses or {}).get(index)
                    found.append(_known(name, index, options, used))
        return found

    def _uses(self, collection: str) -> Mapping[str, Document] | None:
        raw = self._database.raw[collection]
        told = self._if_allowed(lambda: list(raw.aggregate([{"$indexStats": {}}])))
        return None if told is None else {each["name"]: each["accesses"] for each in told}

    def _repeated(self, ask: Callable[[], T]) -> T:
        with unless_refused(), unavailable_when_away():
            return self._database.repeat(ask, self._database.read_seconds)


def differing(known: Sequence[KnownIndex]) -> list[Index]:
    """Return the indexes of our list that are there by name, and other than they should be."""
    there = {each.place: each for each in known}
    return [
        each
        for each in INDEXES
        if (found := there.get(f"{each.collection}.{each.name}"))
        and (found.is_unique, found.ttl_seconds)
        != (bool(each.options.get("unique")), each.options.get("expireAfterSeconds"))
    ]


@contextmanager
def unless_refused() -> Iterator[None]:
    """Turn a refusal of the server inside into `DatabaseRefuses`."""
    try:
        yield
    except OperationFailure as error:
        if is_passing(error):
            raise
        raise DatabaseRefuses(code=error.code) from error


def connected(settings: Settings) -> Database:
    """Return the database; raise `UnreadableAddress` when its address can be none."""
    try:
        return Database(settings)
    except (PyMongoError, ValueError) as error:
        raise UnreadableAddress from error


def _known(
    collection: str, name: str, options: Mapping[str, Any], used: Mapping[str, Any] | None
) -> KnownIndex:
    seconds = options.get("expireAfterSeconds")
    return KnownIndex(
        collection=collection,
        name=name,
        is_unique=bool(options.get("unique")),
        ttl_seconds=None if seconds is None else int(seconds),
        uses=int(used["ops"]) if used else None,
        since=used["since"] if used else None,
    )
