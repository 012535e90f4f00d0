"""General uploads, in MongoDB: the asset itself is the record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.intake.models import Outcome, Refusal, UploadResult
from avenue.media.models import Asset, State
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.transitions import change_one, claim_one, restore_one, trash_one
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import OpenWrite, UploadInProgress, Writes
from avenue.storage.paging import behind
from avenue.storage.scope import SiteRecords, site
from avenue.storage.word_search import having_words, in_many
from avenue.uploads.errors import TooManyUploads, UploadExpired, UploadHeld, UploadNotFound
from avenue.uploads.models import Filing, Sight, UploadPage, UploadQuery, claim_of
from avenue.words import words_of

T = TypeVar("T")
OVER: Document = {
    "expires_at": {"$type": "date"},
    "$expr": {"$lte": ["$expires_at", "$$NOW"]},
}
"""The condition for uploads whose retention time is over."""


class UploadStore(SiteRecords):
    """The uploads of one site at a time; every method takes the site first."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writes = Writes(database)

    def get(self, site_id: str, upload_id: str) -> Asset | None:
        """Return a live upload, or None."""
        return self._records(site_id, ASSETS).value(from_document, {"_id": upload_id, **_live()})

    def find(self, site_id: str, query: UploadQuery, sight: Sight | None) -> UploadPage:
        """Return a page of the uploads that match `query` and that `sight` shows."""
        assets, way = self._records(site_id, ASSETS), 1 if query.oldest_first else -1
        in_state = _in_state(query.state)
        wanted = [in_state, *_asked(query), *_seen(sight)]
        words = having_words(assets, query.words, in_state)
        total = assets.total({"$and": [*wanted, *words]})
        if total is None:
            words = in_many(query.words)
        page = {"$and": [*wanted, *words, *behind("created_at", query.after, descending=way < 0)]}
        order = [("created_at", way), ("_id", way)]
        found = assets.values(from_document, page, sort=order, limit=query.limit + 1)
        return UploadPage.of(
            found, query.limit, lambda last: (last.created_at, last.id), total=total
        )

    def same(
        self, site_id: str, owner: str | None, filing: Filing, hashes: Sequence[str]
    ) -> dict[str, Asset]:
        """Return existing uploads of `owner` with the same reference and `hashes`, by hash."""
        return _same(self._records(site_id, ASSETS), owner, filing, hashes)

    def count(self, site_id: str, owner: str | None, filing: Filing) -> int:
        """Return the number of files of `owner` with the reference."""
        return self._records(site_id, ASSETS).count(_filed(owner, filing))

    def add(self, site_id: str, filing: Filing, upload_result: UploadResult) -> None:
        """File the stored files of `upload_result`, up to the limit; records their outcomes.

        Closes the open write. Raise `TooManyUploads` when every file exceeds the limit.
        """
        write = upload_result.write
        if write is None:
            return
        self._together(
            site_id,
            lambda _, session: self.add_within(site_id, filing, upload_result, write, session),
        )

    def add_within(
        self,
        site_id: str,
        filing: Filing,
        upload_result: UploadResult,
        write: OpenWrite,
        session: ClientSession,
    ) -> None:
        """Like `add`, inside a transaction."""
        upload_result.fates = {}  # of a run that was rolled back
        assets, owner = self._records(site_id, ASSETS).within(session), upload_result.new[0].owner
        self._take_turns(site_id, owner, filing, session)
        planned = _planned(assets, owner, filing, upload_result.new)
        if not any(isinstance(fate, Asset) for fate in planned.values()):
            raise TooManyUploads(limit=filing.category.max_files or 0)
        upload_result.fates = planned
        # Before the assets: what a killed process has locked of them, the next attempt then finds
        # locked in the write, and waits instead of choosing other assets.
        self._writes.finish(site_id, write, upload_result.answer(), session)
        upload_result.fates = {}
        filed = {
            each.id: _file_one(assets, each, filing)
            for each in upload_result.new
            if planned[each.id] is each
        }
        upload_result.fates = {
            asset_id: filed.get(fate.id, fate) if isinstance(fate, Asset) else fate
            for asset_id, fate in planned.items()
        }

    def file(self, site_id: str, filing: Filing, stored: Asset, session: ClientSession) -> None:
        """File an asset that this transaction has stored; raise `TooManyUploads`."""
        assets = self._records(site_id, ASSETS).within(session)
        self._take_turns(site_id, stored.owner, filing, session)
        _check_room(assets, stored, filing)
        _file_one(assets, stored, filing)

    def change(
        self, site_id: str, upload: Asset, changes: Mapping[str, Any], filing: Filing | None
    ) -> Asset:
        """Set fields of an upload; with `filing` move it to another reference, within its limit.

        Raise `TooManyUploads` or `UploadNotFound`.
        """

        def work(assets: Collection, session: ClientSession) -> Asset:
            if filing is not None:
                self._take_turns(site_id, upload.owner, filing, session)
                _check_room(assets, upload, filing)
            now = assets.find_one({"_id": upload.id, **_live()}, {"name": 1, "reference": 1})
            if now is None:
                raise UploadNotFound
            named = {**now, **changes}  # not the name in `upload`, which may have changed meanwhile
            words = {"words": words_of(named["name"], named.get("reference"))}
            changed = change_one(assets, upload.id, claim_of(upload.id), {**changes, **words})
            if changed is None:
                raise UploadNotFound
            return changed

        return self._together(site_id, work)

    def remove(self, site_id: str, upload_id: str, *, by: str | None) -> None:
        """Move an upload to the trash; raise `UploadHeld` or `UploadNotFound`."""

        def work(assets: Collection, _: ClientSession) -> None:
            if assets.find_one({"_id": upload_id, "hold": True, **_live()}, {"_id": 1}):
                raise UploadHeld
            claim = claim_of(upload_id)
            if not trash_one(assets, upload_id, claim, position=0, by=by, reason="removed"):
                raise UploadNotFound

        self._together(site_id, work)

    def trashed(self, site_id: str, upload_id: str) -> Asset | None:
        """Return an upload that is in the trash, or None."""
        return self._records(site_id, ASSETS).value(from_document, {"_id": upload_id, **_trashed()})

    def restore(self, site_id: str, upload: Asset, filing: Filing, *, may_hold: bool) -> Asset:
        """Restore an upload from the trash, within the limit of its reference.

        After the end of its retention time it is on hold, or it would be removed again; only if
        they `may_hold`. Raise `TooManyUploads`, `UploadExpired`, or `UploadNotFound` when it was
        purged meanwhile.
        """
        over = {"_id": upload.id, "state": State.TRASH, **OVER}

        def work(assets: Collection, session: ClientSession) -> Asset:
            self._take_turns(site_id, upload.owner, filing, session)
            _check_room(assets, upload, filing)
            if assets.update(over, {"$set": {"hold": True}}) and not may_hold:
                raise UploadExpired
            restore_one(assets, upload.id, claim_of(upload.id))
            found = assets.find_one({"_id": upload.id, **_live()})
            if found is None:
                raise UploadNotFound
            return from_document(found)

        return self._together(site_id, work)

    def _take_turns(
        self, site_id: str, owner: str | None, filing: Filing, session: ClientSession
    ) -> None:
        """Serialise two uploads for one reference, so that both are counted."""
        if filing.reference is not None:
            what = f"upload\n{filing.category.name}\n{filing.reference}\n{owner}"
            self._writes.take_turns(site_id, what, session)

    def _together(self, site_id: str, work: Callable[[Collection, ClientSession], T]) -> T:
        scope = site(self._database, site_id)
        assets = scope.collection(ASSETS)
        return scope.transaction(lambda session: work(assets.within(session), session))


