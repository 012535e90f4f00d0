"""When backups were last made, verified and restored, in MongoDB: for alerts and the panel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from avenue.storage.connection import Database, Document
from avenue.storage.scope import deployment

BACKUPS = "backups"
WANTED = "wanted"
"""The id of the record of when backups were configured."""


class Deed(StrEnum):
    """A kind of work on backups."""

    CREATED = "created"
    VERIFIED = "verified"
    DRILLED = "drilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last time something was done: when, for which snapshot, and the number of findings.

    `good_at` is the last time without findings, None if there never was one.
    """

    at: datetime
    snapshot: str
    findings: int
    good_at: datetime | None


class BackupStore:
    """The `backups` collection: one record for each kind of work."""

    def __init__(self, database: Database) -> None:
        self._backups = deployment(database).collection(BACKUPS)

    def note(self, deed: Deed, snapshot: str, findings: int) -> None:
        """Store that something was done now, by the server's time."""
        good_at = "$good_at" if findings else "$$NOW"
        now = {"at": "$$NOW", "snapshot": snapshot, "findings": findings, "good_at": good_at}
        self._backups.update({"_id": deed.value}, [{"$set": now}], upsert=True)

    def missing_since(self) -> Mapping[Deed, datetime]:
        """Return for each kind when it was last done without findings.

        If it never was, it is when this was first called, by the server's time.
        """
        begun = {"at": {"$ifNull": ["$at", "$$NOW"]}, "snapshot": "", "findings": 0}
        self._backups.update({"_id": WANTED}, [{"$set": begun}], upsert=True)
        (wanted,) = self._backups.values(lambda each: each["at"], {"_id": WANTED})
        last = self.last()
        good = {deed: done.good_at for deed, done in last.items()}
        if Deed.CREATED in last:  # its damaged files are findings, and no fault of the backup
            good[Deed.CREATED] = last[Deed.CREATED].at
        return {each: good.get(each) or wanted for each in Deed}

    def last(self) -> Mapping[Deed, Done]:
        """Return the last run of each kind, as far as its record is readable."""
        wanted = {"_id": {"$in": [each.value for each in Deed]}}
        return dict(self._backups.values(_done, wanted))


def _done(document: Document) -> tuple[Deed, Done]:
    return Deed(document["_id"]), Done(
        at=document["at"],
        snapshot=document["snapshot"],
        findings=document["findings"],
        good_at=document.get("good_at"),
    )
