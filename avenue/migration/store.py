"""Stored pages in MongoDB, as far as their addresses are concerned."""

from collections.abc import Iterable

from avenue.builder.website.store.documents import PAGES
from avenue.builder.website.store.pages import WHERE, purge_page
from avenue.migration.models import Page
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

PAGE_PARTS = ("draft", "published")
PAGES_AT_ONCE = 10


class PageStore(SiteRecords):
    """The pages of one site at a time."""

    def pages_after(self, site_id: str, last_id: str) -> list[Page]:
        """Return pages in the order of their ids, in batches; an empty list at the end."""
        pages = self._records(site_id, PAGES)
        found = pages.find(
            {"_id": {"$gt": last_id}},
            {"revision": 1, **dict.fromkeys(PAGE_PARTS, 1)},
            sort=[("_id", 1)],
            limit=PAGES_AT_ONCE,
        )
        return [_page(each) for each in found]

    def page(self, site_id: str, page_id: str) -> Page | None:
        """Return a page, or None."""
        found = self._records(site_id, PAGES).find_as_it_is({"_id": page_id})
        return _page(found) if found else None

    def change_page(self, site_id: str, page: Page, assets: Iterable[str]) -> bool:
        """Store the parts of a page that uses `assets` now; return False if it was changed since.

        Only addresses of pictures differ, so its history and its time of change stay. Caches of a
        published page are purged. A retry after a lost answer finds its own change.
        """
        known = {"_id": page.id, "revision": page.revision}
        change = {
            "$set": {**page.parts, "revision": (page.revision or 0) + 1},
            "$addToSet": {"assets": {"$each": sorted(assets)}},
        }

        def work(pages: Collection) -> bool:
            before = pages.find_one(known, WHERE)
            if before is None:
                done = {"_id": page.id, **change["$set"]}
                return pages.find_one(done, {"_id": 1}) is not None
            pages.update(known, change)
            purge_page(pages, before, {**before, **page.parts})
            return True

        return self._records(site_id, PAGES).transaction(work)


def _page(document: Document) -> Page:
    return Page(
        id=document["_id"],
        revision=document.get("revision"),
        parts={part: document[part] for part in PAGE_PARTS if part in document},
    )
