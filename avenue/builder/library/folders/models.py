"""Folders: the tree of folders in the library."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_FOLDERS = 1000
DEEPEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder; `parent` is None at the top."""

    id: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFolder:
    """A folder with its path, itself at the end, and the numbers of things directly in it.

    `media` is None if the files of a large library have not been counted yet.
    """

    folder: Folder
    path: tuple[Folder, ...]
    media: int | None
    folders: int


class FolderTree:
    """All folders of a site at one moment."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._by_id: Mapping[str, Folder] = {each.id: each for each in folders}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, folder_id: object) -> bool:
        return folder_id in self._by_id

    @property
    def ids(self) -> Collection[str]:
        """The ids of all of them."""
        return self._by_id.keys()

    def get(self, folder_id: str) -> Folder | None:
        """Return one folder, or None."""
        return self._by_id.get(folder_id)

    def path(self, folder_id: str | None) -> tuple[Folder, ...]:
        """Return the folders from the top down to this one; empty for the top itself."""
        way: list[Folder] = []
        folder = self._by_id.get(folder_id or "")
        while folder and len(way) < DEEPEST:
            way.insert(0, folder)
            folder = self._by_id.get(folder.parent or "")
        return tuple(way)

    def below(self, folder_id: str) -> list[Folder]:
        """Return the direct subfolders."""
        return [each for each in self._by_id.values() if each.parent == folder_id]

    def height(self, folder_id: str) -> int:
        """Return the number of levels of this folder and its subfolders."""
        ways = [way for way in map(self._way_ids, self._by_id) if folder_id in way]
        return max((len(way) - way.index(folder_id) for way in ways), default=1)

    def opened(self, media: Mapping[str, int] | None) -> Iterator[OpenFolder]:
        """Yield every folder, by its way; `media` are the numbers of files by folder, if known."""
        within = Counter(each.parent for each in self._by_id.values())
        ways = {each: self.path(each) for each in self._by_id}
        for folder_id in sorted(ways, key=lambda each: [step.name for step in ways[each]]):
            yield OpenFolder(
                folder=self._by_id[folder_id],
                path=ways[folder_id],
                media=None if media is None else media.get(folder_id, 0),
                folders=within[folder_id],
            )

    def _way_ids(self, folder_id: str) -> list[str]:
        return [each.id for each in self.path(folder_id)]
