"""The form of an asset and its versions in MongoDB."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from avenue.errors import MalformedRecord
from avenue.media.intake.filetypes import PICTURES
from avenue.media.models import Asset, Claim, Scan, ScanState, State, Version, Visibility
from avenue.storage.connection import Document
from avenue.storage.listing import listing_of
from avenue.storage.records import faults_of, left_out, read, sound

ASSETS = "assets"
OTHER_BYTES = "wrong_hash"
"""The kind of damage, as `media/inspection` records it, that reading alone does not show."""
DELIVERED = frozenset({"file", "sha256", "bytes", "media_type", "scan"})
"""The fields of a version that delivery needs; also `scan` if it has one."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_UNKNOWN_VERSION: Mapping[str, Any] = {
    "source_sha256": "",
    "width": None,
    "height": None,
    "at": LONG_AGO,
    "by": None,
}
_UNKNOWN_ASSET: Mapping[str, Any] = {
    "owner": None,
    "name": "",
    "revision": 0,
    "created_at": LONG_AGO,
}


def to_document(asset: Asset) -> Document:
    """Return the stored form of `asset`."""
    document = {
        "_id": asset.id,
        "bucket": asset.bucket,
        "owner": asset.owner,
        "name": asset.name,
        "visibility": asset.visibility,
        "state": asset.state,
        "claim": {"kind": asset.claim.kind, "id": asset.claim.id} if asset.claim else None,
        "versions": [version_document(version) for version in asset.versions],
        "revision": asset.revision,
        "created_at": asset.created_at,
        "alt": dict(asset.alt),
        "decorative": asset.decorative,
        "focal": list(asset.focal) if asset.focal else None,
    }
    return {**document, **listing_of(document)}


def from_document(document: Document) -> Asset:
    """Return the asset stored as `document`."""
    claim, focal = document.get("claim"), document.get("focal")
    return Asset(
        id=document["_id"],
        site=document["site"],
        bucket=document["bucket"],
        owner=document["owner"],
        name=document["name"],
        visibility=Visibility(document["visibility"]),
        state=State(document["state"]),
        claim=Claim(kind=claim["kind"], id=claim["id"]) if claim else None,
        versions=tuple(map(_version_in, document["versions"])),
        revision=document["revision"],
        created_at=document["created_at"],
        alt=document.get("alt") or {},
        decorative=document.get("decorative", False),
        focal=(focal[0], focal[1]) if focal else None,
        expires_at=document.get("expires_at"),
        category=document.get("category"),
        reference=document.get("reference"),
        hold=document.get("hold", False),
        folder=document.get("folder"),
        tags=tuple(document.get("tags", ())),
        trashed_at=document.get("trash", {}).get("at"),
        link_epoch=document.get("link_epoch", 0),
        visibility_epoch=document.get("visibility_epoch", 0),
        spoiled_file=_spoiled_file(document.get("damaged")),
    )


def shown_in(document: Document) -> Asset:
    """Return the asset stored as `document` as it is delivered.

    Of a public one that cannot be read, what delivery needs is enough. Raise `MalformedRecord`
    where not even that is there.
    """
    try:
        return read(ASSETS, from_document, document)
    except MalformedRecord as malformed:
        left_out(malformed)
        return read(ASSETS, from_document, deliverable(document))


def deliverable(document: Document) -> Document:
    """Return the record of a live public asset with only what can be read of what it shows.

    Others stay as they are.
    """
    sound_fields, versions = sound(ASSETS, document), document.get("versions")
    is_public = sound_fields.get("visibility") == Visibility.PUBLIC
    is_live = sound_fields.get("state") == State.LIVE
    newest = versions[0] if isinstance(versions, list) and versions else None
    if not (is_public and is_live and isinstance(newest, dict)):
        return document
    shown: Document = {**_UNKNOWN_VERSION, **newest}
    for each in faults_of(ASSETS, {"versions": [shown]}):
        of_versions, _, name = each.field.partition(".0.")
        if of_versions == "versions" and name.partition(".")[0] not in DELIVERED:
            shown.pop(name.partition(".")[0], None)
    shown = {**_UNKNOWN_VERSION, **shown}
    if str(shown.get("media_type")) in PICTURES and not shown["width"]:
        shown |= {"width": 1, "height": 1}  # all that matters is that it is a picture
    return {**_UNKNOWN_ASSET, **sound_fields, "versions": [shown]}


def _spoiled_file(damaged: Mapping[str, Any] | None) -> str | None:
    """Return the id of the file with a hash mismatch; other damage shows when it is read."""
    is_known = isinstance(damaged, dict) and damaged.get("kind") == OTHER_BYTES
    return damaged.get("file") if damaged and is_known else None


def file_metadata(asset: Asset, version: Version) -> Document:
    """Return the metadata in the file document of `version`."""
    return {
        "site": asset.site,
        "asset": asset.id,
        "sha256": version.sha256,
        "media_type": version.media_type,
    }


def version_document(version: Version) -> Document:
    """Return the stored form of a version."""
    document = {name: getattr(version, name) for name in Version.__slots__ if name != "scan"}
    return {**document, "scan": scan_document(version.scan)} if version.scan else document


def scan_document(scan: Scan) -> Document:
    """Return the stored form of a scan result."""
    found = {name: getattr(scan, name) for name in Scan.__slots__}
    return {name: value for name, value in found.items() if value is not None}


def _version_in(document: Document) -> Version:
    """Return a stored version; fields that it lacks have their default."""
    focal, scan = document.get("focal"), document.get("scan")
    return Version(
        **{
            **{name: document[name] for name in Version.__slots__ if name in document},
            "focal": (focal[0], focal[1]) if focal else None,
            "removed": tuple(document.get("removed", ())),
            "scan": _scan_in(scan) if scan is not None else None,
        }
    )


def _scan_in(document: Document) -> Scan:
    found = {name: document[name] for name in Scan.__slots__ if name in document}
    return Scan(**{**found, "state": ScanState(document["state"])})
