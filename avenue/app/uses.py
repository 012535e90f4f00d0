"""The users of media library files: asked before a file is deleted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from avenue.app.connections import PANEL_PATHS
from avenue.builder.library.models import Use, Users
from avenue.builder.website.models import PageUse
from avenue.builder.website.service import PageService
from avenue.builder.website.store.uses import PageUseStore
from avenue.health.checks.trace import models as trace
from avenue.identity import Actor, Site
from avenue.media.models import Claim
from avenue.media.references import Referrer
from avenue.shop.store.status import StatusStore
from avenue.sites.service import LogoService
from avenue.sites.store import SITES, SiteStore
from avenue.storage.collection import Session

LOGO_PATH = "/admin/settings"
WEBSITE_PATH = "/admin/website"


class LogoUses:
    """The logo of a site, if it is a file of the library."""

    def __init__(self, sites: SiteStore, logos: LogoService) -> None:
        self._sites = sites
        self._logos = logos

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: Session | None = None
    ) -> Mapping[str, Sequence[Use]]:
        """Return the use as logo, if it is among `asset_ids`."""
        logo = self._sites.logo(site_id, session)
        if logo is None or logo not in asset_ids:
            return {}
        site = self._sites.get(site_id)
        title = site.name if site else site_id
        use = Use(kind="logo", id=site_id, title=title, where=("published",), path=LOGO_PATH)
        return {logo: [use]}

    def used_ids(self, site_id: str) -> Iterable[str]:
        """Return the id of the logo, if there is one."""
        logo = self._sites.logo(site_id)
        return [logo] if logo else []

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        """Remove the logo of the site, if it is among `asset_ids`.

        Raise `LogoNotFound`, and `Forbidden`: only administrators may change it.
        """
        if set(self.used_ids(actor.site.id)) & set(asset_ids):
            self._logos.remove(actor)


class LogoReferrers:
    """The logo of a site, as the inspection checks it."""

    kind = "site"
    collection = SITES

    def __init__(self, sites: SiteStore) -> None:
        self._sites = sites

    def count(self, site_id: str) -> int:
        """Return how many owners have pictures."""
        return len(self.after(site_id, "", 1))

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return the site if it has a logo and its id is after `last_id`; `limit` is at least 1."""
        found = self.these(site_id, [site_id]) if last_id < site_id else []
        return [each for each in found if each.images][:limit]

    def changed_since(self, _site_id: str, _moment: datetime, _limit: int) -> list[str]:
        """Return nothing: the time of a change is not recorded."""
        return []

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return the site if it is among `ids`."""
        site = self._sites.get(site_id)
        if site is None or site_id not in ids:
            return []
        logo = self._sites.logo(site_id)
        images = ({"asset": logo},) if logo else ()
        return [
            Referrer(
                kind=self.kind,
                id=site_id,
                sku=None,
                revision=site.revision,
                images=images,
                shares=True,
            )
        ]


class PageUses:
    """The pages of a site, as drafts and as published."""

    def __init__(self, uses: PageUseStore, pages: PageService) -> None:
        self._uses = uses
        self._pages = pages

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: Session | None = None
    ) -> Mapping[str, Sequence[Use]]:
        """Return the pages that refer to each of `asset_ids`, in `session` if given."""
        found = self._uses.uses_of(site_id, asset_ids, session)
        return {asset_id: [_use(each) for each in uses] for asset_id, uses in found.items()}

    def used_ids(self, site_id: str) -> Iterable[str]:
        """Return the ids of all assets that pages refer to."""
        return self._uses.used_ids(site_id)

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        """Remove assets from every page, drafts and published versions; repeatable."""
        self._pages.detach(actor, asset_ids)


def _use(use: PageUse) -> Use:
    where: list[Literal["draft", "published"]] = []
    if use.in_draft:
        where.append("draft")
    if use.in_published:
        where.append("published")
    return Use(
        kind="page",
        id=use.page_id,
        title=use.title,
        where=tuple(where),
        path=f"{WEBSITE_PATH}/{use.page_id}",
    )


class EveryUse:
    """All users of an asset, for traces."""

    def __init__(self, shop: StatusStore, users: Sequence[Users]) -> None:
        self._shop = shop
        self._users = users

    def of(self, site: Site, asset_id: str, addresses: Sequence[str]) -> list[trace.Use]:
        """Return the users of an asset, by its id or by an address of `site`, current or old."""
        found = [
            trace.Use(kind=kind, id=owner, title=name, where=(), url=f"{list_path}/{owner}")
            for kind, list_path in PANEL_PATHS.items()
            for owner, name in self._shop.naming(site, kind, asset_id, addresses).items()
        ]
        for users in self._users:
            found += [
                trace.Use(
                    kind=each.kind,
                    id=each.id,
                    title=each.title,
                    where=tuple(each.where),
                    url=each.path,
                )
                for each in users.uses_of(site.id, [asset_id]).get(asset_id, ())
            ]
        return found

    def is_there(self, site_id: str, claim: Claim) -> bool | None:
        """Return whether this owner exists; None if owners of its kind are not recorded."""
        if claim.kind in PANEL_PATHS:
            return bool(self._shop.names(site_id, claim.kind, [claim.id]))
        return claim.id == site_id if claim.kind == "site" else None
