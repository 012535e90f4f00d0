"""The outboxes in MongoDB: `notifications` of sites, `house_notifications` of the deployment.

A message is written in the transaction of the change it is about, so neither exists without the
other. It is sent from the cluster it is on. Every step is one conditional write.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from avenue.identity import is_id, new_id
from avenue.notifications.models import Channel, Draft, Mail, Message, Sent, State, Undelivered
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import SiteRecords, deployment, of_its_site

OUTBOX = "notifications"
DEPLOYMENT_OUTBOX = "house_notifications"
"""The outbox of the deployment, whichever site a message is about."""
GIVE_UP_DAYS = 3
"""The new lifetime of a given-up message that is sent again."""
KEEP_ENDED_DAYS = 7
KEEP_MAILS_DAYS = 90
"""In the register: invitations are asked about long after they were sent."""
KEEP_GIVEN_UP_DAYS = 30
AT_ONCE = 500
IS_MAIL = {"$eq": ["$channel", Channel.MAIL.value]}
NEWEST_FIRST = [("created_at", -1), ("_id", -1)]


def put(outbox: Collection, site_id: str, draft: Draft) -> None:
    """Write a message to `outbox`, inside its transaction; repeatable by its id.

    Raise `AlreadyThere` if one with its key waits.
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


class OutboxStore(SiteRecords):
    """The messages of every site.

    Only `due_at` says when a message may be taken: the time of its next attempt, or the end of an
    attempt whose process was killed.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._receivers = deployment(database).collection("notification_receivers")

    def put(self, site_id: str, draft: Draft) -> None:
        """Write a message outside a transaction, unless one with its key waits already."""
        with suppress(AlreadyThere):
            put(self._records(site_id, OUTBOX), site_id, draft)

    def put_of_deployment(self, draft: Draft) -> None:
        """Do the same in the deployment's outbox."""
        with suppress(AlreadyThere):
            put(self._of_deployment(), draft.site, draft)

    def _of_deployment(self) -> Collection:
        return deployment(self._database).collection(DEPLOYMENT_OUTBOX)

    def _all(self) -> list[Collection]:
        """Return the reachable outboxes: the deployment's, and the sites' of each cluster."""
        clusters = clusters_at_hand(self._database)
        return [self._of_deployment(), *(deployment(each).collection(OUTBOX) for each in clusters)]

    def take(self, receiver: str, lease_seconds: float, most: int = 1) -> list[Message]:
        """Return the message that has been due longest, leased to the caller; none if none is due.

        Further ones of the same site are taken with it, `most` in total, and the same ones at
        another attempt.
        """
        turn = new_id()
        taken = {
            "attempts": {"$add": [{"$cond": [{"$isNumber": "$attempts"}, "$attempts", 0]}, 1]},
            "turn": turn,
            "due_at": _after(lease_seconds),
        }

        def take(unreadable: list[object]) -> tuple[Collection, Document] | None:
            first = {"batch": {"$ifNull": ["$batch", turn]}}
            while found := self._due_longest(_due(receiver), unreadable):
                outbox, message_id = found
                change = [{"$set": {**taken, **first}}]
                if one := outbox.find_and_update({**_due(receiver), "_id": message_id}, change):
                    return outbox, one
            return None

        found = passing_over(take)
        if found is None:
            return []
        outbox, first = found
        if most == 1:
            return [_message(outbox, first)]
        return _with_others(outbox, first, {**taken, "batch": first["batch"]}, most)

    def _due_longest(
        self, due: Document, unreadable: list[object]
    ) -> tuple[Collection, object] | None:
        """Return a message of those that are `due`, and its outbox."""
        readable = {**due, "_id": {"$nin": unreadable}}
        oldest: tuple[Collection, Document] | None = None
        for outbox in self._all():
            for each in outbox.find(
                readable, {"site": 1, "due_at": 1}, sort=[("due_at", 1)], limit=1
            ):
                if oldest is None or _is_before(each["due_at"], oldest[1]["due_at"]):
                    oldest = outbox, each
        if oldest is None:
            return None
        outbox, found = oldest
        is_of_deployment = outbox.name == DEPLOYMENT_OUTBOX
        return (outbox if is_of_deployment else of_its_site(outbox, found)), found["_id"]

    def delivered(self, messages: Sequence[Message]) -> None:
        """Store that the receiver has accepted messages, even if another process sends them."""
        done = {**_ended(State.DELIVERED), "delivered_at": "$$NOW", "error": "$$REMOVE"}
        unless_done: Document = {"state": {"$ne": State.DELIVERED.value}}
        self._change(messages, lambda _: unless_done, done)

    def dropped(self, messages: Sequence[Message], reason: str | None) -> None:
        """Store that messages need not be sent."""
        dropped = {**_ended(State.DROPPED), "error": {"$literal": reason}}
        self._change(messages, _is_ours, dropped)

    def postpone(self, messages: Sequence[Message], error: str, delay_seconds: float) -> None:
        """Postpone messages, or give them up if they have expired."""
        is_over = {"$lte": ["$give_up_at", "$$NOW"]}
        waiting = {
            "error": error,
            "due_at": _after(delay_seconds),
            "state": {"$cond": [is_over, State.GIVEN_UP.value, State.PENDING.value]},
            "forget_at": {"$cond": [is_over, _after_days(KEEP_GIVEN_UP_DAYS), "$$REMOVE"]},
            "open_key": {"$cond": [is_over, "$$REMOVE", "$open_key"]},
        }
        self._change(messages, _is_ours, waiting)

    def failed(self, receiver: str, reason: str) -> None:
        """Store that a receiver did not accept a message."""
        change = {"$inc": {"failures": 1}, "$set": {"error": reason}}
        self._receivers.update({"_id": receiver}, change, upsert=True)

    def succeeded(self, receiver: str) -> None:
        """Store that a receiver accepted one; repeatable, and writes nothing without failures."""
        change = {"$set": {"failures": 0, "error": None}}
        self._receivers.update({"_id": receiver, "failures": {"$gt": 0}}, change)

    def failures_in_a_row(self) -> dict[str, int]:
        """Return how many messages in a row each receiver did not accept."""
        return dict(self._receivers.values(lambda each: (each["_id"], each["failures"]), {}))

    def count_since(self, receiver: str, time: timedelta) -> int:
        """Return how many messages a receiver accepted in that time, a week at most."""
        since = {"$subtract": ["$$NOW", int(time.total_seconds() * 1000)]}
        taken: Document = {"receiver": receiver, "state": State.DELIVERED.value}
        taken |= {"delivered_at": {"$type": "date"}, "$expr": {"$gt": ["$delivered_at", since]}}
        return sum(each.count(taken) for each in self._all())

    def mails(self, site_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Mail]:
        """Return emails of a site, newest first, from behind `after` on.

        Those about alerts are in the deployment's outbox.
        """
        wanted: Document = {"site": site_id, "channel": Channel.MAIL.value}
        if after:
            wanted |= _behind(*after)
        found = [
            mail
            for each in self._outboxes_of(site_id)
            for mail in each.values(_mail, wanted, sort=NEWEST_FIRST, limit=limit)
        ]
        return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)[:limit]

    def _outboxes_of(self, site_id: str) -> list[Collection]:
        return [self._records(site_id, OUTBOX), self._of_deployment()]

    def sent_of_deployment(self, sites: Iterable[str], limit: int) -> list[Sent]:
        """Return messages of the deployment to receivers of these sites, newest first."""
        wanted = {"site": {"$in": sorted(sites)}}
        return self._of_deployment().values(_sent, wanted, sort=NEWEST_FIRST, limit=limit)

    def waited_for(self, beginnings: Iterable[str], most: int) -> list[str]:
        """Return receivers with these prefixes for which a message of the deployment is due."""
        some = "|".join(map(re.escape, beginnings))
        due = {**_due(""), "receiver": {"$regex": f"^({some})"}}
        stages: list[Document] = [
            {"$match": due},
            {"$group": {"_id": "$receiver", "due_at": {"$min": "$due_at"}}},
            {"$sort": {"due_at": 1, "_id": 1}},
            {"$limit": most},
        ]
        return [each["_id"] for each in self._of_deployment().aggregate(stages)]

    def undelivered(self, receiver: str, site_id: str | None = None) -> Undelivered:
        """Count unaccepted messages, of one site or of all."""
        outboxes = self._outboxes_of(site_id) if site_id else self._all()
        wanted = {"receiver": receiver, **({"site": site_id} if site_id else {})}
        waiting, given_up = (
            sum(each.count({**wanted, "state": state.value}) for each in outboxes)
            for state in (State.PENDING, State.GIVEN_UP)
        )
        return Undelivered(waiting=waiting, given_up=given_up)

    def revive(self, receiver: str) -> int:
        """Send all given-up messages of a receiver again; return their number."""
        again = {
            "state": State.PENDING.value,
            "attempts": 0,
            "due_at": "$$NOW",
            "give_up_at": _after_days(GIVE_UP_DAYS),
            "forget_at": "$$REMOVE",
        }
        given_up = {"receiver": receiver, "state": State.GIVEN_UP.value}
        revived = 0
        for outbox in self._all():
            while found := outbox.find(given_up, {"site": 1}, limit=AT_ONCE):
                changes = [({**given_up, **each}, [{"$set": again}]) for each in found]
                revived += outbox.update_all(changes)
        return revived

    def _change(
        self,
        messages: Sequence[Message],
        condition: Callable[[Message], Document],
        change: Document,
    ) -> None:
        """Change those messages that match the `condition`, each in its outbox."""
        by_outbox: defaultdict[str | None, list[Message]] = defaultdict(list)
        for each in messages:
            by_outbox[None if each.is_of_deployment else each.site].append(each)
        for site_id, some in by_outbox.items():
            outbox = self._of_deployment() if site_id is None else self._records(site_id, OUTBOX)
            outbox.update_all(
                [({"_id": each.id, **condition(each)}, [{"$set": change}]) for each in some]
            )


