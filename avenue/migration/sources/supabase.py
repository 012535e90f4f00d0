"""A bucket of Supabase Storage.

Its errors are HTTP 400 with the actual status in the body. Since list-v2 a bucket is listed as a
whole; an older server lists only folders, so it is imported by S3, which it supports, too.
"""

import json
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from avenue.media.intake.models import Incoming
from avenue.media.old_urls import SUPABASE
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.spooling import downloaded, going_on
from avenue.outside.asking import Asker

AT_ONCE = 1000
API = "/storage/v1"
CODES = frozenset(HTTPStatus)


def status_of(status: int, body: bytes) -> int:
    """Return the actual status of a response."""
    try:
        told = int(json.loads(body)["statusCode"])
    except (ValueError, TypeError, KeyError):
        return status
    return told if told in CODES else status


class SupabaseSource:
    """A bucket of Supabase Storage, read with the key of its project."""

    entries_per_hour = None

    def __init__(self, asker: Asker, bucket: str, prefix: str, tmp_dir: Path) -> None:
        self.name = f"supabase:{asker.base_url}/{bucket}"
        self.hosts = (urlsplit(asker.base_url).netloc,)
        self._asker = asker
        self._bucket = bucket
        self._prefix = prefix
        self._tmp_dir = tmp_dir
        self._is_public: bool | None = None

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        if self._is_public is None:
            about = self._asker.json(f"{API}/bucket/{quote(self._bucket, safe='')}")
            self._is_public = about.get("public") is True
        wanted = {"prefix": self._prefix, "limit": AT_ONCE, "with_delimiter": False}
        with going_on(cursor):
            answer = self._asker.json(
                f"{API}/object/list-v2/{quote(self._bucket, safe='')}",
                {**wanted, "cursor": cursor} if cursor else wanted,
            )
        return Listed.of(
            answer["objects"],
            self._entry,
            answer.get("nextCursor") if answer.get("hasNext") else None,
        )

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`."""
        path = f"{API}/object/authenticated/{self._place(entry.key)}"
        return downloaded(self._asker, path, entry.name, self._tmp_dir, max_bytes=max_bytes)

    def _entry(self, found: dict[str, Any]) -> Entry:
        key, about = str(found["name"]), found.get("metadata") or {}
        way = [each for each in key.split("/") if each]
        return Entry(
            key=key,
            name=way[-1] if way else "",
            version=str(about.get("eTag") or found.get("updated_at") or ""),
            length=about.get("size") if isinstance(about.get("size"), int) else None,
            addresses=(f"{SUPABASE}/{self._place(key)}",),
            is_public=bool(self._is_public),
            folder=tuple(way[:-1]),
        )

    def _place(self, key: str) -> str:
        return f"{quote(self._bucket, safe='')}/{quote(key)}"
