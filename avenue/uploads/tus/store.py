"""Resumable uploads and their chunks, in MongoDB.

A part is stored in two steps. Its whole chunks are stored, each with a journaled majority; then
`offset` and `tail` advance in one update, conditional on the epoch. What is stored beyond `offset`
is ignored and overwritten. So no request waits for a lock: the last one to call `take` has the
newest epoch, and all writes of earlier ones fail at its condition.
"""

from collections.abc import Iterator

from bson import Binary
from pymongo.client_session import ClientSession

from avenue.media.models import Asset
from avenue.media.store.documents import ASSETS, to_document
from avenue.storage.arriving import TUS_UPLOADS
from avenue.storage.chunks import Incomplete
from avenue.storage.connection import Database, Document
from avenue.storage.gridfs import Files
from avenue.storage.holders import Amount, Holder
from avenue.storage.records import whole
from avenue.storage.scope import SiteRecords, deployment, site
from avenue.uploads.models import Filing
from avenue.uploads.store import UploadStore
from avenue.uploads.tus.errors import UploadLost, UploadTakenOver
from avenue.uploads.tus.models import TusUpload
from avenue.uploads.tus.protocol import Chunk

BUCKET = "uploads"
IN_TIME = {"$expr": {"$gt": ["$expires_at", "$$NOW"]}}
EXPIRED = {"$expr": {"$lte": ["$expires_at", "$$NOW"]}}
ENDING = [{"$set": {"epoch": {"$add": ["$epoch", 1]}, "expires_at": "$$NOW"}}]
"""Removes the owner of an upload, so that the sweeper finishes an interrupted end."""


class TusStore(SiteRecords):
    """The resumable uploads of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._filed = UploadStore(database)

    def insert(self, upload: TusUpload, *, hours: int) -> None:
        """Start an upload that expires `hours` from now; repeatable."""
        times = {"created_at": "$$NOW", "expires_at": _later(hours)}
        self._records(upload.site, TUS_UPLOADS).insert_at_server_time(_out(upload), times)

    def get(self, site_id: str, upload_id: str) -> TusUpload | None:
        """Return an upload that has not expired, or None."""
        return self._records(site_id, TUS_UPLOADS).value(_in, {"_id": upload_id, **IN_TIME})

    def count_open(self, site_id: str, owner: str) -> int:
        """Return the number of a person's unfinished uploads."""
        return self._records(site_id, TUS_UPLOADS).count({"is_done": False, "owner": owner})

    def promised(self, holder: Holder) -> Amount:
        """Return the total future size of the unfinished uploads of a site, or a person in it."""
        own = {} if holder.person is None else {"owner": holder.person}
        summed = self._records(holder.site, TUS_UPLOADS).aggregate(
            [
                {"$match": {"is_done": False, **own}},
                {
                    "$group": {
                        "_id": None,
                        "bytes": {"$sum": whole("$length")},
                        "files": {"$sum": 1},
                    }
                },
            ]
        )
        return Amount(bytes=summed[0]["bytes"], files=summed[0]["files"]) if summed else Amount()

    def take(self, upload: TusUpload, *, hours: int) -> TusUpload | None:
        """Take over an upload exclusively; None when it has changed meanwhile.

        It expires `hours` from now, and gets the name in `upload`.
        """
        standing = {"_id": upload.id, "offset": upload.offset, "is_done": False, **IN_TIME}
        taken = self._records(upload.site, TUS_UPLOADS).find_and_update(
            standing,
            [
                {
                    "$set": {
                        "epoch": {"$add": ["$epoch", 1]},
                        "expires_at": _later(hours),
                        "name": {"$literal": upload.name},
                    }
                }
            ],
        )
        return _in(taken) if taken else None

    def put_chunk(self, upload: TusUpload, chunk: Chunk) -> None:
        """Store a chunk; raise `UploadTakenOver` when a newer epoch has stored one."""
        files = self._files(upload)
        if not files.put_chunk(upload.file, chunk.number, chunk.data, turn=upload.epoch):
            raise UploadTakenOver

    def move(self, upload: TusUpload, rest: Chunk, *, waits: bool) -> None:
        """Advance the offset to the end of `rest`, which is shorter than a chunk; repeatable.

        Unless it `waits`, an election may revert it: then the client continues from there. Raise
        `UploadTakenOver` when another request continues it.
        """
        scope = site(self._database, upload.site)
        uploads = scope.collection(TUS_UPLOADS) if waits else scope.quick_collection(TUS_UPLOADS)
        change = {"offset": rest.end, "tail": Binary(rest.data)}
        mine = {**_mine(upload), "offset": {"$lte": rest.end}}
        if not uploads.update(mine, {"$set": change}):
            raise UploadTakenOver

    def read(self, upload: TusUpload, start: int, end: int) -> Iterator[bytes]:
        """Yield the received bytes `start` to `end` (exclusive); raise `UploadLost`."""
        try:
            files = self._files(upload).of_primary()
            yield from files.read(upload.file, start, end, length=upload.length)
        except Incomplete as error:
            raise UploadLost from error

    def finish(self, upload: TusUpload, asset: Asset, filing: Filing, *, hours: int) -> None:
        """Insert and file `asset`, and end its upload, atomically.

        Raise `UploadTakenOver` when another request continues the upload, `TooManyUploads`.
        """
        scope = site(self._database, upload.site)

        def work(session: ClientSession) -> None:
            uploads = scope.collection(TUS_UPLOADS).within(session)
            done = {"is_done": True, "offset": upload.length, "tail": Binary(b"")}
            if not uploads.update(_mine(upload), {"$set": done}):
                if uploads.find_one({**_mine(upload), "is_done": True}):
                    return  # by this very request, whose commit was not answered
                raise UploadTakenOver
            assets = scope.collection(ASSETS).within(session)
            assets.insert_at_server_time(to_document(asset), {"expires_at": _later(hours)})
            self._filed.file(upload.site, filing, asset, session)

        scope.transaction(work)

    def end(self, upload: TusUpload) -> bool:
        """Delete an unfinished upload and its bytes, repeatably; False when it is finished.

        A request that is writing to it meanwhile fails, and calls `clear_if_ended`.
        """
        uploads = self._records(upload.site, TUS_UPLOADS)
        if self._end(upload, {"_id": upload.id, "is_done": False}):
            return True
        return uploads.find_one({"_id": upload.id}, {"_id": 1}) is None

    def refuse(self, upload: TusUpload) -> None:
        """Delete a rejected upload unless another request continues it: its bytes may differ."""
        self._end(upload, _mine(upload))

    def _end(self, upload: TusUpload, condition: Document) -> bool:
        uploads = self._records(upload.site, TUS_UPLOADS)
        if not uploads.update(condition, ENDING):
            return False
        self.clear_if_ended(upload)
        uploads.delete({"_id": upload.id, "is_done": False})
        return True

    def clear_if_ended(self, upload: TusUpload) -> None:
        """Delete the stored bytes of an upload, if it has ended; repeatable."""
        known = {"_id": upload.id, "$or": [{"is_done": True}, IN_TIME]}
        if self._records(upload.site, TUS_UPLOADS).find_one(known, {"_id": 1}) is not None:
            return
        assets = site(self._database, upload.site).collection(ASSETS)
        # otherwise it was finished long ago
        if assets.find_one({"_id": upload.id}, {"_id": 1}) is None:
            self._files(upload).delete(upload.file)

    def _files(self, upload: TusUpload) -> Files:
        return site(self._database, upload.site).files(BUCKET)


