"""Pictures on other hosts that products, groups and pages of a site name by URL."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from urllib.parse import urlsplit

from avenue.media.intake.models import Incoming
from avenue.media.models import Claim
from avenue.migration.addresses import OldAddresses, Replace
from avenue.migration.models import PAGE, Reference
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.originals import original_of
from avenue.migration.sources.url_list import fetched
from avenue.migration.store import PageStore
from avenue.outside.fetching import Fetcher
from avenue.shop.store.external_pictures import ExternalPictures as OwnedPictures

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif", ".heic")
PICTURE_HOSTS = (
    "res.cloudinary.com",
    "imagedelivery.net",
    "images.unsplash.com",
    "cdn.shopify.com",
    "images.ctfassets.net",
)


class ExternalAddresses(OldAddresses):
    """Finds URLs of pictures on other hosts; the URL is used in place of a path."""

    def __init__(self, own_hosts: Iterable[str]) -> None:
        super().__init__(prefix="/", hosts=own_hosts)

    def path_in(self, address: str) -> str | None:
        """Return `address` if it is a URL of another host, else None."""
        url = address.strip()
        is_url = url[:8].lower().startswith(("http://", "https://"))
        return url if is_url and not self._is_ours(url) else None

    def _replaced(self, text: str, replace: Replace) -> str | None:
        url = self.path_in(text)
        return replace(url) if url and _is_picture(url) else None


NamedAfter = Callable[[str | None], tuple[Sequence[tuple[Claim, str]], str | None]]
"""Returns some owners after a cursor with each URL that they name, and the next cursor."""


def named_by_owners(
    site_id: str, owners: OwnedPictures, cursor: str | None
) -> tuple[Sequence[tuple[Claim, str]], str | None]:
    """Return a batch of all owners of a site that name pictures by URL; see `NamedAfter`."""
    found = owners.external_after(site_id, Claim(**json.loads(cursor)) if cursor else None)
    return found, json.dumps(asdict(found[-1][0])) if found else None


class ExternalPictures:
    """See `Source`: URLs in picture owners. Each entry has its referrers."""

    entries_per_hour = None
    name = "external:owners"
    hosts: Sequence[str] = ()

    def __init__(
        self, named_after: NamedAfter, addresses: ExternalAddresses, fetcher: Fetcher
    ) -> None:
        self._named_after = named_after
        self._addresses = addresses
        self._fetcher = fetcher

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        found, following = self._named_after(cursor)
        named = [
            (url, Reference(kind=claim.kind, id=claim.id, address=address, path=url))
            for claim, address in found
            if (url := self._addresses.path_in(address))
        ]
        return Listed(entries=_entries(named), cursor=following)

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`."""
        return fetched(self._fetcher, original_of(entry.key), entry.name, max_bytes)


class PagePictures:
    """See `Source`: URLs in pages. A link counts only if it leads to a picture."""

    entries_per_hour = None
    name = "external:pages"
    hosts: Sequence[str] = ()

    def __init__(
        self, site_id: str, pages: PageStore, addresses: ExternalAddresses, fetcher: Fetcher
    ) -> None:
        self._site = site_id
        self._pages = pages
        self._addresses = addresses
        self._fetcher = fetcher

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        found = self._pages.pages_after(self._site, cursor or "")
        named: list[tuple[str, Reference]] = []
        for page in found:
            urls: list[str] = []
            self._addresses.rewritten(page.parts, urls.append)
            named += [
                (url, Reference(kind=PAGE, id=page.id, address=url, path=url)) for url in urls
            ]
        return Listed(entries=_entries(named), cursor=found[-1].id if found else None)

    def opened(self, entry: Entry, *, max_bytes: int) -> AbstractContextManager[Incoming]:
        """See `Source.opened`."""
        return fetched(self._fetcher, original_of(entry.key), entry.name, max_bytes)


def _entries(named: Iterable[tuple[str, Reference]]) -> list[Entry]:
    grouped: dict[str, list[Reference]] = {}
    for url, reference in named:
        grouped.setdefault(url, []).append(reference)
    return [
        Entry(key=url, name="", is_public=True, named_by=tuple(references))
        for url, references in grouped.items()
    ]


def _is_picture(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return host in PICTURE_HOSTS or parts.path.lower().endswith(ENDINGS)
