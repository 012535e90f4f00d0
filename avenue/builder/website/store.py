"""Pages and their history, in MongoDB.

A page is one document: the draft, the published state, and in `assets` the assets of both, so that
the users of an asset are found with one query. Its history is in separate documents.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.builder.content.references import SCHEME
from avenue.builder.website.errors import (
    EntryNotFound,
    PageNotFound,
    RevisionConflict,
    SlugTaken,
    TooManyPages,
)
from avenue.builder.website.models import (
    MOST_PAGES,
    Address,
    Draft,
    Entry,
    Flag,
    Page,
    PageList,
    PageQuery,
    PageUse,
    Published,
    Seo,
    Sort,
    Status,
    Translation,
    kept_entries,
    path_of,
    status_of,
    used_by,
)
from avenue.identity import ID_PATTERN, new_id
from avenue.media.announcing.store import purge_paths
from avenue.media.intake.library import UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.references import Referrer, ids_changed_since
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.transitions import claim_one, hold_live
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.indexes import IS_TEXT
from avenue.storage.paging import behind_or_missing
from avenue.storage.scope import SiteRecords, deployment, site
from avenue.storage.word_search import having_words, in_many
from avenue.web.paging import Place
from avenue.words import folded, words_of

T = TypeVar("T")

PAGES = "page_content"
HISTORY = "page_history"
SERIES = timedelta(minutes=5)
"""Saves of one person within this time are one entry of the history: the editor saves
automatically."""
MOST_OLD_SLUGS = 20
MOST_TRANSLATIONS = 50
MOST_USES = 1_000
LONGEST_KEY = 100
MAPS = ("/sitemap.xml", "/sitemap/pages.xml")
"""The paths of the sitemaps."""
WHERE = {"slug": 1, "old_slugs": 1, "published": 1}
LARGEST_NUMBER = 2**31
DEFAULT_LOCALE = "es"
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of events without a recorded time."""
WITHOUT_TEXTS = {
    "draft.html": 0,
    "draft.css": 0,
    "draft.components": 0,
    "published.html": 0,
    "published.css": 0,
    "published.components": 0,
    "assets": 0,
    "words": 0,
}
SORT_KEYS = {Sort.TITLE: "title_key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A save of a page: author and time; `flagged` None leaves it unchanged.

    With `is_step` the earlier draft is kept even if it existed only briefly.
    """

    draft: Draft
    published: Published | None
    slug: str
    flagged: tuple[Flag, ...] | None
    at: datetime
    by: str | None
    is_step: bool = False


class PageStore(SiteRecords):
    """The pages of one site at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def get(self, site_id: str, page_id: str) -> Page | None:
        """Return a page, or None."""
        return self._records(site_id, PAGES).value(page_in, {"_id": page_id})

    def changed(self, site_id: str, most: int) -> int | None:
        """Count the pages that were changed since they were published; None for more."""
        return self._records(site_id, PAGES).total({"status": Status.CHANGED}, most=most)

    def find(self, site_id: str, query: PageQuery) -> PageList:
        """Return a page of the list, without texts."""
        key, way = SORT_KEYS.get(query.sort, query.sort.value), -1 if query.descending else 1
        pages, order = self._records(site_id, PAGES), [(key, way), ("_id", way)]
        wanted = [*having_words(pages, query.words), *_asked(query)]
        total = pages.total({"$and": wanted} if wanted else {}, order)
        if total is None:
            wanted = [*in_many(query.words), *_asked(query)]
        wanted += behind_or_missing(key, query.after, descending=query.descending)
        found = pages.values(
            lambda each: (page_in(each), _place(each, key)),
            {"$and": wanted} if wanted else {},
            WITHOUT_TEXTS,
            sort=order,
            limit=query.limit + 1,
        )
        shown = found[: query.limit]
        places: list[Place] = [place for _, place in shown]
        last = places[-1] if places else None
        return PageList(
            items=[page for page, _ in shown],
            first=places[0] if places else None,
            next=last if len(found) > query.limit else None,
            total=total,
        )

    def shown_at(self, site_id: str, slug: str) -> Page | None:
        """Return the published page at `slug`, or the one that used to be there; else None."""
        pages, is_published = self._records(site_id, PAGES), {"published": {"$type": "object"}}
        fields = {"draft.html": 0, "draft.css": 0}
        found = pages.find_one({"slug": {**IS_TEXT, "$eq": slug}, **is_published}, fields)
        found = found or pages.find_one({"old_slugs": slug, **is_published}, fields)
        return page_in(found) if found else None

    def translations(self, site_id: str, page: Page) -> list[Translation]:
        """Return the paths of a published page in its languages, one for each, by locale."""
        original = page.draft.translation_of or page.id
        pages, fields = self._records(site_id, PAGES), {"slug": 1, "published.locale": 1}
        named = {"published.translation_of": {"$eq": original, **IS_TEXT}}
        found = pages.find(named, fields, limit=MOST_TRANSLATIONS)
        if original != page.id:
            found = [*found, *pages.find({"_id": original}, fields)]
        here = {
            locale: each["slug"]
            for each in [*found, {"slug": page.slug, "published": {"locale": page.draft.locale}}]
            if isinstance(shown := each.get("published"), dict)
            and (locale := _text(shown.get("locale")))
            and _text(each.get("slug"))
        }
        return [Translation(locale=each, slug=here[each]) for each in sorted(here)]

    def addresses(self, site_id: str) -> list[Address]:
        """Return the paths of the published pages."""
        published = [Status.PUBLISHED.value, Status.CHANGED.value]
        found = self._records(site_id, PAGES).find(
            {"status": {"$in": published}},
            {"slug": 1, "published.at": 1},
            sort=[("status", 1), ("updated_at", -1)],
            limit=MOST_PAGES,
        )
        return [
            Address(slug=each["slug"], changed_at=shown.at)
            for each in found
            if _text(each.get("slug")) and (shown := _published_in(each))
        ]

    def same(self, site_id: str, hashes: Sequence[str]) -> dict[str, Asset]:
        """Return live assets of the library created from bytes with `hashes`, by hash."""
        claim = Claim.library(site_id)
        assets = self._records(site_id, ASSETS).values(
            from_document,
            {
                "versions.source_sha256": {"$in": list(hashes)},
                "claim.kind": claim.kind,
                "claim.id": claim.id,
                "state": State.LIVE,
            },
        )
        return {each.current.source_sha256: each for each in assets}

    def insert(self, site_id: str, page: Page, upload_result: UploadResult | None) -> Page:
        """Insert a new page and claim its inline pictures for the library.

        Raise `SlugTaken` or `TooManyPages`.
        """

        def work(session: ClientSession) -> Page:
            pages = self._records(site_id, PAGES).within(session)
            if found := pages.find_one({"_id": page.id}):
                return page_in(found)  # an earlier run of this transaction, whose answer was lost
            self._writes.take_turns(site_id, "pages", session)
            if pages.count({}, most=MOST_PAGES) >= MOST_PAGES:
                raise TooManyPages(limit=MOST_PAGES)
            self._keep(site_id, upload_result, session)
            self._hold(site_id, page.draft.assets, session)
            _take_slug(pages, page.id, page.slug)
            document = {"_id": page.id, **_fields(page), "created_at": page.created_at}
            document |= {"series": _series(page.updated_by, page.updated_at), "history": 0}
            pages.insert(document)
            _purge(pages, {}, document)
            return page

        try:
            return self._together(site_id, work, upload_result)
        except AlreadyThere:
            raise SlugTaken(slug=page.slug) from None

    def slugs_like(self, site_id: str, slug: str) -> frozenset[str]:
        """Return the slugs of the site that begin with `slug`."""
        beginning = {**IS_TEXT, "$regex": f"^{re.escape(slug)}"}
        found = self._records(site_id, PAGES).find({"slug": beginning}, {"slug": 1})
        return frozenset(each["slug"] for each in found)

    def save(
        self, site_id: str, known: Page, save: Save, upload_result: UploadResult | None = None
    ) -> Page:
        """Change a page that still equals `known`, and keep its earlier state; see `Save`.

        Claims its inline pictures for the library. Raise `RevisionConflict`, `PageNotFound` or
        `SlugTaken`.
        """
        mark = new_id()

        def work(session: ClientSession) -> Page:
            pages = self._records(site_id, PAGES).within(session)
            found = pages.find_one({"_id": known.id})
            if found is None:
                raise PageNotFound
            if found.get("mark") == mark:
                return page_in(found)  # an earlier run of this transaction, whose answer was lost
            if (found.get("revision") or 0) != known.revision:
                raise RevisionConflict
            self._keep(site_id, upload_result, session)
            used = used_by(save.draft, save.published)
            self._hold(site_id, used - set(found.get("assets") or ()), session)
            changed = _saved(known, save)
            values = {**_fields(changed), "mark": mark, **self._stepped(found, save, session)}
            if changed.slug != known.slug:
                _take_slug(pages, known.id, changed.slug)
                values["old_slugs"] = _old_slugs(found, changed)
            pages.update({"_id": known.id}, {"$set": values})
            _purge(pages, found, values)
            return changed

        try:
            return self._together(site_id, work, upload_result)
        except AlreadyThere:
            raise SlugTaken(slug=save.slug) from None

    def schedule(self, site_id: str, page_id: str, at: datetime | None) -> Page | None:
        """Store when a page is to be published, None for never; return None if there is no page."""
        change = {"$set": {"publish_at": at}} if at else {"$unset": {"publish_at": ""}}
        found = self._records(site_id, PAGES).find_and_update({"_id": page_id}, change)
        return page_in(found) if found else None

    def was_due(self, site_id: str, page_id: str, at: datetime) -> None:
        """Remove the schedule of a page that was due; repeatable."""
        self._records(site_id, PAGES).update(
            {"_id": page_id, "publish_at": at}, {"$unset": {"publish_at": ""}}
        )

    def delete(self, site_id: str, page_id: str) -> None:
        """Delete a page and its history; raise `PageNotFound`."""
        scope = site(self._database, site_id)

        def work(session: ClientSession) -> bool:
            scope.collection(HISTORY).within(session).delete_all({"page": page_id})
            pages = scope.collection(PAGES).within(session)
            _purge(pages, pages.find_one({"_id": page_id}, WHERE) or {}, {})
            return bool(pages.delete({"_id": page_id}))

        if not scope.transaction(work):
            raise PageNotFound

    # History

    def history(self, site_id: str, page_id: str) -> list[Entry]:
        """Return the history of a page, newest first, without texts."""
        return self._records(site_id, HISTORY).values(
            _entry_in, {"page": page_id}, {"html": 0, "css": 0}, sort=[("number", -1)]
        )

    def entry(self, site_id: str, page_id: str, number: int) -> Entry:
        """Return an entry with its texts; raise `EntryNotFound`."""
        query = {"page": page_id, "number": min(number, LARGEST_NUMBER)}
        found = self._records(site_id, HISTORY).find_one(query)
        if found is None:
            raise EntryNotFound
        return _entry_in(found)

    # Users of an asset

    def using(self, site_id: str, asset_ids: Iterable[str], *, limit: int) -> list[Page]:
        """Return some pages with texts that use one of the given assets."""
        using = {"assets": {"$in": sorted(asset_ids)}}
        return self._records(site_id, PAGES).values(page_in, using, limit=limit)

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: ClientSession | None
    ) -> dict[str, list[PageUse]]:
        """Return which pages use each of `asset_ids`, by asset: usually up to `MOST_USES`.

        Unused assets are left out. The texts, which say where in a page, are not read.
        """
        pages = self._records(site_id, PAGES)
        asked = pages.within(session) if session else pages
        uses: dict[str, list[PageUse]] = {}
        left = list(asset_ids)
        while left:
            found = asked.aggregate(
                [
                    {"$match": {"assets": {"$in": left}}},
                    {"$limit": MOST_USES},
                    {"$project": {"title": 1, "title_key": 1, "uses": _uses(left)}},
                    {"$sort": {"title_key": 1, "_id": 1}},
                ]
            )
            _add_uses(uses, found)
            # Pages with many of them can hide those of others: these are read again.
            is_cut = len(found) == MOST_USES
            left = [each for each in left if each not in uses] if is_cut else []
        return uses

    def used_ids(self, site_id: str) -> frozenset[str]:
        """Return all assets that pages use."""
        found = self._records(site_id, PAGES).aggregate(
            [
                {"$match": {"assets": {"$gte": ""}}},
                {"$project": {"assets": 1}},
                {"$unwind": "$assets"},
                {"$match": {"assets": {"$type": "string"}}},
                {"$group": {"_id": "$assets"}},
            ]
        )
        return frozenset(each["_id"] for each in found)

    def _stepped(self, found: Document, save: Save, session: ClientSession) -> Document:
        """Keep the stored draft in the history if it is an entry of its own.

        Return the fields that the page stores about that.
        """
        before = _draft_in(found)
        is_published = save.published is not None and save.published.draft == save.draft
        was_published = bool(found.get("was_published"))
        if before == save.draft and before.is_cleaned:
            return {"was_published": was_published or is_published}
        begun = found.get("series") or {}
        goes_on = bool(begun) and begun["by"] == save.by and save.at - begun["at"] < SERIES
        goes_on = goes_on and before.is_cleaned
        if goes_on and not (save.is_step or was_published):
            return {"was_published": is_published}
        number = found.get("history", 0) + 1
        entry = Entry(
            number=number,
            at=found.get("updated_at") or save.at,
            by=found.get("updated_by"),
            draft=before,
            bytes=before.bytes,
            published=was_published,
        )
        history = self._records(found["site"], HISTORY).within(session)
        document = {"_id": new_id(), "page": found["_id"], **_entry_out(entry)}
        if number == 1 and not before.is_cleaned:
            document["imported"] = _left_out_of(found)
        history.insert(document)
        self._prune(history, found["_id"])
        series = None if save.is_step else _series(save.by, save.at)
        return {"history": number, "series": series, "was_published": is_published}

    def _prune(self, history: Collection, page_id: str) -> None:
        fields = {"number": 1, "bytes": 1, "published": 1}
        # The content of another program exists nowhere else: it is kept as long as the page.
        own = {"page": page_id, "imported": None}
        found = history.values(_entry_in, own, fields, sort=[("number", -1)])
        gone = {each.number for each in found} - set(kept_entries(found))
        if gone:  # named, so that an unreadable one is kept
            history.delete_all({**own, "number": {"$in": sorted(gone)}})

    def _keep(
        self, site_id: str, upload_result: UploadResult | None, session: ClientSession
    ) -> None:
        """Claim the pictures of `upload_result` for the library, and close its open write."""
        if upload_result is None or upload_result.write is None:
            return
        assets = self._records(site_id, ASSETS).within(session)
        upload_result.fates = {each.id: each for each in upload_result.new}
        # Before the assets: what a killed process has locked of them, the next attempt then finds
        # locked in the write, and waits instead of choosing other assets.
        self._writes.finish(site_id, upload_result.write, upload_result.answer(), session)
        claim = Claim.library(site_id)
        for each in upload_result.new:
            if not claim_one(assets, each.id, claim):
                raise UploadInProgress  # the lease ended, and the sweeper was faster

    def _hold(self, site_id: str, asset_ids: Iterable[str], session: ClientSession) -> None:
        """Hold assets that a page starts to use.

        Missing ones are flagged when the page is shown.
        """
        hold_live(self._records(site_id, ASSETS).within(session), asset_ids, Claim.library(site_id))

    def _together(
        self, site_id: str, work: Callable[[ClientSession], T], upload_result: UploadResult | None
    ) -> T:
        """Run `work` in one transaction; nothing of `upload_result` is kept when it fails."""
        try:
            return site(self._database, site_id).transaction(work)
        except Exception:
            if upload_result is not None:
                upload_result.fates = {}
            raise


