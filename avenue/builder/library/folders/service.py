"""Use cases of folders."""

from collections.abc import Mapping
from typing import Any

from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.folders.models import Folder, OpenFolder
from avenue.builder.library.folders.store import FolderStore
from avenue.identity import Actor, Role, new_id


class FolderService:
    """The folders of a site's library, for its editors."""

    def __init__(self, store: FolderStore) -> None:
        self._store = store

    def every(self, actor: Actor) -> list[OpenFolder]:
        """Return all folders with the numbers of their contents, each after its parent."""
        actor.must_be_signed_in(Role.EDITOR)
        site_id = actor.site.id
        return list(self._store.tree(site_id).opened(self._store.media(site_id)))

    def ways(self, actor: Actor) -> dict[str, tuple[Folder, ...]]:
        """Return the way to each folder from the top, itself at the end; nothing is counted."""
        actor.must_be_signed_in(Role.EDITOR)
        tree = self._store.tree(actor.site.id)
        return {each: tree.path(each) for each in tree.ids}

    def get(self, actor: Actor, folder_id: str) -> OpenFolder:
        """Return one folder; raise `FolderNotFound`."""
        found = next((each for each in self.every(actor) if each.folder.id == folder_id), None)
        if found is None:
            raise FolderNotFound
        return found

    def create(self, actor: Actor, name: str, parent: str | None = None) -> OpenFolder:
        """Add a folder, at the top or in `parent`.

        Raise `FolderNotFound`, `FolderNameTaken`, `FolderTooDeep` or `TooManyFolders`.
        """
        actor.must_be_signed_in(Role.EDITOR)
        folder = Folder(id=new_id(), name=name, parent=parent)
        self._store.insert(actor.site.id, folder)
        return self.get(actor, folder.id)

    def change(self, actor: Actor, folder_id: str, changes: Mapping[str, Any]) -> OpenFolder:
        """Set `name` or `parent` (None is the top); raise as `create`, or `FolderInItself`."""
        actor.must_be_signed_in(Role.EDITOR)
        self._store.change(actor.site.id, folder_id, changes)
        return self.get(actor, folder_id)

    def delete(self, actor: Actor, folder_id: str) -> None:
        """Delete an empty folder; raise `FolderNotFound` or `FolderNotEmpty`."""
        actor.must_be_signed_in(Role.EDITOR)
        self._store.delete(actor.site.id, folder_id)