class SweptTusStore(SiteRecords):
    """The uploads of all sites, for the sweeper."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._uploads = deployment(database).collection(TUS_UPLOADS)
        self._store = TusStore(database)

    def sweep(self) -> int:
        """Delete expired uploads; return the number of unfinished ones, whose bytes were deleted.

        Safe on many instances, and after any crash.
        """
        ended = 0
        while (went := self._forget_expired()) is not None:
            ended += went
        return ended

    def _forget_expired(self) -> bool | None:
        """Delete one expired upload, with its bytes if it was never finished.

        Return whether bytes were deleted; None when there is no such upload.
        """
        found = self._uploads.values(_in, EXPIRED, sort=[("expires_at", 1)], limit=1)
        if not found:
            return None
        return self._forget(found[0])

    def forget_one(self, site_id: str, upload_id: str) -> None:
        """Delete the upload of this id, if it has expired; repeatable."""
        uploads = self._records(site_id, TUS_UPLOADS)
        found = uploads.find_one({"_id": upload_id, **EXPIRED})
        if found:
            self._forget(_in(found))

    def _forget(self, upload: TusUpload) -> bool:
        if upload.is_done:
            uploads = site(self._database, upload.site).collection(TUS_UPLOADS)
            uploads.delete({"_id": upload.id, "is_done": True, **EXPIRED})
            return False
        return self._store.end(upload)


def _later(hours: int) -> Document:
    return {"$dateAdd": {"startDate": "$$NOW", "unit": "hour", "amount": hours}}


def _mine(upload: TusUpload) -> Document:
    """Return the condition for the unfinished upload at this epoch."""
    return {"_id": upload.id, "epoch": upload.epoch, "is_done": False}


def _out(upload: TusUpload) -> Document:
    return {
        "_id": upload.id,
        "owner": upload.owner,
        "file": upload.file,
        "length": upload.length,
        "metadata": upload.metadata,
        "name": upload.name,
        "category": upload.category,
        "reference": upload.reference,
        "offset": upload.offset,
        "tail": Binary(upload.tail),
        "epoch": upload.epoch,
        "is_done": upload.is_done,
    }


def _in(document: Document) -> TusUpload:
    return TusUpload(
        id=document["_id"],
        site=document["site"],
        owner=document["owner"],
        file=document["file"],
        length=document["length"],
        metadata=document["metadata"],
        name=document["name"],
        category=document["category"],
        reference=document["reference"],
        offset=document["offset"],
        tail=bytes(document["tail"]),
        epoch=document["epoch"],
        is_done=document["is_done"],
        expires_at=document["expires_at"],
    )
