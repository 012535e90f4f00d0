"""Exports a site, record by record; files that exist already are not written again."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Protocol, TypeVar

from avenue.backup.errors import TargetUnreachable
from avenue.backup.targets import Draft, Missing, Target, draft_in
from avenue.builder.library.folders.models import FolderTree
from avenue.builder.website.models import Page
from avenue.export import presenting
from avenue.export.errors import NotAnExport, OtherExport
from avenue.export.models import (
    FORMAT,
    HEADER,
    MANIFEST,
    TABLE,
    Exported,
    ExportOrder,
    Left,
    Part,
    Tell,
)
from avenue.export.naming import Names, is_path, library_path, mark, picture_path, upload_path
from avenue.export.store import COLLECTIONS, MOST_NAMED, ExportStore
from avenue.identity import Site
from avenue.media.categories import GENERAL, UPLOAD
from avenue.media.errors import DamagedFile
from avenue.media.models import Asset, Claim, Visibility
from avenue.media.scans import withheld
from avenue.media.serving.stored_file import StoredFile
from avenue.media.store.assets import AssetStore
from avenue.media.urls import variant_url
from avenue.shop.importing.models import EVERY_COLUMN
from avenue.shop.models import Entry
from avenue.shop.table import product_row
from avenue.web.tables import csv_line

LIBRARY = "library"
LARGEST_HEADER = 64 * 1024
PREVIOUS = "previous.jsonl"
"""The name of the previous manifest while a new one is written."""
READ_BYTES = 1024 * 1024


class _Record(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=_Record)


class Earlier:
    """The files of the previous export by path, with their hashes; kept on disk, not in memory.

    The manifest confirms the hashes. After an interrupted export none are confirmed, and the hashes
    are computed from the bytes.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._files = sqlite3.connect("")  # a temporary file of SQLite
        self._files.execute("create table files (path text primary key, sha256 text, used int)")
        self._vouches = self._read(MANIFEST)
        if not self._vouches:
            self._read(PREVIOUS)

    def set_aside(self) -> None:
        """Rename the manifest, so that it confirms no hashes from now on; its paths stay known."""
        if not self._vouches:
            return
        with self._target.open(MANIFEST) as source, draft_in(self._target) as draft:
            while data := source.read(READ_BYTES):
                draft.write(data)
            draft.keep(PREVIOUS)
        self._target.delete(MANIFEST)
        self._target.settle()

    def has(self, path: str, sha256: str, size: int) -> bool:
        """Return whether the file at `path` is this one, and mark the path as used."""
        known = self._files.execute("select sha256 from files where path = ?", (path,)).fetchone()
        self._files.execute("update files set used = 1 where path = ?", (path,))
        if self._target.size(path) != size:
            return False
        if self._vouches and known is not None:
            return bool(known[0] == sha256)
        try:
            with self._target.open(path) as file:
                return _sha256(file) == sha256
        except Missing:
            return False

    def unused(self) -> Iterator[str]:
        """Yield the paths that are no longer used."""
        for (path,) in self._files.execute("select path from files where used = 0"):
            yield path

    def close(self) -> None:
        """Close the temporary database."""
        self._files.close()

    def _read(self, name: str) -> bool:
        try:
            with self._target.open(name) as lines:
                self._files.executemany("insert or ignore into files values (?, ?, 0)", _in(lines))
        except Missing:
            return False
        return True


