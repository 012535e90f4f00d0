"""ZIPs of several uploads that the actor may read."""

from collections.abc import Sequence

from avenue.config import Settings
from avenue.identity import Actor
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.zipping import Zip, bounded_zip
from avenue.uploads.service import UploadService


class ZipService:
    """Creates ZIPs of uploads while they are sent."""

    def __init__(self, uploads: UploadService, reader: MediaReader, settings: Settings) -> None:
        self._uploads = uploads
        self._reader = reader
        self._most_mb = settings.max_zip_mb

    def open(self, actor: Actor, upload_ids: Sequence[str]) -> Zip:
        """Return the ZIP of uploads that the actor may read; none has been read yet.

        Raise `UploadNotFound` with the missing ids, or `ZipTooLarge`.
        """
        found = self._uploads.get_all(actor, upload_ids)
        return bounded_zip([self._reader.open(each) for each in found], self._most_mb)
