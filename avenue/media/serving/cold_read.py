"""A cold read: a picture that nobody has asked this worker for, found ahead of Flask.

After a start, and in a large catalogue, most pictures are new to the worker that is asked. A public
one at the URL of its bytes takes a look at its record and one at its bytes, no more; what else the
ordinary path does takes more than half as long again (docs/performance.md). All else (private,
replaced, not made yet, not scanned, damaged, an original of more than a chunk that the disk cache
does not take) is for the ordinary path.
"""

from avenue.errors import MalformedRecord
from avenue.identity import Site
from avenue.media.models import Asset, Visibility
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.renditions.models import RenditionFile
from avenue.media.renditions.service import Renditions
from avenue.media.serving.cache import Place
from avenue.media.serving.delivery import IMMUTABLE, facts_of, whole_headers, withheld
from avenue.media.serving.reading import DamagedFile, MediaReader, StoredFile
from avenue.media.serving.response_cache import Candidate, Headers, Looked
from avenue.media.urls import original_path, variant_path
from avenue.server.fast_lane import PICTURE_ROUTE


class ColdRead:
    """Finds public pictures as the ordinary path does; makes none."""

    def __init__(self, reader: MediaReader, renditions: Renditions, further: Headers) -> None:
        """`further` are headers that every answer has."""
        self._reader = reader
        self._renditions = renditions
        self._further = further

    def find(self, site: Site, path: str) -> Looked | None:
        """Return the 200 for `/media/<asset_id>/<token>/<file_name>` of `site`, or None.

        Raise `Unavailable`.
        """
        _, _, asset_id, _, file_name = path.split("/")
        try:
            asset = self._reader.find(site, asset_id)
            if asset is None or asset.visibility is not Visibility.PUBLIC:
                return None
            if asset.current.is_withheld:
                return None
            found = self._opened(asset, path, file_name)
            if found is None:
                return None
            file, place = found
            body = file.body()
        except (DamagedFile, MalformedRecord):
            return None
        if body is None:  # there was no room for it
            return None
        candidate = Candidate(
            asset=asset,
            facts=facts_of(file, IMMUTABLE),
            place=place,
            route=PICTURE_ROUTE,
            withheld=withheld(file),
        )
        headers = (*whole_headers(file, IMMUTABLE), *self._further)
        return Looked(candidate=candidate, headers=headers, body=body)

    def _opened(
        self, asset: Asset, path: str, file_name: str
    ) -> tuple[StoredFile | RenditionFile, Place] | None:
        """Return what is at `path` if these are the bytes `asset` shows now, and small, or None."""
        variant, _, extension = file_name.partition(".")
        if variant == ORIGINAL:
            stored = self._reader.open(asset)
            if path != original_path(asset) or stored.is_spoiled or stored.place is None:
                return None
            return stored, stored.place
        if not self._renditions.has(asset, variant, extension):
            return None
        if path != variant_path(asset, variant, extension):
            return None
        made = self._renditions.there(asset, variant, extension)
        return (made.file, made.place) if made and made.place else None
