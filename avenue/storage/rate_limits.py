"""Counts how often something was done recently, for all instances together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError

from avenue.errors import Unavailable
from avenue.sealing import Sealing
from avenue.storage.connection import Database, Document, unavailable
from avenue.storage.scope import deployment

WINDOW_SECONDS = 60
COUNTED = "emails and addresses in keys"
"""The purpose of the `Sealing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The current window of a key: its number of tries, and the seconds until it ends.

    The seconds are whole and at least one.
    """

    tries: int
    seconds_left: int


class RateLimits:
    """Counts in windows that begin with the first try, by the server's clock."""

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database = database
        self._counters = deployment(database).quick_collection("rate_limits")
        self._sealing = sealing

    def mark(self, text: str) -> str:
        """Return a keyed hash of a part of a key that must not be readable."""
        return self._sealing.mark(text)

    def count(
        self,
        key: str,
        *,
        within_seconds: float | None = None,
        window_seconds: int = WINDOW_SECONDS,
    ) -> Window:
        """Count one try of `key` in one round trip, and return its window.

        A new window is `window_seconds` long.

        Raise `Unavailable` if that fails, or takes longer than `within_seconds`, if given; the try
        may have been counted all the same.
        """
        seconds = self._database.write_seconds if within_seconds is None else within_seconds
        with self._database.deadline(seconds):
            try:
                counter = self._counters.find_and_update(
                    {"_id": key}, [_count(window_seconds)], upsert=True
                )
            except PyMongoError as error:  # no space to write, or no permission
                raise unavailable(error) from error
        if counter is None:
            raise Unavailable
        return Window(tries=counter["count"], seconds_left=_seconds_left(counter))

    def running(self, keys: Sequence[str]) -> list[Window]:
        """Return the current windows of `keys`; nothing is counted."""
        running: list[Document] = [
            {"$match": {"_id": {"$in": [*keys]}, "$expr": _IS_RUNNING}},
            {"$set": {"at": "$$NOW"}},
        ]
        return [
            Window(tries=each["count"], seconds_left=_seconds_left(each))
            for each in self._counters.aggregate(running)
        ]

    def hit(self, key: str, limit: int) -> int:
        """Count one try of `key`; return 0 if it is within `limit`, else the seconds to wait."""
        window = self.count(key)
        return window.seconds_left if window.tries > limit else 0


_IS_RUNNING = {
    "$and": [{"$isNumber": "$count"}, {"$gt": ["$resets_at", "$$NOW"]}],
}


def _count(window_seconds: int) -> Document:
    ends = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": window_seconds}}
    return {
        "$set": {
            "count": {"$cond": [_IS_RUNNING, {"$add": ["$count", 1]}, 1]},
            "resets_at": {"$cond": [_IS_RUNNING, "$resets_at", ends]},
            "at": "$$NOW",
        }
    }


def _seconds_left(counter: Document) -> int:
    resets_at: datetime = counter["resets_at"]
    left: timedelta = resets_at - counter["at"]
    return max(1, -(-int(left.total_seconds() * 1000) // 1000))
