"""A cold read: finds a picture that this worker has not cached yet, without Flask.

After a start, and in a large catalogue, most pictures are new to the worker that is asked. A public
one in a size is found by one command, which brings its record and its bytes, an original by two;
what else the ordinary path does takes more than half as long again (docs/performance.md). All else
(private, replaced, not made yet, not scanned, damaged, an original of more than a chunk that the
disk cache does not take) is for the ordinary path.
"""

from avenue.errors import MalformedRecord
from avenue.identity import Site
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset, Visibility
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.renditions.models import KeptRendition, RenditionFile, RenditionKey
from avenue.media.renditions.service import Renditions
from avenue.media.serving.cache import Place
from avenue.media.serving.delivery import IMMUTABLE, facts_of, whole_headers, withheld
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.response_cache import Candidate, Headers, Looked
from avenue.media.serving.stored_file import StoredFile
from avenue.media.urls import original_path, variant_path
from avenue.server.fast_lane import PICTURE_ROUTE


class ColdRead:
    """Finds public pictures like the ordinary path; generates none."""

    def __init__(self, reader: MediaReader, renditions: Renditions, further: Headers) -> None:
        """`further` are headers that every answer has."""
        self._reader = reader
        self._renditions = renditions
        self._further = further

    def find(self, site: Site, path: str) -> Looked | None:
        """Return the 200 for `/media/<asset_id>/<token>/<file_name>` of `site`, or None.

        Raise `Unavailable`.
        """
        _, _, asset_id, token, file_name = path.split("/")
        variant, _, extension = file_name.partition(".")
        key = RenditionKey(asset=asset_id, token=token, variant=variant, extension=extension)
        try:
            asset, kept = self._looked(site, key)
            if asset is None or asset.visibility is not Visibility.PUBLIC:
                return None
            if asset.current.is_withheld:
                return None
            found = self._opened(asset, path, key, kept)
            if found is None:
                return None
            file, place = found
            body = file.body()
        except (DamagedFile, MalformedRecord):
            return None
        if body is None:  # there was no space for it
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

    def _looked(self, site: Site, key: RenditionKey) -> tuple[Asset | None, KeptRendition | None]:
        """Return what is live of an asset, and its rendition where that came along."""
        if key.variant == ORIGINAL or self._reader.knows(site, key.asset):
            return self._reader.find(site, key.asset), None
        read: list[Asset | None] = []

        def note(asset: Asset | None) -> Asset | None:
            read.append(self._reader.noted(site, key.asset, asset))
            return read[0]

        kept = self._renditions.find_with_asset(site.id, key, note)
        # Not where the rendition was at hand, or another thread has read it.
        return read[0] if read else self._reader.find(site, key.asset), kept

    def _opened(
        self, asset: Asset, path: str, key: RenditionKey, kept: KeptRendition | None
    ) -> tuple[StoredFile | RenditionFile, Place] | None:
        """Return what is at `path` if these are the bytes `asset` shows now, and small, or None.

        `kept` is the rendition of that `key` where it was found.
        """
        variant, extension = key.variant, key.extension
        if variant == ORIGINAL:
            stored = self._reader.open(asset)
            if path != original_path(asset) or stored.is_spoiled or stored.place is None:
                return None
            return stored, stored.place
        if not self._renditions.offers(asset, variant, extension):
            return None
        if path != variant_path(asset, variant, extension):
            return None
        made = self._renditions.stored(asset, variant, extension, kept)
        return (made.file, made.place) if made and made.place else None
