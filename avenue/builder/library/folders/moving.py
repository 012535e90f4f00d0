"""Folders of another application."""

from collections.abc import Sequence

from avenue.builder.library.folders.errors import (
    FolderNameTaken,
    FolderTooDeep,
    TooManyFolders,
)
from avenue.builder.library.folders.models import DEEPEST, Folder, FolderTree
from avenue.builder.library.folders.store import FolderStore
from avenue.identity import Actor, new_id
from avenue.words import folded

LONGEST_NAME = 100


class MovedFolders:
    """The folders of imported pictures: `Folders` of `migration.sources.models`."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store

    def at(self, actor: Actor, names: Sequence[str]) -> str | None:
        """Return the folder at the path `names`, created if necessary; see the protocol."""
        site_id, parent = actor.site.id, None
        for raw in names[:DEEPEST]:
            name = " ".join("".join(filter(str.isprintable, raw)).split())[:LONGEST_NAME]
            if not name:
                continue
            found = _named(self._store.tree(site_id), parent, name)
            if found is None:
                try:
                    found = Folder(id=new_id(), name=name, parent=parent)
                    self._store.insert(site_id, found)
                except FolderNameTaken:  # created by another process a moment ago
                    found = _named(self._store.tree(site_id), parent, name)
                except (FolderTooDeep, TooManyFolders):
                    return parent
            parent = found.id if found else parent
        return parent


def _named(tree: FolderTree, parent: str | None, name: str) -> Folder | None:
    """Return the folder of that name in `parent`, None for the top."""
    every = (tree.get(each) for each in tree.ids)
    return next(
        (
            each
            for each in every
            if each and each.parent == parent and folded(each.name) == folded(name)
        ),
        None,
    )
