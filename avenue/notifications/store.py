"""The outbox in MongoDB: collection `notifications`. Every step is one conditional write.

A message is written in the transaction of what it tells, so there is none without the other: what
is acknowledged has its message, what is undone has none.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from avenue.identity import new_id
from avenue.notifications.models import TO_PEOPLE, Channel, Draft, Mail, Message, State, Undelivered
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import AlreadyThere, Collection, house

OUTBOX = "notifications"
GIVE_UP_DAYS = 3
"""For what was given up and is to be sent again."""
KEEP_ENDED_DAYS = 7
KEEP_MAILS_DAYS = 90
"""In the register: an invitation is asked for long after it was sent."""
KEEP_GIVEN_UP_DAYS = 30
AT_ONCE = 500
IS_MAIL = {"$eq": ["$channel", Channel.MAIL.value]}
NEWEST_FIRST = [("created_at", -1), ("_id", -1)]


def put(outbox: Collection, site_id: str, draft: Draft) -> None:
    """Write a message into `outbox`, inside the transaction it has; repeatable by its id.

    Raise `AlreadyThere` when one of its key waits.
    """
    document = {
        "_id": draft.id,
        "site": site_id,
        "channel": draft.channel.value,
        "receiver": draft.receiver,
        "kind": draft.kind,
        "about": draft.about,
        "to": draft.to,
        "content": draft.content,
        "state": State.PENDING.value,
        "attempts": 0,
        **({} if draft.key is None else {"open_key": draft.key}),
    }
    times = {
        "created_at": "$$NOW",
        "due_at": _after(draft.wait_seconds),
        "give_up_at": _after_days(draft.give_up_days),
    }
    outbox.insert_at_server_time(document, times)


class OutboxStore:
    """The messages of every site.

    `due_at` alone says when a message may be taken: its next try, or the end of a try whose process
    was killed.
    """

    def __init__(self, database: Database) -> None:
        self._outbox = house(database).collection(OUTBOX)
        self._receivers = house(database).collection("notification_receivers")

    def put(self, site_id: str, draft: Draft) -> None:
        """Write a message that nothing else depends on; one that waits under its key is enough."""
        with suppress(AlreadyThere):
            put(self._outbox, site_id, draft)

    def take(self, receiver: str, lease_seconds: float, most: int = 1) -> list[Message]:
        """Return the message that is due longest, for nobody else to take meanwhile, if any is.

        With it come up to `most` in all of the same site, and the same ones at another try.
        """
        due = {
            "receiver": receiver,
            "state": State.PENDING.value,
            "$expr": {"$lte": ["$due_at", "$$NOW"]},
        }
        turn = new_id()
        taken = {
            "attempts": {"$add": [{"$cond": [{"$isNumber": "$attempts"}, "$attempts", 0]}, 1]},
            "turn": turn,
            "due_at": _after(lease_seconds),
        }

        def take(amiss: list[object]) -> Document | None:
            first = {"batch": {"$ifNull": ["$batch", turn]}}
            readable = {**due, "_id": {"$nin": amiss}}
            return self._outbox.find_and_update(
                readable, [{"$set": {**taken, **first}}], sort=[("due_at", 1)]
            )

        found = passing_over(take)
        if found is None:
            return []
        if most == 1:
            return [_message(found)]
        return self._with_others(found, {**taken, "batch": found["batch"]}, due, most)

    def _with_others(
        self, first: Document, taken: Document, due: Document, most: int
    ) -> list[Message]:
        """Take what is sent together with `first`: what was before, else what is new as it is."""
        others = {**due, "site": first["site"], "attempts": 0}
        if first["attempts"] > 1:
            others = {"receiver": first["receiver"], "state": State.PENDING.value}
            others |= {"batch": first["batch"], "_id": {"$ne": first["_id"]}}
        found = self._outbox.find(others, {"_id": 1}, sort=[("due_at", 1)], limit=most - 1)
        if found:
            ids = [{"_id": each["_id"], "state": State.PENDING.value} for each in found]
            self._outbox.update_all([(each, [{"$set": taken}]) for each in ids])
        those = {"_id": {"$in": [each["_id"] for each in found]}, "turn": first["turn"]}
        messages = [_message(first), *self._outbox.values(_message, those)]
        return sorted(messages, key=lambda each: (each.at, each.id))

    def delivered(self, messages: Sequence[Message]) -> None:
        """Note that the receiver has accepted messages, whoever else sends them just now."""
        done = {**_ended(State.DELIVERED), "delivered_at": "$$NOW", "error": "$$REMOVE"}
        unless_done = {"state": {"$ne": State.DELIVERED.value}}
        self._change([({"_id": each.id, **unless_done}) for each in messages], done)

    def dropped(self, messages: Sequence[Message], reason: str | None) -> None:
        """Note that messages need not be sent."""
        self._change(_ours(messages), {**_ended(State.DROPPED), "error": {"$literal": reason}})

    def postpone(self, messages: Sequence[Message], error: str, delay_seconds: float) -> None:
        """Let messages be sent again after a while, or give them up when their time is over."""
        is_over = {"$lte": ["$give_up_at", "$$NOW"]}
        waiting = {
            "error": error,
            "due_at": _after(delay_seconds),
            "state": {"$cond": [is_over, State.GIVEN_UP.value, State.PENDING.value]},
            "forget_at": {"$cond": [is_over, _after_days(KEEP_GIVEN_UP_DAYS), "$$REMOVE"]},
            "open_key": {"$cond": [is_over, "$$REMOVE", "$open_key"]},
        }
        self._change(_ours(messages), waiting)

    def failed(self, receiver: str, reason: str) -> None:
        """Note that a receiver did not take a message."""
        change = {"$inc": {"failures": 1}, "$set": {"error": reason}}
        self._receivers.update({"_id": receiver}, change, upsert=True)

    def succeeded(self, receiver: str) -> None:
        """Note that a receiver took one; repeatable, and nothing is written where all is well."""
        change = {"$set": {"failures": 0, "error": None}}
        self._receivers.update({"_id": receiver, "failures": {"$gt": 0}}, change)

    def failures_in_a_row(self) -> dict[str, int]:
        """Return how many messages each receiver did not take, one after the other."""
        return dict(self._receivers.values(lambda each: (each["_id"], each["failures"]), {}))

    def count_since(self, receiver: str, time: timedelta) -> int:
        """Count the messages a receiver took in that time, which is a week at most."""
        since = {"$subtract": ["$$NOW", int(time.total_seconds() * 1000)]}
        taken = {"receiver": receiver, "state": State.DELIVERED.value}
        return self._outbox.count(
            {**taken, "delivered_at": {"$type": "date"}, "$expr": {"$gt": ["$delivered_at", since]}}
        )

    def mails(self, site_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Mail]:
        """Return e-mails of a site, the newest first, from behind `after` on."""
        wanted: Document = {"site": site_id, "channel": Channel.MAIL.value}
        if after:
            wanted |= _behind(*after)
        return self._outbox.values(_mail, wanted, sort=NEWEST_FIRST, limit=limit)

    def undelivered(self, receiver: str, site_id: str | None = None) -> Undelivered:
        """Count what is not accepted yet, of one site or of all."""
        of = {"receiver": receiver, **({"site": site_id} if site_id else {})}
        waiting, given_up = (
            self._outbox.count({**of, "state": each.value})
            for each in (State.PENDING, State.GIVEN_UP)
        )
        return Undelivered(waiting=waiting, given_up=given_up)

    def revive(self, receiver: str) -> int:
        """Let everything that was given up be sent again from now on; return how many."""
        again = {
            "state": State.PENDING.value,
            "attempts": 0,
            "due_at": "$$NOW",
            "give_up_at": _after_days(GIVE_UP_DAYS),
            "forget_at": "$$REMOVE",
        }
        given_up = {"receiver": receiver, "state": State.GIVEN_UP.value}
        revived = 0
        while found := self._outbox.find(given_up, {"_id": 1}, limit=AT_ONCE):
            revived += self._change([{**given_up, **each} for each in found], again)
        return revived

    def _change(self, queries: Sequence[Document], change: Document) -> int:
        return self._outbox.update_all([(each, [{"$set": change}]) for each in queries])


def _ours(messages: Sequence[Message]) -> list[Document]:
    pending = State.PENDING.value
    return [{"_id": each.id, "state": pending, "turn": each.turn} for each in messages]


def _ended(state: State) -> Document:
    return {
        "state": state.value,
        "forget_at": {
            "$cond": [IS_MAIL, _after_days(KEEP_MAILS_DAYS), _after_days(KEEP_ENDED_DAYS)]
        },
        "content": "$$REMOVE",
        "open_key": "$$REMOVE",
    }


def _after(seconds: float) -> Document:
    return {"$add": ["$$NOW", int(seconds * 1000)]}


def _after_days(days: int) -> Document:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": days}}


def _behind(created_at: datetime, message_id: str) -> Document:
    same = {"created_at": created_at, "_id": {"$lt": message_id}}
    return {"$or": [{"created_at": {"$lt": created_at}}, same]}


def _mail(document: Document) -> Mail:
    state, kind = State(document["state"]), document["kind"]
    return Mail(
        id=document["_id"],
        kind=kind,
        to=document["to"] if kind.startswith(TO_PEOPLE) else None,
        state=state,
        attempts=document["attempts"],
        error=document.get("error"),
        created_at=document["created_at"],
        delivered_at=document.get("delivered_at"),
        next_try_at=document["due_at"] if state is State.PENDING else None,
    )


def _message(document: Document) -> Message:
    return Message(
        id=document["_id"],
        site=document["site"],
        channel=Channel(document["channel"]),
        kind=document["kind"],
        about=document["about"],
        to=document["to"],
        content=document["content"],
        at=document["created_at"],
        attempts=document["attempts"],
        turn=document["turn"],
    )