class PageReferrers(SiteRecords):
    """The pages of a site for the inspection: the assets of drafts and published states."""

    kind = "page"
    collection = PAGES

    def count(self, site_id: str) -> int:
        """Return the number of pages."""
        return self._records(site_id, PAGES).count({})

    def after(self, site_id: str, last_id: str, limit: int) -> list[Referrer]:
        """Return up to `limit` pages by id, after `last_id`."""
        return self._found(
            site_id,
            [{"$match": {"_id": {"$gt": last_id}}}, {"$sort": {"_id": 1}}, {"$limit": limit}],
        )

    def these(self, site_id: str, ids: Sequence[str]) -> list[Referrer]:
        """Return the existing pages among `ids`."""
        return self._found(site_id, [{"$match": {"_id": {"$in": list(ids)}}}])

    def changed_since(self, site_id: str, moment: datetime, limit: int) -> list[str]:
        """Return the ids of pages changed since then, up to `limit`, newest first."""
        return ids_changed_since(self._records(site_id, PAGES), moment, limit)

    def _found(self, site_id: str, which: list[Document]) -> list[Referrer]:
        # The texts are not read: those of many pages would be large.
        named = {"$setUnion": [*map(_names_in, TEXT_FIELDS), *map(_alone, IMAGE_FIELDS)]}
        project = {"$project": {"revision": 1, "named": named}}
        found = self._records(site_id, PAGES).aggregate([*which, project])
        return [
            Referrer(
                kind=self.kind,
                id=each["_id"],
                sku=None,
                revision=each.get("revision"),
                images=tuple({"asset": asset} for asset in sorted(each["named"])),
                shares=True,
            )
            for each in found
        ]


