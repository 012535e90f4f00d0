"""When something was last done with backups, in MongoDB: for alerts and for who looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from avenue.storage.connection import Database, Document
from avenue.storage.scope import house

BACKUPS = "backups"


class Deed(StrEnum):
    """What was done."""

    CREATED = "created"
    VERIFIED = "verified"
    DRILLED = "drilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last time something was done: when, to which snapshot, how much was found to be amiss.

    `good_at` is when nothing was found last, None where it always was.
    """

    at: datetime
    snapshot: str
    findings: int
    good_at: datetime | None


class BackupStore:
    """The `backups` collection: one record for each kind of deed."""

    def __init__(self, database: Database) -> None:
        self._backups = house(database).collection(BACKUPS)

    def note(self, deed: Deed, snapshot: str, findings: int) -> None:
        """Write down that something was done now, by the server's time."""
        good_at = "$good_at" if findings else "$$NOW"
        now = {"at": "$$NOW", "snapshot": snapshot, "findings": findings, "good_at": good_at}
        self._backups.update({"_id": deed.value}, [{"$set": now}], upsert=True)

    def last(self) -> Mapping[Deed, Done]:
        """Return what was done last of each, as far as its record can be read."""
        wanted = {"_id": {"$in": [each.value for each in Deed]}}
        return dict(self._backups.values(_done, wanted))


def _done(document: Document) -> tuple[Deed, Done]:
    return Deed(document["_id"]), Done(
        at=document["at"],
        snapshot=document["snapshot"],
        findings=document["findings"],
        good_at=document.get("good_at"),
    )