def _is_ours(message: Message) -> Document:
    return {"state": State.PENDING.value, "turn": message.turn}


def _due(receiver: str) -> Document:
    return {
        "receiver": receiver,
        "state": State.PENDING.value,
        "$expr": {"$lte": ["$due_at", "$$NOW"]},
    }


def _is_before(one: object, other: object) -> bool:
    """Return whether one time is before another; other values come first, as in MongoDB's order."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one < other
    return not isinstance(one, datetime)


def _with_others(outbox: Collection, first: Document, taken: Document, most: int) -> list[Message]:
    """Take the messages to send with `first`: those of the last attempt, else new ones."""
    others = {**_due(first["receiver"]), "site": first["site"], "attempts": 0}
    if first["attempts"] > 1:
        others = {"receiver": first["receiver"], "state": State.PENDING.value}
        others |= {"batch": first["batch"], "_id": {"$ne": first["_id"]}}
    found = outbox.find(others, {"_id": 1}, sort=[("due_at", 1)], limit=most - 1)
    if found:
        ids = [{"_id": each["_id"], "state": State.PENDING.value} for each in found]
        outbox.update_all([(each, [{"$set": taken}]) for each in ids])
    those = {"_id": {"$in": [each["_id"] for each in found]}, "turn": first["turn"]}
    messages = [_message(outbox, first), *outbox.values(partial(_message, outbox), those)]
    return sorted(messages, key=lambda each: (each.at, each.id))


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
    entry = _entry(document)
    to, is_over = document["to"] or "", entry["state"] is not State.PENDING
    entry["to"] = to if is_id(to) else None
    return Mail(**entry, next_try_at=None if is_over else document["due_at"])


def _sent(document: Document) -> Sent:
    return Sent(
        **_entry(document),
        channel=Channel(document["channel"]),
        receiver=document["receiver"],
        about=document["about"],
    )


def _entry(document: Document) -> dict[str, Any]:
    """Return the fields of `Entry` of a message."""
    return {
        "id": document["_id"],
        **{name: document[name] for name in ("kind", "to", "attempts", "created_at")},
        "state": State(document["state"]),
        "error": document.get("error"),
        "delivered_at": document.get("delivered_at"),
    }


def _message(outbox: Collection, document: Document) -> Message:
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
        is_of_deployment=outbox.name == DEPLOYMENT_OUTBOX,
    )
