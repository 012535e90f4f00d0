"""Leases: exclusive tasks. A lease that is not extended ends by itself.

Times are the server's.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from avenue.errors import AvenueError
from avenue.identity import new_id
from avenue.storage.connection import Database, Document
from avenue.storage.gridfs import IS_HELD, LEASES
from avenue.storage.scope import deployment

LEASE_SECONDS = 30.0
BEATS_PER_LEASE = 3
LOOK_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease held by someone: `what` they do, since when, and until when unless extended."""

    what: str
    since: datetime
    until: datetime


class Lost(Exception):
    """The lease is held by someone else by now."""


class Lease:
    """A lease that is ours until the end of the `with` block."""

    def __init__(self) -> None:
        self._lost = threading.Event()

    def check(self) -> None:
        """Raise `Lost` if it is no longer ours."""
        if self._lost.is_set():
            raise Lost

    def lose(self) -> None:
        """Note that it is lost."""
        self._lost.set()


class Leases:
    """The `leases` collection."""

    def __init__(self, database: Database, *, seconds: float = LEASE_SECONDS) -> None:
        self._leases = deployment(database).collection(LEASES)
        self.seconds = seconds

    def holder(self, name: str) -> Held | None:
        """Return the holder of a valid lease, or None."""
        return self._leases.value(_held, {"_id": name, **IS_HELD})

    @contextlib.contextmanager
    def taken(self, name: str, what: str, *, waits: bool = False) -> Iterator[Lease | Held]:
        """Give a lease, extended until the end of the `with` block; or its holder, if it is taken.

        With `waits`, only a holder that is seen to extend it counts: one that was killed does not.
        """
        holder = new_id()
        other = first = self._take(name, what, holder)
        while waits and other and first and other.until == first.until:
            time.sleep(LOOK_SECONDS)
            other = self._take(name, what, holder)
        if other:
            yield other
            return
        lease, over = Lease(), threading.Event()
        heart = threading.Thread(
            target=self._beat, args=(name, holder, lease, over), name=f"lease-{name}", daemon=True
        )
        heart.start()
        try:
            yield lease
        finally:
            over.set()
            heart.join()
            self._leases.delete({"_id": name, "holder": holder})

    def _take(self, name: str, what: str, holder: str) -> Held | None:
        """Take a lease that is free or over; otherwise return its holder."""
        is_free = {"$or": [_IS_OVER, {"$eq": ["$holder", holder]}]}
        fresh = {
            "_id": name,
            "holder": holder,
            "what": what,
            "since": "$$NOW",
            "until": self._end(),
        }
        found = self._leases.find_and_update(
            {"_id": name},
            [{"$replaceWith": {"$cond": [is_free, fresh, "$$ROOT"]}}],
            upsert=True,
        )
        if found is None or found["holder"] == holder:
            return None
        return _held(found)

    def _beat(self, name: str, holder: str, lease: Lease, over: threading.Event) -> None:
        while not over.wait(self.seconds / BEATS_PER_LEASE):
            try:
                ours = self._leases.update(
                    {"_id": name, "holder": holder, **IS_HELD}, [{"$set": {"until": self._end()}}]
                )
            except AvenueError as error:  # the next renewal may come in time, or finds it lost
                log.warning("The lease %s has no heartbeat: %s", name, error.message)
                continue
            if not ours:  # even if no one else has it: it was over for a while
                lease.lose()
                return

    def _end(self) -> Document:
        return {"$add": ["$$NOW", int(self.seconds * 1000)]}


_IS_OVER = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}


def _held(found: Document) -> Held:
    return Held(what=found["what"], since=found["since"], until=found["until"])
