"""Uploads whose time is over, in MongoDB, over all sites.

One conditional update decides about an upload and leaves a notice in it, by the server's clock: no
hold that was put on it before is overlooked, and what a killed process had still to say is found.
"""

from dataclasses import dataclass
from datetime import datetime

from avenue.identity import new_id
from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.models import State
from avenue.media.store import ASSETS, trash_first
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import house
from avenue.uploads.store import OVER

REASON = "expired"
EXPIRED: Document = {
    "claim.kind": UPLOAD,
    "state": State.LIVE,
    "hold": False,
    **OVER,
}
UNTOLD: Document = {"expiry_notice": {"$exists": True}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """An upload that went because its time was over; `id` is that of the notice."""

    id: str
    site: str
    upload: str
    category: str
    expired_at: datetime


class ExpiredUploads:
    """What is kept no longer, and what is still to be told of it."""

    def __init__(self, database: Database) -> None:
        self._assets = house(database).collection(ASSETS)

    def trash_next(self, amiss: list[object]) -> bool:
        """Put the upload whose time has been over longest into the trash; False if there is none.

        Nothing that is on hold. Those that cannot be read join `amiss`, which are passed over.
        """
        trash = {"at": "$$NOW", "by": None, "reason": REASON, "position": 0}
        change = {"state": State.TRASH, "trash": trash, "expiry_notice": new_id()}
        order = [("expires_at", 1)]
        return passing_over(
            lambda ids: trash_first(
                self._assets, {**EXPIRED, "_id": {"$nin": ids}}, change, sort=order
            ),
            amiss,
        )

    def untold(self, limit: int) -> list[Expiry]:
        """Return some of those nobody has written down."""
        return self._assets.values(_expiry, UNTOLD, limit=limit)

    def told(self, expiry: Expiry) -> None:
        """Note that it has been written down; repeatable."""
        notice = {"_id": expiry.upload, "site": expiry.site, "expiry_notice": expiry.id}
        self._assets.update(notice, {"$unset": {"expiry_notice": ""}})


def _expiry(document: Document) -> Expiry:
    for name, kind in (("expires_at", datetime), ("expiry_notice", str)):
        if not isinstance(document[name], kind):
            raise KeyError(name)
    return Expiry(
        id=document["expiry_notice"],
        site=document["site"],
        upload=document["_id"],
        category=document.get("category") or GENERAL,
        expired_at=document["expires_at"],
    )