def _planned(
    assets: Collection, owner: str | None, filing: Filing, stored: Sequence[Asset]
) -> dict[str, Outcome]:
    """Return the outcome of stored files: themselves, an existing upload, or a refusal."""
    hashes = [each.current.source_sha256 for each in stored]
    there = _same(assets, owner, filing, hashes)
    others = {**_filed(owner, filing), "_id": {"$nin": [each.id for each in stored]}}
    most = filing.category.max_files if filing.reference is not None else None
    count = assets.count(others, most=most) if most is not None else 0
    fates: dict[str, Outcome] = {}
    for each in stored:
        twin = there.get(each.current.source_sha256)
        if twin is not None and twin.id != each.id:
            fates[each.id] = twin
        elif most is not None and count >= most:
            fates[each.id] = Refusal.of(each.name, TooManyUploads(limit=most))
        else:
            fates[each.id] = each
            count += 1
            if filing.reference is not None:
                there[each.current.source_sha256] = each
    return fates


def _file_one(assets: Collection, stored: Asset, filing: Filing) -> Asset:
    """Make a stored file an upload: it gets its own claim and the fields of an upload."""
    if not claim_one(assets, stored.id, claim_of(stored.id)):
        # The lease ended, and the sweeper or another attempt of this request was faster.
        raise UploadInProgress
    facts = {
        "category": filing.category.name,
        "reference": filing.reference,
        "hold": False,
        "words": words_of(stored.name, filing.reference),
    }
    stage: Document = {name: {"$literal": value} for name, value in facts.items()}
    if filing.category.retention_days is not None:
        stage["expires_at"] = {
            "$dateAdd": {
                "startDate": "$$NOW",
                "unit": "day",
                "amount": filing.category.retention_days,
            }
        }
    found = assets.find_and_update({"_id": stored.id}, [{"$set": stage}])
    if found is None:
        raise UploadInProgress
    return from_document(found)


