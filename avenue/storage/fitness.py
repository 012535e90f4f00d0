"""Is the database fit to be served from? For `/readyz`, which anybody may ask at any rate."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pymongo.errors import OperationFailure

from avenue.errors import AvenueError
from avenue.storage.connection import Database, unavailable_when_away
from avenue.storage.indexes import missing_indexes
from avenue.storage.schema import NotMigrated, Standing, look
from avenue.storage.status import DeploymentStatus, Oplog

BELIEVED_SECONDS = 30.0
"""How long all being well is believed: looking at every index takes some forty round trips."""
REMEMBERED_SECONDS = 2.0
"""How long something being wrong is, so that who asks all the time does not make it worse."""
LEAST_OPLOG_HOURS = 1.0
"""Less, and a member that is restarted, or a node that is replaced, may not catch up any more."""
UNAUTHORIZED = 13


class Verdict(StrEnum):
    """What a check has found; `unknown`: it could not look, which is no fault."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; `detail` says in words what is wrong with it, or why unknown.

    `name` is `primary`, `schema`, `indexes` or `oplog`.
    """

    name: str
    verdict: Verdict
    detail: str | None = None


class Fitness:
    """Looks whether primary, schema, indexes and oplog are as they must be.

    The primary is reached every time. The rest is believed for `BELIEVED_SECONDS`, or
    `REMEMBERED_SECONDS` when something is wrong, and one thread looks for all that ask meanwhile.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._looking = threading.Lock()
        self._known: tuple[Check, ...] = ()
        self._good_until = float("-inf")

    def __call__(self) -> tuple[Check, ...]:
        """Return what was found, in the order it was looked at; what depends on a fault is unknown.

        Takes no longer than reaching the primary (a second), or a read when it must look.
        """
        primary = _checked("primary", self._ping)
        if primary.verdict is not Verdict.OK:
            return (primary, *_not_looked_at("schema", "indexes", "oplog"))
        with self._looking:
            if self._now() >= self._good_until:
                self._known = tuple(self._look())
                is_well = all(each.verdict is not Verdict.FAILED for each in self._known)
                seconds = BELIEVED_SECONDS if is_well else REMEMBERED_SECONDS
                self._good_until = self._now() + seconds
            return (primary, *self._known)

    def _look(self) -> Iterator[Check]:
        with self._database.deadline(self._database.read_seconds):
            schema = _checked("schema", self._schema)
            yield schema
            if schema.verdict is Verdict.OK:
                yield _checked("indexes", self._indexes)
                yield _checked("oplog", self._oplog)
            else:
                yield from _not_looked_at("indexes", "oplog")

    def _ping(self) -> Check:
        self._database.ping()
        return Check(name="primary", verdict=Verdict.OK)

    def _schema(self) -> Check:
        if look(self._database) is not Standing.READY:
            raise NotMigrated
        return Check(name="schema", verdict=Verdict.OK)

    def _indexes(self) -> Check:
        missing = missing_indexes(self._database)
        if not missing:
            return Check(name="indexes", verdict=Verdict.OK)
        words = ", ".join(f"index {name} is missing" for name in missing)
        return Check(name="indexes", verdict=Verdict.FAILED, detail=words)

    def _oplog(self) -> Check:
        return judged(DeploymentStatus(self._database).oplog())


def judged(oplog: Oplog | None) -> Check:
    """Return what is to be said of an oplog; None is one that the database does not tell of."""
    if oplog is None:
        return _unknown("oplog", "The database does not tell of its oplog.")
    if oplog.hours >= LEAST_OPLOG_HOURS or oplog.data_members == 1:
        return Check(name="oplog", verdict=Verdict.OK)
    if oplog.full_percent is None:
        return _unknown("oplog", "The database does not tell how full its oplog is.")
    if oplog.is_filling:
        return Check(name="oplog", verdict=Verdict.OK)
    words = (
        f"The oplog reaches back {oplog.hours * 60:.0f} minutes only; a member that is away for "
        "longer cannot catch up. Make it larger."
    )
    return Check(name="oplog", verdict=Verdict.FAILED, detail=words)


def _checked(name: str, check: Callable[[], Check]) -> Check:
    """Return what `check` says, or what its failing does; a right that we lack is no fault."""
    try:
        with unavailable_when_away():
            return check()
    except AvenueError as error:
        return Check(name=name, verdict=Verdict.FAILED, detail=error.message)
    except OperationFailure as error:
        if error.code == UNAUTHORIZED:
            return _unknown(name, "The database does not let us look.")
        words = f"The database refused to be looked at (code {error.code})."
        return Check(name=name, verdict=Verdict.FAILED, detail=words)


def _unknown(name: str, why: str) -> Check:
    return Check(name=name, verdict=Verdict.UNKNOWN, detail=why)


def _not_looked_at(*names: str) -> tuple[Check, ...]:
    return tuple(_unknown(name, "Not looked at.") for name in names)
