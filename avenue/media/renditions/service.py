"""Finds renditions and generates missing ones: once per process, with a time limit.

The first request generates it, in its own thread; simultaneous ones wait for that, and at most half
of the request threads do either. Between instances the `_id` decides: the first document is kept.
Waiting is limited; after that a larger rendition of the same crop is sent for a few seconds
instead, and without one the answer is 503.
"""

import contextvars
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import NotFound, Unavailable, required
from avenue.media.intake.spool import fill, new_spool
from avenue.media.models import Asset, State, Visibility
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.facts import Rendition, Wanted
from avenue.media.pictures.limits import ImageLimits
from avenue.media.pictures.variants import VARIANTS, extensions, row_of
from avenue.media.renditions.models import (
    KeptRendition,
    KnownRendition,
    RenditionFile,
    RenditionKey,
    RenditionOnDisk,
)
from avenue.media.renditions.store import RenditionStore
from avenue.media.serving.cache import ByteCache, Place
from avenue.media.serving.single_flight import SingleFlight
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.slots import slot

OFF = "off"


class RenditionBusy(Unavailable):
    """The picture is not ready in this size yet, and there is no larger one to send."""

    message = "This image is being prepared in this size."
    hint = "Request it again after Retry-After."


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An existing rendition; `place`: where the cache has it, None if it is not cached."""

    about: KnownRendition
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A rendition for delivery; `stands_in`: it is a larger one than requested.

    `place`: where the worker's cache has it, None if it is not cached.
    """

    file: RenditionFile
    stands_in: bool = False
    place: Place | None = None