def _check_room(assets: Collection, upload: Asset, filing: Filing) -> None:
    """Raise `TooManyUploads` when `upload` would exceed the limit of `filing`."""
    most = filing.category.max_files
    others = {**_filed(upload.owner, filing), "_id": {"$ne": upload.id}}
    if most is not None and filing.reference is not None and assets.count(others) >= most:
        raise TooManyUploads(limit=most)


def _same(
    assets: Collection, owner: str | None, filing: Filing, hashes: Sequence[str]
) -> dict[str, Asset]:
    if filing.reference is None:
        return {}  # the same file sent again need not be meant as the same upload
    query = {
        **_filed(owner, filing),
        "versions.source_sha256": {"$in": list(hashes)},
        # it is about to be removed, and the new upload is to stay
        "$nor": [{"hold": False, **OVER}],
    }
    found = assets.values(from_document, query)
    return {each.current.source_sha256: each for each in found}


def _live() -> Document:
    return _in_state(State.LIVE)


def _in_state(state: State) -> Document:
    return {"claim.kind": UPLOAD, "state": state}


def _trashed() -> Document:
    return _in_state(State.TRASH)


def _filed(owner: str | None, filing: Filing) -> Document:
    """Return the condition for the uploads of `owner` with a reference."""
    in_category = _in_categories([filing.category.name])
    return {**_live(), "owner": owner, "reference": filing.reference, **in_category}


def _in_categories(names: Sequence[str]) -> Document:
    """Return the condition for some categories; uploads without one are general."""
    return {"category": {"$in": [*names, *([None] if GENERAL in names else [])]}}


def _asked(query: UploadQuery) -> list[Document]:
    conditions: list[Document] = []
    if query.category is not None:
        conditions.append(_in_categories([query.category]))
    if query.reference is not None:
        conditions.append({"reference": query.reference})
    if query.owner is not None:
        conditions.append({"owner": query.owner})
    if query.media_types:
        conditions.append({"versions.media_type": {"$in": list(query.media_types)}})
    return conditions


def _seen(sight: Sight | None) -> list[Document]:
    if sight is None:
        return []
    own: Document = {"owner": sight.owner}
    return [{"$or": [own, _in_categories(sight.categories)]} if sight.categories else own]
