"""What FilePond does with one file: in parts, which it sends again as they were, and undone."""

from contextlib import suppress

from avenue.errors import NotFound
from avenue.identity import Actor
from avenue.uploads.models import Filing
from avenue.uploads.service import UploadService
from avenue.uploads.tus.models import NewUpload, Part, TusUpload
from avenue.uploads.tus.service import TusService


class FilePondService:
    """Resumable uploads as FilePond knows them; the id of one is that of the upload to be."""

    def __init__(self, resumable: TusService, uploads: UploadService) -> None:
        self._resumable = resumable
        self._uploads = uploads

    def begin(self, actor: Actor, filing: Filing, length: int) -> TusUpload:
        """Begin a file of `length` bytes; raise as `TusService.begin`."""
        fields = {"category": filing.category.name, "reference": filing.reference or ""}
        new = NewUpload(length=length, metadata=None, fields=fields)
        return self._resumable.begin(actor, new)

    def standing(self, actor: Actor, upload_id: str) -> TusUpload:
        """Return an own file as far as it has come; raise `NotFound`."""
        return self._resumable.get(actor, upload_id)

    def receive(self, actor: Actor, upload_id: str, part: Part, length: int) -> TusUpload:
        """Take a part of `length` bytes in; one that is there already changes nothing.

        FilePond sends a part again whose answer was lost, and ends a file that fills its last
        part with an empty one. Raise as `TusService.receive`.
        """
        upload = self.standing(actor, upload_id)
        if part.offset + length <= upload.offset:
            return upload
        return self._resumable.receive(actor, upload_id, part)

    def remove(self, actor: Actor, upload_id: str) -> bool:
        """Give an own file up; return whether it was finished, then it goes to the trash.

        Raise `UploadNotFound` or `UploadHeld`.
        """
        with suppress(NotFound):  # it came in one piece, or its parts are forgotten
            return self._resumable.end(actor, upload_id)
        self._uploads.remove(actor, upload_id)
        return True
