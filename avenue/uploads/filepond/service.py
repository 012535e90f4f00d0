"""FilePond's operations on one file: upload in parts, which may be repeated, and revert."""

from contextlib import suppress

from avenue.errors import NotFound
from avenue.identity import Actor
from avenue.uploads.models import Filing
from avenue.uploads.service import UploadService
from avenue.uploads.tus.models import NewUpload, Part, TusUpload
from avenue.uploads.tus.service import TusService


class FilePondService:
    """Resumable uploads for FilePond; their id is that of the future upload."""

    def __init__(self, resumable: TusService, uploads: UploadService) -> None:
        self._resumable = resumable
        self._uploads = uploads

    def begin(self, actor: Actor, filing: Filing, length: int) -> TusUpload:
        """Start an upload of `length` bytes; raise as `TusService.begin`."""
        fields = {"category": filing.category.name, "reference": filing.reference or ""}
        new = NewUpload(length=length, metadata=None, fields=fields)
        return self._resumable.begin(actor, new)

    def standing(self, actor: Actor, upload_id: str) -> TusUpload:
        """Return one's own unfinished upload with its offset; raise `NotFound`."""
        return self._resumable.get(actor, upload_id)

    def receive(self, actor: Actor, upload_id: str, part: Part, length: int) -> TusUpload:
        """Receive a part of `length` bytes; a repeated one changes nothing.

        FilePond repeats a part whose answer was lost, and ends a file whose last part is full with
        an empty one. Raise as `TusService.receive`.
        """
        upload = self.standing(actor, upload_id)
        if part.offset + length <= upload.offset:
            return upload
        return self._resumable.receive(actor, upload_id, part)

    def remove(self, actor: Actor, upload_id: str) -> bool:
        """Revert one's own upload; return whether it was finished, then it goes to the trash.

        Raise `UploadNotFound` or `UploadHeld`.
        """
        with suppress(NotFound):  # uploaded in one request, or the record of its parts has expired
            return self._resumable.end(actor, upload_id)
        self._uploads.remove(actor, upload_id)
        return True
