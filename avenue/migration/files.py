"""Copies single files into the media library and out of it, for commands and for Python."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from avenue.builder.library.presenting import use_json
from avenue.builder.library.service import MediaService
from avenue.errors import StorageFull
from avenue.identity import Actor, is_id, new_id
from avenue.media.errors import DamagedFile
from avenue.media.intake.models import UploadRequest
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.spool import SpooledFile, spooled
from avenue.media.models import Asset, Claim, State
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.scans import check_scanned
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.media.urls import asset_in, original_url, variant_url
from avenue.migration.errors import (
    FileExists,
    FileInUse,
    FileIsShown,
    NoSuchFile,
    UnreadableFile,
    UnwritableFile,
)
from avenue.migration.models import KeptFile
from avenue.migration.storing import ImportTargets

BLOCK_BYTES = 256 * 1024


class Files:
    """Access to the files of one site from outside: put, get, url, exists, rm.

    `which` is always an id, a URL of the site, or the path of one; addresses from before Avenue
    work as well. Stored files belong to the site's media library and are public. Every method may
    raise `Unavailable` if the database stays unreachable; then nothing is half done, and the call
    may be repeated. Thread-safe.
    """

    def __init__(
        self,
        actor: Actor,
        targets: ImportTargets,
        *,
        assets: AssetStore,
        policy: UploadPolicy,
        media: MediaService,
        tmp_dir: Path,
    ) -> None:
        self._actor = actor
        self._targets = targets
        self._assets = assets
        self._policy = policy
        self._media = media
        self._tmp_dir = tmp_dir

    def put(
        self, source: str | os.PathLike[str] | BinaryIO, *, name: str | None = None
    ) -> KeptFile:
        """Store a picture, given as a path or as an open binary file, and return it.

        `name` is its display name, by default the file's own. The same bytes again are the same
        file; `created` is False then. Raise `UnreadableFile`, or why it is refused:
        `FileTooLarge`, `UnsupportedMediaType`, `EmptyFile`, `BrokenImage`, `ImageTooLarge`,
        `ImageTooCostly`, `TooManyFrames`, `StorageFull`, `QuotaExceeded`.
        """
        site_id = self._actor.site.id
        with self._spooled(source, name) as incoming:
            there = self._targets.library_store.by_source(site_id, incoming.sha256)
            order = UploadRequest(
                policy=self._policy,
                target="library",
                key=None,
                known={incoming.sha256: there} if there else {},
                room=1,  # one file at a time; a library has no limit but the site's quota
                no_room=StorageFull(),
            )
            with self._targets.library.receiving(self._actor, order, [incoming]) as upload_result:
                self._targets.library_store.keep(site_id, upload_result)
        upload_result.raise_if_empty()
        kept = upload_result.assets[0]
        if upload_result.created:
            self._targets.audit.record_command(site_id, "put", "file.added", kept.id)
        return self._kept_file(kept, created=upload_result.created)

    def get(
        self,
        which: str,
        into: str | os.PathLike[str] | BinaryIO | None = None,
        *,
        overwrite: bool = False,
    ) -> KeptFile:
        """Write the bytes of a file to a path or an open binary file, and return the file.

        Without `into` it gets its own name, in the current directory. At most a few MiB are in
        memory. A path gets the whole file or stays as it was, and is replaced only with
        `overwrite`. Raise `NoSuchFile`, `FileExists`, `UnwritableFile`, and `DamagedFile` if the
        bytes are not those that were stored (for an open file this is only known at the end).
        """
        asset = self._live(which)
        if into is None or isinstance(into, str | os.PathLike):
            _save(self._verified(asset), Path(into or asset.name), overwrite=overwrite)
        else:
            for piece in self._verified(asset):
                into.write(piece)
        return self._kept_file(asset, created=False)

    def url(self, which: str, variant: str = ORIGINAL) -> str:
        """Return the permanent absolute URL of a file.

        Raise `NoSuchFile`, or `UnknownVariant` with the existing names.
        """
        return variant_url(self._actor.site, self._live(which), variant)

    def exists(self, which: str) -> bool:
        """Return whether a file exists, is not in the trash, and has its bytes."""
        asset = self._find(which)
        return (
            asset is not None
            and asset.state is State.LIVE
            and self._assets.has_file(asset, asset.current)
        )

    def rm(self, which: str, *, force: bool = False) -> str:
        """Move a file of the library to the trash, where it stays for `AVENUE_TRASH_DAYS`.

        Return its id. A file that is in the trash already stays there. With `force` it is removed
        from pages and settings that use it. Raise `NoSuchFile`, `FileIsShown` with `usage` (without
        `force`), and `FileInUse` if it belongs to a product or to something else.
        """
        asset = self._find(which)
        if asset is None or asset.state is State.PURGING:
            raise NoSuchFile
        if asset.claim != Claim.library(asset.site):
            raise FileInUse(asset.claim.kind if asset.claim else None)
        if asset.state is State.LIVE:
            removed = self._media.remove(self._actor, [asset.id], force=force)
            if used := removed.kept.get(asset.id):
                raise FileIsShown([use_json(self._actor.site, each) for each in used])
            details = {"force": True} if force else {}
            self._targets.audit.record_command(
                asset.site, "rm", "media.removed", asset.id, details=details
            )
        return asset.id

    def _live(self, which: str) -> Asset:
        asset = self._find(which)
        if asset is None or asset.state is not State.LIVE:
            raise NoSuchFile
        return asset

    def _find(self, which: str) -> Asset | None:
        """Return the asset of the site that `which` names, in any state."""
        asset_id = which if is_id(which) else asset_in(which) or self._legacy_id(which)
        return self._assets.get(self._actor.site.id, asset_id) if asset_id else None

    def _legacy_id(self, which: str) -> str | None:
        path = legacy_path(which)
        return self._targets.legacy_urls.find(self._actor.site.id, path) if path else None

    def _verified(self, asset: Asset) -> Iterator[bytes]:
        """Yield the bytes of `asset`; raise `DamagedFile` at the end if their hash is wrong.

        Raise `NotScanned` or `InQuarantine` at the start if nobody may read it.
        """
        check_scanned(asset.current)
        file = StoredFile(asset=asset, version=asset.current, store=self._assets)
        digest = hashlib.sha256()
        for piece in file.chunks(0, file.length):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != asset.current.sha256:
            raise DamagedFile

    def _kept_file(self, asset: Asset, *, created: bool) -> KeptFile:
        version = asset.current
        return KeptFile(
            id=asset.id,
            url=original_url(self._actor.site, asset),
            name=asset.name,
            media_type=version.media_type,
            bytes=version.bytes,
            sha256=version.sha256,
            width=version.width,
            height=version.height,
            created=created,
        )

    def _spooled(
        self, source: str | os.PathLike[str] | BinaryIO, name: str | None
    ) -> AbstractContextManager[SpooledFile]:
        """Copy `source`, up to the size limit, so that the checked bytes are the stored ones."""
        own_name = Path(source).name if isinstance(source, str | os.PathLike) else ""
        return spooled(
            own_name if name is None else name,
            _blocks(source),
            self._tmp_dir,
            self._policy.check_bytes,
        )


def _blocks(source: str | os.PathLike[str] | BinaryIO) -> Iterator[bytes]:
    if not isinstance(source, str | os.PathLike):
        yield from iter(lambda: source.read(BLOCK_BYTES), b"")
        return
    try:
        with Path(source).open("rb") as file:
            yield from iter(lambda: file.read(BLOCK_BYTES), b"")
    except OSError as error:
        raise UnreadableFile(error) from error


def _save(pieces: Iterable[bytes], path: Path, *, overwrite: bool) -> None:
    """Write `pieces` to a temporary name, and rename the file when it is complete."""
    if not overwrite and os.path.lexists(path):
        raise FileExists(words={"path": path})
    part = path.parent / f".{new_id()}.part"
    try:
        with part.open("xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            part.replace(path)
        else:
            os.link(part, path)  # unlike renaming, this never replaces another file
    except FileExistsError:
        raise FileExists(words={"path": path}) from None
    except OSError as error:
        raise UnwritableFile(str(path), error) from error
    finally:
        with suppress(OSError):  # it is gone, or never existed
            part.unlink()
