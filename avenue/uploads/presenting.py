"""Conversion of uploads to JSON."""

from collections.abc import Mapping, Sequence

from avenue.clock import iso
from avenue.errors import Translate
from avenue.identity import Site
from avenue.media.categories import GENERAL
from avenue.media.intake.models import Refusal
from avenue.media.models import Asset
from avenue.media.pictures.variants import ORIGINAL
from avenue.media.presenting import stored_json, upload_facts, variants_json
from avenue.totals import total_json
from avenue.uploads.bodies import cursor_text
from avenue.uploads.links.service import Link
from avenue.uploads.models import Standing, UploadPage
from avenue.uploads.replies import (
    Pictured,
    Quotas,
    Signed,
    Trashed,
    Upload,
    UploadedFile,
    UploadedFiles,
    UploadList,
    Usage,
)

Addresses = Mapping[str, Mapping[str, Link]]
"""Links by upload id and variant, where `?sign=` requests them."""


def upload_json(site: Site, upload: Asset, addresses: Addresses | None = None) -> Upload:
    """Return the JSON of an upload, with absolute URLs of `site`."""
    return {
        **_signed(site, upload, addresses or {}),
        **stored_json(site, upload),
        **_pictured(site, upload),
        **_trashed(upload),
        "category": upload.category or GENERAL,
        "reference": upload.reference,
        "owner": upload.owner,
        "expires_at": iso(upload.expires_at) if upload.expires_at else None,
        "hold": upload.hold,
    }


def _pictured(site: Site, upload: Asset) -> Pictured:
    width, height = upload.current.width, upload.current.height
    if width is None or height is None:
        return {}
    return {"width": width, "height": height, "variants": variants_json(site, upload)}


def _signed(site: Site, upload: Asset, addresses: Addresses) -> Signed:
    links = addresses.get(upload.id)
    if links is None:
        return {}
    expires_at = links[ORIGINAL].expires_at
    urls = {name: site.base_url + each.path for name, each in links.items()}
    return {
        "signed": {
            "url": urls.pop(ORIGINAL),
            "expires_at": iso(expires_at) if expires_at else None,
            "variants": urls,
        }
    }


def _trashed(upload: Asset) -> Trashed:
    return {"trashed_at": iso(upload.trashed_at)} if upload.trashed_at else {}


def file_json(site: Site, upload: Asset, addresses: Addresses | None = None) -> UploadedFile:
    """Return the JSON of an upload as upload clients expect it."""
    told, version = upload_json(site, upload, addresses), upload.current
    return {
        **told,
        "src": told["url"],
        "type": "file" if version.width is None else "image",
        "size": version.bytes,
        "mime": version.media_type,
        "title": upload.name,
        "removed": list(version.removed),
    }


def uploaded_json(
    site: Site,
    uploads: Sequence[Asset],
    refusals: Sequence[Refusal],
    translate: Translate,
    addresses: Addresses | None = None,
) -> UploadedFiles:
    """Return the answer to an upload; see `avenue.media.presenting.upload_json`."""
    files = [file_json(site, each, addresses) for each in uploads]
    facts = upload_facts(site, uploads[0], refusals, translate)
    return {**facts, "file": files[0], "files": files, "data": files}


def list_json(site: Site, page: UploadPage, addresses: Addresses | None = None) -> UploadList:
    """Return a page of a list."""
    return {
        "items": [upload_json(site, each, addresses) for each in page.items],
        "next": cursor_text(page.next) if page.next else None,
        **total_json(page.total),
    }


def quotas_json(own: Standing, site: Standing | None) -> Quotas:
    """Return the usage of the quotas."""
    return {"own": _usage(own), "site": _usage(site) if site else None}


def _usage(standing: Standing) -> Usage:
    used, quota = standing.used, standing.quota
    usage: Usage = {
        "used_bytes": used.bytes,
        "limit_bytes": quota.bytes or None,
        "used_files": used.files,
        "limit_files": quota.files or None,
    }
    if used.more:
        usage["is_partial"] = True
    return usage
