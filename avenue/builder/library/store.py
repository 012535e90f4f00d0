"""The files of the media library, in MongoDB."""

from collections.abc import Callable, Collection as Ids, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.builder.library.errors import MediaNotFound, TooManyTags
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.folders.store import FolderStore
from avenue.builder.library.models import (
    MOST_TAGS,
    NO_FOLDER,
    MediaPage,
    MediaQuery,
    Removed,
    Sort,
    Use,
    Users,
    Uses,
)
from avenue.identity import Actor
from avenue.media.errors import VersionNotFound
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, State
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.library import LibraryStore
from avenue.media.store.transitions import (
    bring_back_one,
    describe_one,
    owned_by,
    replace_one,
    restore_one,
    trash_one,
    without_alt,
)
from avenue.storage.collection import Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import Writes
from avenue.storage.paging import behind
from avenue.storage.scope import SiteRecords, site
from avenue.storage.word_search import having_words, in_many
from avenue.totals import MOST_READ
from avenue.web.paging import Place

T = TypeVar("T")
IDS_AT_ONCE = 1000
SORT_FIELDS = {
    Sort.NEWEST: "created_at",
    Sort.OLDEST: "created_at",
    Sort.NAME: "listed.name",
    Sort.NAME_BACKWARDS: "listed.name",
    Sort.SMALLEST: "listed.bytes",
    Sort.LARGEST: "listed.bytes",
}


