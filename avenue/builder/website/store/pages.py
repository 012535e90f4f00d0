"""The pages of a site in MongoDB: lists, the published ones, and every change."""

import re
from dataclasses import replace
from datetime import datetime

from pymongo.client_session import ClientSession

from avenue.builder.website.errors import PageNotFound, RevisionConflict, SlugTaken, TooManyPages
from avenue.builder.website.models import (
    MOST_PAGES,
    Address,
    Page,
    PageList,
    PageQuery,
    Save,
    Sort,
    Status,
    Translation,
    path_of,
    status_of,
    used_by,
)
from avenue.builder.website.store.documents import (
    HISTORY,
    PAGES,
    page_in,
    published_in,
    stored_fields,
    text_of,
)
from avenue.builder.website.store.history import PageHistory
from avenue.builder.website.store.pictures import PagePictures
from avenue.identity import new_id
from avenue.media.announcing.store import purge_paths
from avenue.media.intake.models import UploadResult
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import Writes
from avenue.storage.indexes import IS_TEXT
from avenue.storage.paging import behind_or_missing
from avenue.storage.scope import SiteRecords, site
from avenue.storage.word_search import having_words, in_many
from avenue.web.paging import Place

MOST_OLD_SLUGS = 20
MOST_TRANSLATIONS = 50
MAPS = ("/sitemap.xml", "/sitemap/pages.xml")
"""The paths of the sitemaps."""
WHERE = {"slug": 1, "old_slugs": 1, "published": 1}
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


class PageStore(SiteRecords):
    """The pages of one site at a time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)
        self._history = PageHistory(database)
        self._pictures = PagePictures(database)

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
        return PageList(
            items=tuple(page for page, _ in shown),
            first=shown[0][1] if shown else None,
            next=shown[-1][1] if len(found) > query.limit else None,
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
            and (locale := text_of(shown.get("locale")))
            and text_of(each.get("slug"))
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
            if text_of(each.get("slug")) and (shown := published_in(each))
        ]

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
            self._pictures.keep(site_id, upload_result, session)
            self._pictures.hold(site_id, page.draft.assets, session)
            _take_slug(pages, page.id, page.slug)
            document = {"_id": page.id, **stored_fields(page), "created_at": page.created_at}
            series = {"by": page.updated_by, "at": page.updated_at}
            document |= {"series": series, "history": 0}
            pages.insert(document)
            purge_page(pages, {}, document)
            return page

        try:
            return site(self._database, site_id).transaction(work)
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
            if save.due_at is not None and found.get("publish_at") != save.due_at:
                raise RevisionConflict
            self._pictures.keep(site_id, upload_result, session)
            used = used_by(save.draft, save.published)
            self._pictures.hold(site_id, used - set(found.get("assets") or ()), session)
            changed = _saved(known, save)
            values = {
                **stored_fields(changed),
                "mark": mark,
                **self._history.keep_draft(found, save, session),
            }
            if changed.slug != known.slug:
                _take_slug(pages, known.id, changed.slug)
                values["old_slugs"] = _old_slugs(found, changed)
            pages.update({"_id": known.id}, {"$set": values})
            purge_page(pages, found, values)
            return changed

        try:
            return site(self._database, site_id).transaction(work)
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

        def work(pages: Collection) -> bool:
            pages.beside(HISTORY).delete_all({"page": page_id})
            purge_page(pages, pages.find_one({"_id": page_id}, WHERE) or {}, {})
            return bool(pages.delete({"_id": page_id}))

        if not self._records(site_id, PAGES).transaction(work):
            raise PageNotFound


def _saved(known: Page, save: Save) -> Page:
    """Return `known` after `save`."""
    return replace(
        known,
        slug=save.slug,
        draft=save.draft,
        published=save.published,
        status=status_of(save.draft, save.published),
        flagged=known.flagged if save.flagged is None else save.flagged,
        revision=known.revision + 1,
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


def purge_page(pages: Collection, before: Document, after: Document) -> None:
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
    slugs = [text_of(each.get("slug")) for each in seen]
    slugs += [text_of(each) for each in before.get("old_slugs") or ()]
    originals = {text_of(each["published"].get("translation_of")) for each in seen}
    originals |= {text_of(each.get("_id")) for each in seen}
    of_them = {"$in": sorted(originals - {""})}
    named = {"published.translation_of": {**of_them, **IS_TEXT}}
    for query in (named, {"_id": of_them}):
        found = pages.find(query, {"slug": 1}, limit=MOST_TRANSLATIONS)
        slugs += [text_of(each.get("slug")) for each in found]
    purge_paths(pages, [*MAPS, *(path_of(each) for each in slugs if each)])


def _asked(query: PageQuery) -> list[Document]:
    conditions: list[Document] = []
    if query.status is not None:
        conditions.append({"status": query.status})
    if query.locale is not None:
        conditions.append({"locale": query.locale})
    return conditions


def _place(document: Document, key: str) -> Place:
    """Return the place of a page in a list; an unsortable value raises `TypeError`."""
    value = document.get(key)
    if value is not None and not isinstance(value, str | datetime):
        raise TypeError(key)
    return value, document["_id"]
