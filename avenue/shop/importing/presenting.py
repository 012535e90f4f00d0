"""Imports and their rows as JSON."""

from collections.abc import Mapping, Sequence

from avenue.clock import iso
from avenue.errors import Translate
from avenue.jobs.models import Job
from avenue.shop.importing.columns import FIELDS, OwnColumn
from avenue.shop.importing.models import Import, ImportStanding, Outcome, Reversal, Row
from avenue.shop.importing.replies import (
    ColumnReply,
    ColumnsReply,
    ImportImages,
    ImportReply,
    ImportUndo,
    RowReply,
)
from avenue.shop.importing.texts import difference

NOT_UTF_8 = "The file is not UTF-8 and was read as {encoding}: look whether the accents are right."


def import_json(standing: ImportStanding) -> ImportReply:
    """Return an import as JSON."""
    run = standing.run
    return {
        "id": run.id,
        "state": standing.state,
        "error": standing.error,
        "dry_run": run.dry_run,
        "fetch_images": run.fetch_images,
        "images": images_json(standing.images) if standing.images else None,
        "name": run.name,
        "format": run.layout.format,
        "encoding": run.layout.encoding,
        "delimiter": run.layout.delimiter,
        "unknown_columns": list(run.layout.unknown),
        "warnings": warnings(run),
        "progress": {"done": run.done, "total": run.total},
        "counts": _counts(run.counts, Outcome),
        "by": run.by,
        "created_at": iso(run.created_at),
        "finished_at": iso(run.finished_at) if run.finished_at else None,
        "undo": _undo_json(run),
    }


def columns_json(columns: Sequence[OwnColumn]) -> ColumnsReply:
    """Return the site's column names as JSON."""
    told = [ColumnReply(name=each.name, field=each.field) for each in columns]
    return {"columns": told, "fields": list(FIELDS)}


def warnings(run: Import) -> list[str]:
    """Return the warnings of an import, as sentences."""
    found = []
    if run.layout.encoding != "utf-8":
        found.append(NOT_UTF_8.format(encoding=run.layout.encoding))
    if run.layout.unknown:
        found.append(f"Nobody reads these columns: {', '.join(run.layout.unknown)}.")
    return found


def row_json(row: Row, locale: str, translate: Translate = str) -> RowReply:
    """Return a row as JSON; `difference` is in the site's language.

    `translate` is for the reason of a refusal, by default English.
    """
    return {
        "row": row.number,
        "sku": row.sku,
        "outcome": row.outcome,
        "product": row.product,
        "changes": {name: list(pair) for name, pair in row.changes.items()},
        "difference": difference(row, locale),
        "error": {
            "code": row.error.code,
            "message": row.error.said(translate),
            "field": row.error.field,
        }
        if row.error
        else None,
        "undo": {"outcome": row.undone.reversal, "kept": list(row.undone.kept)}
        if row.undone
        else None,
    }


def images_json(job: Job) -> ImportImages:
    """Return the progress and result of a job that imports pictures."""
    result = job.result or {}
    return {
        "job": job.id,
        "state": job.state,
        "error": job.error,
        "progress": {"done": job.progress.done or 0, "total": job.progress.total or 0},
        "stored": result.get("stored", 0),
        "refused_total": result.get("refused_total", 0),
        "refused": [
            {"url": each["path"], "code": each["code"], "message": each["message"]}
            for each in result.get("refused", ())
        ],
    }


def _undo_json(run: Import) -> ImportUndo | None:
    if run.undo is None:
        return None
    return {
        "progress": {"done": run.undo.done, "total": run.undo.total},
        "counts": _counts(run.undo.counts, Reversal),
        "finished_at": iso(run.undo.finished_at) if run.undo.finished_at else None,
    }


def _counts(counts: Mapping[str, int], names: type[Outcome] | type[Reversal]) -> dict[str, int]:
    return {each.value: counts.get(each.value, 0) for each in names}
