"""Events of files, in MongoDB, while they are told. Every step is one conditional write."""

from avenue.identity import new_id
from avenue.media.announcing.models import Kind
from avenue.media.announcing.store import EVENTS, GIVE_UP_DAYS, PENDING
from avenue.media.outbox.models import Event, Undelivered
from avenue.media.store import from_document
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import house

DELIVERED, GIVEN_UP = "delivered", "given_up"
KEEP_DELIVERED_DAYS = 7
KEEP_GIVEN_UP_DAYS = 30
AT_ONCE = 500


class OutboxStore:
    """The events of every site.

    `due_at` alone says when an event may be taken: its next try, or the end of a try whose process
    was killed.
    """

    def __init__(self, database: Database) -> None:
        self._events = house(database).collection(EVENTS)

    def take(self, lease_seconds: float) -> Event | None:
        """Return the event that is due longest, for nobody else to take meanwhile; None if none."""
        due = {"state": PENDING, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
        taken = {
            "attempts": {"$add": [{"$cond": [{"$isNumber": "$attempts"}, "$attempts", 0]}, 1]},
            "turn": new_id(),
            "due_at": _after(lease_seconds),
        }

        def take(amiss: list[object]) -> Event | None:
            readable = {**due, "_id": {"$nin": amiss}}
            found = self._events.find_and_update(readable, [{"$set": taken}], sort=[("due_at", 1)])
            return _event(found) if found else None

        return passing_over(take)

    def delivered(self, event: Event) -> None:
        """Note that the receiver has accepted an event, whoever else sends it just now."""
        done = {
            "state": DELIVERED,
            "delivered_at": "$$NOW",
            "forget_at": _after_days(KEEP_DELIVERED_DAYS),
            "asset": "$$REMOVE",
            "error": "$$REMOVE",
        }
        self._events.update({"_id": event.id, "state": {"$ne": DELIVERED}}, [{"$set": done}])

    def postpone(self, event: Event, error: str, delay_seconds: float) -> None:
        """Let an event be sent again after a while, or give it up when its time is over."""
        is_over = {"$lte": ["$give_up_at", "$$NOW"]}
        waiting = {
            "error": error,
            "due_at": _after(delay_seconds),
            "state": {"$cond": [is_over, GIVEN_UP, PENDING]},
            "forget_at": {"$cond": [is_over, _after_days(KEEP_GIVEN_UP_DAYS), "$$REMOVE"]},
        }
        ours = {"_id": event.id, "state": PENDING, "turn": event.turn}
        self._events.update(ours, [{"$set": waiting}])

    def undelivered(self) -> Undelivered:
        """Count what is not accepted yet."""
        count = self._events.count
        return Undelivered(waiting=count({"state": PENDING}), given_up=count({"state": GIVEN_UP}))

    def revive(self) -> int:
        """Let everything that was given up be sent again from now on; return how many."""
        again = {
            "state": PENDING,
            "attempts": 0,
            "due_at": "$$NOW",
            "give_up_at": _after_days(GIVE_UP_DAYS),
            "forget_at": "$$REMOVE",
        }
        revived = 0
        while found := self._events.find({"state": GIVEN_UP}, {"_id": 1}, limit=AT_ONCE):
            ids = [{"_id": each["_id"], "state": GIVEN_UP} for each in found]
            revived += self._events.update_all([(each, [{"$set": again}]) for each in ids])
        return revived


def _after(seconds: float) -> Document:
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def _after_days(days: int) -> Document:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": days}}


def _event(document: Document) -> Event:
    return Event(
        id=document["_id"],
        kind=Kind(document["kind"]),
        asset=from_document(document["asset"]),
        at=document["created_at"],
        attempts=document["attempts"],
        turn=document["turn"],
    )
