"""How a trace looks in JSON."""

from collections.abc import Mapping
from typing import Any

from avenue.clock import iso
from avenue.health.checks.trace.models import Trace, TracedRendition, TracedVersion
from avenue.identity import Site
from avenue.media.models import Asset


def trace_json(site: Site, trace: Trace) -> dict[str, Any]:
    """Return a trace as JSON, with absolute URLs of `site`."""
    asset = trace.record.asset if trace.record else None
    return {
        "generated_at": iso(trace.generated_at),
        "id": trace.id,
        "site": site.id,
        "verdict": "broken" if trace.broken else "whole",
        "broken": list(trace.broken),
        "asset": _asset(trace, asset) if asset else None,
        "versions": [_version(each) for each in trace.versions],
        "renditions": [_rendition(site, each) for each in trace.renditions],
        "stale_renditions": trace.stale_renditions,
        "uses": [
            {
                "kind": each.kind,
                "id": each.id,
                "title": each.title,
                "where": list(each.where),
                "url": site.base_url + each.path,
            }
            for each in trace.uses
        ],
        "old_addresses": list(trace.old_addresses),
        "rights": {
            "everybody": trace.rights.everybody,
            "roles": [each.value for each in trace.rights.roles],
            "owner": trace.rights.owner,
            "thumb_is_open": trace.rights.thumb_is_open,
            "by_link": trace.rights.by_link,
            "why": trace.rights.why,
        },
        "token": trace.token,
        "answers": [
            {
                "url": site.base_url + each.path,
                "whom": each.whom,
                "status": each.status,
                "headers": dict(each.headers),
            }
            for each in trace.answers
        ],
    }


def _asset(trace: Trace, asset: Asset) -> Mapping[str, Any]:
    damage = trace.record.damage if trace.record else None
    return {
        "name": asset.name,
        "bucket": asset.bucket,
        "state": asset.state.value,
        "visibility": asset.visibility.value,
        "claim": {"kind": asset.claim.kind, "id": asset.claim.id} if asset.claim else None,
        "owner": asset.owner,
        "revision": asset.revision,
        "created_at": iso(asset.created_at),
        "expires_at": iso(asset.expires_at) if asset.expires_at else None,
        "trashed_at": iso(asset.trashed_at) if asset.trashed_at else None,
        "category": asset.category,
        "reference": asset.reference,
        "hold": asset.hold,
        "folder": asset.folder,
        "damaged": damage.fault.detail if damage else None,
    }


def _version(traced: TracedVersion) -> Mapping[str, Any]:
    version, record, chunks = traced.version, traced.record, traced.chunks
    return {
        "version": version.version,
        "file": version.file,
        "media_type": version.media_type,
        "bytes": version.bytes,
        "sha256": version.sha256,
        "width": version.width,
        "height": version.height,
        "at": iso(version.at),
        "by": version.by,
        "document_bytes": record.length if record else None,
        "chunk_bytes": record.chunk_bytes if record else None,
        "chunks": chunks.found if chunks else None,
        "chunks_expected": chunks.expected if chunks else None,
        "stored_bytes": chunks.bytes if chunks else None,
        "hash": traced.bytes.value,
        "fault": traced.fault.kind.value if traced.fault else None,
    }


def _rendition(site: Site, traced: TracedRendition) -> Mapping[str, Any]:
    kept = traced.kept
    return {
        "name": traced.name,
        "url": site.base_url + traced.path,
        "state": traced.making.value,
        "bytes": kept.bytes if kept else None,
        "made_at": iso(kept.made_at) if kept else None,
    }
