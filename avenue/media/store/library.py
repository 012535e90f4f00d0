"""Adds files to the media library of a site, in MongoDB."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pymongo.client_session import ClientSession

from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.store.documents import ASSETS, from_document, to_document
from avenue.media.store.transitions import claim_one
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.listing import listing_of
from avenue.storage.scope import SiteRecords, site
from avenue.words import words_of

NOTHING: Mapping[str, Any] = {}


class LibraryStore(SiteRecords):
    """Files that belong to the site itself; every method takes the site first.

    They are claimed by the library, unless another `claim` is given.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def by_source(self, site_id: str, sha256: str, claim: Claim | None = None) -> Asset | None:
        """Return the live file whose upload had this hash, or None."""
        assets = self._records(site_id, ASSETS)
        return _by_source(assets, claim or Claim.library(site_id), sha256)

    def keep(
        self,
        site_id: str,
        upload_result: UploadResult,
        claim: Claim | None = None,
        *,
        once: bool = True,
        folder: str | None = None,
        facts: Mapping[str, Any] = NOTHING,
        first: Callable[[ClientSession], None] = lambda _: None,
    ) -> None:
        """Claim the stored files of `upload_result`, into `folder`, in one transaction.

        Sets their fates and closes the open write. With `once`, of several files with the same
        bytes, even simultaneous ones, only the first is kept; the others get it as their fate. They
        get `facts`, fields as they are stored. `first` runs in the same transaction before, and may
        raise to abort it.
        """
        write = upload_result.write
        if write is None:
            return
        scope, owner = site(self._database, site_id), claim or Claim.library(site_id)

        def work(session: ClientSession) -> None:
            upload_result.fates = {}  # of an aborted attempt
            first(session)
            assets = scope.collection(ASSETS).within(session)
            fates: dict[str, Asset] = {}
            here: dict[str, Asset] = {}
            for asset in upload_result.new:
                twin = self._twin(assets, owner, asset, session) if once else asset
                fates[asset.id] = twin or here.setdefault(_source(asset), asset)
            upload_result.fates = fates
            # Before the assets: what a killed process has locked of them, the next try finds
            # locked in the write already, and waits instead of choosing other assets.
            self._writes.finish(site_id, write, upload_result.answer(), session)
            kept = [each for each in upload_result.new if fates[each.id] is each]
            if not all(claim_one(assets, each.id, owner) for each in kept):
                upload_result.fates = {}
                raise UploadInProgress  # the lease has ended, and the sweeper was faster
            filed = {each.id: replace(each, folder=folder) for each in kept}
            for each in kept:
                fields = _fields(owner, each, folder, facts)
                if fields:
                    assets.update({"_id": each.id}, {"$set": fields})
            upload_result.fates = {
                asset_id: filed.get(fate.id, fate) for asset_id, fate in fates.items()
            }

        scope.transaction(work)

    def describe(self, site_id: str, asset_id: str, facts: Document) -> None:
        """Set those `facts` (`alt`, `tags`, …) of a live file that are not set yet; repeatable."""
        assets = self._records(site_id, ASSETS)
        unset: list[Any] = [None, {}, [], False]
        values = {
            name: {"$cond": [{"$in": [{"$ifNull": [f"${name}", None]}, unset]}, new, f"${name}"]}
            for name, new in ((name, {"$literal": value}) for name, value in facts.items())
        }
        assets.update(
            {
                "_id": asset_id,
                "state": State.LIVE,
                "$or": [{name: {"$in": unset}} for name in facts],
            },
            [{"$set": {**values, "revision": {"$add": ["$revision", 1]}}}],
        )

    def _twin(
        self, assets: Collection, owner: Claim, asset: Asset, session: ClientSession
    ) -> Asset | None:
        """Return the asset of `owner` with the same bytes.

        Simultaneous callers wait for this one.
        """
        turn = f"{owner.kind}\n{owner.id}\n{_source(asset)}"
        self._writes.take_turns(asset.site, turn, session)
        return _by_source(assets, owner, _source(asset))


def _fields(owner: Claim, asset: Asset, folder: str | None, facts: Mapping[str, Any]) -> Document:
    """Return the additional fields of a claimed file."""
    filed = {"folder": folder, **facts} if folder else dict(facts)
    if owner.kind == UPLOAD:
        words = words_of(asset.name, facts.get("reference"))
        return {"category": GENERAL, "words": words, **filed}
    return {**filed, **listing_of({**to_document(asset), **facts})} if facts else filed


def _by_source(assets: Collection, claim: Claim, sha256: str) -> Asset | None:
    query = {
        "versions.0.source_sha256": sha256,
        "versions.source_sha256": sha256,  # this field is indexed
        "claim.kind": claim.kind,
        "claim.id": claim.id,
        "state": State.LIVE,
    }
    return assets.value(from_document, query)


def _source(asset: Asset) -> str:
    return asset.current.source_sha256
