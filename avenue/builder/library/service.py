"""Use cases of the media library."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from avenue.builder.library.errors import MediaNotFound, OneFileReplaces
from avenue.builder.library.models import MediaPage, MediaQuery, Removed, Uses
from avenue.builder.library.store import MediaStore
from avenue.config import Settings
from avenue.identity import Actor, Role, is_id
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest, UploadResult
from avenue.media.intake.policy import UploadPolicy, library_pictures
from avenue.media.models import Asset
from avenue.media.serving.reading import MediaReader
from avenue.media.serving.stored_file import StoredFile
from avenue.media.serving.zipping import Zip, bounded_zip
from avenue.outside.fetching import Fetcher

NO_LIMIT = 2**31
TRIES = 3
WALKED_AT_ONCE = 500
MOST_WALKED = 50_000
Changes = Mapping[str, Any]
"""The given fields of `bodies.MediaChanges`."""


class MediaService:
    """The files of a site's library, for its editors; other files are treated as unknown."""

    def __init__(
        self,
        store: MediaStore,
        library: MediaLibrary,
        reader: MediaReader,
        fetcher: Fetcher,
        settings: Settings,
    ) -> None:
        self._store = store
        self._library = library
        self._reader = reader
        self._fetcher = fetcher
        self._policy = library_pictures(settings)
        self._versions_keep = settings.versions_keep
        self._most_zip_mb = settings.max_zip_mb

    def policy(self, actor: Actor) -> UploadPolicy:
        """Return the upload policy of the library on the actor's site."""
        return self._policy.on(actor.site)

    def find(self, actor: Actor, query: MediaQuery) -> MediaPage:
        """Return a page of the files that match `query`."""
        actor.must_be_signed_in(Role.EDITOR)
        return self._store.find(actor.site.id, query)

    def walk(self, actor: Actor, query: MediaQuery) -> Iterator[Asset]:
        """Yield all files that match `query`, up to `MOST_WALKED`; its `limit` is ignored."""
        actor.must_be_signed_in(Role.EDITOR)
        found = self._store.walk(actor.site.id, query.part(limit=WALKED_AT_ONCE, after=None))
        first = list(islice(found, 1))  # errors occur before the answer begins
        return islice(chain(first, found), MOST_WALKED)

    def newest(self, actor: Actor, most: int) -> list[Asset]:
        """Return up to `most` files, those that were uploaded last."""
        actor.must_be_signed_in(Role.EDITOR)
        return list(islice(self._store.walk(actor.site.id, MediaQuery(limit=most)), most))

    def get(self, actor: Actor, asset_id: str) -> Asset:
        """Return a live file; raise `MediaNotFound`."""
        actor.must_be_signed_in(Role.EDITOR)
        found = self._store.get(actor.site.id, asset_id) if is_id(asset_id) else None
        if found is None:
            raise MediaNotFound
        return found

    def get_all(self, actor: Actor, asset_ids: Sequence[str]) -> list[Asset]:
        """Return live files in this order; raise `MediaNotFound` with the missing ones."""
        actor.must_be_signed_in(Role.EDITOR)
        found = self._store.get_many(actor.site.id, asset_ids)
        missing = [each for each in asset_ids if each not in found]
        if missing:
            raise MediaNotFound(ids=missing)
        return [found[each] for each in asset_ids]

    def add(
        self,
        actor: Actor,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
        folder: str | None = None,
        once: bool = False,
    ) -> UploadResult:
        """Add received files, to `folder` (an id) if one is given.

        With `once`, existing files with the same bytes are returned instead. `key` is the
        Idempotency-Key. Raise the first refusal when every file was rejected, and `FolderNotFound`.
        """
        actor.must_be_signed_in(Role.EDITOR)
        hashes = [each.sha256 for each in incoming if not isinstance(each, Refusal)]
        there = self._store.by_source(actor.site.id, hashes) if once else {}
        order = UploadRequest(
            policy=self.policy(actor),
            target=f"library/{folder or ''}/{once}",
            key=key,
            known={sha256: made[0] for sha256, made in there.items()},
            room=NO_LIMIT,
            no_room=MediaNotFound(),
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            self._store.keep(actor.site.id, upload_result, folder, once=once)
        upload_result.raise_if_empty()
        return upload_result

    def fetch(
        self,
        actor: Actor,
        url: str,
        *,
        key: str | None,
        folder: str | None = None,
        once: bool = False,
    ) -> UploadResult:
        """Fetch the picture at `url`, from public addresses only, and add it; see `add`.

        Also raises as `Fetcher.fetched`.
        """
        actor.must_be_signed_in(Role.EDITOR)
        with self._fetcher.fetched(url, max_bytes=self.policy(actor).max_bytes) as came:
            return self.add(actor, [came], key=key, folder=folder, once=once)

    def twins(self, actor: Actor, assets: Sequence[Asset]) -> dict[str, str | None]:
        """Return for each of `assets` the oldest other live file with the same bytes, if any."""
        hashes = [each.current.source_sha256 for each in assets]
        made = self._store.by_source(actor.site.id, hashes)
        return {
            each.id: next(
                (
                    twin.id
                    for twin in made.get(each.current.source_sha256, ())
                    if twin.id != each.id
                ),
                None,
            )
            for each in assets
        }

    def change(
        self, actor: Actor, asset_id: str, changes: Changes, revision: int | None = None
    ) -> Asset:
        """Change a file; the name keeps the ending of its type.

        Raise `MediaNotFound`, also when it does not have the given `revision`, or `FolderNotFound`.
        """
        asset, values = self.get(actor, asset_id), dict(changes)
        if "name" in values:
            values["name"] = file_name(values["name"], FILE_TYPES[asset.current.media_type])
        return self._store.change(actor.site.id, asset.id, values, revision)

    def replace(
        self,
        actor: Actor,
        asset_id: str,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> UploadResult:
        """Replace the bytes of a file; its id and all uses stay.

        The earlier version is kept with the last `AVENUE_VERSIONS_KEEP`. Raise `MediaNotFound`, or
        the refusal.
        """
        asset = self.get(actor, asset_id)
        order = UploadRequest(
            policy=self.policy(actor),
            target=f"replace/{asset.id}",
            key=key,
            known={asset.current.source_sha256: asset},
            room=1,
            no_room=OneFileReplaces(),
            replaces=asset,
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            fell_off = self._store.replace(
                actor.site.id, asset, upload_result, keep=self._versions_keep
            )
        self._library.drop_files(asset, fell_off)
        upload_result.raise_if_empty()
        return upload_result

    def open_version(self, actor: Actor, asset_id: str, version: str) -> StoredFile:
        """Open one version of a file, also an older one; raise `MediaNotFound`, `VersionNotFound`.

        Only editors may read earlier versions.
        """
        asset = self.get(actor, asset_id)
        return self._reader.open_version(asset, version)

    def bring_back(self, actor: Actor, asset_id: str, version: str) -> Asset:
        """Restore an older version as the current one; the others stay.

        Raise `MediaNotFound` or `VersionNotFound`.
        """
        asset = self.get(actor, asset_id)
        return self._store.bring_back(actor.site.id, asset.id, version, by=actor.id)

    def uses_of(self, actor: Actor, asset_ids: Sequence[str]) -> Uses:
        """Return the uses of files, by id, according to the current documents."""
        actor.must_be_signed_in(Role.EDITOR)
        return self._store.uses_of(actor.site.id, asset_ids)

    def remove(self, actor: Actor, asset_ids: Sequence[str], *, force: bool = False) -> Removed:
        """Move unused files to the trash; with `force` remove their uses first.

        Uses are removed document by document before the files; new uses meanwhile are removed as
        well, a few times. Raise `MediaNotFound` with the missing ids, then nothing has changed.
        """
        self.get_all(actor, asset_ids)
        left = tuple(asset_ids)
        gone: tuple[str, ...] = ()
        kept: Uses = {}
        for _ in range(TRIES if force else 1):
            if force:
                self._store.detach(actor, left)
            removed = self._store.remove(actor.site.id, left, by=actor.id)
            gone, kept = (*gone, *removed.ids), removed.kept
            left = tuple(kept)
            if not left:
                break
        return Removed(ids=gone, kept=kept)

    def trashed(self, actor: Actor, asset_id: str) -> Asset | None:
        """Return a file that is in the trash, or None."""
        actor.must_be_signed_in(Role.EDITOR)
        return self._store.trashed(actor.site.id, asset_id) if is_id(asset_id) else None

    def zip(self, actor: Actor, asset_ids: Sequence[str]) -> Zip:
        """Return a ZIP of files, none of which has been read yet.

        Raise `MediaNotFound` with `ids`, or `ZipTooLarge`.
        """
        found = self.get_all(actor, asset_ids)
        return bounded_zip([self._reader.open(each) for each in found], self._most_zip_mb)

    def restore(self, actor: Actor, asset_id: str) -> Asset:
        """Restore a file from the trash; a live one is returned unchanged.

        It is in its folder again if that still exists, else in none. Raise `MediaNotFound`.
        """
        asset = self.trashed(actor, asset_id)
        if asset is None:
            return self.get(actor, asset_id)
        return self._store.restore(actor.site.id, asset)

    def move(self, actor: Actor, asset_ids: Sequence[str], folder: str | None) -> list[Asset]:
        """Move files to `folder`, None is no folder; all or none.

        Return them. Raise `MediaNotFound` with `ids`, or `FolderNotFound`.
        """
        actor.must_be_signed_in(Role.EDITOR)
        self._store.move(actor.site.id, asset_ids, folder)
        return self.get_all(actor, asset_ids)

    def tag(
        self, actor: Actor, asset_ids: Sequence[str], add: Sequence[str], remove: Collection[str]
    ) -> list[Asset]:
        """Add and remove tags of files; all or none.

        Return them. Raise `MediaNotFound` with `ids`, or `TooManyTags`.
        """
        actor.must_be_signed_in(Role.EDITOR)
        self._store.tag(actor.site.id, asset_ids, add, remove)
        return self.get_all(actor, asset_ids)
