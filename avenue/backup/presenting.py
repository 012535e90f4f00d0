"""Formats snapshots and reports of the backup commands, as JSON and as text."""

from typing import Any

from avenue.backup.models import Finding, Manifest
from avenue.backup.one import Returned
from avenue.backup.prune import Pruned
from avenue.backup.replies import Backups, DoneReply, ProblemReply, SnapshotReply
from avenue.backup.repository import SnapshotState
from avenue.backup.restore import Restored
from avenue.backup.service import Overview
from avenue.backup.store import Deed, Done
from avenue.backup.verify import Verified
from avenue.clock import iso
from avenue.errors import AvenueError

MB = 1_000_000
MOST_LINES = 200


def manifest_json(manifest: Manifest) -> dict[str, Any]:
    """Return a snapshot as JSON."""
    return {
        "id": manifest.id,
        "complete": True,
        "taken_at": iso(manifest.taken_at),
        "finished_at": iso(manifest.finished_at),
        "avenue": manifest.avenue,
        "schema": manifest.schema,
        "sites": list(manifest.sites),
        "clusters": [
            {
                "name": each.name,
                "cluster_time": list(each.cluster_time),
                "at": iso(each.at),
                "sites": list(each.sites),
            }
            for each in manifest.shares
        ],
        "records": manifest.records,
        "files": manifest.files,
        "objects": manifest.objects.count,
        "bytes": manifest.objects.size,
        "new_objects": manifest.objects.new,
        "new_bytes": manifest.objects.new_size,
        "findings": [finding_json(each) for each in manifest.findings],
    }


def snapshot_json(snapshot: SnapshotState) -> dict[str, Any]:
    """Return a snapshot as JSON, also if it is incomplete or unreadable."""
    if snapshot.manifest is not None:
        return manifest_json(snapshot.manifest)
    return {"id": snapshot.id, "complete": False, "damaged": snapshot.is_complete}


def snapshot_line(snapshot: SnapshotState) -> str:
    """Return a snapshot as one line of text."""
    if snapshot.manifest is None:
        return f"{snapshot.id}  {'damaged' if snapshot.is_complete else 'incomplete'}"
    manifest = snapshot.manifest
    damaged = f",  {len(manifest.findings)} damaged" if manifest.findings else ""
    beside = f" of {len(manifest.shares)} clusters" if len(manifest.shares) > 1 else ""
    return (
        f"{snapshot.id}  {manifest.records} records, {manifest.files} files{damaged}{beside}, "
        f"{manifest.objects.size / MB:.1f} MB ({manifest.objects.new_size / MB:.1f} MB new)"
    )


def backups_json(overview: Overview) -> Backups:
    """Return the state of the backups."""
    items = [_snapshot_reply(each) for each in overview.snapshots]
    return {
        "target": overview.target,
        "encrypted": overview.is_encrypted,
        "created": _done_reply(overview.last.get(Deed.CREATED)),
        "verified": _done_reply(overview.last.get(Deed.VERIFIED)),
        "drilled": _done_reply(overview.last.get(Deed.DRILLED)),
        "items": items,
        "next": None,
        "total": len(items),
        "problem": _problem_reply(overview.problem),
    }


def _problem_reply(problem: AvenueError | None) -> ProblemReply | None:
    if problem is None:
        return None
    return {"code": problem.code, "message": problem.message, "hint": problem.hint}


def _done_reply(done: Done | None) -> DoneReply | None:
    if done is None:
        return None
    return {
        "at": iso(done.at),
        "snapshot": done.snapshot,
        "findings": done.findings,
        "good_at": iso(done.good_at) if done.good_at else None,
    }


def _snapshot_reply(snapshot: SnapshotState) -> SnapshotReply:
    manifest = snapshot.manifest
    return {
        "id": snapshot.id,
        "complete": snapshot.is_complete,
        "damaged": snapshot.is_complete and manifest is None,
        "taken_at": iso(manifest.taken_at) if manifest else None,
        "records": manifest.records if manifest else None,
        "files": manifest.files if manifest else None,
        "bytes": manifest.objects.size if manifest else None,
        "new_bytes": manifest.objects.new_size if manifest else None,
        "findings": len(manifest.findings) if manifest else None,
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {"kind": finding.kind.value, "what": finding.what, "detail": finding.detail}


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """Return findings as lines of text."""
    lines = [f"{each.kind}: {each.what}: {each.detail}" for each in findings[:MOST_LINES]]
    if len(findings) > MOST_LINES:
        lines.append(f"… and {len(findings) - MOST_LINES} more: see --json.")
    return lines


def verified_json(verified: Verified) -> dict[str, Any]:
    """Return the result of `backup verify` as JSON."""
    return {
        "snapshots": list(verified.snapshots),
        "objects": verified.objects,
        "bytes": verified.size,
        "read": verified.read,
        "findings": [finding_json(each) for each in verified.findings],
    }


def verified_text(verified: Verified) -> str:
    """Return the result of `backup verify` as text."""
    told = (
        f"Checked {len(verified.snapshots)} snapshots and {verified.objects} objects, "
        f"{verified.read} of them read in full: {len(verified.findings)} findings."
    )
    return "\n".join([*finding_lines(verified.findings), told])


def restored_json(restored: Restored) -> dict[str, Any]:
    """Return the result of `backup restore` as JSON."""
    return {
        "snapshot": restored.snapshot,
        "records": restored.records,
        "files": restored.files,
        "clusters": dict(restored.clusters),
        "findings": [finding_json(each) for each in restored.findings],
    }


def restored_text(restored: Restored) -> str:
    """Return the result of `backup restore` as text."""
    told = (
        f"Restored {restored.snapshot}: {restored.records} records and {restored.files} files. "
        "Run `python -m avenue fsck` to check them."
    )
    sites = [f"{site_id}: on {cluster}" for site_id, cluster in restored.clusters.items()]
    return "\n".join([*finding_lines(restored.findings), *sites, told])


def returned_json(returned: Returned) -> dict[str, Any]:
    """Return the result of `backup restore --only` as JSON."""
    return {
        "snapshot": returned.snapshot,
        "site": returned.site,
        "records": returned.records,
        "files": returned.files,
        "findings": [finding_json(each) for each in returned.findings],
    }


def returned_text(returned: Returned) -> str:
    """Return the result of `backup restore --only` as text."""
    told = (
        f"Restored {returned.records} records and {returned.files} files. Existing data was not "
        "changed."
    )
    return "\n".join([*finding_lines(returned.findings), told])


def pruned_json(pruned: Pruned) -> dict[str, Any]:
    """Return the result of `backup prune` as JSON."""
    return {
        "kept": list(pruned.kept),
        "removed": list(pruned.removed),
        "objects": pruned.objects,
        "bytes": pruned.size,
        "findings": [finding_json(each) for each in pruned.findings],
    }


def pruned_text(pruned: Pruned) -> str:
    """Return the result of `backup prune` as text."""
    told = (
        f"{len(pruned.kept)} snapshots kept, {len(pruned.removed)} removed, with "
        f"{pruned.objects} objects of {pruned.size / MB:.1f} MB."
    )
    return "\n".join([*finding_lines(pruned.findings), *pruned.removed, told])
