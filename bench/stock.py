"""What everybody serves: the same bytes in Avenue, in plain GridFS and on disk.

They are noise, for nobody who is measured looks at them, and pictures cannot be compressed either.
Files of a kind differ in their last eight bytes.
"""

import hashlib
import io
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gridfs import GridFSBucket
from pymongo import MongoClient

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, new_id
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.renditions.models import KeptRendition, RenditionKey
from avenue.media.renditions.store import RenditionStore
from avenue.media.store.assets import AssetStore
from avenue.media.store.documents import ASSETS, to_document
from avenue.media.urls import original_path, variant_path
from avenue.storage.connection import Database
from avenue.storage.scope import site

PEERS = "peers"
"""The database of those who are no Avenue; their bucket is GridFS's own, `fs`."""

WRITERS = 4
NUMBER_BYTES = 8
SEED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file and its size: a thumb is a rendition, the others are originals."""

    name: str
    extension: str
    media_type: str
    length: int

    @property
    def is_rendition(self) -> bool:
        """Whether Avenue keeps it in one document, and not in GridFS."""
        return self.name == "thumb"


THUMB = Kind(name="thumb", extension="webp", media_type="image/webp", length=12_000)
PHOTO = Kind(name="photo", extension="jpg", media_type="image/jpeg", length=400_000)
HEAVY = Kind(name="heavy", extension="jpg", media_type="image/jpeg", length=3_700_000)
LARGE = Kind(name="large", extension="jpg", media_type="image/jpeg", length=19_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file; `path` is where Avenue and nginx have it, `name` where the peers have it."""

    kind: Kind
    number: int
    path: str

    @property
    def name(self) -> str:
        """What plain GridFS calls it."""
        return f"{self.kind.name}{self.number:05}.{self.kind.extension}"

    @property
    def body(self) -> bytes:
        """All of its bytes."""
        return body_of(self.kind, self.number)


def body_of(kind: Kind, number: int) -> bytes:
    """Return the bytes of the file of that number."""
    return _noise(kind.length - NUMBER_BYTES) + number.to_bytes(NUMBER_BYTES, "big")


@cache
def _noise(length: int) -> bytes:
    return random.Random(SEED).randbytes(length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """All files by kind, and the folder nginx serves them from."""

    files: dict[Kind, list[File]]
    folder: Path


def fill(uri: str, peers_uri: str, folder: Path, counts: dict[Kind, int]) -> Stock:
    """Store `counts` files of each kind in all three places; Avenue's database is migrated."""
    database = Database(Settings(local=True, mongodb_uri=uri))
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            files = {
                kind: list(
                    pool.map(lambda number, k=kind: _keep(database, k, number), range(count))
                )
                for kind, count in counts.items()
            }
            every = [file for each in files.values() for file in each]
            _keep_plainly(pool, peers_uri, every)
            _write(every, folder)
    finally:
        database.close()
    return Stock(files=files, folder=folder)


def _keep(database: Database, kind: Kind, number: int) -> File:
    """Store one file as Avenue would after an upload; what is never asked for is left out."""
    body, now = body_of(kind, number), utc_now()
    digest = hashlib.sha256(body).hexdigest()
    version = Version(
        file=new_id(),
        sha256=digest,
        source_sha256=digest,
        bytes=len(body),
        media_type=PHOTO.media_type,
        width=1600,
        height=1200,
        at=now,
        by=None,
    )
    asset = Asset(
        id=new_id(),
        site=DEFAULT_SITE,
        bucket="builder_media",
        owner=None,
        name=f"{kind.name} {number}",
        visibility=Visibility.PUBLIC,
        state=State.LIVE,
        claim=Claim.library(DEFAULT_SITE),
        versions=(version,),
        revision=1,
        created_at=now,
    )
    if kind.is_rendition:
        rendition = KeptRendition(
            key=RenditionKey.of(asset, kind.name, kind.extension),
            file=version.file,
            data=body,
            width=200,
            height=200,
            sha256=digest,
            made_at=now,
        )
        RenditionStore(database).insert(DEFAULT_SITE, rendition)
        path = variant_path(asset, kind.name, kind.extension)
    else:
        AssetStore(database).write_file(asset, version, io.BytesIO(body))
        path = original_path(asset)
    site(database, DEFAULT_SITE).collection(ASSETS).insert(to_document(asset))
    return File(kind=kind, number=number, path=path)


def _keep_plainly(pool: ThreadPoolExecutor, uri: str, files: Iterable[File]) -> None:
    """Store `files` as pymongo's GridFS does by itself, by name and with that as id."""
    client: MongoClient = MongoClient(uri)
    with client:
        bucket = GridFSBucket(client.get_default_database())

        def keep(file: File) -> None:
            body = file.body
            about = {"media_type": file.kind.media_type, "etag": hashlib.sha256(body).hexdigest()}
            bucket.upload_from_stream_with_id(file.name, file.name, body, metadata=about)

        list(pool.map(keep, files))


def _write(files: Iterable[File], folder: Path) -> None:
    for file in files:
        place = folder / file.path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.body)