TEXT_FIELDS = ("$draft.html", "$draft.css", "$published.html", "$published.css")
IMAGE_FIELDS = ("$draft.seo.image", "$published.seo.image")
NAMED = f"{SCHEME}({ID_PATTERN.pattern})/"


def _names_in(field: str) -> Document:
    """Return the expression for the assets in a text."""
    found = {"$regexFindAll": {"input": _text_in(field), "regex": NAMED}}
    return {"$map": {"input": found, "in": {"$first": "$$this.captures"}}}


def _text_in(field: str) -> Document:
    """Return the expression for a field if it is a text, else for an empty one."""
    return {"$cond": [{"$eq": [{"$type": field}, "string"]}, field, ""]}


def _alone(field: str) -> Document:
    """Return the expression for the single asset in a field, if it is a text."""
    is_one = {"$and": [{"$eq": [{"$type": field}, "string"]}, {"$ne": [field, ""]}]}
    return {"$cond": [is_one, [field], []]}


class DuePages:
    """The pages of all sites of one cluster that are due to be published."""

    def __init__(self, database: Database) -> None:
        self._pages = deployment(database).collection(PAGES)

    def find(self, now: datetime, *, limit: int) -> list[tuple[str, str, datetime]]:
        """Return the sites, ids and times of some, the longest due first.

        A page without a site is left out.
        """
        found = self._pages.find(
            {"publish_at": {"$lte": now, "$type": "date"}},  # matches the index
            {"site": 1, "publish_at": 1},
            sort=[("publish_at", 1)],
            limit=limit,
        )
        return [
            (each["site"], each["_id"], each["publish_at"])
            for each in found
            if isinstance(each.get("site"), str)
        ]


