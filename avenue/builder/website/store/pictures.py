"""The pictures of pages: files of the library that a page adds or uses, in MongoDB."""

from collections.abc import Iterable, Sequence

from pymongo.client_session import ClientSession

from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.transitions import claim_one, hold_live
from avenue.storage.connection import Database
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import SiteRecords


class PagePictures(SiteRecords):
    """The files of the library of one site at a time, for its pages."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

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

    def keep(
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

    def hold(self, site_id: str, asset_ids: Iterable[str], session: ClientSession) -> None:
        """Hold assets that a page starts to use.

        Missing ones are flagged when the page is shown.
        """
        hold_live(self._records(site_id, ASSETS).within(session), asset_ids, Claim.library(site_id))
