"""Clones the content of one site into another one of the same database, under new ids.

A new id is derived from the old one and the clone's seed only. So every step can be repeated, every
rewritten reference names the copy of its target, and ids of the second site cannot be derived from
those of the first. Records are rewritten completely: fields, and addresses inside texts.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from avenue.identity import derived_id
from avenue.storage.chunks import Incomplete
from avenue.storage.connection import Database, Document
from avenue.storage.copying.returning import (
    ASSETS,
    GROUPS,
    OWNERS,
    PAGES,
    PRODUCTS,
    StoredVersion,
    assets_of,
    versions_of,
)
from avenue.storage.records import UNREADABLE
from avenue.storage.scope import site

FOLDERS = "media_folders"
NAMED = (ASSETS, PRODUCTS, GROUPS, PAGES, FOLDERS)
"""The collections whose ids are referenced by other records."""
LEFT = {
    ASSETS: frozenset(
        {
            *("trash", "purges", "damaged", "emptied", "expiry_notice", "holds", "expires_at"),
            *("shown_anew_at", "link_epoch", "visibility_epoch", "temporary", "hold"),
        }
    ),
    PAGES: frozenset({"old_slugs", "history", "series", "mark", "publish_at"}),
}
"""Fields with the history of the original, which are not copied."""
PEOPLE = frozenset({"owner", "by", "updated_by"})
REFERENCES = frozenset(
    {"asset", "assets", "folder", "group", "image", "images", "parent", "translation_of"}
)
"""Fields with ids of other records, in any form."""
IMAGES = "images"
ID = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
PRODUCT_PATH = re.compile(r"(?<=/products/)[A-Za-z0-9_-]{1,64}(?![A-Za-z0-9_-])")
GOES_ON = re.compile(r"[\w.:-]")
"""Characters after which an address of a host would be a longer one."""
AT_ONCE = 50
LIBRARY, LOGO = "library", "site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloning:
    """The two sites of a clone; `seed` is its secret.

    Addresses of the first one's own pages, which begin with one of `addresses`, begin with
    `address` then. `has_library` and `has_people` tell what else is copied.
    """

    original: str
    target: str
    seed: str
    addresses: tuple[str, ...]
    address: str
    has_library: bool
    has_people: bool

    def id_of(self, own_id: str) -> str:
        """Return the new id of a record or a file."""
        return derived_id(self.seed, own_id)

    def file_of(self, asset: str, file: str) -> str:
        """Return the new id of a file; each asset has its own."""
        return self.id_of(f"{asset}/{file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloned:
    """A copied record, with the number of files copied for it, and their bytes.

    `left` are the assets that were skipped, with the reason.
    """

    id: str
    files: int = 0
    bytes: int = 0
    left: tuple[tuple[str, str], ...] = ()


Reserve = Callable[[int], Any]
"""Gives a context in which there is room for a file of so many bytes."""


class SiteClone:
    """Copies between the two sites. Every method can be repeated."""

    def __init__(
        self, database: Database, cloning: Cloning, reserve: Reserve, tmp_dir: Path
    ) -> None:
        self._cloning = cloning
        self._from = site(database, cloning.original)
        self._to = site(database, cloning.target)
        self._reserve = reserve
        self._tmp_dir = tmp_dir

    def count(self, collection: str) -> int:
        """Return how many records of a collection the first site has."""
        return self._from.collection(collection).count(_copied(collection))

    def folders(self) -> int:
        """Copy the folders of the library; return their number."""
        return sum(len(self._put(FOLDERS, some)) for some in self._batches(FOLDERS, ""))

    def library(self, after: str) -> Iterator[Cloned]:
        """Copy the files of the library after the id `after`."""
        for some in self._batches(ASSETS, after):
            for each in some:
                done = self._asset(each)
                yield Cloned(id=each["_id"], **done)

    def owners(self, collection: str, after: str) -> Iterator[Cloned]:
        """Copy the products or groups after the id `after`, each after its pictures."""
        kind = next(kind for kind, name in OWNERS.items() if name == collection)
        for some in self._batches(collection, after):
            pictures = self._live(name for each in some for name in assets_of(collection, each))
            for each in some:
                claim = {"kind": kind, "id": each["_id"]}
                own = [
                    pictures[name]
                    for name in assets_of(collection, each)
                    if name in pictures and pictures[name]["claim"] == claim
                ]
                done = _together(each["_id"], [(one["_id"], self._asset(one)) for one in own])
                gone = {name for name, _ in done.left}
                there = {one["_id"] for one in own} - gone
                self._put(collection, [{**each, IMAGES: _shown(each, there)}])
                yield done

    def pages(self, after: str) -> Iterator[Cloned]:
        """Copy the pages after the id `after`, and the library files they use."""
        for some in self._batches(PAGES, after):
            for each in some:
                done = Cloned(id=each["_id"])
                if not self._cloning.has_library:
                    used = self._live(assets_of(PAGES, each)).values()
                    own = [one for one in used if one["claim"]["kind"] == LIBRARY]
                    done = _together(each["_id"], [(one["_id"], self._asset(one)) for one in own])
                self._put(PAGES, [each])
                yield done

    def logo(self, asset_id: str) -> str | None:
        """Copy the logo; return its new id, None if it cannot be read."""
        found = self._live([asset_id]).get(asset_id)
        if found is None:
            return None
        if found["claim"]["kind"] == LIBRARY and not self._cloning.has_library:
            found["claim"] = {"kind": LOGO, "id": self._cloning.original}
        return None if self._asset(found)["left"] else self._cloning.id_of(asset_id)

    def rewritten(self, value: Any) -> Any:
        """Return a setting of the first site, rewritten for the second."""
        return self._rewrite(value, self._known(_texts_in(value)))

    def _batches(self, collection: str, after: str) -> Iterator[list[Document]]:
        while True:
            some = self._from.collection(collection).find(
                {**_copied(collection), "_id": {"$gt": after}}, sort=[("_id", 1)], limit=AT_ONCE
            )
            if not some:
                return
            yield some
            after = some[-1]["_id"]

    def _live(self, asset_ids: Iterable[str]) -> dict[str, Document]:
        wanted = {
            "_id": {"$in": sorted(set(asset_ids))},
            "state": "live",
            "claim.kind": {"$gt": ""},
        }
        return {each["_id"]: each for each in self._from.collection(ASSETS).find(wanted)}

    def _asset(self, asset: Document) -> dict[str, Any]:
        """Copy a live asset with its current file; return the arguments for `Cloned`."""
        new_id = self._cloning.id_of(asset["_id"])
        assets = self._to.collection(ASSETS)
        nothing: dict[str, Any] = {"files": 0, "bytes": 0, "left": ()}
        if assets.find_as_it_is({"_id": new_id}, {"_id": 1}):
            return nothing
        try:
            newest = {**asset, "versions": asset["versions"][:1]}
            if not self._cloning.has_library:
                newest.pop("folder", None)
            (version,) = versions_of(newest)
        except UNREADABLE:
            return {**nothing, "left": ((asset["_id"], "its record is malformed"),)}
        try:
            with self._reserve(version.length):
                self._copy_bytes(version)
                self._put(ASSETS, [newest])
        except Incomplete:
            return {**nothing, "left": ((asset["_id"], "its bytes are damaged or missing"),)}
        return {"files": 1, "bytes": version.length, "left": ()}

    def _copy_bytes(self, version: StoredVersion) -> None:
        """Copy a file; its hash is verified when it is read, and when it is written.

        Raise `Incomplete` if the first site has other bytes.
        """
        old, new = self._from.files(version.bucket), self._to.files(version.bucket).of_primary()
        new_file = self._cloning.file_of(version.asset, version.file)
        if new.find(new_file) is None:
            metadata = {
                **version.metadata,
                "site": self._cloning.target,
                "asset": self._cloning.id_of(version.asset),
            }
            with tempfile.TemporaryFile(dir=self._tmp_dir) as spool:
                pieces = old.read(version.file, 0, version.length, length=version.length)
                _check(version, _spooled(pieces, spool))
                new.write(
                    new_file, spool, length=version.length, name=version.name, metadata=metadata
                )
        digest = hashlib.sha256()
        for piece in new.read(new_file, 0, version.length, length=version.length):
            digest.update(piece)
        _check(version, digest.hexdigest())

    def _put(self, collection: str, records: Sequence[Document]) -> Sequence[Document]:
        known = self._known([text for each in records for text in _texts_in(each)])
        made = [self._record(collection, each, known) for each in records]
        self._to.collection(collection).insert_all(made)
        return made

    def _record(self, collection: str, record: Document, known: frozenset[str]) -> Document:
        left = LEFT.get(collection, frozenset())
        kept = {name: value for name, value in record.items() if name not in left}
        made: Document = self._rewrite(kept, known)
        made |= {"_id": self._cloning.id_of(record["_id"]), "site": self._cloning.target}
        if claim := record.get("claim"):
            of_site = claim["kind"] in {LIBRARY, LOGO}
            made["claim"] = {
                "kind": claim["kind"],
                "id": self._cloning.target if of_site else self._cloning.id_of(claim["id"]),
            }
        if versions := record.get("versions"):
            files = [self._cloning.file_of(record["_id"], each["file"]) for each in versions]
            made["versions"] = [
                {**each, "file": file} for each, file in zip(made["versions"], files, strict=True)
            ]
        return made

    def _known(self, texts: Sequence[str]) -> frozenset[str]:
        """Return those of the words in `texts` that are ids of the first site."""
        words = {word for text in texts for word in _words_in(text)}
        found: set[str] = set()
        for collection in NAMED if words else ():
            there = self._from.collection(collection).find(
                {"_id": {"$in": sorted(words)}}, {"_id": 1}
            )
            found |= {each["_id"] for each in there}
        return frozenset(found)

    def _rewrite(self, value: Any, known: frozenset[str], field: str = "") -> Any:
        if field in PEOPLE:
            return value if self._cloning.has_people else None
        if isinstance(value, dict):
            return {name: self._rewrite(each, known, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._rewrite(each, known, field) for each in value]
        if not isinstance(value, str):
            return value
        is_reference = field in REFERENCES and (value in known or ID.fullmatch(value))
        return self._cloning.id_of(value) if is_reference else self._text(value, known)

    def _text(self, text: str, known: frozenset[str]) -> str:
        def renamed(found: re.Match[str]) -> str:
            return self._cloning.id_of(found[0]) if found[0] in known else found[0]

        text = PRODUCT_PATH.sub(renamed, ID.sub(renamed, text))
        for address in self._cloning.addresses:
            text = _replaced(text, address, self._cloning.address)
        return text


def _replaced(text: str, address: str, other: str) -> str:
    """Return a text with an address of a host replaced, but no longer addresses."""
    first, *others = text.split(address)
    return first + "".join(f"{address if GOES_ON.match(each) else other}{each}" for each in others)


def _copied(collection: str) -> Document:
    """Return the condition for the copied records: for assets only the library's."""
    return {"claim.kind": LIBRARY, "state": "live"} if collection == ASSETS else {}


def _together(own_id: str, assets: Sequence[tuple[str, Mapping[str, Any]]]) -> Cloned:
    return Cloned(
        id=own_id,
        files=sum(each["files"] for _, each in assets),
        bytes=sum(each["bytes"] for _, each in assets),
        left=tuple(left for _, each in assets for left in each["left"]),
    )


def _shown(owner: Document, there: set[str]) -> list[Any]:
    """Return the pictures of an owner that were copied."""
    entries = [each for each in owner.get(IMAGES) or () if isinstance(each, dict)]
    return [each for each in entries if each.get("url") or each.get("asset") in there]


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts_in(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts_in(each)]
    return [value] if isinstance(value, str) else []


def _words_in(text: str) -> Iterator[str]:
    yield text[:200]
    yield from ID.findall(text)
    yield from PRODUCT_PATH.findall(text)


def _spooled(pieces: Iterator[bytes], spool: IO[bytes]) -> str:
    """Write pieces to `spool`; return their hash."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        spool.write(piece)
    return digest.hexdigest()


def _check(version: StoredVersion, sha256: str) -> None:
    if sha256 != version.sha256:
        raise Incomplete(f"{version.bucket}/{version.file}: other bytes")