def _saved(known: Page, save: Save) -> Page:
    """Return `known` after `save`."""
    return Page(
        id=known.id,
        slug=save.slug,
        draft=save.draft,
        published=save.published,
        status=status_of(save.draft, save.published),
        flagged=known.flagged if save.flagged is None else save.flagged,
        publish_at=known.publish_at,
        revision=known.revision + 1,
        created_at=known.created_at,
        updated_at=save.at,
        updated_by=save.by,
    )


def _take_slug(pages: Collection, page_id: str, slug: str) -> None:
    """Remove `slug` from the earlier slugs of other pages."""
    pages.update({"old_slugs": slug, "_id": {"$ne": page_id}}, {"$pull": {"old_slugs": slug}})


def _old_slugs(found: Document, changed: Page) -> list[str]:
    """Return the earlier slugs of a page, the latest last."""
    before = [each for each in found.get("old_slugs", []) if each != changed.slug]
    known = isinstance(found.get("published"), dict) and found.get("slug")
    return [*before, *([found["slug"]] if known else [])][-MOST_OLD_SLUGS:]


def _purge(pages: Collection, before: Document, after: Document) -> None:
    """Purge the earlier and the current URL of a page, if it was or is published.

    Its translations, which link to each other, are purged as well. Inside the transaction of the
    change.
    """
    if not pages.database.purges_caches:
        return
    seen = [each for each in (before, after) if isinstance(each.get("published"), dict)]
    same = all(before.get(name) == after.get(name) for name in ("published", "slug"))
    if same or not seen:
        return
    slugs = [_text(each.get("slug")) for each in seen]
    slugs += [_text(each) for each in before.get("old_slugs") or ()]
    originals = {_text(each["published"].get("translation_of")) for each in seen}
    originals |= {_text(each.get("_id")) for each in seen}
    of_them = {"$in": sorted(originals - {""})}
    named = {"published.translation_of": {**of_them, **IS_TEXT}}
    for query in (named, {"_id": of_them}):
        found = pages.find(query, {"slug": 1}, limit=MOST_TRANSLATIONS)
        slugs += [_text(each.get("slug")) for each in found]
    purge_paths(pages, [*MAPS, *(path_of(each) for each in slugs if each)])


