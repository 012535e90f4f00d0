"""What a receiver is told of an event (docs/webhooks.md).

Of a private file, that it is there and where it belongs; what it is called and what it is may only
be read by who has a right to.
"""

import json
from typing import Any

from avenue.clock import iso
from avenue.identity import Site
from avenue.media.announcing.models import Kind
from avenue.media.models import Asset, Visibility
from avenue.media.outbox.models import Event
from avenue.media.presenting import image_json
from avenue.media.purging.models import Notice, Shown
from avenue.media.purging.service import addresses_of


def body_of(event: Event, site: Site | None) -> bytes:
    """Return the message of an event as JSON, its URLs those of `site`, none if there is none."""
    told = {"type": event.kind.value, "timestamp": iso(event.at), "data": _data(event, site)}
    return json.dumps(told, separators=(",", ":")).encode()


def _data(event: Event, site: Site | None) -> dict[str, Any]:
    asset = event.asset
    data = {
        "id": asset.id,
        "site": asset.site,
        "bucket": asset.bucket,
        "visibility": asset.visibility.value,
        "claim": {"kind": asset.claim.kind, "id": asset.claim.id} if asset.claim else None,
    }
    if event.kind is Kind.PURGE:
        return {**data, "urls": _every_url(event, site)}
    if event.kind is Kind.DELETED or asset.visibility is Visibility.PRIVATE or site is None:
        return data
    return {**data, "file": image_json(site, asset)}


def _every_url(event: Event, site: Site | None) -> list[str]:
    asset = event.asset
    notice = Notice(
        id=event.id,
        site=asset.site,
        asset=asset.id,
        at=event.at,
        versions=tuple(_shown(asset)),
    )
    paths = dict.fromkeys(notice.paths())
    return [address + path for address in (addresses_of(site) if site else ()) for path in paths]


def _shown(asset: Asset) -> list[Shown]:
    return [
        Shown(
            sha256=each.sha256,
            media_type=each.media_type,
            is_picture=each.width is not None,
            has_alpha=each.has_alpha,
            focal=asset.focal or each.focal,
            epoch=asset.visibility_epoch,
        )
        for each in asset.versions
    ]
