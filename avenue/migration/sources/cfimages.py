"""Cloudflare Images: its delivery has modified copies, its API the original."""

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from avenue.media.intake.models import Incoming
from avenue.media.old_urls import CF_IMAGES
from avenue.migration.sources.errors import NotOriginal
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.spooling import downloaded, going_on
from avenue.outside.asking import Asker

AT_ONCE = 1000
_DELIVERY = re.compile(rf"(?:{CF_IMAGES})?(/[A-Za-z0-9_-]{{22}})/.+/[^/]+")


class CfImagesSource:
    """The pictures of an account of Cloudflare Images."""

    hosts = ("imagedelivery.net",)
    entries_per_hour = 14_400
    """1,200 requests in 5 minutes for all API clients of an account."""

    def __init__(self, asker: Asker, account: str, tmp_dir: Path) -> None:
        self._asker = asker
        self.name = f"cfimages:{account}"
        self._account = account
        self._tmp_dir = tmp_dir

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        wanted = {"per_page": str(AT_ONCE), "sort_order": "asc"}
        if cursor:
            wanted["continuation_token"] = cursor
        with going_on(cursor):
            result = self._asker.json(f"{self._base(2)}?{urlencode(wanted)}")["result"]
        return Listed.of(result["images"], _entry, result.get("continuation_token") or None)

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`; raise `NotOriginal` for a draft, which has no bytes."""
        if entry.open_with:
            raise NotOriginal
        path = f"{self._base(1)}/{quote(entry.key, safe='')}/blob"
        return downloaded(self._asker, path, entry.name, self._tmp_dir, max_bytes=max_bytes)

    def _base(self, version: int) -> str:
        return f"/client/v4/accounts/{quote(self._account, safe='')}/images/v{version}"


def _entry(found: dict[str, Any]) -> Entry:
    image_id, about = str(found["id"]), found.get("meta") or {}
    paths = [urlsplit(str(each)).path for each in found.get("variants") or ()]
    accounts = {match[1] for each in paths if (match := _DELIVERY.fullmatch(each))}
    return Entry(
        key=image_id,
        name=str(found.get("filename") or image_id.rpartition("/")[2]),
        # A new upload with the same custom id has another time.
        version=str(found.get("uploaded") or ""),
        addresses=tuple(f"{each}/{quote(image_id)}" for each in sorted(accounts)),
        is_public=found.get("requireSignedURLs") is False,
        alt=str(about.get("alt") or ""),
        folder=tuple(filter(None, image_id.split("/")[:-1])),
        open_with={"draft": "1"} if found.get("draft") else {},
    )
