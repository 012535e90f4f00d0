"""Uploads whose retention time is over, in MongoDB, of all sites.

One transaction decides about an upload, by the server's clock, and writes a message for the audit
log: a hold that was set before is never missed, and a killed process loses no message.
"""

from functools import partial

from avenue.clock import iso
from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.models import State
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import trash_where
from avenue.notifications.models import Channel, Draft, Message
from avenue.notifications.store import OUTBOX, OutboxStore, put
from avenue.storage.clusters import clusters_at_hand
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import deployment, next_of_sites
from avenue.uploads.store import OVER

REASON = "expired"
RETENTION = "retention"
"""The sender of audit messages."""
FOR_EVER_DAYS = 3650
EXPIRED: Document = {
    "claim.kind": UPLOAD,
    "state": State.LIVE,
    "hold": False,
    **OVER,
}


class ExpiredUploads:
    """Uploads whose retention time is over, and their unsent audit messages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = OutboxStore(database)

    def trash_next(self, unreadable: list[object]) -> bool:
        """Move the upload whose retention time ended first to the trash; False if there is none.

        Uploads on hold are skipped. Unreadable ones are added to `unreadable`, and skipped.
        """
        return passing_over(self._trash_next, unreadable)

    def _trash_next(self, unreadable: list[object]) -> bool:
        query = {**EXPIRED, "_id": {"$nin": unreadable}}
        for cluster in clusters_at_hand(self._database):
            every = deployment(cluster).collection(ASSETS)
            while found := next_of_sites(every, query, [("expires_at", 1)]):
                assets, upload_id = found
                if assets.transaction(partial(_trash, upload_id=upload_id)):
                    return True
        return False

    def next_unlogged(self) -> Message | None:
        """Return a message that is not in the audit log yet."""
        return next(iter(self._outbox.take(RETENTION, lease_seconds=0)), None)

    def mark_logged(self, message: Message) -> None:
        """Mark the message as logged; repeatable."""
        self._outbox.delivered([message])


def _trash(assets: Collection, upload_id: object) -> bool:
    trash = {"at": "$$NOW", "by": None, "reason": REASON, "position": 0}
    change = {"state": State.TRASH, "trash": trash}
    gone = trash_where(assets, {**EXPIRED, "_id": upload_id}, change)
    if gone is not None:
        draft = Draft(
            channel=Channel.AUDIT,
            receiver=RETENTION,
            kind="upload.expired",
            about=gone["_id"],
            content={
                "category": gone.get("category") or GENERAL,
                "until": iso(gone["expires_at"]),
            },
            give_up_days=FOR_EVER_DAYS,
        )
        put(assets.beside(OUTBOX), gone["site"], draft)
    return gone is not None