class MediaStore(SiteRecords):
    """The library of one site at a time; every method takes the site first."""

    def __init__(
        self,
        database: Database,
        library: LibraryStore,
        folders: FolderStore,
        users: Sequence[Users],
    ) -> None:
        super().__init__(database)
        self._writes = Writes(database)
        self._library = library
        self._folders = folders
        self._users = users

    def get(self, site_id: str, asset_id: str) -> Asset | None:
        """Return a live file, or None."""
        return self._records(site_id, ASSETS).value(
            from_document, {"_id": asset_id, **_live(site_id)}
        )

    def get_many(self, site_id: str, asset_ids: Sequence[str]) -> dict[str, Asset]:
        """Return the live files among `asset_ids`, by id."""
        found = self._records(site_id, ASSETS).values(
            from_document, {"_id": {"$in": sorted(set(asset_ids))}, **_live(site_id)}
        )
        return {each.id: each for each in found}

    def trashed(self, site_id: str, asset_id: str) -> Asset | None:
        """Return a file that is in the trash, or None."""
        return self._records(site_id, ASSETS).value(
            from_document, {"_id": asset_id, **_in(site_id, State.TRASH)}
        )

    def find(self, site_id: str, query: MediaQuery) -> MediaPage:
        """Return a page of the files that match `query`."""
        wanted, used = self._asked(site_id, query)
        most = None if query.lacks_alt is None else MOST_READ
        total = self._total(site_id, wanted, used, most)
        if total is None and query.words:
            wanted = {**wanted, "$and": in_many(query.words)}
        found = self._page(site_id, query, wanted, used)
        more = len(found) > query.limit
        return MediaPage(
            items=tuple(asset for asset, _ in found[: query.limit]),
            next=found[query.limit - 1][1] if more else None,
            first=found[0][1] if found else None,
            total=total,
            at_least=None if most is None or total is not None else most + 1,
        )

    def walk(self, site_id: str, query: MediaQuery) -> Iterator[Asset]:
        """Yield all files that match `query`, read in parts of its `limit`.

        Used ids are read once, and nothing is counted: otherwise many parts of many files take
        quadratic time.
        """
        wanted, used = self._asked(site_id, query)
        while True:
            found = self._page(site_id, query, wanted, used)
            yield from (asset for asset, _ in found[: query.limit])
            if len(found) <= query.limit:
                return
            query = query.part(limit=query.limit, after=found[query.limit - 1][1])

    def by_source(self, site_id: str, hashes: Sequence[str]) -> dict[str, list[Asset]]:
        """Return the live files created from bytes with these hashes, by hash, oldest first."""
        query = {"versions.source_sha256": {"$in": sorted(set(hashes))}, **_live(site_id)}
        found = self._records(site_id, ASSETS).values(
            from_document, query, sort=[("created_at", 1), ("_id", 1)]
        )
        made: dict[str, list[Asset]] = {}
        for asset in found:
            made.setdefault(asset.current.source_sha256, []).append(asset)
        return made

    def keep(
        self, site_id: str, upload_result: UploadResult, folder: str | None, *, once: bool
    ) -> None:
        """Add the stored files of `upload_result`, to `folder`; see `LibraryStore.keep`.

        Raise `FolderNotFound`.
        """

        def hold(session: ClientSession) -> None:
            if not self._folders.hold(site_id, folder, session):
                raise FolderNotFound

        self._library.keep(site_id, upload_result, once=once, folder=folder, first=hold)

    def change(
        self,
        site_id: str,
        asset_id: str,
        changes: Mapping[str, Any],
        revision: int | None = None,
    ) -> Asset:
        """Set fields of a file; raise `MediaNotFound` or `FolderNotFound`.

        With a `revision`, a file with another one counts as not found.
        """

        def work(assets: Collection, session: ClientSession) -> Asset:
            if not self._folders.hold(site_id, changes.get("folder"), session):
                raise FolderNotFound
            claim = Claim.library(site_id)
            return _found(describe_one(assets, asset_id, claim, changes, revision))

        return self._together(site_id, work)

    def replace(
        self, site_id: str, asset: Asset, upload_result: UploadResult, *, keep: int
    ) -> tuple[str, ...]:
        """Make the stored file of `upload_result` the newest version of `asset`.

        Return the files of versions that are no longer kept. Raise `MediaNotFound`.
        """
        write, fresh = upload_result.write, upload_result.new
        if write is None or not fresh:
            return ()

        def work(assets: Collection, session: ClientSession) -> tuple[str, ...]:
            upload_result.fates = {}  # of a run that was rolled back
            new, claim = fresh[0], Claim.library(site_id)
            fell_off = replace_one(
                assets, asset.id, claim, version=new.current, name=new.name, keep=keep
            )
            if fell_off is None:
                raise MediaNotFound
            upload_result.fates = {asset.id: new}
            self._writes.finish(site_id, write, upload_result.answer(), session)
            return fell_off

        return self._together(site_id, work)

    def bring_back(self, site_id: str, asset_id: str, version: str, *, by: str | None) -> Asset:
        """Make an older version the current one; raise `MediaNotFound` or `VersionNotFound`."""

        def work(assets: Collection, _: ClientSession) -> Asset:
            claim = Claim.library(site_id)
            after = bring_back_one(assets, asset_id, claim, version=version, by=by)
            if after is not None:
                return after
            there = assets.find_one({"_id": asset_id, **_live(site_id)}, {"_id": 1})
            raise VersionNotFound if there else MediaNotFound

        return self._together(site_id, work)

    def uses_of(
        self, site_id: str, asset_ids: Sequence[str], session: ClientSession | None = None
    ) -> Uses:
        """Return the uses of files; unused ones are left out."""
        found: dict[str, list[Use]] = {}
        for user in self._users:
            for asset_id, uses in user.uses_of(site_id, asset_ids, session).items():
                if uses:
                    found.setdefault(asset_id, []).extend(uses)
        return found

    def detach(self, actor: Actor, asset_ids: Sequence[str]) -> None:
        """Remove all references to files."""
        for user in self._users:
            user.detach(actor, asset_ids)

    def remove(self, site_id: str, asset_ids: Sequence[str], *, by: str | None) -> Removed:
        """Move the unused files of `asset_ids` to the trash; the others stay.

        Uses are read in the same transaction; see `Users`. Raise `MediaNotFound` with missing ids:
        then nothing is removed.
        """

        def work(assets: Collection, session: ClientSession) -> Removed:
            _check_there(assets, site_id, asset_ids)
            kept, claim = self.uses_of(site_id, asset_ids, session), Claim.library(site_id)
            gone = tuple(each for each in asset_ids if each not in kept)
            for each in gone:
                trash_one(assets, each, claim, position=0, by=by, reason="removed")
            return Removed(ids=gone, kept=kept)

        return self._together(site_id, work)

    def restore(self, site_id: str, asset: Asset) -> Asset:
        """Restore a file from the trash, into its folder if that still exists.

        Raise `MediaNotFound` when it was purged meanwhile.
        """

        def work(assets: Collection, session: ClientSession) -> Asset:
            restore_one(assets, asset.id, Claim.library(site_id))
            found = assets.find_one({"_id": asset.id, **_live(site_id)})
            if found and not self._folders.hold(site_id, found.get("folder"), session):
                found = assets.find_and_update({"_id": asset.id}, {"$unset": {"folder": ""}})
            return _found(from_document(found) if found else None)

        return self._together(site_id, work)

    def move(self, site_id: str, asset_ids: Sequence[str], folder: str | None) -> None:
        """Move files to `folder`, or out of folders; raise `MediaNotFound` or `FolderNotFound`."""

        def work(assets: Collection, session: ClientSession) -> None:
            if not self._folders.hold(site_id, folder, session):
                raise FolderNotFound
            _check_there(assets, site_id, asset_ids)
            change = {"$set": {"folder": folder}, "$inc": {"revision": 1}}
            assets.update_all([({"_id": each, **_live(site_id)}, change) for each in asset_ids])

        self._together(site_id, work)

    def tag(
        self, site_id: str, asset_ids: Sequence[str], add: Sequence[str], remove: Ids[str]
    ) -> None:
        """Add and remove tags; raise `MediaNotFound` or `TooManyTags`, then nothing has changed."""

        def work(assets: Collection, _: ClientSession) -> None:
            _check_there(assets, site_id, asset_ids)
            found = assets.find({"_id": {"$in": list(asset_ids)}}, {"tags": 1})
            tags = {
                each["_id"]: [
                    tag for tag in dict.fromkeys([*each.get("tags", ()), *add]) if tag not in remove
                ]
                for each in found
            }
            too_many = [each for each in asset_ids if len(tags[each]) > MOST_TAGS]
            if too_many:
                raise TooManyTags(limit=MOST_TAGS, ids=too_many)
            for each in asset_ids:
                describe_one(assets, each, Claim.library(site_id), {"tags": tags[each]})

        self._together(site_id, work)

    def _asked(self, site_id: str, query: MediaQuery) -> tuple[Document, frozenset[str]]:
        """Return the condition of a list without a cursor, and the ids that are left out."""
        wanted = _wanted(site_id, query)
        words = having_words(self._records(site_id, ASSETS), query.words, _in(site_id, query.state))
        wanted |= {"$and": words} if words else {}
        return wanted, self._used(site_id) if query.unused else frozenset()

    def _used(self, site_id: str) -> frozenset[str]:
        return frozenset(each for user in self._users for each in user.used_ids(site_id))

    def _page(
        self, site_id: str, query: MediaQuery, wanted: Document, used: frozenset[str]
    ) -> list[tuple[Asset, Place]]:
        """Return the files of a page and one more, each with its place; without the `used` ones.

        They are skipped after reading: thousands of ids in a query make the server look up each of
        them.
        """
        field, way = SORT_FIELDS[query.sort], -1 if query.sort.descending else 1
        found: list[tuple[Asset, Place]] = []
        after, limit = query.after, query.limit + 1
        while True:
            conditions = [wanted, *behind(field, after, descending=way < 0)]
            some = self._records(site_id, ASSETS).values(
                lambda each: (from_document(each), _place(query.sort, each)),
                {"$and": conditions},
                sort=[(field, way), ("_id", way)],
                limit=limit,
            )
            found += [each for each in some if each[0].id not in used]
            if len(some) < limit or len(found) > query.limit:
                return found[: query.limit + 1]
            after, limit = some[-1][1], min(2 * limit, IDS_AT_ONCE)

    def _total(
        self, site_id: str, wanted: Document, used: frozenset[str], most: int | None
    ) -> int | None:
        """Return how many files there are but for `used`; see `Collection.total`."""
        assets = self._records(site_id, ASSETS)
        total = assets.total(wanted, most=most)
        if total is None:
            return None
        ids = sorted(used)
        return total - sum(
            assets.total({"_id": {"$in": ids[start : start + IDS_AT_ONCE]}, **wanted}) or 0
            for start in range(0, len(ids), IDS_AT_ONCE)
        )

    def _together(self, site_id: str, work: Callable[[Collection, ClientSession], T]) -> T:
        scope = site(self._database, site_id)
        assets = scope.collection(ASSETS)
        return scope.transaction(lambda session: work(assets.within(session), session))


