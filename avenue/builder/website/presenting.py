"""Conversion of pages to JSON."""

from collections.abc import Mapping, Sequence

from avenue.builder.content.cleaning import expanded
from avenue.builder.content.models import Content, Flagged, Link
from avenue.builder.content.references import reference
from avenue.builder.library.presenting import media_json
from avenue.builder.website import replies
from avenue.builder.website.checks import Remark
from avenue.builder.website.models import (
    Entry,
    Page,
    PageList,
    PageQuery,
    PicturedPage,
    Seo,
    is_shown,
    path_of,
)
from avenue.builder.website.previews import Preview
from avenue.clock import iso
from avenue.identity import Site
from avenue.media.errors import UnknownVariant
from avenue.media.models import Asset
from avenue.media.urls import original_url, variant_url
from avenue.totals import total_json
from avenue.web.paging import cursor_text


def address_of(site: Site, slug: str) -> str:
    """Return the URL of the page at `slug`."""
    return site.base_url + path_of(slug)


def page_json(site: Site, pictured: PicturedPage) -> replies.Page:
    """Return the JSON of a page, with absolute URLs of `site` in its texts.

    Missing assets keep their reference, so that a text that is sent back unchanged loses nothing.
    """
    page = pictured.page
    content = _content(site, pictured)
    return {
        **_summary(site, page, pictured.flagged),
        "html": content.html,
        "css": content.css,
        "images": [
            media_json(site, pictured.assets[each])
            for each in sorted(page.draft.assets)
            if each in pictured.assets
        ],
    }


def list_json(site: Site, query: PageQuery, found: PageList) -> replies.PageList:
    """Return a page of a list."""
    return {
        "items": [_summary(site, each, each.flagged) for each in found.items],
        "next": cursor_text(query.sort, found.next) if found.next else None,
        **total_json(found.total),
    }


def history_json(entries: list[Entry]) -> replies.History:
    """Return the history of a page, without texts."""
    return {"items": [_entry(each) for each in entries], "next": None, "total": len(entries)}


def past_json(site: Site, entry: Entry, pictured: PicturedPage) -> replies.PastPage:
    """Return an entry of the history with its texts; `pictured` has the assets of that time."""
    content = _content(site, pictured)
    return {
        **_entry(entry),
        "locale": entry.draft.locale,
        "html": content.html,
        "css": content.css,
        "seo": _seo(entry.draft.seo),
        "themed": entry.draft.themed,
        "translation_of": entry.draft.translation_of,
    }


def path_of_preview(preview: Preview) -> str:
    """Return the path of a preview link."""
    return f"/preview/{preview.token}"


def preview_json(site: Site, preview: Preview) -> replies.Preview:
    """Return the JSON of a preview link."""
    return {
        "url": site.base_url + path_of_preview(preview),
        "expires_at": iso(preview.expires_at),
    }


def remarks_json(remarks: Sequence[Remark]) -> replies.Remarks:
    """Return the remarks on a draft."""
    return {"items": [{"kind": each.kind, "where": each.where} for each in remarks]}


def link_of(site: Site, assets: Mapping[str, Asset]) -> Link:
    """Return the function from an asset and a variant to its URL; None for a private asset.

    An asset without that size is linked in its original one.
    """

    def link(asset_id: str, variant: str) -> str | None:
        asset = assets.get(asset_id)
        if asset is None or not is_shown(asset):
            return None
        try:
            return variant_url(site, asset, variant)
        except UnknownVariant:
            return original_url(site, asset)

    return link


def _content(site: Site, pictured: PicturedPage) -> Content:
    link, draft = link_of(site, pictured.assets), pictured.page.draft

    def linked(asset_id: str, variant: str) -> str:
        return link(asset_id, variant) or reference(asset_id, variant)

    return expanded(Content(html=draft.html, css=draft.css), linked)


def _summary(site: Site, page: Page, flagged: tuple[Flagged, ...]) -> replies.PageSummary:
    published = page.published
    return {
        "id": page.id,
        "title": page.draft.title,
        "slug": page.slug,
        "locale": page.draft.locale,
        "seo": _seo(page.draft.seo),
        "themed": page.draft.themed,
        "translation_of": page.draft.translation_of,
        "status": page.status,
        "published_at": iso(published.at) if published else None,
        "publish_at": iso(page.publish_at) if page.publish_at else None,
        "url": address_of(site, page.slug) if published and page.slug else None,
        "revision": page.revision,
        "flagged": [{"url": each.url, "reason": each.reason} for each in flagged],
        "created_at": iso(page.created_at),
        "updated_at": iso(page.updated_at),
        "updated_by": page.updated_by,
    }


def _seo(seo: Seo) -> replies.Seo:
    return {"title": seo.title, "description": seo.description, "image": seo.image}


def _entry(entry: Entry) -> replies.HistoryEntry:
    return {
        "number": entry.number,
        "at": iso(entry.at),
        "by": entry.by,
        "title": entry.draft.title,
        "bytes": entry.bytes,
        "published": entry.published,
    }
