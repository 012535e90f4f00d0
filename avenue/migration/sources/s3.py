"""The objects of a bucket of S3, or of a compatible service."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote

from avenue.errors import required
from avenue.media.intake.models import Incoming
from avenue.migration.sources.errors import SourceGone
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.spooling import spooled

BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object of a bucket: its whole key, its version (ETag), and its length in bytes."""

    key: str
    etag: str
    size: int


class Bucket(Protocol):
    """A bucket; provided by a package with an S3 client. Thread-safe."""

    def after(self, prefix: str, last_key: str) -> Sequence[Object]:
        """Return objects below `prefix` with keys after `last_key`, by key, in batches."""

    def read(self, key: str) -> BinaryIO | None:
        """Return the bytes of an object as a stream, None if it does not exist."""


class S3Source:
    """See `Source`. S3 reports the access rights of one object at a time, so they are not read."""

    entries_per_hour = None

    def __init__(self, bucket: Bucket, name: str, prefix: str, tmp_dir: Path) -> None:
        self._bucket = bucket
        # One bucket, whatever part of it: a key is the whole one.
        self.name = f"s3://{name}"
        # Amazon's; others are told (`--host`).
        self.hosts = (f"{name}.s3.amazonaws.com", "s3.amazonaws.com")
        self._bucket_name = name
        self._prefix = prefix
        self._tmp_dir = tmp_dir

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        found = self._bucket.after(self._prefix, cursor or "")
        return Listed(
            entries=[self._entry(each) for each in found if not self._is_folder(each)],
            cursor=found[-1].key if found else None,
        )

    @contextmanager
    def opened(self, entry: Entry, *, max_bytes: int) -> Iterator[Incoming]:
        """See `Source.opened`."""
        body = required(self._bucket.read(entry.key), SourceGone)
        with (
            closing(body),
            spooled(
                iter(lambda: body.read(BLOCK_BYTES), b""),
                entry.name,
                self._tmp_dir,
                max_bytes=max_bytes,
            ) as file,
        ):
            yield file

    def _entry(self, found: Object) -> Entry:
        way = [each for each in found.key.split("/") if each not in {"", ".", ".."}]
        path = quote(found.key)
        return Entry(
            key=found.key,
            name=way[-1] if way else "",
            version=found.etag,
            length=found.size,
            addresses=(f"/{path}", f"/{self._bucket_name}/{path}"),
            folder=tuple(way[:-1]),
        )

    def _is_folder(self, found: Object) -> bool:
        """Return whether it is only an object that consoles create to show an empty folder."""
        return found.key.endswith("/") and not found.size
