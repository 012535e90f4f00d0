"""Error kinds in MongoDB, one document each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from avenue.health.history.failures.models import (
    MOST_KINDS,
    MOST_REQUESTS,
    Failure,
    FailureState,
    Occurrences,
)
from avenue.storage.connection import Database, Document
from avenue.storage.scope import deployment

ERRORS = "infra_errors"
NEWEST_FIRST = [("last_at", -1), ("_id", -1)]
OF_STATE: dict[FailureState, Document] = {
    FailureState.OPEN: {"resolved_at": None},
    FailureState.RESOLVED: {"resolved_at": {"$ne": None}},
}


class FailureStore:
    """The `infra_errors` collection: the 100 newest kinds, so it needs no index."""

    def __init__(self, database: Database) -> None:
        self._errors = deployment(database).quick_collection(ERRORS)

    def add(self, seen: Occurrences) -> None:
        """Add the occurrences of a kind: newer ones than its resolution open it again.

        Raise `Unavailable`; a caller that then repeats it may have counted them twice.
        """
        ids = {"$cond": [{"$isArray": "$request_ids"}, "$request_ids", []]}
        again = {"$gt": [seen.last_at, {"$ifNull": ["$resolved_at", seen.last_at]}]}
        change: Document = {
            "route": {"$literal": seen.route},
            "exception": {"$literal": seen.exception},
            "status": seen.status,
            "count": {"$add": [{"$cond": [{"$isNumber": "$count"}, "$count", 0]}, seen.count]},
            "first_at": {"$min": ["$first_at", seen.first_at]},
            "last_at": {"$max": ["$last_at", seen.last_at]},
            "request_ids": {
                "$slice": [
                    {"$concatArrays": [ids, {"$literal": [*seen.request_ids]}]},
                    -MOST_REQUESTS,
                ]
            },
            "traceback": {"$literal": seen.traceback},
            **{
                field: {"$cond": [again, None, {"$ifNull": [f"${field}", None]}]}
                for field in ("resolved_at", "resolved_by")
            },
        }
        if not self._errors.update({"_id": seen.id}, [{"$set": change}], upsert=True):
            self._forget_oldest()

    def find(self, state: FailureState | None) -> list[Failure]:
        """Return the error kinds, newest first."""
        wanted = OF_STATE[state] if state else {}
        return self._errors.values(_failure, wanted, sort=NEWEST_FIRST, limit=MOST_KINDS)

    def one(self, failure_id: str) -> Failure | None:
        """Return an error kind, or None."""
        found: Sequence[Failure] = self._errors.values(_failure, {"_id": failure_id}, limit=1)
        return found[0] if found else None

    def resolve(self, failure_id: str, at: datetime, person: str | None) -> None:
        """Store who has resolved it, the first one only; repeatable."""
        self._errors.update(
            {"_id": failure_id, "resolved_at": None},
            {"$set": {"resolved_at": at, "resolved_by": person}},
        )

    def reopen(self, failure_id: str) -> None:
        """Undo the resolution; repeatable."""
        self._errors.update(
            {"_id": failure_id}, {"$set": {"resolved_at": None, "resolved_by": None}}
        )

    def _forget_oldest(self) -> None:
        kept = self._errors.find({}, {"_id": 1}, sort=NEWEST_FIRST, limit=2 * MOST_KINDS)
        beyond: Iterable[Any] = [each["_id"] for each in kept[MOST_KINDS:]]
        if beyond:
            self._errors.delete_all({"_id": {"$in": [*beyond]}})


def _failure(document: Document) -> Failure:
    return Failure(
        id=document["_id"],
        route=document["route"],
        exception=document["exception"],
        status=document["status"],
        count=document["count"],
        first_at=document["first_at"],
        last_at=document["last_at"],
        request_ids=tuple(document["request_ids"]),
        traceback=document["traceback"],
        resolved_at=document["resolved_at"],
        resolved_by=document["resolved_by"],
    )
