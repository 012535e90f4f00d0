"""Models of pages: the draft, its published state, and its history."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from html import unescape
from itertools import islice
from typing import Any

from avenue.builder.content.models import Flagged
from avenue.builder.content.references import REFERENCE
from avenue.cursors import ListPage
from avenue.media.models import Asset, Visibility
from avenue.media.old_urls import legacy_path
from avenue.web.paging import Place

MOST_PAGES = 5_000
"""Pages of a site."""
MOST_ASSETS = 500
"""Assets a draft may use: all of them are read when it is shown."""
MOST_OLD_PATHS = 500
"""Paths from before Avenue that are looked up when a page is shown."""
LONGEST_SLUG = 100
LONGEST_TITLE = 200
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OLD_FILE = re.compile(r"""(?<=["'\s,])/(?:uploads|media)/[^\s"'<>,]+""")

Changes = Mapping[str, Any]
"""The given fields of `bodies.PageChanges`, without `revision`."""


class Status(StrEnum):
    """The status of the draft compared with the published state."""

    DRAFT = "draft"  # visitors see nothing
    PUBLISHED = "published"  # visitors see the draft as it is
    CHANGED = "changed"  # visitors see an earlier state of the draft


class Sort(StrEnum):
    """Sort orders of a list of pages."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    TITLE = "title"

    @property
    def kind(self) -> type[datetime] | type[str]:
        """The type of the sort value: moments or texts."""
        return str if self is Sort.TITLE else datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seo:
    """Metadata for search engines and previews; `image` is an asset."""

    title: str = ""
    description: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of a page. HTML and CSS are cleaned, and refer to own files by reference only.

    Unless another program stored them: then `is_cleaned` is False, and they are never delivered as
    they are. One that is not `themed` has no style, menu and footer of the site. `translation_of`
    is the page of which this one is a translation.
    """

    title: str
    locale: str
    html: str = ""
    css: str = ""
    seo: Seo = field(default_factory=Seo)
    is_cleaned: bool = True
    themed: bool = True
    translation_of: str | None = None

    @property
    def assets(self) -> frozenset[str]:
        """The used assets."""
        named = {
            found["asset"] for text in (self.html, self.css) for found in REFERENCE.finditer(text)
        }
        return frozenset(named | ({self.seo.image} if self.seo.image else set()))

    @property
    def old_paths(self) -> frozenset[str]:
        """The first paths in its HTML of files from before Avenue, in the form of `legacy_path`."""
        found = dict.fromkeys(_OLD_FILE.findall(self.html))
        paths = (legacy_path(unescape(each)) for each in islice(found, MOST_OLD_PATHS))
        return frozenset(each for each in paths if each)

    @property
    def bytes(self) -> int:
        """The size of its texts."""
        return len(self.html.encode()) + len(self.css.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The published state: the draft at a moment, and who published it."""

    draft: Draft
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a site; `slug` is its path under `/p/`, `revision` counts its changes.

    At `publish_at` the draft is published in its state at that time. A page from a list has no
    texts.
    """

    id: str
    slug: str
    draft: Draft
    published: Published | None = None
    status: Status = Status.DRAFT
    flagged: tuple[Flagged, ...] = ()
    publish_at: datetime | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    updated_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A save of a page: author and time; `flagged` None leaves it unchanged.

    With `is_step` the earlier draft is kept even if it existed only briefly. With `due_at` it is
    only for a page that is still scheduled for that time.
    """

    draft: Draft
    published: Published | None
    slug: str
    flagged: tuple[Flagged, ...] | None
    at: datetime
    by: str | None
    is_step: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """The path of a published page in one of its languages."""

    locale: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedPage:
    """A page with the assets of its draft, by id: those that are live and an editor may see.

    For visitors it has its published `translations`, including itself, by locale, the `logo` of its
    site, and the `old_paths` of its draft that lead nowhere (`lost_paths`).
    """

    page: Page
    assets: Mapping[str, Asset]
    translations: tuple[Translation, ...] = ()
    logo: str | None = None
    lost_paths: frozenset[str] = frozenset()

    @property
    def flagged(self) -> tuple[Flagged, ...]:
        """The URLs that do not work, including assets that are gone or private."""
        return self.page.flagged + tuple(
            Flagged(url=f"avenue:{each}", reason="private" if each in self.assets else "gone")
            for each in sorted(self.page.draft.assets)
            if not is_shown(self.assets.get(each))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """A query for at most `limit` pages after the place `after` (the sort value and the id)."""

    words: tuple[str, ...] = ()
    status: Status | None = None
    locale: str | None = None
    sort: Sort = Sort.UPDATED
    descending: bool = True
    after: Place | None = None
    limit: int

    def preceding(self, place: Place) -> "PageQuery":
        """Return the query for what precedes `place`, the nearest first."""
        return replace(self, descending=not self.descending, after=place)


PageList = ListPage[Page, Place]
"""A page of a list, without texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the history, with a `number` per page; `at` and `by` are of its last save.

    `published`: visitors have seen it. One from a list has no texts, and `bytes` is their size.
    """

    number: int
    at: datetime
    by: str | None
    draft: Draft
    bytes: int
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageUse:
    """A page that uses an asset: in its draft, in its published state, or in both."""

    page_id: str
    title: str
    in_draft: bool
    in_published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A published page in the sitemap."""

    slug: str
    changed_at: datetime


def path_of(slug: str) -> str:
    """Return the path of the published page at `slug`."""
    return f"/p/{slug}"


def is_shown(asset: Asset | None) -> bool:
    """Return whether `asset` is public."""
    return asset is not None and asset.visibility is Visibility.PUBLIC


def slug_of(title: str) -> str:
    """Return a slug for a title, as `sobre-nosotros` for “Sobre nosotros”."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", plain))[:LONGEST_SLUG].strip("-") or "page"


def numbered(slug: str, number: int) -> str:
    """Return `slug` with a number appended, still within the length limit."""
    end = f"-{number}"
    return slug[: LONGEST_SLUG - len(end)].rstrip("-") + end


def changed(draft: Draft, changes: Changes) -> Draft:
    """Return `draft` with some of its fields changed; of `seo` the given ones."""
    own = ("title", "locale", "html", "css", "themed", "translation_of")
    fields = {name: changes[name] for name in own if name in changes}
    return replace(draft, **fields, seo=replace(draft.seo, **changes.get("seo", {})))


def status_of(draft: Draft, published: Published | None) -> Status:
    """Return the status of a draft compared with the published state."""
    if published is None:
        return Status.DRAFT
    return Status.PUBLISHED if published.draft == draft else Status.CHANGED


def used_by(draft: Draft, published: Published | None) -> frozenset[str]:
    """Return the assets that a page uses, in its draft or in its published state."""
    return draft.assets | (published.draft.assets if published else frozenset())


def kept_entries(newest_first: Iterable[Entry]) -> frozenset[int]:
    """Return the numbers of the entries of a page's history that are kept.

    The newest `KEPT`, and the newest `KEPT_PUBLISHED` published ones; limited to `KEPT_BYTES` of
    texts in total, but at least ten.
    """
    kept: set[int] = set()
    published = size = 0
    for place, each in enumerate(newest_first):
        published += each.published
        is_wanted = place < KEPT or (each.published and published <= KEPT_PUBLISHED)
        if is_wanted and (size + each.bytes <= KEPT_BYTES or len(kept) < KEPT_IN_ANY_CASE):
            size += each.bytes
            kept.add(each.number)
    return frozenset(kept)


KEPT = 50
KEPT_PUBLISHED = 10
KEPT_BYTES = 16 * 1024 * 1024
KEPT_IN_ANY_CASE = 10