def _add_uses(uses: dict[str, list[PageUse]], pages: Iterable[Document]) -> None:
    for page in pages:
        for each in page["uses"]:
            use = PageUse(
                page_id=page["_id"],
                title=_text(page.get("title")),
                in_draft=each["draft"],
                in_published=each["published"],
            )
            uses.setdefault(each["asset"], []).append(use)


def _uses(asset_ids: Sequence[str]) -> Document:
    """Return the expression for the ones of `asset_ids` that a page uses, and where."""
    assets = {"$cond": [{"$isArray": "$assets"}, "$assets", ["$assets"]]}
    return {
        "$map": {
            "input": {"$setIntersection": [assets, list(asset_ids)]},
            "as": "asset",
            "in": {
                "asset": "$$asset",
                "draft": _is_named_in("$draft"),
                "published": _is_named_in("$published"),
            },
        }
    }


def _is_named_in(part: str) -> Document:
    named = {"$concat": ["avenue:", "$$asset", "/"]}
    in_texts = [
        {"$gte": [{"$indexOfBytes": [_text_in(f"{part}.{text}"), named]}, 0]}
        for text in ("html", "css")
    ]
    return {"$or": [*in_texts, {"$eq": [f"{part}.seo.image", "$$asset"]}]}


def _series(by: str | None, at: datetime) -> Document:
    return {"by": by, "at": at}


