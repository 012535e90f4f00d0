"""Use cases of general uploads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from avenue.config import Settings
from avenue.errors import AvenueError, Forbidden, Unauthenticated, sentence
from avenue.identity import Actor, Limit, is_id
from avenue.media.access import may_read
from avenue.media.categories import (
    GENERAL,
    Category,
    categories_of,
    category_of,
    policy_of,
    readable_by,
)
from avenue.media.intake.filetypes import FILE_TYPES, file_name
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest, UploadResult
from avenue.media.models import Asset
from avenue.storage.room import NO_QUOTA, site_quota, user_quota
from avenue.uploads.errors import (
    TooManyUploads,
    UnknownCategory,
    UploadExpired,
    UploadHeld,
    UploadNotFound,
)
from avenue.uploads.models import (
    Done,
    Filing,
    Sight,
    Standing,
    UploadPage,
    UploadQuery,
    is_upload,
    may_change,
)
from avenue.uploads.store import UploadStore

NO_LIMIT = 2**31
Changes = Mapping[str, Any]
"""The given fields of `bodies.UploadChanges`."""


class UploadService:
    """Uploads of any type. Those that the actor may not read are reported as not found."""

    def __init__(self, store: UploadStore, library: MediaLibrary, settings: Settings) -> None:
        self._store = store
        self._library = library
        self._settings = settings
        self._most_mb = settings.max_upload_mb

    def most_mb(self, actor: Actor) -> int:
        """Return the maximum size of a file in one request on the actor's site."""
        return actor.site.limit(Limit.UPLOAD_MB, self._most_mb)

    def filing(self, actor: Actor, category: str | None, reference: str | None) -> Filing:
        """Return the filing of new uploads; raise `UnknownCategory`."""
        found = category_of(actor.site, category or GENERAL)
        if found is None:
            raise UnknownCategory(categories=list(categories_of(actor.site)))
        return Filing(category=found, reference=reference)

    def add(
        self,
        actor: Actor,
        filing: Filing,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> UploadResult:
        """Store received files as uploads of the actor, up to the limit of the category.

        For the same bytes with the same reference the existing upload is returned. `key` is the
        Idempotency-Key. Raise the first refusal when every file was rejected.
        """
        if actor.id is None:
            raise Unauthenticated
        with self._library.receiving(
            actor, self._order(actor, filing, incoming, key), incoming
        ) as upload_result:
            self._store.add(actor.site.id, filing, upload_result)
        upload_result.raise_if_empty()
        return upload_result

    def check_room(self, actor: Actor, filing: Filing) -> None:
        """Raise `TooManyUploads` when `filing` allows the actor no more files."""
        most = filing.category.max_files
        counted = filing.reference is not None and most is not None
        if counted and self._store.count(actor.site.id, actor.id, filing) >= (most or 0):
            raise TooManyUploads(limit=most or 0)

    def standing(self, actor: Actor, *, lately: bool = False) -> Standing:
        """Return the actor's usage and quota, of all kinds of files.

        `lately`: the value may be a little old.
        """
        quota = NO_QUOTA if actor.is_admin else user_quota(actor.site, self._settings)
        return Standing(used=self._library.used_by(actor, lately=lately), quota=quota)

    def standing_of_site(self, actor: Actor, *, lately: bool = False) -> Standing | None:
        """Return the usage and quota of the whole site, for administrators; else None."""
        if not actor.is_admin:
            return None
        quota = site_quota(actor.site, self._settings)
        return Standing(used=self._library.used(actor, lately=lately), quota=quota)

    def get(self, actor: Actor, upload_id: str) -> Asset:
        """Return an upload the actor may read; raise `UploadNotFound`."""
        found = self._store.get(actor.site.id, upload_id) if is_id(upload_id) else None
        if found is None or not may_read(actor, found):
            raise UploadNotFound
        return found

    def get_all(self, actor: Actor, upload_ids: Sequence[str]) -> list[Asset]:
        """Return uploads the actor may read, in this order; raise `UploadNotFound` with `ids`."""
        found = self._library.get_many(actor, upload_ids)
        shown = {each.id for each in found.values() if is_upload(each) and may_read(actor, each)}
        missing = [each for each in upload_ids if each not in shown]
        if missing:
            raise UploadNotFound(ids=missing)
        return [found[each] for each in upload_ids]

    def find(self, actor: Actor, query: UploadQuery) -> UploadPage:
        """Return a page of the uploads that match `query` and that the actor may read.

        Of the trash, those they may restore.
        """
        if actor.id is None:
            raise Unauthenticated
        readable = () if query.in_trash else tuple(readable_by(actor.site, actor.role))
        # Only the given conditions: a redundant one can mislead the query planner.
        sees_all_of_it = actor.is_admin or query.owner == actor.id or query.category in readable
        sight = None if sees_all_of_it else Sight(owner=actor.id, categories=readable)
        return self._store.find(actor.site.id, query, sight)

    def change(self, actor: Actor, upload_id: str, changes: Changes) -> Asset:
        """Change one's own upload, administrators any; only they may set `hold`.

        Raise `UploadNotFound`, or `TooManyUploads` when the new reference has reached its limit.
        """
        upload = self._own(actor, self.get(actor, upload_id))
        if "hold" in changes and not actor.is_admin:
            raise Forbidden(sentence("Only an administrator can lock or unlock a file."))
        values = dict(changes)
        if "name" in values:
            media_type = FILE_TYPES[upload.current.media_type]
            values["name"] = file_name(values["name"], media_type)
        moved = replace(upload, reference=values.get("reference"))
        moves = moved.reference is not None and moved.reference != upload.reference
        filing = self._filing_of(actor, moved) if moves else None
        return self._store.change(actor.site.id, upload, values, filing)

    def remove(self, actor: Actor, upload_id: str) -> None:
        """Move one's own upload to the trash; raise `UploadNotFound` or `UploadHeld`."""
        upload = self._own(actor, self.get(actor, upload_id))
        self._store.remove(actor.site.id, upload.id, by=actor.id)

    def restore(self, actor: Actor, upload_id: str) -> Asset:
        """Restore one's own upload from the trash; a live one is returned unchanged.

        After the end of its retention time only an administrator may, and it is on hold then. Raise
        `UploadNotFound`, `UploadExpired`, or `TooManyUploads` when its reference has reached its
        limit.
        """
        upload = self.trashed(actor, upload_id)
        if upload is None:
            return self._own(actor, self.get(actor, upload_id))
        filing = self._filing_of(actor, upload)
        return self._store.restore(actor.site.id, upload, filing, may_hold=actor.is_admin)

    def trashed(self, actor: Actor, upload_id: str) -> Asset | None:
        """Return one's own upload in the trash, None if there is none.

        Raise `UploadNotFound` for another person's.
        """
        found = self._store.trashed(actor.site.id, upload_id) if is_id(upload_id) else None
        return self._own(actor, found) if found else None

    def remove_each(self, actor: Actor, upload_ids: Sequence[str]) -> Done:
        """Move one's own uploads to the trash, one by one; missing ones are ignored."""
        return _each(upload_ids, lambda each: self.remove(actor, each))

    def restore_each(self, actor: Actor, upload_ids: Sequence[str]) -> Done:
        """Restore one's own uploads from the trash, one by one; missing ones are ignored."""
        return _each(upload_ids, lambda each: self.restore(actor, each))

    def _order(
        self,
        actor: Actor,
        filing: Filing,
        incoming: Sequence[Incoming | Refusal],
        key: str | None,
    ) -> UploadRequest:
        site_id, most = actor.site.id, filing.category.max_files
        hashes = [each.sha256 for each in incoming if not isinstance(each, Refusal)]
        counted = filing.reference is not None and most is not None
        taken = self._store.count(site_id, actor.id, filing) if counted else 0
        return UploadRequest(
            policy=policy_of(filing.category, self.most_mb(actor)),
            target=f"upload/{filing.category.name}/{filing.reference or ''}",
            key=key,
            known=self._store.same(site_id, actor.id, filing, hashes),
            room=most - taken if most is not None and counted else NO_LIMIT,
            no_room=TooManyUploads(limit=most or 0),
        )

    def _own(self, actor: Actor, upload: Asset) -> Asset:
        """Return `upload` if the actor may change it; for others it does not exist."""
        if may_change(actor, upload):
            return upload
        raise UploadNotFound

    def _filing_of(self, actor: Actor, upload: Asset) -> Filing:
        """Return the filing of `upload`; a category that the site no longer has sets no limits."""
        name = upload.category or GENERAL
        category = category_of(actor.site, name) or Category(name=name)
        return Filing(category=category, reference=upload.reference)


def _each(upload_ids: Sequence[str], act: Callable[[str], object]) -> Done:
    changed: list[str] = []
    refused: list[AvenueError] = []
    for each in upload_ids:
        try:
            act(each)
        except UploadNotFound:
            continue
        except (UploadHeld, UploadExpired, TooManyUploads) as error:
            refused.append(error)
        else:
            changed.append(each)
    return Done(changed=changed, refused=refused)
