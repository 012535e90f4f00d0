"""The records of one site in MongoDB, in batches ordered by id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from avenue.builder.website.models import Page
from avenue.builder.website.store.documents import PAGES, page_in
from avenue.export.models import Part
from avenue.media.models import Asset, State
from avenue.media.store.documents import ASSETS, from_document as asset_in
from avenue.media.store.legacy_urls import LEGACY_URLS
from avenue.shop.models import Group, Product
from avenue.shop.store import groups, product_documents
from avenue.shop.store.documents import GROUPS, PRODUCTS
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.malformed_records import malformed_after
from avenue.storage.records import Malformed
from avenue.storage.scope import site

COLLECTIONS: Mapping[Part, Sequence[str]] = {
    Part.PRODUCTS: (PRODUCTS, GROUPS, ASSETS),
    Part.MEDIA: (ASSETS,),
    Part.UPLOADS: (ASSETS,),
    Part.PAGES: (PAGES,),
}
"""The collections of each part."""
AT_ONCE = 100
PAGES_AT_ONCE = 5
"""Records read at once: a page may have megabytes."""
MOST_NAMED = 10_000
BY_ID = (("_id", 1),)


class ExportStore:
    """Methods return an empty list at the end, and omit malformed records: see `malformed`."""

    def __init__(self, database: Database, site_id: str) -> None:
        self._database = database
        self._site = site_id

    def products_after(self, last_id: str) -> list[Product]:
        """Return products after an id."""
        return self._collection(PRODUCTS).values(
            product_documents.from_document, {"_id": {"$gt": last_id}}, sort=BY_ID, limit=AT_ONCE
        )

    def groups_after(self, last_id: str) -> list[Group]:
        """Return groups after an id."""
        return self._collection(GROUPS).values(
            groups.from_document, {"_id": {"$gt": last_id}}, sort=BY_ID, limit=AT_ONCE
        )

    def models_of(self, group_ids: Iterable[str]) -> dict[str, str]:
        """Return the models of these groups, by id."""
        return groups.GroupStore(self._database).models_of(self._site, group_ids)

    def files_after(self, last_id: str) -> list[Asset]:
        """Return live files after an id, of any owner."""
        return self._collection(ASSETS).values(
            asset_in, {"_id": {"$gt": last_id}, "state": State.LIVE}, sort=BY_ID, limit=AT_ONCE
        )

    def files(self, asset_ids: Iterable[str]) -> dict[str, Asset]:
        """Return the live ones of these files, by id."""
        wanted = {"_id": {"$in": sorted(set(asset_ids))}, "state": State.LIVE}
        return {each.id: each for each in self._collection(ASSETS).values(asset_in, wanted)}

    def pages_after(self, last_id: str) -> list[Page]:
        """Return pages after an id."""
        return self._collection(PAGES).values(
            page_in, {"_id": {"$gt": last_id}}, sort=BY_ID, limit=PAGES_AT_ONCE
        )

    def old_paths(self, asset_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the paths from before Avenue of these files, by id, in order."""
        found = self._collection(LEGACY_URLS).values(
            lambda each: (str(each["asset"]), str(each["path"])),
            {"asset": {"$in": sorted(set(asset_ids))}},
            {"asset": 1, "path": 1},
        )
        paths: dict[str, list[str]] = {}
        for asset_id, path in sorted(found):
            paths.setdefault(asset_id, []).append(path)
        return paths

    def malformed(self, names: Iterable[str]) -> Iterator[Malformed]:
        """Yield the malformed records of these collections."""
        for name in names:
            last: str | None = ""
            while last is not None:
                last, found = malformed_after(self._collection(name), last, AT_ONCE)
                yield from found
        if ASSETS in names:
            yield from self._without_versions()

    def _without_versions(self) -> list[Malformed]:
        """Return the first 10,000 assets without versions, which checks count separately."""

        def named(document: Document) -> Malformed:
            asset_id = str(document["_id"])
            return Malformed(collection=ASSETS, id=asset_id, site=self._site, fields=("versions",))

        nothing = [{"versions.file": {"$exists": False}}, {"versions.file": None}]
        wanted: Document = {"$or": nothing}  # each uses the index
        return self._collection(ASSETS).values(named, wanted, {"_id": 1}, limit=MOST_NAMED)

    def _collection(self, name: str) -> Collection:
        return site(self._database, self._site).collection(name)
