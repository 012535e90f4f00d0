"""Conversion of folders to JSON."""

from collections.abc import Sequence

from avenue.builder.library.folders.models import OpenFolder
from avenue.builder.library.folders.replies import Folder, FolderList


def folder_json(opened: OpenFolder) -> Folder:
    """Return the JSON of a folder."""
    folder = opened.folder
    return {
        "id": folder.id,
        "name": folder.name,
        "parent": folder.parent,
        "path": [{"id": each.id, "name": each.name} for each in opened.path],
        "media": opened.media,
        "folders": opened.folders,
    }


def folders_json(folders: Sequence[OpenFolder]) -> FolderList:
    """Return the JSON of all folders."""
    return {"items": [folder_json(each) for each in folders], "next": None, "total": len(folders)}
