"""Use cases of links to uploads: creating and revoking them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import Actor, Role
from avenue.media.access import may_read
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import Asset, Visibility
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.presenting import variants_json
from avenue.media.signing.service import DAY_SECONDS, SignedLinks, Signer
from avenue.media.urls import form_path
from avenue.uploads.errors import UploadNotFound
from avenue.uploads.links.errors import LinkTooLong
from avenue.uploads.models import is_upload, may_change


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOrder:
    """A requested link to the upload `id` as `variant`, for `seconds`."""

    id: str
    variant: str
    download: bool
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link: the path below the address of the site. That of a public upload never expires."""

    path: str
    expires_at: datetime | None


class LinkService:
    """The links to the uploads of a site."""

    def __init__(self, library: MediaLibrary, links: SignedLinks, settings: Settings) -> None:
        self._library = library
        self._links = links
        self._longest_days = settings.max_link_days

    def sign(self, actor: Actor, order: LinkOrder) -> Link:
        """Return the link to an upload `actor` may read.

        Raise `UploadNotFound`, `UnknownVariant` or `LinkTooLong`.
        """
        [made] = self.sign_many(actor, [order])
        if isinstance(made, AvenueError):
            raise made
        return made

    def sign_many(self, actor: Actor, orders: Sequence[LinkOrder]) -> list[Link | AvenueError]:
        """Return the link of each order, or its error, in their order."""
        assets = self._library.get_many(actor, [each.id for each in orders])
        signer = self._links.signer(actor.site.id)
        return [self._made(actor, assets.get(each.id), each, signer) for each in orders]

    def addresses(
        self, actor: Actor, uploads: Sequence[Asset], seconds: int
    ) -> list[Mapping[str, Link]]:
        """Return the links to uploads that `actor` may read, by the names in their JSON."""
        signer = self._links.signer(actor.site.id)
        return [
            {
                form: _link(actor, each, form, signer, download=False, seconds=seconds)
                for form in (ORIGINAL, *variants_json(actor.site, each))
            }
            for each in uploads
        ]

    def revoke(self, actor: Actor, upload_id: str) -> None:
        """Revoke all links to an upload, for its owner and administrators.

        Raise `UploadNotFound`.
        """
        asset = self._library.get_many(actor, [upload_id]).get(upload_id)
        if asset is None or not is_upload(asset) or not may_change(actor, asset):
            raise UploadNotFound
        self._links.revoke(asset)

    def revoke_all(self, actor: Actor) -> None:
        """Revoke all links to all uploads of the site, for administrators."""
        actor.must_have(Role.ADMIN)
        self._links.revoke_all(actor.site.id)

    def _made(
        self, actor: Actor, asset: Asset | None, order: LinkOrder, signer: Signer
    ) -> Link | AvenueError:
        try:
            asset = _readable(actor, asset)
            self.check(order.seconds)
            form, download = order.variant, order.download
            return _link(actor, asset, form, signer, download=download, seconds=order.seconds)
        except AvenueError as error:
            return error

    def check(self, seconds: int) -> None:
        """Raise `LinkTooLong` for more seconds than the maximum lifetime."""
        if seconds > self._longest_days * DAY_SECONDS:
            raise LinkTooLong(self._longest_days)


def _link(
    actor: Actor, asset: Asset, form: str, signer: Signer, *, download: bool, seconds: int
) -> Link:
    """Return a link to `asset` in a variant; raise `UnknownVariant`."""
    path = form_path(actor.site, asset, form)
    if asset.visibility is Visibility.PUBLIC:
        return Link(path=f"{path}?download=1" if download else path, expires_at=None)
    signed = signer.sign(asset, path, download=download, seconds=seconds)
    return Link(path=signed.path, expires_at=signed.expires_at)


def _readable(actor: Actor, asset: Asset | None) -> Asset:
    """Return an upload that `actor` may read, or raise `UploadNotFound`."""
    if asset is None or not is_upload(asset) or not may_read(actor, asset):
        raise UploadNotFound
    return asset
