"""A page: the draft that editors change, what of it is published, and what it was before."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from avenue.builder.content.references import REFERENCE
from avenue.builder.paging import Place
from avenue.media.models import Asset, Visibility

MOST_PAGES = 5_000
"""Pages of a site."""
MOST_ASSETS = 500
"""Assets a draft may use: all of them are read when it is shown."""
LONGEST_SLUG = 100
LONGEST_TITLE = 200
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

Changes = Mapping[str, Any]
"""The fields of `bodies.PageChanges` that are given, without `revision`."""


class Status(StrEnum):
    """How what editors have stands to what visitors see."""

    DRAFT = "draft"  # visitors see nothing
    PUBLISHED = "published"  # they see the draft as it is
    CHANGED = "changed"  # they see what it was when it was published


class Sort(StrEnum):
    """By what a list of pages is ordered."""

    CREATED = "created_at"
    UPDATED = "updated_at"
    TITLE = "title"

    @property
    def kind(self) -> type[datetime] | type[str]:
        """What it sorts by: moments or texts."""
        return str if self is Sort.TITLE else datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seo:
    """What search engines and previews are told; `image` is an asset."""

    title: str = ""
    description: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a page says. HTML and CSS are cleaned, and name own files by reference only.

    Unless another program stored them: then `is_cleaned` is False, and nobody gets to see them
    as they are. One that is not `themed` stands by itself: without the site's style, menu and
    footer. `translation_of` is the page that this one says in another language.
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
        """The assets it uses."""
        named = {
            found["asset"] for text in (self.html, self.css) for found in REFERENCE.finditer(text)
        }
        return frozenset(named | ({self.seo.image} if self.seo.image else set()))

    @property
    def bytes(self) -> int:
        """How large its texts are."""
        return len(self.html.encode()) + len(self.css.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What visitors see: the draft as it was at a moment, and who published it."""

    draft: Draft
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An address in a draft that will not show what it is meant to, and why.

    The reasons are those of `avenue.builder.content`, and `gone` and `private` of assets.
    """

    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a site; `slug` is its place under `/p/`, `revision` counts its changes.

    At `publish_at` the draft is published as it is then. One from a list has no texts.
    """

    id: str
    slug: str
    draft: Draft
    published: Published | None = None
    status: Status = Status.DRAFT
    flagged: tuple[Flag, ...] = ()
    publish_at: datetime | None = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    updated_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Where visitors find a page in one of its languages."""

    locale: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturedPage:
    """A page with the assets its draft uses, by id: those that are live and an editor may see.

    As visitors see it, it has its published `translations`, itself among them, by locale, and the
    `logo` of its site.
    """

    page: Page
    assets: Mapping[str, Asset]
    translations: tuple[Translation, ...] = ()
    logo: str | None = None

    @property
    def flagged(self) -> tuple[Flag, ...]:
        """What will not show, assets that are gone or not for everybody included."""
        return self.page.flagged + tuple(
            Flag(url=f"avenue:{each}", reason="private" if each in self.assets else "gone")
            for each in sorted(self.page.draft.assets)
            if not is_shown(self.assets.get(each))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Which pages, at most `limit` behind the place `after` (the sort value and the id)."""

    words: tuple[str, ...] = ()
    status: Status | None = None
    locale: str | None = None
    sort: Sort = Sort.UPDATED
    descending: bool = True
    after: Place | None = None
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageList:
    """Some pages without their texts, with the places of the `first` and the `last` one.

    `next` is where to go on, `total` how many match in all.
    """

    items: Sequence[Page]
    first: Place | None
    last: Place | None
    next: Place | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A draft as it was: the `number` counts them per page, `at` and `by` are of its last save.

    `published` tells that visitors saw it. One from a list has no texts, and `bytes` says how
    large they are.
    """

    number: int
    at: datetime
    by: str | None
    draft: Draft
    bytes: int
    published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PageUse:
    """A page that uses an asset: in its draft, in what visitors see, or in both."""

    page_id: str
    title: str
    in_draft: bool
    in_published: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A published page as search engines are told of it."""

    slug: str
    changed_at: datetime


def path_of(slug: str) -> str:
    """Return the path where visitors see the page at `slug`."""
    return f"/p/{slug}"


def is_shown(asset: Asset | None) -> bool:
    """Tell whether everybody may see `asset`."""
    return asset is not None and asset.visibility is Visibility.PUBLIC


def slug_of(title: str) -> str:
    """Return the slug a title suggests, as `sobre-nosotros` of “Sobre nosotros”."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return "-".join(re.findall("[a-z0-9]+", plain))[:LONGEST_SLUG].strip("-") or "page"


def numbered(slug: str, number: int) -> str:
    """Return `slug` with a number behind it, still short enough."""
    end = f"-{number}"
    return slug[: LONGEST_SLUG - len(end)].rstrip("-") + end


def changed(draft: Draft, changes: Changes) -> Draft:
    """Return `draft` with some of its fields changed; of `seo` those that are given."""
    own = ("title", "locale", "html", "css", "themed", "translation_of")
    fields = {name: changes[name] for name in own if name in changes}
    return replace(draft, **fields, seo=replace(draft.seo, **changes.get("seo", {})))


def fields_of(draft: Draft) -> Changes:
    """Return the changes that make `draft` of any other."""
    return asdict(draft)


def status_of(draft: Draft, published: Published | None) -> Status:
    """Return how a draft stands to what is published."""
    if published is None:
        return Status.DRAFT
    return Status.PUBLISHED if published.draft == draft else Status.CHANGED


def used_by(draft: Draft, published: Published | None) -> frozenset[str]:
    """Return the assets that a page uses, in its draft or in what visitors see."""
    return draft.assets | (published.draft.assets if published else frozenset())


def kept_entries(newest_first: Iterable[Entry]) -> frozenset[int]:
    """Return the numbers of those entries of a page's history that stay.

    The newest `KEPT`, and of those that were published the newest `KEPT_PUBLISHED`; of all of
    them so many that their texts are no larger than `KEPT_BYTES` together, ten in any case.
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
