"""Changes restored records: expiries are extended, and nothing is sent or started by itself."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from avenue.storage.connection import Database, Document, unavailable_when_away
from avenue.storage.indexes import EXPIRY, INDEXES

KEYS = frozenset({"api_tokens", "password_links", "upload_tickets"})
"""Collections of credentials. Their expiry is never extended."""
UNSENT: tuple[tuple[str, Document], ...] = (
    ("notifications", {"state": "pending"}),
    ("house_notifications", {"state": "pending"}),
    ("webhook_events", {"state": "pending"}),
    ("jobs", {"every_seconds": {"$ne": None}}),
)
"""Collections of undelivered messages, and of state that a process creates again."""
QUIET: tuple[tuple[str, Document, Any], ...] = (
    # Of versions before 5.
    ("assets", {"purges": {"$exists": True}}, {"$unset": {"purges": ""}}),
    # A time that has passed since: an editor decides whether the page is still published.
    (
        "page_content",
        {"publish_at": {"$type": "date"}, "$expr": {"$lt": ["$publish_at", "$$NOW"]}},
        {"$unset": {"publish_at": ""}},
    ),
    ("infra_alerts", {"notices.0": {"$exists": True}}, {"$set": {"notices": []}}),
    (
        "jobs",
        {"state": {"$in": ["queued", "running", "paused"]}},
        [
            {
                "$set": {
                    "state": "cancelled",
                    "error": "It was cancelled; what it had done until then stays.",
                    "finished_at": "$$NOW",
                    "forget_at": {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": 30}},
                    "holder": None,
                    "wish": None,
                }
            },
            {"$unset": "open_key"},
        ],
    ),
)
"""Undelivered emails, messages and notices are not sent; no job starts by itself."""


def settle(database: Database, taken_at: datetime, *, keeps_tokens: bool) -> None:
    """Extend expiries, and stop what would continue by itself."""
    raw = database.raw
    with unavailable_when_away():
        now: datetime = raw.command("hello")["localTime"]
        passed = max(now - taken_at.replace(tzinfo=None), timedelta())
        for name, query, change in _held(int(passed.total_seconds() * 1000)):
            raw[name].update_many(query, change)
        for name, query in UNSENT:
            raw[name].delete_many(query)
        for name, query, change in QUIET:
            raw[name].update_many(query, change)
        if not keeps_tokens:
            _revoke(database)


def _revoke(database: Database) -> None:
    """Revoke all sessions and everything else that gives access without a password."""
    for name in KEYS:
        database.raw[name].delete_many({})
    database.raw["link_keys"].update_many({}, {"$set": {"keys": []}})
    # No session or token of any earlier time has this epoch, whenever it was restored.
    epoch = int(time.time())
    epochs = {"session_epoch": epoch, "token_epoch": epoch}
    database.raw["users"].update_many({}, {"$set": epochs})


def _held(passed_ms: int) -> Iterator[tuple[str, Document, Any]]:
    """Yield the changes that give everything the remaining time that it had."""

    def later(field: str) -> list[Document]:
        shifted = {"$add": [f"${field}", passed_ms]}
        is_date = {"$eq": [{"$type": f"${field}"}, "date"]}
        return [{"$set": {field: {"$cond": [is_date, shifted, f"${field}"]}}}]

    yield "assets", {"claim": None, "expires_at": {"$type": "date"}}, later("expires_at")
    # What has to be kept until a date is only extended if that has passed.
    overdue = {"claim": {"$ne": None}, "expires_at": {"$type": "date"}}
    is_over = {"$expr": {"$lt": ["$expires_at", "$$NOW"]}}
    yield "assets", {**overdue, **is_over}, later("expires_at")
    for name in ("assets", "shop_products_trashed"):
        yield name, {"trash.at": {"$type": "date"}}, later("trash.at")
    yield "shop_picture_imports", {"expires_at": {"$type": "date"}}, later("expires_at")
    for index in INDEXES:
        if EXPIRY in index.options and index.collection not in KEYS:
            (field,) = (key for key, _ in index.keys)
            yield index.collection, {field: {"$type": "date"}}, later(field)
