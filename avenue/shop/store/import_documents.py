"""Imports and their rows as MongoDB documents."""

from dataclasses import asdict

from avenue.shop.importing.models import (
    Decision,
    Format,
    Import,
    Layout,
    NewImport,
    NewRow,
    Outcome,
    Refusal,
    Reversal,
    Row,
    Stage,
    Undone,
    UndoRun,
)
from avenue.storage.connection import Document

IMPORTS = "shop_imports"
ROWS = "shop_import_rows"


def new_import_out(new: NewImport) -> Document:
    """Return the stored form of a new import."""
    document: Document = {
        "_id": new.id,
        "by": new.by,
        "is_admin": new.runs_shop,
        "name": new.name,
        "layout": {**asdict(new.layout), "unknown": list(new.layout.unknown)},
        "sha256": new.sha256,
        "dry_run": new.dry_run,
        "key": new.key,
        "total": new.total,
        "stage": Stage.RECEIVING.value,
        "job": None,
        "done": 0,
        "cursor": "",
        "counts": {},
        "undo": None,
        "finished_at": None,
        "open_key": f"{new.by}/{new.sha256}/{new.dry_run}/{new.fetch_images}",
        "fetch_images": new.fetch_images,
    }
    if new.key is not None:
        document["request_key"] = f"{new.by}/{new.key}"
    return document


def import_in(document: Document) -> Import:
    """Return the import stored as `document`."""
    undo = document["undo"]
    layout = document["layout"]
    return Import(
        id=document["_id"],
        by=document["by"],
        runs_shop=document["is_admin"],
        name=document["name"],
        layout=Layout(
            format=Format(layout["format"]),
            encoding=layout["encoding"],
            delimiter=layout["delimiter"],
            unknown=tuple(layout["unknown"]),
        ),
        sha256=document["sha256"],
        dry_run=document["dry_run"],
        key=document["key"],
        total=document["total"],
        stage=Stage(document["stage"]),
        fetch_images=document.get("fetch_images", False),
        job=document["job"],
        images_job=document.get("images_job"),
        done=document["done"],
        counts=document["counts"],
        undo=UndoRun(
            job=undo["job"],
            done=undo["done"],
            total=undo["total"],
            counts=undo["counts"],
            finished_at=undo.get("finished_at"),
        )
        if undo
        else None,
        created_at=document["created_at"],
        finished_at=document["finished_at"],
    )


def row_id_of(import_id: str, number: int) -> str:
    """Return the id of a row."""
    return f"{import_id}/{number:09}"


def rows_after(import_id: str, row_id: str) -> Document:
    """Return the condition for the rows of an import after `row_id` ("" for all)."""
    return {"_id": {"$gt": row_id or f"{import_id}/", "$lt": f"{import_id}/:"}}


def new_row_out(import_id: str, row: NewRow, forget_at: object) -> Document:
    """Return the stored form of a row that was not processed yet."""
    return {
        "_id": row_id_of(import_id, row.number),
        "number": row.number,
        "sku": row.sku,
        "values": dict(row.values),
        "error": asdict(row.error) if row.error else None,
        "has_cents": row.has_cents,
        "outcome": None,
        "forget_at": forget_at,
    }


def outcome_of(decision: Decision, *, has_product: bool) -> Document:
    """Return the stored form of the outcome of a row."""
    return {
        "outcome": decision.outcome.value,
        "error": asdict(decision.error) if decision.error else None,
        "product": decision.after.id if decision.after and has_product else None,
        "changes": {name: list(pair) for name, pair in decision.changes.items()},
        "group_names": dict(decision.group_names),
        "new_group": decision.new_group.id if decision.new_group else None,
    }


def row_in(document: Document) -> Row:
    """Return the row stored as `document`."""
    error, outcome, undone = document["error"], document["outcome"], document.get("undone")
    return Row(
        number=document["number"],
        sku=document["sku"],
        values=document["values"],
        error=Refusal(**error) if error else None,
        has_cents=document.get("has_cents"),
        outcome=Outcome(outcome) if outcome else None,
        product=document.get("product"),
        changes={
            name: (before, after) for name, (before, after) in document.get("changes", {}).items()
        },
        group_names=document.get("group_names", {}),
        new_group=document.get("new_group"),
        undone=Undone(reversal=Reversal(undone["reversal"]), kept=tuple(undone["kept"]))
        if undone
        else None,
    )
