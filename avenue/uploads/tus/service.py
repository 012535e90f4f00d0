"""Use cases of resumable uploads: start, continue, finish like every upload, cancel."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO, cast

from avenue.config import Settings
from avenue.errors import AvenueError, Conflict, NotFound, Unavailable
from avenue.identity import Actor, new_id
from avenue.media.categories import policy_of
from avenue.media.errors import EmptyFile
from avenue.media.intake.filetypes import is_told_by_its_end
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Arrived, UploadRequest
from avenue.media.intake.policy import UploadPolicy
from avenue.media.models import Asset
from avenue.media.naming import safe_name
from avenue.media.serving.seekable_file import SeekableFile
from avenue.storage.chunks import Digest
from avenue.storage.holders import Amount
from avenue.uploads.bodies import checked_reference
from avenue.uploads.models import Filing
from avenue.uploads.service import UploadService
from avenue.uploads.tus.errors import (
    ChecksumMismatch,
    OffsetMismatch,
    TooManyOpenUploads,
    UploadTakenOver,
)
from avenue.uploads.tus.models import NewUpload, Part, TusUpload
from avenue.uploads.tus.protocol import Chunk, Cutter
from avenue.uploads.tus.store import TusStore
from avenue.web.errors import BodyCutOff, BodyTooLarge

MOST_OPEN = 100
"""Unfinished uploads of one person: Uppy sends 20 at once."""

NAMES = ("filename", "name")
"""The metadata keys for the file's name: of tus-js-client and Uppy, and tuspy's example."""


class TusService:
    """Resumable uploads. People can only use their own; for others they do not exist."""

    def __init__(
        self, store: TusStore, uploads: UploadService, library: MediaLibrary, settings: Settings
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._library = library
        self._most_mb = settings.max_tus_mb
        self._hours = settings.unclaimed_hours

    def begin_with(self, actor: Actor, new: NewUpload, part: Part) -> TusUpload:
        """Start an upload with its first part. If that is rejected, nothing is started.

        The client would not know of it: the URL to continue is only in the answer. Raises as
        `begin` and `receive`.
        """
        upload = self.begin(actor, new)
        try:
            return self.receive(actor, upload.id, part)
        except AvenueError:
            with suppress(AvenueError):  # it expires
                self._store.end(upload)
            raise

    def begin(self, actor: Actor, new: NewUpload) -> TusUpload:
        """Start an upload; nothing of the file is stored yet.

        Raise `UnknownCategory`, `BadReference`, `TooManyUploads`, `FileTooLarge`, `EmptyFile`,
        `UnsupportedMediaType` (by its declared `filetype`), `TooManyOpenUploads`,
        `UserQuotaExceeded`, `QuotaExceeded`, `StorageFull`.
        """
        reference = checked_reference(new.fields.get("reference"))
        filing = self._uploads.filing(actor, new.fields.get("category"), reference)
        policy = self._policy(filing)
        policy.check_bytes(new.length)
        policy.check_declared(new.fields.get("filetype", ""))
        if not new.length:
            raise EmptyFile
        self._uploads.check_room(actor, filing)
        owner = str(actor.id)
        if self._store.count_open(actor.site.id, owner) >= MOST_OPEN:
            raise TooManyOpenUploads(retry_after_seconds=60, words={"limit": MOST_OPEN})
        named = (new.fields[each] for each in NAMES if new.fields.get(each))
        upload = TusUpload(
            id=new_id(),
            site=actor.site.id,
            owner=owner,
            file=new_id(),
            length=new.length,
            metadata=new.metadata,
            name=safe_name(next(named, "")),
            category=filing.category.name,
            reference=reference,
        )
        with self._library.reserved(actor, Amount(bytes=new.length, files=1)) as reservation:
            self._store.insert(upload, hours=self._hours)
            reservation.kept = reservation.wanted  # for as long as the upload exists
        return self.get(actor, upload.id)

    def get(self, actor: Actor, upload_id: str) -> TusUpload:
        """Return one's own upload; a finished one for some hours, while its file exists.

        Raise `NotFound`.
        """
        upload = self._store.get(actor.site.id, upload_id)
        if upload is None or upload.owner != actor.id:
            raise NotFound
        if upload.is_done:
            self.file_of(actor, upload_id)  # a removed file must not pass for a stored one
        return upload

    def receive(self, actor: Actor, upload_id: str, part: Part) -> TusUpload:
        """Receive the next part of one's own upload, and finish it after the last one.

        Of a part that breaks off, the received bytes are kept, unless it counts whole. The latest
        request continues; earlier ones get `UploadTakenOver`. Raise `NotFound`, `OffsetMismatch`,
        `ChecksumMismatch`, what `part.read` raises, and, when the file is complete, why it is
        rejected: then the upload is ended.
        """
        upload = self.get(actor, upload_id)
        if part.offset != upload.offset:
            raise OffsetMismatch(offset=upload.offset)
        if upload.is_done:
            for _ in part.read(0):
                pass
            return upload
        name = safe_name(part.name) if part.name else upload.name
        taken = self._store.take(replace(upload, name=name), hours=self._hours)
        if taken is None:
            raise UploadTakenOver
        try:
            return self._take_in(actor, taken, part)
        except (UploadTakenOver, ChecksumMismatch, BodyCutOff, BodyTooLarge):
            self._store.clear_if_ended(taken)
            raise

    def end(self, actor: Actor, upload_id: str) -> bool:
        """Cancel one's own upload and delete its parts; a finished file goes to the trash.

        Return whether it was finished. Raise `NotFound` or `UploadHeld`.
        """
        if self._store.end(self.get(actor, upload_id)):
            return False
        self._uploads.remove(actor, upload_id)
        return True

    def file_of(self, actor: Actor, upload_id: str) -> Asset:
        """Return the file of a finished upload, if the actor may read it; raise `NotFound`."""
        return self._uploads.get(actor, upload_id)

    def _take_in(self, actor: Actor, upload: TusUpload, part: Part) -> TusUpload:
        cutter = Cutter(upload.offset, upload.tail)
        if part.checksum or part.counts_whole:
            self._take_whole(actor, upload, part, cutter)
        else:
            self._take_as_it_comes(actor, upload, part, cutter)
        if cutter.offset == upload.length:
            return self._finish(actor, upload, cutter.rest)
        self._store.move(upload, cutter.rest, waits=True)
        return replace(upload, offset=cutter.offset)

    def _take_as_it_comes(
        self, actor: Actor, upload: TusUpload, part: Part, cutter: Cutter
    ) -> None:
        """Store each chunk and advance the offset.

        Keep the received bytes when the part breaks off.

        The offset never reaches the end of the file: then the upload would be finished.
        """
        try:
            for block in part.read(upload.length - upload.offset):
                for chunk in cutter.add(block):
                    self._check_beginning(actor, upload, chunk)
                    self._store.put_chunk(upload, chunk)
                    if chunk.end < upload.length:
                        behind = Chunk(chunk.number + 1, b"", chunk.end)
                        self._store.move(upload, behind, waits=False)
        except (BodyCutOff, BodyTooLarge):
            if cutter.offset < upload.length:
                self._store.move(upload, cutter.rest, waits=True)
            raise

    def _take_whole(self, actor: Actor, upload: TusUpload, part: Part, cutter: Cutter) -> None:
        """Store each chunk of a part that only counts when all of it matches its checksum.

        Before that its bytes are not checked as a file.
        """
        digest, first = part.checksum.begin() if part.checksum else None, None
        for block in part.read(upload.length - upload.offset):
            if digest:
                digest.update(block)
            for chunk in cutter.add(block):
                first = first or chunk
                self._store.put_chunk(upload, chunk)
        if part.checksum and digest and not part.checksum.fits(digest):
            raise ChecksumMismatch
        if first:
            self._check_beginning(actor, upload, first)

    def _check_beginning(self, actor: Actor, upload: TusUpload, chunk: Chunk) -> None:
        """Check the type of a file after its first chunk, and not only after a gigabyte."""
        if chunk.number or is_told_by_its_end(chunk.data):
            return
        try:
            self._policy(self._filing(actor, upload)).check_file(BytesIO(chunk.data))
        except AvenueError:
            self._store.refuse(upload)
            raise

    def _finish(self, actor: Actor, upload: TusUpload, rest: Chunk) -> TusUpload:
        """Create the file from all parts, with the same checks as every upload."""
        if rest.data:
            self._store.put_chunk(upload, rest)
        try:
            filing = self._filing(actor, upload)
            order = UploadRequest(
                policy=self._policy(filing), target="tus", key=None, room=1, no_room=Conflict()
            )
            with self._library.adopting(actor, order, self._arrived(upload)) as asset:
                self._store.finish(upload, asset, filing, hours=self._hours)
        except (Unavailable, UploadTakenOver):
            raise  # the error is unrelated to the file: the last part can be sent again
        except AvenueError:
            self._store.refuse(upload)
            raise
        return replace(upload, offset=upload.length, is_done=True)

    def _filing(self, actor: Actor, upload: TusUpload) -> Filing:
        return self._uploads.filing(actor, upload.category, upload.reference)

    def _policy(self, filing: Filing) -> UploadPolicy:
        return policy_of(filing.category, self._most_mb)

    def _arrived(self, upload: TusUpload) -> Arrived:
        stored = StoredParts(self._store, upload)
        digest = Digest()
        for piece in stored.chunks(0, upload.length):
            digest.update(piece)
        return Arrived(
            id=upload.id,
            name=upload.name,
            file=cast("BinaryIO", SeekableFile(stored)),
            length=upload.length,
            sha256=digest.sha256,
            sums=digest.sums,
            stored_file=upload.file,
        )


class StoredParts:
    """The bytes of a complete upload."""

    def __init__(self, store: TusStore, upload: TusUpload) -> None:
        self._store = store
        self._upload = upload

    @property
    def length(self) -> int:
        """Return their number."""
        return self._upload.length

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes `start` to `end` (exclusive); raise `UploadLost`."""
        return self._store.read(self._upload, start, end)
