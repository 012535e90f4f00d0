"""The media library and stored pages, in MongoDB, as far as files come and go."""

from collections.abc import Iterable

from pymongo.client_session import ClientSession

from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.library import Reception
from avenue.media.models import Asset, Claim, State
from avenue.media.store import ASSETS, claim_one, from_document, trash_one
from avenue.migration.models import Page
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import Collection, site
from avenue.words import words_of

PAGES = "page_content"
PAGE_PARTS = ("draft", "published")
PAGES_AT_ONCE = 10


class LibraryStore:
    """Files that belong to a site and to nothing else in it; every method takes the site first.

    They are the library's, unless another `claim` is given.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = Writes(database)

    def by_source(self, site_id: str, sha256: str, claim: Claim | None = None) -> Asset | None:
        """Return the live file that was made of bytes with this hash, or None."""
        assets = site(self._database, site_id).collection(ASSETS)
        return _by_source(assets, claim or Claim.library(site_id), sha256)

    def keep(self, site_id: str, reception: Reception, claim: Claim | None = None) -> None:
        """Claim the stored files of `reception`, in one transaction.

        Notes their fates and closes the open write. Of two files of the same bytes, at the same
        time even, only the first is kept; the other's fate is that one.
        """
        write = reception.write
        if write is None:
            return
        scope, owner = site(self._database, site_id), claim or Claim.library(site_id)

        def work(session: ClientSession) -> None:
            reception.fates = {}  # of a run that was undone
            assets = scope.collection(ASSETS).within(session)
            fates: dict[str, Asset] = {}
            for asset in reception.new:
                turn = f"{owner.kind}\n{owner.id}\n{_source(asset)}"
                self._writes.take_turns(site_id, turn, session)
                fates[asset.id] = _by_source(assets, owner, _source(asset)) or asset
            reception.fates = fates
            # Before the assets: what a killed process has locked of them, the next try finds
            # locked in the write already, and waits instead of choosing other assets.
            self._writes.finish(site_id, write, reception.answer(), session)
            kept = [each for each in reception.new if fates[each.id] is each]
            if not all(claim_one(assets, each.id, owner) for each in kept):
                reception.fates = {}
                raise UploadInProgress  # the lease ended, and the sweeper was quicker
            if owner.kind == UPLOAD:
                for each in kept:
                    facts = {"category": GENERAL, "words": words_of(each.name)}
                    assets.update({"_id": each.id}, {"$set": facts})

        scope.transaction(work)

    def trash(self, site_id: str, asset_id: str, *, by: str | None) -> None:
        """Put a file of the library into the trash; what is there already stays as it is."""
        assets = site(self._database, site_id).collection(ASSETS)
        claim = Claim.library(site_id)
        trash_one(assets, asset_id, claim, position=0, by=by, reason="removed")


class PageStore:
    """The pages of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pages_after(self, site_id: str, last_id: str) -> list[Page]:
        """Return some pages in the order of their ids; an empty list is the end."""
        pages = site(self._database, site_id).collection(PAGES)
        found = pages.find(
            {"_id": {"$gt": last_id}},
            {"revision": 1, **dict.fromkeys(PAGE_PARTS, 1)},
            sort=[("_id", 1)],
            limit=PAGES_AT_ONCE,
        )
        return [_page(each) for each in found]

    def page(self, site_id: str, page_id: str) -> Page | None:
        """Return one page, or None."""
        found = site(self._database, site_id).collection(PAGES).find_one({"_id": page_id})
        return _page(found) if found else None

    def change_page(self, site_id: str, page: Page, assets: Iterable[str]) -> bool:
        """Store the parts of a page that uses `assets` now; False when it was changed since.

        A retry after a lost answer finds its own change.
        """
        pages = site(self._database, site_id).collection(PAGES)
        change = {
            "$set": {**page.parts, "revision": (page.revision or 0) + 1},
            "$addToSet": {"assets": {"$each": sorted(assets)}},
        }
        if pages.update({"_id": page.id, "revision": page.revision}, change):
            return True
        done = {"_id": page.id, **change["$set"]}
        return pages.find_one(done, {"_id": 1}) is not None


def _by_source(assets: Collection, claim: Claim, sha256: str) -> Asset | None:
    query = {
        "versions.0.source_sha256": sha256,
        "versions.source_sha256": sha256,  # this one has an index
        "claim.kind": claim.kind,
        "claim.id": claim.id,
        "state": State.LIVE,
    }
    found = assets.find_one(query)
    return from_document(found) if found else None


def _source(asset: Asset) -> str:
    return asset.current.source_sha256


def _page(document: Document) -> Page:
    return Page(
        id=document["_id"],
        revision=document.get("revision"),
        parts={part: document[part] for part in PAGE_PARTS if part in document},
    )
