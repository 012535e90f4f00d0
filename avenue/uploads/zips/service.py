"""Several uploads as one ZIP, for whoever may read each of them."""

from collections.abc import Sequence

from avenue.config import Settings
from avenue.identity import Actor
from avenue.media.limits import MB
from avenue.media.reading import MediaReader
from avenue.media.zipping import Zip
from avenue.uploads.service import UploadService
from avenue.uploads.zips.errors import ZipTooLarge


class ZipService:
    """Makes ZIPs of uploads while they are sent."""

    def __init__(self, uploads: UploadService, reader: MediaReader, settings: Settings) -> None:
        self._uploads = uploads
        self._reader = reader
        self._most_mb = settings.max_zip_mb

    def open(self, actor: Actor, upload_ids: Sequence[str]) -> Zip:
        """Return the ZIP of uploads the actor may read; nothing of them is read yet.

        Raise `UploadNotFound`, which names those that are not there, or `ZipTooLarge`.
        """
        found = self._uploads.get_all(actor, upload_ids)
        made = Zip([self._reader.open(each) for each in found])
        if made.length > self._most_mb * MB:
            raise ZipTooLarge(length=made.length, limit_mb=self._most_mb)
        return made
