"""A list of URLs: CSV with a heading, or one JSON object a line.

`url` is required; `name`, `alt`, `tags` and `folder` are imported, too. For services that transform
pictures the original is fetched.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from avenue.media.intake.models import Incoming
from avenue.media.intake.spool import SpooledFile
from avenue.migration.errors import UnreadableFile
from avenue.migration.sources.errors import BadUrlList
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.originals import original_of
from avenue.outside.errors import TooLargeToFetch
from avenue.outside.fetching import Fetcher
from avenue.web.errors import FileTooLarge

AT_ONCE = 500
LONGEST_LINE = 64 * 1024
MOST_HOSTS = 1000
_SEPARATORS = re.compile(r"[;,]")


class UrlList:
    """See `Source`. The same URL is the same file, in any list."""

    entries_per_hour = None
    name = "urls"

    def __init__(self, place: Path, fetcher: Fetcher) -> None:
        self._place = place
        self._fetcher = fetcher
        self._hosts: set[str] = set()

    @property
    def hosts(self) -> Sequence[str]:
        """See `Source.hosts`; of the listed entries."""
        return sorted(self._hosts)

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`; raise `BadUrlList`, `UnreadableFile`."""
        first = int(cursor or 0)
        try:
            with self._place.open(encoding="utf-8-sig", newline="") as file:
                rows = list(islice(self._rows(file), first, first + AT_ONCE))
        except OSError as error:
            raise UnreadableFile(error) from error
        except (UnicodeDecodeError, csv.Error, RecursionError):
            raise BadUrlList(words={"reason": "it is no text of that form"}) from None
        entries = [entry_of(row) for row in rows if row["url"]]
        hosts = {urlsplit(each.key).netloc for each in entries if _is_plain(each.key)}
        self._hosts |= set(islice(hosts, MOST_HOSTS - len(self._hosts)))
        return Listed(
            entries=entries, cursor=str(first + AT_ONCE) if len(rows) == AT_ONCE else None
        )

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`."""
        return fetched(self._fetcher, original_of(entry.key), entry.name, max_bytes)

    def _rows(self, file: Any) -> Iterator[Mapping[str, str]]:
        if self._place.suffix.lower() == ".csv":
            head = file.readline(LONGEST_LINE)
            delimiter = max(";,\t", key=head.count)
            names = [each.strip().lower() for each in next(csv.reader([head], delimiter=delimiter))]
            if "url" not in names:
                raise BadUrlList(words={"reason": "it has no column url"})
            for cells in csv.reader(file, delimiter=delimiter):
                yield {"url": "", **dict(zip(names, cells, strict=False))}
            return
        while line := file.readline(LONGEST_LINE):
            yield _row_of(line)


def _row_of(line: str) -> Mapping[str, str]:
    """Return the content of a line of JSON; an invalid one has the line itself as its URL."""
    try:
        read = json.loads(line)
    except ValueError:
        read = line.strip()
    if isinstance(read, str):
        return {"url": read}
    if not isinstance(read, dict):
        return {"url": line.strip()}
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in read.items()
        if value is not None
    }
    return {"url": "", **texts}


def entry_of(row: Mapping[str, str]) -> Entry:
    """Return the entry of a row: publicly readable files are public here."""
    url = row["url"].strip()
    return Entry(
        key=url,
        name=row.get("name") or "",
        addresses=(url,),
        is_public=True,
        alt=row.get("alt") or "",
        tags=tuple(filter(None, _SEPARATORS.split(row.get("tags") or ""))),
        folder=tuple(filter(None, (row.get("folder") or "").split("/"))),
    )


@contextmanager
def fetched(fetcher: Fetcher, url: str, name: str, max_bytes: int) -> Iterator[Incoming]:
    """Yield the file at a public `url`, with the name `name` if that is not empty."""
    try:
        with fetcher.fetched(url, max_bytes=max_bytes) as file:
            yield SpooledFile(
                name=name or file.name, file=file.file, length=file.length, sha256=file.sha256
            )
    except TooLargeToFetch:
        raise FileTooLarge(max_bytes) from None


def _is_plain(url: str) -> bool:
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:
        return False
