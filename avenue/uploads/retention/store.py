"""Uploads whose time is over, in MongoDB, over all sites.

One transaction decides about an upload, by the server's clock, and writes a message for the log of
changes: no hold that was put on it before is overlooked, and what a killed process had still to say
is found.
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
from avenue.storage.connection import Database, Document
from avenue.storage.records import passing_over
from avenue.storage.scope import Collection, house, next_of_sites
from avenue.uploads.store import OVER

REASON = "expired"
RETENTION = "retention"
"""Who tells the log of changes."""
FOR_EVER_DAYS = 3650
EXPIRED: Document = {
    "claim.kind": UPLOAD,
    "state": State.LIVE,
    "hold": False,
    **OVER,
}


class ExpiredUploads:
    """What is kept no longer, and what is still to be told of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = OutboxStore(database)

    def trash_next(self, amiss: list[object]) -> bool:
        """Put the upload whose time has been over longest into the trash; False if there is none.

        Nothing that is on hold. Those that cannot be read join `amiss`, which are passed over.
        """
        return passing_over(self._trash_next, amiss)

    def _trash_next(self, amiss: list[object]) -> bool:
        query = {**EXPIRED, "_id": {"$nin": amiss}}
        for cluster in clusters_at_hand(self._database):
            every = house(cluster).collection(ASSETS)
            while found := next_of_sites(every, query, [("expires_at", 1)]):
                assets, upload_id = found
                if assets.transaction(partial(_trash, upload_id=upload_id)):
                    return True
        return False

    def untold(self) -> Message | None:
        """Return one of those nobody has written down."""
        return next(iter(self._outbox.take(RETENTION, lease_seconds=0)), None)

    def told(self, message: Message) -> None:
        """Note that it has been written down; repeatable."""
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