class Renditions:
    """The renditions of every picture; safe to use from many threads."""

    def __init__(
        self,
        store: RenditionStore,
        assets: AssetStore,
        renderer: DecodePool,
        limits: ImageLimits,
        cache: ByteCache,
        settings: Settings,
        has_size: Callable[[str, str], bool],
    ) -> None:
        """`has_size` tells whether a site, by its id, has an own size of this name."""
        self._has_size = has_size
        self._store = store
        self._assets = assets
        self._renderer = renderer
        self._limits = limits
        self._cache = cache
        self._settings = settings
        self._single_flight: SingleFlight[KeptRendition] = SingleFlight()
        self._makers = threading.Semaphore(max(1, settings.threads // 2))

    def known(self, asset: Asset, variant: str, extension: str) -> Known | None:
        """Return the facts of a rendition without reading its bytes.

        Return None if it does not exist yet.
        """
        key = RenditionKey.of(asset, variant, extension)
        place = self._place(asset, key)
        kept: KeptRendition | None = self._cache.get(place.key)
        about: KnownRendition | None = (
            RenditionFile.of(kept, asset.name)
            if kept
            else self._store.known(asset.site, key, asset.name)
        )
        return Known(about=about, place=_if_public(asset, place)) if about else None

    def find_with_asset(
        self, site_id: str, key: RenditionKey, note: Callable[[Asset | None], Asset | None]
    ) -> KeptRendition | None:
        """Return a stored rendition if its asset is public and has it now; None otherwise.

        A cached rendition is returned without reading the asset. If the rendition is not cached,
        one command reads both, and `note` is called with the asset and returns it if it may be
        shown.
        """

        def read() -> KeptRendition | None:
            found, kept = self._store.find_with_asset(site_id, key)
            asset = note(found)
            if asset is None or asset.visibility is not Visibility.PUBLIC:
                return None
            shows = self.offers(asset, key.variant, key.extension)
            return kept if shows and self._is_of(asset, key) else None

        place = Place(f"{site_id}/{key.id}", read, RenditionOnDisk(site_id, key))
        kept: KeptRendition | None = self._cache.fetch(place)
        return kept

    def _is_of(self, asset: Asset, key: RenditionKey) -> bool:
        return key == RenditionKey.of(asset, key.variant, key.extension)

    def stored(
        self, asset: Asset, variant: str, extension: str, kept: KeptRendition | None = None
    ) -> Found | None:
        """Return a public picture as `variant`, which it must have; None if not generated yet.

        `kept` is the rendition that `find_with_asset` has returned, if any.
        """
        key = RenditionKey.of(asset, variant, extension)
        place = self._place(asset, key)
        if kept is None or kept.key != key:
            kept = self._cache.fetch(place)
        return Found(file=RenditionFile.of(kept, asset.name), place=place) if kept else None

    def find_or_make(self, asset: Asset, variant: str, extension: str) -> Found:
        """Return a picture as `variant`, generated now if it is missing.

        Raise `NotFound` if it is not in the table, `RenditionBusy` if it takes too long, and the
        errors of reading the original.
        """
        if not self.offers(asset, variant, extension):
            raise NotFound
        key = RenditionKey.of(asset, variant, extension)
        place = self._place(asset, key)
        try:
            found = self._load(asset, key, place)
        except (Unavailable, TimeoutError):
            return self._stand_in(asset, variant, extension)
        return Found(file=RenditionFile.of(found, asset.name), place=_if_public(asset, place))

    def _place(self, asset: Asset, key: RenditionKey) -> Place:
        return Place(
            f"{asset.site}/{key.id}",
            lambda: self._store.find(asset.site, key),
            RenditionOnDisk(asset.site, key),
        )

    def _load(self, asset: Asset, key: RenditionKey, place: Place) -> KeptRendition:
        """Return a rendition: cached, from the database, or generated now."""
        if asset.visibility is not Visibility.PUBLIC:
            return self._store.find(asset.site, key) or self._made(asset, key, place.key)
        kept: KeptRendition | None = self._cache.fetch(place)
        if kept is None:
            kept = self._cache.keep(place, self._made(asset, key, place.key))
        return kept

    def _made(self, asset: Asset, key: RenditionKey, place: str) -> KeptRendition:
        def work() -> KeptRendition:
            # Another thread may have generated it since the lookup.
            return self._store.find(asset.site, key) or self.make(asset, [key])[0]

        # Threads for other requests stay free. Requests by browsers wait for a thread beforehand,
        # in the worker's event loop.
        with slot(self._makers, RenditionBusy):
            return self._single_flight.share(place, work, self._settings.rendition_wait_seconds)

    def offers(self, asset: Asset, variant: str, extension: str) -> bool:
        """Return whether `asset` has such a rendition, generated already or not."""
        return (
            self._settings.pipeline_mode != OFF
            and not asset.current.is_withheld
            and asset.current.width is not None
            and (variant in VARIANTS or self._has_size(asset.site, variant))
            and extension in extensions(asset.current.has_alpha)
        )

    def missing(self, asset: Asset, variants: Sequence[str], extension: str) -> list[RenditionKey]:
        """Return the keys of those `variants` that `asset` has and that are not generated yet."""
        keys = [
            RenditionKey.of(asset, variant, extension)
            for variant in variants
            if self.offers(asset, variant, extension)
        ]
        there = self._store.existing(asset.site, keys) if keys else frozenset()
        return [key for key in keys if key.id not in there]

    def make(self, asset: Asset, keys: Sequence[RenditionKey]) -> list[KeptRendition]:
        """Generate renditions of the current version of `asset`, store and return them.

        Raise `NotFound` if the asset was trashed or replaced meanwhile: then none is stored.
        """
        wanted = [
            Wanted(variant=key.variant, extension=key.extension, focal=asset.focal_point)
            for key in keys
        ]
        with self._original(asset) as file:
            made = self._renderer.render(file, asset.current.media_type, self._limits, wanted)
        # In an empty context, without the deadline of the request: rendering may have used it up,
        # and would be repeated by every request for this size.
        return contextvars.Context().run(self._store_made, asset, keys, made)

    def _store_made(
        self, asset: Asset, keys: Sequence[RenditionKey], made: Sequence[Rendition]
    ) -> list[KeptRendition]:
        """Store and return what was rendered; raise `NotFound` as `make`."""
        kept = [
            self._store.insert(asset.site, to_keep(key, asset.current.file, each))
            for key, each in zip(keys, made, strict=True)
        ]
        if not self._is_current(asset):
            for key in keys:
                self._store.delete(asset.site, key)
            raise NotFound
        return kept

    def _is_current(self, asset: Asset) -> bool:
        """Return whether the asset still is the one the renditions were made from."""
        now = self._assets.shown(asset.site, asset.id)
        return (
            now is not None
            and now.state is State.LIVE
            and now.current.file == asset.current.file
            and not now.current.is_withheld
            and now.focal_point == asset.focal_point
        )

    @contextmanager
    def _original(self, asset: Asset) -> Iterator[BinaryIO]:
        """Yield the stored bytes as a real file, which the decoder needs."""
        stored = StoredFile(asset=asset, version=asset.current, store=self._assets)
        with new_spool(self._settings.tmp_dir) as file:
            fill(file, stored.chunks(0, stored.length))
            yield file

    def _stand_in(self, asset: Asset, variant: str, extension: str) -> Found:
        """Return the next larger rendition of the same crop; raise `RenditionBusy`."""
        keys = [RenditionKey.of(asset, each, extension) for each in larger(variant)]
        kept = required(self._store.find_first(asset.site, keys) if keys else None, RenditionBusy)
        return Found(file=RenditionFile.of(kept, asset.name), stands_in=True)


def _if_public(asset: Asset, place: Place) -> Place | None:
    return place if asset.visibility is Visibility.PUBLIC else None


def larger(variant: str) -> list[str]:
    """Return the variants that show the same as `variant` with more pixels, smallest first."""
    row = row_of(variant)
    if row.cuts:
        return []
    rows = [each for each in VARIANTS.values() if not each.cuts and each.width > row.width]
    return [each.name for each in sorted(rows, key=lambda each: each.width)]


def to_keep(key: RenditionKey, file_id: str, made: Rendition) -> KeptRendition:
    """Return a finished rendition for storing; `file_id` is its original."""
    return KeptRendition(
        key=key,
        file=file_id,
        data=made.data,
        width=made.width,
        height=made.height,
        sha256=hashlib.sha256(made.data).hexdigest(),
        made_at=utc_now(),
    )
