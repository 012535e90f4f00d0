"""Folders, in MongoDB."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from avenue.builder.library.folders.errors import (
    FolderInItself,
    FolderNameTaken,
    FolderNotEmpty,
    FolderNotFound,
    FolderTooDeep,
    TooManyFolders,
)
from avenue.builder.library.folders.models import DEEPEST, MOST_FOLDERS, Folder, FolderTree
from avenue.clock import utc_now
from avenue.media.models import Claim, State
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import owned_by
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.idempotency import Writes
from avenue.storage.scope import SiteRecords, site
from avenue.storage.site_counts import Counter, Numbers, SiteCounts
from avenue.totals import MOST_COUNTED
from avenue.words import folded

T = TypeVar("T")
FOLDERS = "media_folders"


class FolderStore(SiteRecords):
    """The folders of one site at a time; every method takes the site first.

    Changes of the tree are serialised, so no two can create a cycle.
    """

    def __init__(self, database: Database, counts: SiteCounts | None = None) -> None:
        super().__init__(database)
        self._writes = Writes(database)
        self._counts = counts or SiteCounts(database)
        self.counters: Mapping[str, Counter] = {FOLDERS: self._count}

    def tree(self, site_id: str) -> FolderTree:
        """Return all folders."""
        return _tree(self._records(site_id, FOLDERS))

    def media(self, site_id: str) -> Mapping[str, int] | None:
        """Return how many files lie in each folder: few now, many when last counted.

        None where they are many and nobody has counted them yet.
        """
        count = self._counts.of(site_id, FOLDERS, self.counters[FOLDERS])
        return None if count.at_least else count.numbers

    def _count(self, site_id: str, few: int | None) -> Numbers | None:
        """Count the files in each folder through an index; see `Counter`.

        Few are more than elsewhere: people move them about, and look.
        """
        most = None if few is None else MOST_COUNTED
        assets, files = self._records(site_id, ASSETS), {"files": {"$sum": 1}}
        if most is None:
            folders = self.tree(site_id).ids
            return {each: assets.count({**_live(site_id), "folder": each}) for each in folders}
        found = assets.aggregate(
            [
                {"$match": _live(site_id)},
                {"$sort": {"folder": 1}},
                {"$limit": most + 1},
                {"$group": {"_id": "$folder", **files}},
            ]
        )
        numbers = {each["_id"]: each["files"] for each in found}
        if sum(numbers.values()) > most:
            return None
        return {folder: count for folder, count in numbers.items() if isinstance(folder, str)}

    def insert(self, site_id: str, folder: Folder) -> None:
        """Add a folder.

        Raise `FolderNotFound` (for its parent), `FolderNameTaken`, `FolderTooDeep` or
        `TooManyFolders`.
        """

        def work(folders: Collection, _: Collection, tree: FolderTree) -> None:
            if folder.id in tree:
                return  # an earlier run of this transaction, whose answer was lost
            if len(tree) >= MOST_FOLDERS:
                raise TooManyFolders(limit=MOST_FOLDERS)
            _check_place(tree, folder.parent, height=1)
            folders.insert({"_id": folder.id, **_values(folder), "created_at": utc_now()})

        self._changed(site_id, work)

    def change(self, site_id: str, folder_id: str, changes: Mapping[str, Any]) -> Folder:
        """Set `name` or `parent`; raise as `insert`, or `FolderInItself`."""

        def work(folders: Collection, _: Collection, tree: FolderTree) -> Folder:
            before = tree.get(folder_id)
            if before is None:
                raise FolderNotFound
            after = replace(before, **changes)
            if after.parent != before.parent:
                if folder_id in {each.id for each in tree.path(after.parent)}:
                    raise FolderInItself
                _check_place(tree, after.parent, height=tree.height(folder_id))
            folders.update({"_id": folder_id}, {"$set": _values(after)})
            return after

        return self._changed(site_id, work)

    def delete(self, site_id: str, folder_id: str) -> None:
        """Delete an empty folder; raise `FolderNotFound` or `FolderNotEmpty`."""

        def work(folders: Collection, assets: Collection, tree: FolderTree) -> None:
            if folder_id not in tree:
                raise FolderNotFound
            files, below = (
                assets.count({**_live(site_id), "folder": folder_id}, most=MOST_COUNTED),
                len(tree.below(folder_id)),
            )
            if files or below:
                raise FolderNotEmpty(media=files, folders=below)
            folders.delete({"_id": folder_id})

        self._changed(site_id, work)

    def hold(self, site_id: str, folder_id: str | None, session: ClientSession) -> bool:
        """Hold the target folder of files, inside their transaction; False when it does not exist.

        It is written to, so of this and its deletion at the same time only one commits.
        """
        if folder_id is None:
            return True
        folders = self._records(site_id, FOLDERS).within(session)
        return bool(folders.update({"_id": folder_id}, {"$inc": {"holds": 1}}))

    def _changed(self, site_id: str, work: Callable[[Collection, Collection, FolderTree], T]) -> T:
        scope = site(self._database, site_id)

        def run(session: ClientSession) -> T:
            self._writes.take_turns(site_id, FOLDERS, session)
            folders = scope.collection(FOLDERS).within(session)
            return work(folders, scope.collection(ASSETS).within(session), _tree(folders))

        try:
            return scope.transaction(run)
        except AlreadyThere:
            raise FolderNameTaken from None


def _live(site_id: str) -> Document:
    return {**owned_by(Claim.library(site_id)), "state": State.LIVE}


def _tree(folders: Collection) -> FolderTree:
    return FolderTree(folders.values(_folder, {}, limit=MOST_FOLDERS))


def _check_place(tree: FolderTree, parent: str | None, *, height: int) -> None:
    """Raise unless a folder, with its subfolders `height` levels high, can be in `parent`."""
    if parent is not None and parent not in tree:
        raise FolderNotFound
    if len(tree.path(parent)) + height > DEEPEST:
        raise FolderTooDeep(limit=DEEPEST)


def _values(folder: Folder) -> Document:
    return {"name": folder.name, "name_key": folded(folder.name), "parent": folder.parent}


def _folder(document: Document) -> Folder:
    return Folder(id=document["_id"], name=document["name"], parent=document["parent"])
