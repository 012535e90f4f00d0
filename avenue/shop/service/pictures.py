"""The use cases of pictures of products and groups."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from avenue.config import Settings
from avenue.errors import AvenueError, Unavailable
from avenue.identity import Actor, Limit, Role, Site, is_id
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import Incoming, Refusal, UploadRequest, UploadResult
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.spool import spooled
from avenue.media.models import Asset, Claim, External, State
from avenue.media.old_urls import legacy_path
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.urls import asset_in
from avenue.shop.errors import (
    ImageNotFound,
    OneFileOnly,
    OwnUrl,
    TempImageNotFound,
    TooManyImages,
    TooManyTempImages,
)
from avenue.shop.models import GROUP, PRODUCT, Changes, Picture, PictureOwner, pictures_of
from avenue.shop.service.access import may_change
from avenue.shop.store.groups import GroupStore
from avenue.shop.store.picture_transaction import NOT_FOUND
from avenue.shop.store.pictures import PictureStore
from avenue.shop.store.products import ProductStore

MOST_BYTES_TO_SHRINK = 40 * 1024 * 1024
"""Larger pictures are refused; the limits of a decode apply as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The pictures of an own product or group, for editing.

    `name` is the owner's. `trash` are those that can be restored for `trash_kept` after they were
    deleted, latest first; `limit` is the maximum number per owner.
    """

    name: str
    revision: int
    pictures: tuple[Picture, ...]
    trash: tuple[Asset, ...]
    trash_kept: timedelta
    limit: int


class PictureService:
    """Pictures of a product or group, identified by its claim.

    Sellers change those of their own.
    """

    def __init__(
        self,
        pictures: PictureStore,
        products: ProductStore,
        groups: GroupStore,
        library: MediaLibrary,
        policy: UploadPolicy,
        legacy_urls: LegacyUrls,
        settings: Settings,
    ) -> None:
        self._pictures = pictures
        self._owners: Mapping[str, ProductStore | GroupStore] = {PRODUCT: products, GROUP: groups}
        self._library = library
        self._policy = policy
        self._legacy_urls = legacy_urls
        self._limit = settings.max_images_per_product
        self._temporary_limit = settings.max_temp_images
        self._versions_keep = settings.versions_keep
        self._tmp_dir = settings.tmp_dir
        self._trash_kept = timedelta(days=settings.trash_days)

    def gallery(self, actor: Actor, claim: Claim) -> Gallery:
        """Return the pictures of an own product or group, and those in its trash."""
        owner = self._own(actor, claim)
        found = self._library.get_many(actor, [each.asset for each in owner.images if each.asset])
        live = {each.id: each for each in found.values() if each.state is State.LIVE}
        return Gallery(
            name=owner.name,
            revision=owner.revision,
            pictures=pictures_of(owner.images, live),
            trash=tuple(self._library.trashed_by(actor, claim)),
            trash_kept=self._trash_kept,
            limit=self.limit_on(actor.site),
        )

    def limit_on(self, site: Site) -> int:
        """Return the maximum number of pictures per owner."""
        return site.limit(Limit.IMAGES_PER_PRODUCT, self._limit)

    def add(
        self,
        actor: Actor,
        claim: Claim,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> UploadResult:
        """Add received pictures to an own product or group, as many as are allowed.

        `key` is the Idempotency-Key. Raise the first refusal if no file was accepted; nothing of a
        refused file is kept.
        """
        owner, limit = self._own(actor, claim), self.limit_on(actor.site)
        order = UploadRequest(
            policy=self._policy.on(actor.site),
            target=f"{claim.kind}/{claim.id}",
            key=key,
            known=self._by_source(actor, claim),
            room=limit - self._places_taken(actor, owner),
            no_room=TooManyImages(limit=limit),
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            self._pictures.add(actor.site.id, claim, upload_result, limit=limit)
        upload_result.raise_if_empty()
        return upload_result

    def add_external(self, actor: Actor, claim: Claim, url: str) -> tuple[External, bool]:
        """Add the external picture at `url`, which is never fetched; return whether it is new.

        Raise `OwnUrl` if it is one of ours, or `TooManyImages`.
        """
        self._own(actor, claim)
        if is_own_picture(actor.site, url):
            raise OwnUrl
        limit = self.limit_on(actor.site)
        created = self._pictures.add_external(actor.site.id, claim, url, limit=limit)
        return External(url=url), created

    def order(self, actor: Actor, claim: Claim, order: Sequence[str], revision: int) -> None:
        """Set the `order` of the pictures (ids, URLs of external ones), based on `revision`.

        Entries whose picture is deleted are not shown, so clients omit them: they go last.
        """
        owner = self._own(actor, claim)
        unnamed = [each.key for each in owner.images if each.asset and each.key not in order]
        found = self._library.get_many(actor, unnamed)
        live = {each.id for each in found.values() if each.state is State.LIVE}
        gone = [each for each in unnamed if each not in live]
        self._pictures.order(actor.site.id, owner, [*order, *gone], revision)

    def describe(
        self,
        actor: Actor,
        claim: Claim,
        asset_id: str,
        changes: Changes,
        revision: int | None = None,
    ) -> Asset:
        """Change the alt text, the decorative mark or the focal point of a picture.

        Raise `ImageNotFound`; with a `revision` also if it has another one.
        """
        self._own(actor, claim)
        changed = self._library.change(actor, asset_id, claim, changes, revision)
        if changed is None:
            raise ImageNotFound
        self._pictures.purge_owner_pages(actor.site.id, claim)
        return changed

    def replace(
        self,
        actor: Actor,
        claim: Claim,
        asset_id: str,
        incoming: Sequence[Incoming | Refusal],
        *,
        key: str | None,
    ) -> UploadResult:
        """Replace a picture's file; its id and position stay."""
        self._own(actor, claim)
        asset = self._live_image(actor, claim, asset_id)
        order = UploadRequest(
            policy=self._policy.on(actor.site),
            target=f"replace/{asset.id}",
            key=key,
            known={asset.current.source_sha256: asset},
            room=1,
            no_room=OneFileOnly(),
            replaces=asset,
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            fell_off = self._pictures.replace(
                actor.site.id, claim, asset, upload_result, keep=self._versions_keep
            )
        self._library.drop_files(asset, fell_off)
        upload_result.raise_if_empty()
        return upload_result

    def picture(self, actor: Actor, claim: Claim, asset_id: str) -> Asset:
        """Return a picture of an own product or group with its versions; raise `ImageNotFound`."""
        self._own(actor, claim)
        return self._live_image(actor, claim, asset_id)

    def bring_back(self, actor: Actor, claim: Claim, asset_id: str, version: str) -> Asset:
        """Make an older version of a picture the current one again; the others stay.

        Raise `ImageNotFound` or `VersionNotFound`.
        """
        self._own(actor, claim)
        return self._pictures.bring_back(actor.site.id, claim, asset_id, version, by=actor.id)

    def remove(self, actor: Actor, claim: Claim, asset_id: str) -> None:
        """Move a picture of an own product or group to the trash; raise `ImageNotFound`."""
        self._own(actor, claim)
        self._pictures.remove(actor.site.id, claim, asset_id, by=actor.id)

    def remove_by_url(self, actor: Actor, claim: Claim, url: str) -> str | None:
        """Remove the picture that `url` shows: an external one, or any address of a stored one.

        Return the id of a stored one. Raise `ImageNotFound`.
        """
        owner = self._own(actor, claim)
        keys = {each.key for each in owner.images}
        key = url if url in keys else self._asset_at(actor.site, url)
        if key not in keys:
            raise ImageNotFound
        self._pictures.remove(actor.site.id, claim, key, by=actor.id)
        return key if is_id(key) else None

    def drop_entry(self, actor: Actor, claim: Claim, position: int, image: str | None) -> bool:
        """Remove the entry at `position` from the list, if it has no picture of the owner.

        `image` is its text in a finding, which may be the beginning of a long address. Return
        whether it existed. An entry with a picture is kept.
        """
        self._own(actor, claim)
        return self._pictures.drop_entry(actor.site.id, claim, position, image)

    def restore(self, actor: Actor, claim: Claim, asset_id: str) -> None:
        """Restore a picture from the trash to its position."""
        self._own(actor, claim)
        self._pictures.restore(actor.site.id, claim, asset_id, limit=self.limit_on(actor.site))

    def add_temporary(
        self, actor: Actor, incoming: Sequence[Incoming | Refusal], *, key: str | None
    ) -> UploadResult:
        """Store pictures for a product that is not saved yet, until they expire.

        Raise the first refusal if no file was accepted, `TooManyTempImages` among them.
        """
        actor.must_be_signed_in(Role.SELLER, Role.EDITOR)
        kept = self._pictures.temporary(actor.site.id, str(actor.id))
        order = UploadRequest(
            policy=self._policy.on(actor.site),
            target="temporary",
            key=key,
            room=self._temporary_limit - len(kept),
            no_room=TooManyTempImages(limit=self._temporary_limit),
        )
        with self._library.receiving(actor, order, incoming) as upload_result:
            self._pictures.add_temporary(actor.site.id, upload_result)
        upload_result.raise_if_empty()
        return upload_result

    @contextmanager
    def fitting(
        self, actor: Actor, incoming: Sequence[Incoming | Refusal]
    ) -> Iterator[list[Incoming | Refusal]]:
        """Yield received files, reduced if they are too large, as those of phones are.

        Those that cannot be reduced are refused.
        """
        policy = self._policy.on(actor.site)
        with ExitStack() as held:
            fitted: list[Incoming | Refusal] = []
            for each in incoming:
                if isinstance(each, Refusal) or each.length <= policy.max_bytes:
                    fitted.append(each)
                    continue
                try:
                    fitted.append(held.enter_context(self.shrunk(policy, each)))
                except Unavailable:
                    raise
                except AvenueError as error:
                    fitted.append(Refusal.of(each.name, error))
            yield fitted

    @contextmanager
    def shrunk(self, policy: UploadPolicy, large: Incoming) -> Iterator[Incoming]:
        """Yield a picture reduced to the limit of `policy`; raise why it cannot be."""
        media_type = policy.check_file(large.file)
        data = self._library.shrunk(large.file, media_type, max_bytes=policy.max_bytes)
        with spooled(large.name, [data], self._tmp_dir) as smaller:
            yield smaller

    def take_temporary(self, actor: Actor, claim: Claim, asset_ids: Sequence[str]) -> None:
        """Assign own temporary pictures to an own product or group, all or none of them.

        Raise `TempImageExpired` or `TooManyImages`.
        """
        self._own(actor, claim)
        self._pictures.take_temporary(
            actor.site.id,
            claim,
            list(dict.fromkeys(asset_ids)),
            owner=str(actor.id),
            limit=self.limit_on(actor.site),
        )

    def temporary(self, actor: Actor) -> list[Asset]:
        """Return the actor's own temporary pictures, newest first."""
        actor.must_be_signed_in(Role.SELLER, Role.EDITOR)
        return self._pictures.temporary(actor.site.id, str(actor.id))

    def remove_temporary(self, actor: Actor, asset_id: str) -> None:
        """Delete an own temporary picture and its bytes; raise `TempImageNotFound`."""
        actor.must_be_signed_in(Role.SELLER, Role.EDITOR)
        gone = self._pictures.remove_temporary(actor.site.id, str(actor.id), asset_id)
        if gone is None:
            raise TempImageNotFound
        self._library.purge(gone)

    def _own(self, actor: Actor, claim: Claim) -> PictureOwner:
        """Return the owner if the actor may change it; for everyone else it does not exist."""
        actor.must_be_signed_in(Role.SELLER)
        owner = self._owners[claim.kind].get(actor.site.id, claim.id)
        if owner is None or not may_change(actor, owner):
            raise NOT_FOUND[claim.kind]
        return owner

    def _asset_at(self, site: Site, url: str) -> str:
        """Return the id of the asset of a current or old address, or ""."""
        path = legacy_path(url)
        old = self._legacy_urls.find(site.id, path) if path else None
        return asset_in(url) or old or ""

    def _live_image(self, actor: Actor, claim: Claim, asset_id: str) -> Asset:
        asset = self._library.get_many(actor, [asset_id]).get(asset_id)
        if asset is None or asset.claim != claim or asset.state is not State.LIVE:
            raise ImageNotFound
        return asset

    def _places_taken(self, actor: Actor, owner: PictureOwner) -> int:
        """Count the owner's pictures; an entry without a picture is removed by the next upload."""
        found = self._library.get_many(actor, [each.asset for each in owner.images if each.asset])
        live = {each.id for each in found.values() if each.state is State.LIVE}
        return sum(not each.asset or each.asset in live for each in owner.images)

    def _by_source(self, actor: Actor, claim: Claim) -> Mapping[str, Asset]:
        owned = self._library.claimed_by(actor, claim)
        return {asset.current.source_sha256: asset for asset in owned}


def is_own_picture(site: Site, url: str) -> bool:
    """Return whether `url` is an address of a picture stored on the site."""
    own_hosts = {"", urlsplit(site.base_url).netloc, *site.hosts}
    return asset_in(url) is not None and urlsplit(url).netloc.lower() in own_hosts
