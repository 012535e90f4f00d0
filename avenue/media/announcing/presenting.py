"""The content of messages to webhooks and purge receivers (docs/webhooks.md, docs/cdn.md).

Of a private file they contain only its id and its owner, because its name and type may be read only
with permission.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from avenue.clock import iso
from avenue.identity import Site
from avenue.media.announcing.models import PATHS_CHANGED, PURGES, Kind
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.models import Asset, Version, Visibility
from avenue.media.pictures.variants import ORIGINAL, VARIANTS, extensions, own_rows, token
from avenue.media.presenting import image_json
from avenue.media.store.documents import from_document
from avenue.notifications.models import Message
from avenue.notifications.service import json_of

MOST_URLS = 500
"""Addresses in one message; CDNs accept fewer in a call, but their receiver knows how many."""


def events_of(
    messages: Sequence[Message], site_of: Callable[[str], Site | None]
) -> Iterator[tuple[str, bytes]]:
    """Yield id and body of events, with the URLs of their site; skip events of unknown sites."""
    for each in messages:
        data = _data(Kind(each.kind), from_document(dict(each.content)), site_of(each.site))
        yield each.id, json_of({"type": each.kind, "timestamp": iso(each.at), "data": data})


def purges_of(
    messages: Sequence[Message], site_of: Callable[[str], Site | None], told: Counter[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield id and body of the messages to AVENUE_PURGE_URL, for events of one site.

    The same events always give the same messages with the same ids. Addresses of a deleted site
    cannot be requested, so it has none. `told` counts the accepted URLs.
    """
    urls = purged_urls(messages, site_of)
    named = " ".join(each.id for each in messages)
    for start in range(0, len(urls), MOST_URLS):
        purge: dict[str, Any] = {
            "event": PURGES,
            "id": hashlib.sha256(f"{named} {start}".encode()).hexdigest()[:32],
            "site": messages[0].site,
            "urls": urls[start : start + MOST_URLS],
            "at": iso(max(each.at for each in messages)),
        }
        yield purge["id"], json_of(purge)
        told["urls"] += len(purge["urls"])


def purged_urls(messages: Sequence[Message], site_of: Callable[[str], Site | None]) -> list[str]:
    """Return the URLs named by messages of one site, without duplicates; none of a deleted site."""
    site = site_of(messages[0].site)
    return _addresses(_paths_in(messages, site), site) if site else []


def paths_of(asset: Asset, site: Site | None = None) -> list[str]:
    """Return all paths, including queries, of these versions.

    Paths of the site's own sizes only while they exist. All begin with `/media/<asset>/`, for edges
    that purge by prefix.
    """
    sizes = own_rows(site.sizes) if site else {}
    rows = [*VARIANTS, *(row.name for row in sizes.values())]
    stable = [f"/media/{asset.id}/{name}" for name in (ORIGINAL, *VARIANTS, *sizes)]
    own = [path for each in asset.versions for path in _paths_of(asset, each, rows)]
    return [*stable, *own, *(f"{path}?download=1" for path in own)]


def _paths_of(asset: Asset, version: Version, rows: Sequence[str]) -> Iterator[str]:
    here, epoch = f"/media/{asset.id}", asset.visibility_epoch
    own = FILE_TYPES[version.media_type].extension
    yield f"{here}/{token(version.sha256, ORIGINAL, epoch=epoch)}/{ORIGINAL}.{own}"
    if version.width is not None:
        for name in rows:
            named = token(version.sha256, name, asset.focal or version.focal, epoch)
            for extension in extensions(version.has_alpha):
                yield f"{here}/{named}/{name}.{extension}"


def _paths_in(messages: Sequence[Message], site: Site) -> Iterator[str]:
    for each in messages:
        if each.kind == PATHS_CHANGED:
            yield from each.content["paths"]
        else:
            yield from paths_of(from_document(dict(each.content)), site)


def _addresses(paths: Iterable[str], site: Site) -> list[str]:
    """Return every path once for each host of the site."""
    scheme = urlsplit(site.base_url).scheme
    names = dict.fromkeys([site.base_url, *(f"{scheme}://{host}" for host in site.hosts)])
    # Without duplicates: two messages about the same asset share its stable addresses.
    once = dict.fromkeys(paths)
    return [name + path for name in names for path in once]


def _data(kind: Kind, asset: Asset, site: Site | None) -> dict[str, Any]:
    data = {
        "id": asset.id,
        "site": asset.site,
        "bucket": asset.bucket,
        "visibility": asset.visibility.value,
        "claim": {"kind": asset.claim.kind, "id": asset.claim.id} if asset.claim else None,
    }
    if kind is Kind.PURGE:
        return {**data, "urls": _addresses(paths_of(asset, site), site) if site else []}
    if kind is Kind.DELETED or asset.visibility is Visibility.PRIVATE or site is None:
        return data
    return {**data, "file": image_json(site, asset)}
