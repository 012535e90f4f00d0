"""The documents that people write URLs in, and changes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession

from avenue.builder.website.store.pages import purge_page
from avenue.clock import utc_now
from avenue.errors import MalformedRecord
from avenue.media.models import Claim
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import hold_live
from avenue.shop.store.purges import purge_owner
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.records import check
from avenue.storage.scope import SiteRecords, site

PRODUCT, GROUP, PAGE = "product", "group", "page"
PICTURED = frozenset({PRODUCT, GROUP})
COLLECTIONS = {PRODUCT: "shop_products", GROUP: "shop_products_grouped", PAGE: "page_content"}
AT_ONCE = {PRODUCT: 100, GROUP: 100, PAGE: 5}
"""Documents read at once: a page may have megabytes."""
NO_CONTENT = ("_id", "site", "revision", "words", "assets", "flagged", "mark", "old_slugs")
"""Fields that are not checked: computed from the rest, or about URLs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A document as it was read: its kind, id and revision, and the `fields` that people write.

    `unreadable` is the name of the field that makes it unreadable, None if there is none.
    """

    kind: str
    id: str
    revision: int | None
    fields: Mapping[str, Any]
    unreadable: str | None = None


class DocumentStore(SiteRecords):
    """The documents of one site at a time."""

    def count(self, site_id: str) -> int:
        """Return the number of documents."""
        return sum(self._collection(site_id, kind).count({}) for kind in COLLECTIONS)

    def after(self, site_id: str, kind: str, last_id: str) -> list[Kept]:
        """Return documents of a kind by id, after `last_id`; an empty list at the end."""
        found = self._collection(site_id, kind).find(
            {"_id": {"$gt": last_id}}, sort=[("_id", 1)], limit=AT_ONCE[kind]
        )
        return [_kept(kind, each) for each in found]

    def get(self, site_id: str, kind: str, document_id: str) -> Kept | None:
        """Return a document, None if it is gone."""
        found = self._collection(site_id, kind).find_as_it_is({"_id": document_id})
        return _kept(kind, found) if found else None

    def change(
        self, site_id: str, kept: Kept, values: Mapping[str, Any], assets: Iterable[str]
    ) -> bool:
        """Set fields of a document, which names `assets` from now on.

        Its cached pages are purged. Return False if it is no longer as in `kept`, or an asset
        belongs neither to it nor to the library any more. Repeatable.
        """
        scope, named = site(self._database, site_id), sorted(set(assets))
        is_page = kept.kind == PAGE
        owner = Claim.library(site_id) if is_page else Claim(kind=kept.kind, id=kept.id)

        def work(session: ClientSession) -> bool:
            documents = self._collection(site_id, kept.kind).within(session)
            found = documents.find_as_it_is({"_id": kept.id})
            if found is not None and all(found.get(name) == values[name] for name in values):
                return True
            if found is None or _kept(kept.kind, found) != kept:
                return False
            if hold_live(scope.collection(ASSETS).within(session), named, owner):
                return False
            change: Document = {"$set": {**values, "revision": (kept.revision or 0) + 1}}
            if is_page:
                change["$addToSet"] = {"assets": {"$each": named}}
            else:
                change["$set"]["updated_at"] = utc_now()
            documents.update({"_id": kept.id}, change)
            if is_page:
                purge_page(documents, found, {**found, **values})
            else:
                purge_owner(documents, kept.id)
            return True

        return scope.transaction(work)

    def _collection(self, site_id: str, kind: str) -> Collection:
        return site(self._database, site_id).collection(COLLECTIONS[kind])


def _kept(kind: str, document: Document) -> Kept:
    revision, unreadable = document.get("revision"), None
    try:
        check(COLLECTIONS[kind], document)
    except MalformedRecord as malformed:
        unreadable = malformed.field
    return Kept(
        kind=kind,
        id=str(document["_id"]),
        revision=revision if isinstance(revision, int) else None,
        fields={name: value for name, value in document.items() if name not in NO_CONTENT},
        unreadable=unreadable,
    )
