"""The media library, in MongoDB: files that belong to a site and to nothing else in it."""

from collections.abc import Mapping

from pymongo.client_session import ClientSession

from avenue.media.library import Outcome, Reception
from avenue.media.models import Asset, Claim, State
from avenue.media.store import ASSETS, claim_one, from_document, trash_one
from avenue.storage.connection import Database
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import Collection, site


class LibraryStore:
    """The library of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writes = Writes(database)

    def by_source(self, site_id: str, sha256: str) -> Asset | None:
        """Return the live file that was made of bytes with this hash, or None."""
        assets = site(self._database, site_id).collection(ASSETS)
        return _by_source(assets, Claim.library(site_id), sha256)

    def keep(self, site_id: str, reception: Reception) -> None:
        """Let the library claim the stored files of `reception`, in one transaction.

        Notes their fates and closes the open write. Of two files of the same bytes, at the same
        time even, only the first is kept; the other's fate is that one.
        """
        write = reception.write
        if write is None:
            return
        scope, claim = site(self._database, site_id), Claim.library(site_id)

        def work(session: ClientSession) -> Mapping[str, Outcome]:
            reception.fates = {}  # of a run that was undone
            assets = scope.collection(ASSETS).within(session)
            fates: dict[str, Outcome] = {}
            for asset in reception.new:
                self._writes.take_turns(site_id, f"library\n{_source(asset)}", session)
                fates[asset.id] = _keep_one(assets, claim, asset)
            reception.fates = fates
            self._writes.finish(site_id, write, reception.answer(), session)
            return fates

        scope.transaction(work)

    def trash(self, site_id: str, asset_id: str, *, by: str | None) -> None:
        """Put a file of the library into the trash; what is there already stays as it is."""
        assets = site(self._database, site_id).collection(ASSETS)
        claim = Claim.library(site_id)
        trash_one(assets, asset_id, claim, position=0, by=by, reason="removed")


def _keep_one(assets: Collection, claim: Claim, asset: Asset) -> Asset:
    twin = _by_source(assets, claim, _source(asset))
    if twin is not None:
        return twin
    if not claim_one(assets, asset.id, claim):
        # The lease ended and the sweeper was quicker.
        raise UploadInProgress
    return asset


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