class Export:
    """One export of one site. `counts` and `left` have the result."""

    def __init__(
        self,
        site: Site,
        store: ExportStore,
        assets: AssetStore,
        folders: FolderTree,
        target: Target,
        order: ExportOrder,
    ) -> None:
        self._site = site
        self._store = store
        self._assets = assets
        self._folders = folders
        self._target = target
        self._order = order
        self.counts = Exported()
        self.left: list[Left] = []
        self._has_malformed = False

    def run(self, tell: Tell = lambda _: None) -> None:
        """Export everything requested; raise `NotAnExport`, `OtherExport`, or errors of targets."""
        is_begun = self._is_begun()
        if self._order.is_trial:
            for _ in self._lines(None, None):
                tell(self.counts)
            return
        self._target.prepare()
        if not is_begun or self._target.size(HEADER) is None:  # a ZIP is always written again
            self._put(HEADER, json.dumps(self._header(), sort_keys=True).encode())
        earlier = Earlier(self._target)
        try:
            earlier.set_aside()
            with draft_in(self._target) as manifest:
                with draft_in(self._target) as table:
                    for line in self._lines(earlier, table):
                        manifest.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                        tell(self.counts)
                    if Part.PRODUCTS in self._order.parts:
                        table.keep(TABLE)
                if not self._has_malformed:  # the files of malformed records are unknown
                    for path in earlier.unused():
                        self._target.delete(path)
                        self.counts.removed += 1
                self._target.settle()
                manifest.keep(MANIFEST)
            self._target.delete(PREVIOUS)
            self._target.settle()
        finally:
            earlier.close()

    def _header(self) -> dict[str, Any]:
        return {"format": FORMAT, "site": self._site.id, "kinds": sorted(self._order.parts)}

    def _is_begun(self) -> bool:
        """Return whether the target has an export of the same kind already."""
        try:
            with self._target.open(HEADER) as file:
                found = json.loads(file.read(LARGEST_HEADER))
        except Missing:
            if next(iter(self._target.list("")), None) is not None:
                raise NotAnExport(target=self._target.address) from None
            return False
        except TargetUnreachable:  # a missing directory; else `prepare` raises it again
            return False
        except ValueError:
            raise NotAnExport(target=self._target.address) from None
        if found != self._header():
            raise OtherExport(target=self._target.address)
        return True

    def _lines(self, earlier: Earlier | None, table: Draft | None) -> Iterator[dict[str, Any]]:
        """Yield the lines of the manifest, each after its file was written; a trial writes none."""
        parts = self._order.parts
        if Part.PRODUCTS in parts:
            yield from self._groups(earlier)
            yield from self._products(earlier, table)
        kinds = [
            kind for part, kind in ((Part.MEDIA, LIBRARY), (Part.UPLOADS, UPLOAD)) if part in parts
        ]
        if kinds:
            yield from self._files(earlier, kinds)
        if Part.PAGES in parts:
            yield from self._pages(earlier)
        self._name_malformed()

    def _name_malformed(self) -> None:
        names = {name for part in self._order.parts for name in COLLECTIONS[part]}
        for each in islice(self._store.malformed(sorted(names)), MOST_NAMED):
            message = f"{each.collection}: {each.detail}"
            self.left.append(Left(id=each.id, code="malformed_record", message=message))
            self._has_malformed = True

    def _groups(self, earlier: Earlier | None) -> Iterator[dict[str, Any]]:
        for some in _batches(self._store.groups_after):
            pictures, old = self._pictures([entry for each in some for entry in each.images])
            for each in some:
                self.counts.groups += 1
                yield presenting.group_line(each)
                folder = f"groups/{mark(each.id)}"
                yield from self._shown(earlier, each.claim, each.images, folder, pictures, old)

    def _products(self, earlier: Earlier | None, table: Draft | None) -> Iterator[dict[str, Any]]:
        names = Names()
        if table is not None:
            table.write(csv_line(EVERY_COLUMN).encode())
        for some in _batches(self._store.products_after):
            pictures, old = self._pictures([entry for each in some for entry in each.images])
            models = self._store.models_of(each.group for each in some if each.group)
            for each in some:
                self.counts.products += 1
                if table is not None:
                    table.write(csv_line(product_row(each, models)).encode())
                yield presenting.product_line(each)
                folder = f"products/{names.of(each.id, each.sku)}"
                yield from self._shown(earlier, each.claim, each.images, folder, pictures, old)

    def _pictures(self, entries: Sequence[Entry]) -> tuple[dict[str, Asset], dict[str, list[str]]]:
        ids = [each.asset for each in entries if each.asset]
        return self._store.files(ids), self._store.old_paths(ids)

    def _shown(
        self,
        earlier: Earlier | None,
        claim: Claim,
        images: Sequence[Entry],
        folder: str,
        pictures: dict[str, Asset],
        old: dict[str, list[str]],
    ) -> Iterator[dict[str, Any]]:
        """Yield the lines of the pictures of one owner, except those that belong to another one."""
        for place, image in enumerate(images, start=1):
            asset = pictures.get(image.asset or "")
            if asset is None or asset.claim != claim or not self._is_wanted(asset):
                continue
            path = picture_path(folder, asset, place)
            if self._is_there(earlier, asset, path):
                yield presenting.file_line(asset, path, place, (), old.get(asset.id, ()))

    def _files(self, earlier: Earlier | None, kinds: Sequence[str]) -> Iterator[dict[str, Any]]:
        for batch in _batches(self._store.files_after):
            some = [each for each in batch if each.claim and each.claim.kind in kinds]
            old = self._store.old_paths(each.id for each in some)
            for each in filter(self._is_wanted, some):
                path, folder = self._path(each)
                if self._is_there(earlier, each, path):
                    yield presenting.file_line(each, path, None, folder, old.get(each.id, ()))

    def _path(self, asset: Asset) -> tuple[str, list[str]]:
        if asset.claim and asset.claim.kind == LIBRARY:
            folder = [each.name for each in self._folders.path(asset.folder)]
            return library_path(asset, folder), folder
        return upload_path(asset, asset.category or GENERAL), []

    def _pages(self, earlier: Earlier | None) -> Iterator[dict[str, Any]]:
        names = Names()
        for some in _batches(self._store.pages_after):
            for each in some:
                self.counts.pages += 1
                path = f"pages/{names.of(each.id, each.slug)}.html"
                data = self._html(each).encode()
                sha256 = hashlib.sha256(data).hexdigest()
                if earlier is not None:
                    if earlier.has(path, sha256, len(data)):
                        self.counts.kept += 1
                    else:
                        self._put(path, data)
                        self._count(len(data))
                yield presenting.page_line(each, path, sha256)

    def _html(self, page: Page) -> str:
        files = self._store.files(page.draft.assets)

        def address_of(asset_id: str, variant: str) -> str:
            asset = files.get(asset_id)
            if asset is None or (asset.visibility is not Visibility.PUBLIC):
                return "#"
            if asset.claim and asset.claim.kind == LIBRARY and Part.MEDIA in self._order.parts:
                return f"../{self._path(asset)[0]}"
            return variant_url(self._site, asset, variant)

        return presenting.page_html(page.draft, address_of)

    def _is_wanted(self, asset: Asset) -> bool:
        if asset.visibility is Visibility.PUBLIC or self._order.has_private:
            return True
        self.counts.private_left += 1
        return False

    def _is_there(self, earlier: Earlier | None, asset: Asset, path: str) -> bool:
        """Write the bytes of `asset` to `path`; return False if they cannot be read."""
        current = asset.current
        refusal = withheld(current)
        if refusal:
            self.left.append(Left(id=asset.id, code=refusal.code, message=refusal.message))
            return False
        if earlier is not None and earlier.has(path, current.sha256, current.bytes):
            self.counts.kept += 1
        elif earlier is not None:
            file = StoredFile(asset=asset, version=current, store=self._assets)
            try:
                with draft_in(self._target) as draft:
                    for data in file.chunks(0, current.bytes):
                        draft.write(data)
                    draft.keep(path)
            except DamagedFile as error:
                self.left.append(Left(id=asset.id, code=error.code, message=error.message))
                return False
            self._count(current.bytes)
        self.counts.files += 1
        return True

    def _put(self, path: str, data: bytes) -> None:
        with draft_in(self._target) as draft:
            draft.write(data)
            draft.keep(path)

    def _count(self, size: int) -> None:
        self.counts.written += 1
        self.counts.written_bytes += size


def _batches(after: Callable[[str], list[R]]) -> Iterator[list[R]]:
    last = ""
    while some := after(last):
        yield some
        last = some[-1].id


def _in(lines: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield paths and hashes of a manifest; invalid lines are skipped."""
    for line in lines:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and is_path(found.get("path")):
            yield found["path"], str(found.get("sha256"))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(READ_BYTES):
        digest.update(data)
    return digest.hexdigest()
