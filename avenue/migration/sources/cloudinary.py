"""Cloudinary: pictures and other files, no videos.

Each kind and delivery type has a list of its own. Fetched or derived files are no originals. A
public file is read at its own URL; others by the API, which requires a signature.
"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from avenue.media.intake.models import Incoming
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.spooling import downloaded, going_on
from avenue.migration.sources.url_list import fetched
from avenue.outside.asking import Asker
from avenue.outside.fetching import Fetcher

AT_ONCE = 500
LISTS = tuple(
    (kind, delivery)
    for kind in ("image", "raw")
    for delivery in ("upload", "private", "authenticated")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """API credentials; `secret` signs, and is in no text of this object."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Key()"

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of API requests."""
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def signed(self, facts: dict[str, str]) -> str:
        """Return `facts` as a query, signed as Cloudinary requires (SHA-1)."""
        text = "&".join(f"{name}={facts[name]}" for name in sorted(facts))
        signature = hashlib.sha1(f"{text}{self.secret}".encode(), usedforsecurity=False).hexdigest()
        return urlencode({**facts, "signature": signature, "api_key": self.key})


class CloudinarySource:
    """The pictures and raw files of a Cloudinary cloud, below a prefix."""

    hosts = ("res.cloudinary.com",)
    entries_per_hour = None  # the limit is on the API, which returns 500 files per request

    def __init__(
        self,
        asker: Asker,
        key: Key,
        cloud: str,
        prefix: str,
        fetcher: Fetcher,
        tmp_dir: Path,
    ) -> None:
        self._asker = asker
        self._key = key
        self.name = f"cloudinary:{cloud}"
        self._cloud = cloud
        self._prefix = prefix
        self._fetcher = fetcher
        self._tmp_dir = tmp_dir

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`; a cursor is the number of a list, and the cursor inside it."""
        number, inside = json.loads(cursor) if cursor else (0, None)
        kind, delivery = LISTS[number]
        wanted = {"max_results": str(AT_ONCE), "tags": "true", "context": "true"}
        if self._prefix:
            wanted["prefix"] = self._prefix
        if inside:
            wanted["next_cursor"] = inside
        with going_on(inside):
            answer = self._asker.json(
                f"/v1_1/{quote(self._cloud)}/resources/{kind}/{delivery}?{urlencode(wanted)}"
            )
        following = answer.get("next_cursor")
        at = (number, following) if following else (number + 1, None)
        return Listed.of(
            answer["resources"],
            lambda each: self._entry(each, kind, delivery),
            json.dumps(at) if at[0] < len(LISTS) else None,
        )

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`."""
        facts = dict(entry.open_with)
        if url := facts.pop("url", ""):
            return fetched(self._fetcher, url, entry.name, max_bytes)
        kind = facts.pop("kind")
        query = self._key.signed({**facts, "timestamp": str(int(time.time()))})
        path = f"/v1_1/{quote(self._cloud)}/{kind}/download?{query}"
        return downloaded(self._asker, path, entry.name, self._tmp_dir, max_bytes=max_bytes)

    def _entry(self, found: dict[str, Any], kind: str, delivery: str) -> Entry:
        public_id, extension = str(found["public_id"]), str(found.get("format") or "")
        is_public = delivery == "upload" and not found.get("access_control")
        custom = (found.get("context") or {}).get("custom") or {}
        folder = found.get("asset_folder") or found.get("folder") or public_id.rpartition("/")[0]
        name = public_id.rpartition("/")[2]
        return Entry(
            key=f"{kind}/{delivery}/{public_id}",
            name=f"{name}.{extension}" if extension else name,
            version=str(found.get("version") or ""),
            length=found.get("bytes") if isinstance(found.get("bytes"), int) else None,
            addresses=(f"/{quote(self._cloud)}/{kind}/{delivery}/{quote(public_id)}",),
            is_public=is_public,
            alt=str(custom.get("alt") or custom.get("caption") or ""),
            tags=tuple(map(str, found.get("tags") or ())),
            folder=tuple(filter(None, str(folder).split("/"))),
            open_with={"url": str(found["secure_url"])}
            if is_public
            else {"kind": kind, "public_id": public_id, "format": extension, "type": delivery},
        )
