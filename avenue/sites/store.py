"""Sites and their logos, in MongoDB."""

from collections.abc import Callable, Collection as Several, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import Site, SiteState
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.transitions import claim_one, hold_live, trash_one
from avenue.sites.errors import HostTaken, LogoNotFound, NotInLibrary, SiteExists, SiteNotFound
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import UploadInProgress, Writes
from avenue.storage.scope import deployment, site
from avenue.storage.sites import logo_in, profiles_of, site_from_document

T = TypeVar("T")
GONE = [SiteState.REMOVED.value, SiteState.DELETING.value]
IS_DUE: Document = {"$lte": ["$removal.due_at", "$$NOW"]}

SITES = "sites"
Values = Mapping[str, Any]
"""Stored fields of a site by name, with dots; None removes one."""


class SiteStore:
    """The sites of the deployment."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._sites = deployment(database).collection(SITES)
        self._writes = Writes(database)

    def get(self, site_id: str) -> Site | None:
        """Return one site as stored now; None if there is none."""
        found = self._sites.find_as_it_is({"_id": site_id})
        return self._site(found) if found else None

    def logo(self, site_id: str, session: ClientSession | None = None) -> str | None:
        """Return the logo of a site as stored now, or as seen by a transaction."""
        profiles = profiles_of(self._database, site_id)
        return logo_in(profiles.within(session) if session else profiles, site_id)

    def every(self) -> list[Site]:
        """Return all sites, by id."""
        return [self._site(each) for each in self._sites.find({}, sort=[("_id", 1)])]

    def add(self, site_id: str, values: Values) -> Site:
        """Insert a new site; raise `SiteExists` or `HostTaken`."""
        document = {"_id": site_id, **values, "revision": 1, "created_at": utc_now()}
        try:
            self._sites.insert(document)
        except AlreadyThere as there:
            raise HostTaken if there.fields == {"hosts"} else SiteExists from None
        return self._site(document)

    def change(self, known: Site, values: Values) -> Site | None:
        """Set fields of a site; None when it has changed since `known`. Raise `HostTaken`.

        A retry after a lost answer finds its own change: the next revision with these `values`.
        """
        kept = {name: value for name, value in values.items() if value is not None}
        gone = {name: "" for name, value in values.items() if value is None}
        revision = known.revision + 1
        update: Document = {"$set": {**kept, "revision": revision}, "$unset": gone}
        try:
            found = self._sites.find_and_update(
                {"_id": known.id, **_at_revision(known.revision)}, update
            )
        except AlreadyThere:
            raise HostTaken from None
        found = found or self._sites.find_one({"_id": known.id, "revision": revision, **values})
        return self._site(found) if found else None

    def close(self, site_id: str, grace_seconds: int) -> Site | None:
        """Close a site, to be deleted after the grace period; return None if there is none.

        Repeatable: neither an earlier time nor a later state is overwritten. Also None for a site
        that has data on two clusters.
        """
        due_at = {"$add": ["$$NOW", grace_seconds * 1000]}
        is_deleted = {"$eq": ["$state", SiteState.DELETING.value]}
        removal = {
            "at": {"$ifNull": ["$removal.at", "$$NOW"]},
            "was": {"$ifNull": ["$removal.was", {"$ifNull": ["$state", SiteState.OPEN.value]}]},
            "due_at": {"$min": ["$removal.due_at", due_at]},
        }
        change = {
            "state": {"$cond": [is_deleted, "$state", SiteState.REMOVED.value]},
            "removal": {"$mergeObjects": ["$removal", removal]},
        }
        found = self._sites.find_and_update(
            {"_id": site_id, "move": {"$exists": False}}, [{"$set": change}]
        )
        return self._site(found) if found else None

    def reopen(self, site_id: str) -> bool:
        """Restore a removed site; return whether it was removed."""
        was = {"$ifNull": ["$removal.was", SiteState.OPEN.value]}
        change: list[Document] = [{"$set": {"state": was}}, {"$unset": "removal"}]
        return self._sites.update({"_id": site_id, "state": SiteState.REMOVED.value}, change) == 1

    def removals(self) -> dict[str, datetime]:
        """Return when each removed site is due to be deleted."""
        found = self._sites.find({"state": {"$in": GONE}}, {"removal.due_at": 1})
        due = {each["_id"]: (each.get("removal") or {}).get("due_at") for each in found}
        return {site_id: at for site_id, at in due.items() if isinstance(at, datetime)}

    def due(self) -> list[str]:
        """Return the removed sites whose grace period is over."""
        found = self._sites.find({"state": {"$in": GONE}, "$expr": IS_DUE}, {"_id": 1})
        return sorted(each["_id"] for each in found)

    def begin_deletion(self, site_id: str) -> bool:
        """Mark a removed site as being deleted, if its grace period is over; repeatable."""
        began_at = {"$ifNull": ["$removal.began_at", "$$NOW"]}
        change = {"state": SiteState.DELETING.value, "removal.began_at": began_at}
        due = {"_id": site_id, "state": {"$in": GONE}, "$expr": IS_DUE}
        return self._sites.update(due, [{"$set": change}]) == 1

    def is_settled(self, site_id: str, *, known_seconds: float, request_seconds: float) -> bool:
        """Return whether every process knows that a site is deleted, and no request to it runs.

        Processes use what they have cached for `known_seconds`; a request takes up to
        `request_seconds`.
        """
        past = [
            {"$lte": [{"$add": [since, int(seconds * 1000)]}, "$$NOW"]}
            for since, seconds in (
                ("$removal.at", known_seconds + request_seconds),
                ("$removal.began_at", known_seconds),
            )
        ]
        settled = {"_id": site_id, "state": SiteState.DELETING.value, "$expr": {"$and": past}}
        return self._sites.find_as_it_is(settled, {"_id": 1}) is not None

    def forget(self, site_id: str) -> None:
        """Delete the record of a deleted site; repeatable."""
        self._sites.delete({"_id": site_id, "state": SiteState.DELETING.value})

    def fields(self, site_id: str, names: Several[str]) -> Values:
        """Return some stored fields of a site, as they are stored."""
        found = self._sites.find_as_it_is({"_id": site_id}) or {}
        return {name: found[name] for name in names if name in found}

    def fill(self, site_id: str, values: Values) -> None:
        """Set the settings of a site that is being cloned; repeatable."""
        preparing = {"_id": site_id, "state": SiteState.PREPARING.value}
        if values:
            self._sites.update(preparing, {"$set": dict(values)})

    def put_logo(self, site_id: str, logo: str) -> None:
        """Set the logo of a site that is being cloned; repeatable."""
        profiles = profiles_of(self._database, site_id)
        profiles.update({"_id": site_id}, {"$set": {"logo": logo}}, upsert=True)

    def open(self, site_id: str) -> None:
        """Open a cloned site; repeatable."""
        preparing = {"_id": site_id, "state": SiteState.PREPARING.value}
        self._sites.update(preparing, {"$unset": {"state": ""}})

    def set_logo(self, site_id: str, upload_result: UploadResult, *, by: str | None) -> None:
        """Make the picture of `upload_result` the logo; the earlier logo goes to the trash.

        Records its outcome and closes the open write.
        """
        write, fresh = upload_result.write, upload_result.new
        if write is None or not fresh:
            return
        logo = fresh[0]

        def work(profiles: Collection, assets: Collection, session: ClientSession) -> None:
            upload_result.fates = {}  # of a run that was rolled back
            if not claim_one(assets, logo.id, claim_of(site_id)):
                # The lease ended, and the sweeper or another attempt of this request was faster.
                raise UploadInProgress
            self._put(profiles, assets, site_id, logo.id, by)
            # More than one is the same file sent twice: others were rejected.
            upload_result.fates = {each.id: logo for each in fresh}
            self._writes.finish(site_id, write, upload_result.answer(), session)

        self._together(site_id, work)

    def choose_logo(self, site_id: str, asset_id: str, *, by: str | None) -> tuple[Asset, bool]:
        """Make a picture of the library the logo, and keep it there; return it.

        Also return whether that was a change. The earlier logo goes to the trash unless it is in
        the library as well. Raise `NotInLibrary`.
        """

        def work(profiles: Collection, assets: Collection, _: ClientSession) -> tuple[Asset, bool]:
            if hold_live(assets, [asset_id], Claim.library(site_id)):
                raise NotInLibrary
            found = assets.find_one({"_id": asset_id})
            if found is None:
                raise NotInLibrary
            is_new = logo_in(profiles, site_id) != asset_id
            if is_new:
                self._put(profiles, assets, site_id, asset_id, by)
            return from_document(found), is_new

        return self._together(site_id, work)

    def remove_logo(self, site_id: str, *, by: str | None) -> None:
        """Remove the logo: a picture of the library stays there, any other goes to the trash.

        Raise `LogoNotFound`.
        """

        def work(profiles: Collection, assets: Collection, _: ClientSession) -> None:
            if self._put(profiles, assets, site_id, None, by) is None:
                raise LogoNotFound

        self._together(site_id, work)

    def _put(
        self,
        profiles: Collection,
        assets: Collection,
        site_id: str,
        logo: str | None,
        by: str | None,
    ) -> str | None:
        """Set `logo` inside a transaction; return the earlier one.

        That is in the trash now, unless it is in the library.
        """
        before = logo_in(profiles, site_id)
        if before and before != logo:
            reason = "replaced" if logo else "removed"
            trash_one(assets, before, claim_of(site_id), position=0, by=by, reason=reason)
        named: Document = {"$set": {"logo": logo}} if logo else {"$unset": {"logo": ""}}
        profiles.update({"_id": site_id}, named, upsert=True)
        return before

    def _together(
        self, site_id: str, work: Callable[[Collection, Collection, ClientSession], T]
    ) -> T:
        if self.get(site_id) is None:
            raise SiteNotFound
        scope = site(self._database, site_id)
        assets, profiles = scope.collection(ASSETS), profiles_of(self._database, site_id)
        return scope.transaction(
            lambda session: work(profiles.within(session), assets.within(session), session)
        )

    def _site(self, document: Document) -> Site:
        return site_from_document(document, self._settings)


def claim_of(site_id: str) -> Claim:
    """Return the claim of a site on its logo."""
    return Claim(kind="site", id=site_id)


def _at_revision(revision: int) -> Document:
    """Return the condition for a revision; a site that was never changed may have none."""
    return {"revision": {"$in": [1, None]} if revision == 1 else revision}
