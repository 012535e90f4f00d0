"""Pages as they are shown: with their assets, to editors, to visitors and in previews."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from avenue.builder.content.cleaning import tidied
from avenue.builder.content.models import Content
from avenue.builder.website.errors import PageNotFound
from avenue.builder.website.models import Draft, Page, PicturedPage, is_shown
from avenue.builder.website.store.pages import PageStore
from avenue.identity import Actor, Site
from avenue.media.addresses import KnownPaths
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import Claim, State


class ShownPages:
    """The pages of a site for visitors."""

    def __init__(
        self,
        store: PageStore,
        library: MediaLibrary,
        logo_of: Callable[[str], str | None],
        known_paths: KnownPaths,
    ) -> None:
        """`logo_of` returns the logo of a site, `known_paths` the assets of its old paths."""
        self._store = store
        self._library = library
        self._logo_of = logo_of
        self._known_paths = known_paths

    def at(self, site: Site, slug: str) -> PicturedPage:
        """Return the published page at `slug`; its own slug differs when it has moved.

        The site's logo is among its assets.

        Raise `PageNotFound`.
        """
        page = self._store.shown_at(site.id, slug)
        if page is None or page.published is None:
            raise PageNotFound
        seen = self._for_visitors(site, replace(page, draft=page.published.draft))
        return replace(seen, translations=tuple(self._store.translations(site.id, page)))

    def previewed(self, site: Site, page_id: str) -> PicturedPage:
        """Return the draft of a page for visitors; raise `PageNotFound`."""
        page = self._store.get(site.id, page_id)
        if page is None:
            raise PageNotFound
        return self._for_visitors(site, page)

    def _for_visitors(self, site: Site, page: Page) -> PicturedPage:
        logo, paths = self._logo_of(site.id), page.draft.old_paths
        known = self._known_paths(site.id, paths) if paths else {}
        also = {*known.values(), *([logo] if logo else [])}
        shown = pictured(self._library, Actor(site=site), page, also)
        answered = {path for path, each in known.items() if is_shown(shown.assets.get(each))}
        return replace(shown, logo=logo, lost_paths=paths - answered)


def pictured(
    library: MediaLibrary, actor: Actor, page: Page, also: Iterable[str] = ()
) -> PicturedPage:
    """Return `page` for display, with its assets and those of `also`.

    Private uploads, whose id it may contain, are left out. Raise `ContentTooLarge` or
    `ContentTooTangled` where another program stored what cannot be cleaned.
    """
    page = replace(page, draft=_tidied(page.draft))
    found = library.get_many(actor, sorted({*page.draft.assets, *also}))
    own = Claim.library(actor.site.id)
    seen = {
        each: asset
        for each, asset in found.items()
        if asset.state is State.LIVE
        and not asset.current.is_withheld
        and (is_shown(asset) or asset.claim == own)
    }
    return PicturedPage(page=page, assets=seen)


def _tidied(draft: Draft) -> Draft:
    """Return `draft` with texts that are safe to show."""
    if draft.is_cleaned:
        return draft
    texts = tidied(Content(html=draft.html, css=draft.css))
    return replace(draft, html=texts.html, css=texts.css)
