"""Paths of the files in an export: names that Windows and S3 both accept."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from avenue.media.intake.filetypes import FILE_TYPES, UNKNOWN
from avenue.media.models import Asset

LONGEST = 80
MARK_CHARACTERS = 16
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin_|conout_|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_PATH = re.compile(r"(?!/)(?!.*(?:^|/)\.)[A-Za-z0-9_./-]{1,900}")


def mark(record_id: str) -> str:
    """Return a short text that identifies a record in a name, whatever characters its id has."""
    return hashlib.sha256(record_id.encode("utf-8", "replace")).hexdigest()[:MARK_CHARACTERS]


def plain(name: str) -> str:
    """Return `name` as a file name, maybe empty."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return _UNSAFE.sub("-", letters)[:LONGEST].strip("-. ")


def is_path(path: object) -> bool:
    """Return whether `path` is valid inside an export."""
    return isinstance(path, str) and _PATH.fullmatch(path) is not None and "//" not in path


class Names:
    """Gives each record a unique name, also on file systems that ignore case."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, record_id: str, name: str | None) -> str:
        """Return `name` as it may be used; with a mark, unless it is valid and unique as it is."""
        made = plain(name or "")
        key = made.lower()
        if made and not _RESERVED.fullmatch(made) and key not in self._taken:
            self._taken.add(key)
            return made
        return f"{made}-{mark(record_id)}" if made else mark(record_id)


def picture_path(folder: str, asset: Asset, place: int) -> str:
    """Return the path of the picture at `place` (from 1) of an owner with `folder`."""
    return f"{folder}/{place}.{_extension(asset)}"


def library_path(asset: Asset, folder: Sequence[str]) -> str:
    """Return the path of a file of the media library; `folder` are names from the top."""
    return "/".join(["media", *map(_folder_name, folder), _file_name(asset)])


def upload_path(asset: Asset, category: str) -> str:
    """Return the path of a general upload."""
    return f"uploads/{_folder_name(category)}/{_file_name(asset)}"


def _folder_name(name: str) -> str:
    made = plain(name) or "-"
    return f"{made}-" if _RESERVED.fullmatch(made) else made


def _file_name(asset: Asset) -> str:
    stem = plain(asset.name.rpartition(".")[0] or asset.name)[: LONGEST - MARK_CHARACTERS]
    ending = _extension(asset)
    return f"{stem or 'file'}-{mark(asset.id)}.{ending}"


def _extension(asset: Asset) -> str:
    return FILE_TYPES.get(asset.current.media_type, UNKNOWN).extension
