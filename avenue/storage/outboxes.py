"""Moves messages from the outboxes before version 6 to `notifications`.

Before version 6 of the database there were five: `webhook_events`, `purges` and `expiry_notice` in
assets, `notices` in alerts, and jobs that were emails. Only the step to version 6 does this: every
release writes `notifications`, so no process that still runs writes to the former ones. A message
keeps its id and leaves its old place only when it is in the new one, so this may be killed and
repeated.
"""

from collections.abc import Callable
from datetime import timedelta

from avenue.clock import iso, utc_now
from avenue.identity import DEFAULT_SITE
from avenue.storage.connection import Database, Document

AT_ONCE = 500
DAY = timedelta(days=1)
UNTOLD = ("words", "listed", "purges", "expiry_notice")
"""The fields of an asset that messages omit: those for its search, and its own notices."""
ALERTED = ("measure", "site", "unit", "opened_at", "acknowledged_at", "acknowledged_by")
LEFT_OF_EVENT = ("asset", "delivered_at", "turn")
Moved = tuple[list[Document], Document | None]
"""The messages of a record, and the change that removes them from it (None: it is deleted)."""


def gather(database: Database) -> None:
    """Move the messages of the former outboxes."""
    _move(database, "webhook_events", {"state": {"$in": ["pending", "given_up"]}}, _of_event)
    database.raw["webhook_events"].delete_many({"state": "delivered"})
    _move(database, "assets", {"purges.0": {"$exists": True}}, _of_purges)
    _move(database, "assets", {"expiry_notice": {"$exists": True}}, _of_expiry)
    _move(database, "infra_alerts", {"notices.0": {"$exists": True}}, _of_alert)
    unfinished = {"state": {"$in": ["queued", "running", "paused"]}, "every_seconds": None}
    _move(database, "jobs", {"kind": "mail", **unfinished}, _of_email)
    database.raw["jobs"].delete_many({"kind": "tell_alert", **unfinished})


def _move(
    database: Database,
    collection: str,
    waiting: Document,
    reader: Callable[[Database, Document], Moved],
) -> None:
    source = database.raw[collection]
    while found := list(source.find(waiting, limit=AT_ONCE)):
        for each in found:
            try:
                messages, change = reader(database, each)
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                # An unreadable one was never sent. It stays, and is skipped.
                waiting = {"$and": [waiting, {"_id": {"$ne": each["_id"]}}]}
                continue
            for one in messages:
                by_id = {"_id": one["_id"], "site": one["site"]}
                database.raw["notifications"].update_one(by_id, {"$setOnInsert": one}, upsert=True)
            if change is None:
                source.delete_one({"_id": each["_id"]})
            else:
                source.update_one({"_id": each["_id"]}, change)


def _message(fields: Document, content: Document) -> Document:
    """Return a message; `fields` are its own, among them `at`, when it was written."""
    if not all(isinstance(fields[name], str) for name in ("_id", "site")):
        raise TypeError
    at = fields.pop("at")
    return {
        "to": None,
        "content": content,
        "state": "pending",
        "attempts": 0,
        "created_at": at,
        "due_at": at,
        "give_up_at": utc_now() + DAY,
        **fields,
    }


def _of_event(_: Database, event: Document) -> Moved:
    kept = {name: each for name, each in event.items() if name not in LEFT_OF_EVENT}
    to = {"channel": "webhook", "receiver": "webhooks", "about": event["asset"]["_id"]}
    return [_message({**to, **kept, "at": event["created_at"]}, event["asset"])], None


def _of_purges(database: Database, asset: Document) -> Moved:
    """Return each notice with the asset as it was, as far as its addresses depend on it."""
    to = {"channel": "purge", "receiver": "purge", "kind": "asset.purge", "about": asset["_id"]}
    of_asset = {**to, "site": asset["site"], "give_up_at": utc_now() + 3650 * DAY}
    waits = timedelta(seconds=database.cache_seconds + 2)
    messages = []
    for each in asset["purges"]:
        then = {
            **{name: value for name, value in asset.items() if name not in UNTOLD},
            "visibility": "public",
            "focal": each.get("focal"),
            "visibility_epoch": each.get("epoch", 0),
            "versions": [{**asset["versions"][0], **one} for one in each["versions"]],
        }
        at = each["at"]
        messages.append(
            _message({**of_asset, "_id": each["id"], "at": at, "due_at": at + waits}, then)
        )
    ids = [each["_id"] for each in messages]
    return messages, {"$pull": {"purges": {"id": {"$in": ids}}}, "$unset": {"emptied": ""}}


def _of_expiry(_: Database, asset: Document) -> Moved:
    content = {
        "category": asset.get("category") or "general",
        "until": iso(asset["expires_at"]),
    }
    fields = {
        "_id": asset["expiry_notice"],
        "site": asset["site"],
        "channel": "audit",
        "receiver": "retention",
        "kind": "upload.expired",
        "about": asset["_id"],
        "at": utc_now(),
        "give_up_at": utc_now() + 3650 * DAY,
    }
    return [_message(fields, content)], {"$unset": {"expiry_notice": ""}}


def _of_alert(database: Database, alert: Document) -> Moved:
    messages = []
    for each in alert["notices"]:
        content = {"_id": alert["_id"], **{name: alert[name] for name in ALERTED}, **each}
        fields = {
            "_id": each["id"],
            "site": alert["site"] or DEFAULT_SITE,
            "kind": f"alert.{each['news']}",
            "about": alert["_id"],
            "at": each["at"],
        }
        if each["channel"] == "webhook":
            to = {"channel": "webhook", "receiver": "tell_alert"}
            messages.append(_message({**fields, **to}, content))
            continue
        untold = [address for address in database.operators if address not in each.get("told", ())]
        to = {"channel": "mail", "receiver": "mail"}
        messages += [
            _message({**fields, **to, "_id": f"{each['id']}.{address}", "to": address}, content)
            for address in untold
        ]
    return messages, {"$set": {"notices": []}}


def _of_email(_: Database, job: Document) -> Moved:
    args = job["args"]
    fields = {
        "_id": job["_id"],
        "site": job["site"],
        "channel": "mail",
        "receiver": "mail",
        "kind": f"account.{args['why']}",
        "about": args["user"],
        "to": args["user"],
        "at": job["created_at"],
        "due_at": job["run_at"],
        **({"open_key": job["open_key"]} if "open_key" in job else {}),
    }
    return [_message(fields, {"language": args["language"]})], None