def _in(site_id: str, state: State) -> Document:
    return {**owned_by(Claim.library(site_id)), "state": state}


def _live(site_id: str) -> Document:
    return _in(site_id, State.LIVE)


def _found(asset: Asset | None) -> Asset:
    if asset is None:
        raise MediaNotFound
    return asset


def _check_there(assets: Collection, site_id: str, asset_ids: Sequence[str]) -> None:
    """Raise `MediaNotFound` with those of `asset_ids` that are not live files of the library."""
    found = assets.find({"_id": {"$in": list(asset_ids)}, **_live(site_id)}, {"_id": 1})
    there = {each["_id"] for each in found}
    missing = [each for each in asset_ids if each not in there]
    if missing:
        raise MediaNotFound(ids=missing)


def _wanted(site_id: str, query: MediaQuery) -> Document:
    """Return the condition of a list except for words, without a cursor."""
    exact = {"tags": query.tag, "listed.media_type": query.media_type}
    wanted: Document = _in(site_id, query.state)
    wanted |= {name: value for name, value in exact.items() if value is not None}
    if query.folder is not None:
        wanted["folder"] = None if query.folder == NO_FOLDER else query.folder
    wanted |= _between("created_at", {"$gte": query.since, "$lt": query.before})
    wanted |= _between("listed.bytes", {"$gte": query.min_bytes, "$lte": query.max_bytes})
    if query.lacks_alt is not None:
        wanted |= without_alt(query.lacks_alt)
    return wanted


def _between(field: str, bounds: Mapping[str, object]) -> Document:
    given = {name: value for name, value in bounds.items() if value is not None}
    return {field: given} if given else {}


def _place(sort: Sort, document: Document) -> Place:
    """Return the place of `document` in a list."""
    value: object = document["created_at"]
    if sort.kind in {int, str}:
        value = document["listed"]["bytes" if sort.kind is int else "name"]
    if not isinstance(value, sort.kind):
        raise TypeError(sort.value)
    return value, document["_id"]