def _asked(query: PageQuery) -> list[Document]:
    conditions: list[Document] = []
    if query.status is not None:
        conditions.append({"status": query.status})
    if query.locale is not None:
        conditions.append({"locale": query.locale})
    return conditions


def _fields(page: Page) -> Document:
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


def _place(document: Document, key: str) -> Place:
    """Return the place of a page in a list; an unsortable value raises `TypeError`."""
    value = document.get(key)
    if value is not None and not isinstance(value, str | datetime):
        raise TypeError(key)
    return value, document["_id"]


def page_in(document: Document) -> Page:
    """Return the page stored as `document`; fields that another program left out are empty."""
    draft, published = _draft_in(document), _published_in(document)
    # Lists have no texts to compare, so a page without a status counts as changed.
    unsaid = Status.CHANGED if published else Status.DRAFT
    status = document.get("status")
    return Page(
        id=document["_id"],
        slug=_text(document.get("slug")),
        draft=draft,
        published=published,
        status=Status(str(status)) if status in [*Status] else unsaid,
        flagged=tuple(
            Flag(url=each["url"], reason=each["reason"]) for each in document.get("flagged", ())
        ),
        publish_at=document.get("publish_at"),
        revision=document.get("revision") or 0,
        created_at=_moment(document.get("created_at")),
        updated_at=_moment(document.get("updated_at")),
        updated_by=document.get("updated_by"),
    )


def _draft_in(document: Document) -> Draft:
    found = document.get("draft")
    found = found if isinstance(found, dict) else {}
    return _texts_in({**found, "title": document.get("title"), "locale": document.get("locale")})


def _published_in(document: Document) -> Published | None:
    found = document.get("published")
    if not isinstance(found, dict):
        return None
    texts = {"title": document.get("title"), "locale": document.get("locale"), **found}
    return Published(draft=_texts_in(texts), at=_moment(found.get("at")), by=found.get("by"))


def _texts_in(found: Mapping[str, Any]) -> Draft:
    seo = found.get("seo")
    seo = seo if isinstance(seo, dict) else {}
    return Draft(
        title=_text(found.get("title")),
        locale=_text(found.get("locale")) or DEFAULT_LOCALE,
        html=_text(found.get("html")),
        css=_text(found.get("css")),
        seo=Seo(
            title=_text(seo.get("title")),
            description=_text(seo.get("description")),
            image=_text(seo.get("image")) or None,
        ),
        is_cleaned=found.get("is_cleaned") is True,
        themed=found.get("themed") is not False,
        translation_of=_text(found.get("translation_of")) or None,
    )


def _text(value: object) -> str:
    """Return a text, "" for any other value of another program."""
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime:
    """Return a time, `BEFORE` for any other value of another program."""
    return value if isinstance(value, datetime) else BEFORE


def _left_out_of(found: Document) -> Document:
    """Return what another program stored of a page that the history has no field for."""
    draft, kept = found.get("draft"), {"html", "css", "seo", "themed"}
    if isinstance(draft, dict):
        draft = {name: value for name, value in draft.items() if name not in kept}
    return {"draft": draft, "published": found.get("published")}


def _entry_out(entry: Entry) -> Document:
    return {
        **asdict(entry.draft),
        "number": entry.number,
        "at": entry.at,
        "by": entry.by,
        "bytes": entry.bytes,
        "published": entry.published,
    }


def _entry_in(document: Document) -> Entry:
    return Entry(
        number=document["number"],
        at=document.get("at") or BEFORE,
        by=document.get("by"),
        draft=_texts_in(document),
        bytes=document["bytes"],
        published=document["published"],
    )
