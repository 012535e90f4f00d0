"""The audit log in MongoDB: collection `audit_logs`."""

import contextvars
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from avenue.audit.models import Doer, DoerKind, Entry, EntryQuery, NewEntry
from avenue.errors import SiteMoves
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

AUDIT_LOGS = "audit_logs"
NEWEST_FIRST = [("at", -1), ("_id", -1)]
PAUSE_SECONDS = 0.1
WRITE_SECONDS = 3.0  # the longest that the answer to a change waits for its entry


class MongoAuditStore(SiteRecords):
    """The entries of the audit log."""

    def add(self, site_id: str, entry: NewEntry, *, keep_days: int) -> None:
        """Insert an entry to be kept for `keep_days`; repeatable."""
        fields = {
            "actor": {
                "id": entry.doer.id,
                "name": entry.doer.name,
                "kind": entry.doer.kind.value,
            },
            "action": entry.action,
            "object": {"kind": entry.object_kind, "id": entry.object_id},
            "request_id": entry.request_id,
            "details": dict(entry.details),
            "about": _about(
                actor=[entry.doer.id, entry.doer.name],
                action=[entry.action],
                object=[entry.object_id],
            ),
        }
        until = {"$dateAdd": {"startDate": "$at", "unit": "day", "amount": keep_days}}
        stages: list[Document] = [
            {"$set": {name: {"$literal": value} for name, value in fields.items()}},
            {"$set": {"at": {"$ifNull": ["$at", "$$NOW"]}}},
            {"$set": {"expires_at": until}},
        ]

        def write() -> None:
            ends_at = time.monotonic() + WRITE_SECONDS
            with self._database.deadline(WRITE_SECONDS):
                while True:
                    try:
                        self._records(site_id, AUDIT_LOGS).update(
                            {"_id": entry.id}, stages, upsert=True
                        )
                    # during a move of the site, the entry is written where the site is then
                    except SiteMoves:
                        if time.monotonic() > ends_at:
                            raise
                        time.sleep(PAUSE_SECONDS)
                    else:
                        return

        # In a separate context: a long upload may have used up the deadline of its request.
        contextvars.Context().run(write)

    def find(
        self, site_id: str, query: EntryQuery, after: tuple[datetime, str] | None
    ) -> list[Entry]:
        """Return entries, newest first, from behind `after` on.

        If there are more, the page has one entry more than its limit.
        """
        page = _conditions(query)
        if after:
            at, entry_id = after
            page.append({"$or": [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": entry_id}}]})
        return self._records(site_id, AUDIT_LOGS).values(
            _from_document,
            _all_of(page),
            sort=NEWEST_FIRST,
            limit=query.limit + 1,
        )

    def total(self, site_id: str, query: EntryQuery) -> int | None:
        """Return how many match in all, None for more than are counted."""
        return self._records(site_id, AUDIT_LOGS).total(_all_of(_conditions(query)), NEWEST_FIRST)


def _about(**values: Sequence[str | None]) -> list[str]:
    """Return the search terms of an entry: one index on them serves every query."""
    return [f"{kind}:{each}" for kind, some in values.items() for each in some if each]


def _conditions(query: EntryQuery) -> list[Document]:
    wanted = _about(actor=[query.actor], action=[query.action], object=[query.object_id])
    return [{"about": word} for word in wanted]


def _all_of(conditions: list[Document]) -> dict[str, Any]:
    return {"$and": conditions} if conditions else {}


def _from_document(document: Document) -> Entry:
    actor = document["actor"]
    return Entry(
        id=document["_id"],
        at=document["at"],
        doer=Doer(kind=DoerKind(actor["kind"]), id=actor["id"], name=actor["name"]),
        action=document["action"],
        object_id=document["object"]["id"],
        request_id=document["request_id"],
        details=document["details"],
    )
