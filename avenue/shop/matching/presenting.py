"""Imports of pictures as JSON."""

from avenue.clock import iso
from avenue.errors import Translate
from avenue.shop.matching.models import Finding, KeptFile, Outcome, PictureImportStanding
from avenue.shop.matching.replies import FileReply, PictureImportReply


def picture_import_json(standing: PictureImportStanding) -> PictureImportReply:
    """Return an import of pictures as JSON."""
    run = standing.run
    return {
        "id": run.id,
        "state": standing.state,
        "error": standing.error,
        "name": run.name,
        "progress": {"done": run.done, "total": run.total},
        "found": {each.value: run.found.get(each, 0) for each in Finding},
        "counts": {each.value: run.counts.get(each, 0) for each in Outcome},
        "by": run.by,
        "created_at": iso(run.created_at),
        "expires_at": iso(run.expires_at),
        "finished_at": iso(run.finished_at) if run.finished_at else None,
    }


def file_json(kept: KeptFile, translate: Translate = str) -> FileReply:
    """Return a file of an import as JSON.

    `translate` is for the reason of a refusal, by default English.
    """
    matched, failure = kept.matched, kept.failure
    return {
        "number": kept.number,
        "path": kept.file.path,
        "finding": kept.finding,
        "sku": matched.sku if matched else None,
        "product": matched.product if matched else None,
        "position": kept.position if matched else None,
        "by_hand": kept.by_hand,
        "candidates": list(kept.candidates),
        "reason": kept.reason,
        "outcome": kept.outcome,
        "error": {"code": failure.code, "message": failure.said(translate)} if failure else None,
    }
