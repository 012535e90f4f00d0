"""Finds the pictures that old records name: in the record, the database or a folder."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from avenue.errors import required
from avenue.media.old_urls import legacy_path
from avenue.migration.addresses import OldAddresses
from avenue.migration.adopt import fields as names
from avenue.migration.adopt.decoding import file_bytes
from avenue.migration.adopt.errors import BrokenSource, LostPicture
from avenue.migration.adopt.fields import PictureName
from avenue.migration.adopt.inventory import Inventory, Picture
from avenue.migration.adopt.models import Holds, Mapped
from avenue.migration.tree import Tree
from avenue.storage.earlier import EarlierDatabase
from avenue.web.errors import FileTooLarge

LEAST_ID = 12
"""The characters of an id that is accepted in an address of another host."""
LONGEST_URL = 2048
LONGEST_TOLD = 120
ADDRESS = "/api/shop/images/{id}"
"""The paths at which such shops served pictures from their database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A picture: `load` it, or it is at `url`; `paths` are its old addresses.

    `alt` are its alternative texts by language, "" that of the site. `is_lost`: `url` names a file
    on a disk that no longer exists.
    """

    name: str
    paths: tuple[str, ...] = ()
    picture: Picture | None = None
    inline: Any = None
    file: bytes | None = None
    url: str | None = None
    is_lost: bool = False
    alt: Mapping[str, str] = field(default_factory=dict)


class Pictures:
    """Finds and reads pictures of up to `max_bytes`."""

    def __init__(
        self,
        source: EarlierDatabase,
        inventory: Inventory,
        mapped: Mapped,
        addresses: OldAddresses,
        files: Tree | None,
        *,
        max_bytes: int,
    ) -> None:
        self._source = source
        self._inventory = inventory
        self._mapped = mapped
        self.addresses = addresses
        self._files = files
        self._known_files = _paths(files)
        self._max_bytes = max_bytes

    def find(self, name: PictureName) -> Found:
        """Return the picture that a record names; raise `LostPicture`.

        A picture that was only on a lost disk keeps its URL, so that it is listed among the
        problems. Alternative texts in the record precede those in the picture's own record.
        """
        found = self._meant(name)
        return replace(found, alt=name.alt) if name.alt else found

    def _meant(self, name: PictureName) -> Found:
        if name.inline is not None:
            return Found(name="", inline=name.inline)
        paths = tuple(path for each in name.texts if (path := self.addresses.path_in(each)))
        for each in name.texts:
            picture = self._stored(each)
            if picture is not None:
                return self.of(picture, paths)
        for each in paths:
            file = self._in_folder(each)
            if file is not None:
                return Found(name=each.rpartition("/")[2], paths=(each,), file=file)
        url = next((each for each in name.texts if _is_elsewhere(each)), None)
        if url is not None and self.addresses.path_in(url) is None:
            return Found(name="", url=url)
        raise LostPicture(name.texts[-1][:LONGEST_TOLD])

    def at(self, path: str) -> Found | None:
        """Return the picture at an old path, or None."""
        picture = self._stored(path)
        if picture is not None:
            return self.of(picture, (path,))
        file = self._in_folder(path)
        return Found(name=path.rpartition("/")[2], paths=(path,), file=file) if file else None

    def of(self, picture: Picture, paths: Iterable[str] = ()) -> Found:
        """Return a picture of the earlier database, with its old addresses."""
        own = legacy_path(picture.name) if picture.name.startswith("/") else None
        ids = self._inventory.ids_of(picture)
        usual = (legacy_path(ADDRESS.format(id=quote(each, safe=""))) for each in ids)
        known = dict.fromkeys(each for each in (*paths, own, *usual) if each)
        return Found(
            name=picture.name.rpartition("/")[2],
            paths=tuple(known),
            picture=picture,
            alt=picture.alt,
        )

    def load(self, found: Found) -> bytes:
        """Return the bytes of a picture; raise `BrokenSource`, `FileTooLarge`, `LostPicture`."""
        if found.file is not None and self._files is not None:
            return self._joined(self._files.read(found.file))
        if found.picture is not None:
            return self._from_database(found.picture, levels=3)
        return file_bytes(found.inline, self._max_bytes)

    def _from_database(self, picture: Picture, levels: int) -> bytes:
        if picture.bucket is not None:
            try:
                chunks = self._source.chunks(picture.bucket, picture.handle, picture.length)
                return file_bytes(self._joined(chunks), self._max_bytes)
            except ValueError:
                raise BrokenSource from None
        record = self._source.get(picture.collection, picture.handle)
        if record is None or not levels:
            raise LostPicture(picture.key[:LONGEST_TOLD])
        own = names.names_of(Holds.PICTURES, self._mapped.fields.get(picture.collection, {}))
        value = required(self._data_of(record.fields, own["data"]), BrokenSource)
        if value.inline is not None:
            return file_bytes(value.inline, self._max_bytes)
        return self._named_inside(value, picture, levels - 1)

    def _data_of(self, fields: Any, own: tuple[str, ...]) -> PictureName | None:
        """Return the file that a picture's document has: its bytes before names of others."""
        found = [entry for name in own if (entry := names.picture_of(fields.get(name)))]
        inline = next((each for each in found if each.inline is not None), None)
        return inline or next(iter(found), None)

    def _named_inside(self, name: PictureName, own: Picture, levels: int) -> bytes:
        """Return the bytes that a picture's document refers to: a file, a path."""
        found = self.find(name)
        if found.url is not None or (found.picture and found.picture.number == own.number):
            raise LostPicture(name.texts[0][:LONGEST_TOLD])
        if found.picture is not None:
            return self._from_database(found.picture, levels)
        return self.load(found)

    def _stored(self, text: str) -> Picture | None:
        found = self._inventory.picture(text, by_name=True)
        if found is not None:
            return found
        path = legacy_path(text) if "/" in text else None
        if path is None:
            return None
        is_ours = self.addresses.path_in(text) is not None
        if is_ours and (found := self._inventory.picture(path, by_name=True)):
            return found
        last = path.rpartition("/")[2]
        for each in dict.fromkeys((last, last.rpartition(".")[0])):
            if each and (is_ours or len(each) >= LEAST_ID):
                found = self._inventory.picture(each, by_name=is_ours)
                if found is not None:
                    return found
        return None

    def _in_folder(self, path: str) -> bytes | None:
        """Return the key of the folder's file that `path` ends with, the longest match first."""
        parts = path.strip("/").split("/")
        for start in range(len(parts)):
            found = self._known_files.get("/".join(parts[start:]))
            if found is not None:
                return found
        return None

    def _joined(self, pieces: Iterator[bytes]) -> bytes:
        data = bytearray()
        for piece in pieces:
            data += piece
            if len(data) > self._max_bytes:
                raise FileTooLarge(self._max_bytes)
        return bytes(data)


def print_of(data: bytes) -> str:
    """Return the hash that identifies bytes."""
    return hashlib.sha256(data).hexdigest()


def _is_elsewhere(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.username is None
            and len(text) <= LONGEST_URL
            and text.isprintable()
            and " " not in text
        )
    except ValueError:
        return False


def _paths(files: Tree | None) -> dict[str, bytes]:
    """Return the files of a folder by their path in it, as addresses name them."""
    if files is None:
        return {}
    known: dict[str, bytes] = {}
    for each in files.walk():
        key = getattr(each, "key", None)
        path = legacy_path("/" + quote(each.name)) if key is not None else None
        if path is not None and key is not None:
            known[path.lstrip("/")] = key
    return known
