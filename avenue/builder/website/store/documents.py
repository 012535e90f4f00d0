"""Pages as they are stored in MongoDB.

A page is one document: the draft, the published state, and in `assets` the assets of both, so that
the users of an asset are found with one query. Its history is in separate documents.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from avenue.builder.content.models import Flagged
from avenue.builder.website.models import Draft, Page, Published, Seo, Status, used_by
from avenue.storage.connection import Document
from avenue.words import folded, words_of

PAGES = "page_content"
HISTORY = "page_history"
LONGEST_KEY = 100
DEFAULT_LOCALE = "es"
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of events without a recorded time."""


def stored_fields(page: Page) -> Document:
    """Return the stored fields of a page, without its creation and history."""
    draft = page.draft
    return {
        "title": draft.title,
        "title_key": folded(draft.title)[:LONGEST_KEY],
        "slug": page.slug,
        "locale": draft.locale,
        "draft": {
            "html": draft.html,
            "css": draft.css,
            "seo": asdict(draft.seo),
            "is_cleaned": draft.is_cleaned,
            "themed": draft.themed,
            "translation_of": draft.translation_of,
        },
        "published": _published_out(page.published),
        "assets": sorted(used_by(draft, page.published)),
        "flagged": [{"url": each.url, "reason": each.reason} for each in page.flagged],
        "status": page.status,
        "words": words_of(draft.title, page.slug.replace("-", " ")),
        "revision": page.revision,
        "updated_at": page.updated_at,
        "updated_by": page.updated_by,
    }


def _published_out(published: Published | None) -> Document | None:
    if published is None:
        return None
    return {**asdict(published.draft), "at": published.at, "by": published.by}


def page_in(document: Document) -> Page:
    """Return the page stored as `document`; fields that another program left out are empty."""
    draft, published = draft_in(document), published_in(document)
    # Lists have no texts to compare, so a page without a status counts as changed.
    unsaid = Status.CHANGED if published else Status.DRAFT
    status = document.get("status")
    return Page(
        id=document["_id"],
        slug=text_of(document.get("slug")),
        draft=draft,
        published=published,
        status=Status(str(status)) if status in [*Status] else unsaid,
        flagged=tuple(
            Flagged(url=each["url"], reason=each["reason"]) for each in document.get("flagged", ())
        ),
        publish_at=document.get("publish_at"),
        revision=document.get("revision") or 0,
        created_at=_moment(document.get("created_at")),
        updated_at=_moment(document.get("updated_at")),
        updated_by=document.get("updated_by"),
    )


def draft_in(document: Document) -> Draft:
    """Return the draft of a stored page."""
    found = document.get("draft")
    found = found if isinstance(found, dict) else {}
    return texts_in({**found, "title": document.get("title"), "locale": document.get("locale")})


def published_in(document: Document) -> Published | None:
    """Return the published state of a stored page, None if it has none."""
    found = document.get("published")
    if not isinstance(found, dict):
        return None
    texts = {"title": document.get("title"), "locale": document.get("locale"), **found}
    return Published(draft=texts_in(texts), at=_moment(found.get("at")), by=found.get("by"))


def texts_in(found: Mapping[str, Any]) -> Draft:
    """Return the texts stored in a draft, a published state or an entry of the history."""
    seo = found.get("seo")
    seo = seo if isinstance(seo, dict) else {}
    return Draft(
        title=text_of(found.get("title")),
        locale=text_of(found.get("locale")) or DEFAULT_LOCALE,
        html=text_of(found.get("html")),
        css=text_of(found.get("css")),
        seo=Seo(
            title=text_of(seo.get("title")),
            description=text_of(seo.get("description")),
            image=text_of(seo.get("image")) or None,
        ),
        is_cleaned=found.get("is_cleaned") is True,
        themed=found.get("themed") is not False,
        translation_of=text_of(found.get("translation_of")) or None,
    )


def text_of(value: object) -> str:
    """Return a text, "" for any other value of another program."""
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime:
    """Return a time, `BEFORE` for any other value of another program."""
    return value if isinstance(value, datetime) else BEFORE
