"""Imports of products as JSON, under `/api/shop/products/import`."""

from typing import Annotated, Literal

from flask import Blueprint, Response, g, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.config import Settings
from avenue.cursors import BadCursor
from avenue.errors import Invalid
from avenue.identity import Role
from avenue.media.intake.receiving import BadIdempotencyKey, idempotency_key
from avenue.media.naming import safe_name
from avenue.shop.errors import OneFileOnly
from avenue.shop.importing.columns import OwnColumn
from avenue.shop.importing.errors import (
    BadColumns,
    ImportNotFound,
    ImportUnfinished,
    NoSkuColumn,
    NotAFinishedDryRun,
    NotTheLastImport,
    TooManyRows,
    UnreadableTable,
)
from avenue.shop.importing.models import ImportStanding, Outcome, RowQuery
from avenue.shop.importing.presenting import columns_json, import_json, row_json
from avenue.shop.importing.replies import ColumnsReply, ImportList, ImportReply, RowList
from avenue.shop.models import Sort
from avenue.shop.paging import cursor_text
from avenue.shop.routes.bodies import ColumnsBody
from avenue.shop.routes.lists import choice, filter_asked_for
from avenue.shop.routes.runs import headers_of, number_after, only_file, runs_asked_for
from avenue.shop.service.imports import ImportService
from avenue.storage.idempotency import IdempotencyKeyReused
from avenue.totals import total_json
from avenue.web.audit import audited, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.describing import JSON, LOCATION, Reply, described
from avenue.web.errors import InvalidBody, InvalidQuery
from avenue.web.incoming import IncomingFile
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.parsing import DEFAULT_PAGE, PageQuery, body_as, page_asked_for
from avenue.web.services import using
from avenue.web.tables import XLSX_TYPE


class ImportQuery(TypedDict, total=False):
    """Options of an import."""

    dry_run: Annotated[Literal["0", "1"], Field(description="1: only say what would be.")]
    name: Annotated[str, Field(description="The file's name, when it is the body.")]
    fetch_images: Annotated[
        Literal["0", "1"],
        Field(description="1: bring the pictures at `image_urls` in when the rows are."),
    ]


class ApplyQuery(TypedDict, total=False):
    """Options of applying a dry run."""

    fetch_images: Annotated[
        Literal["0", "1"],
        Field(description="1: bring the pictures at `image_urls` in when the rows are."),
    ]


class RowsQuery(PageQuery, total=False):
    """Filters of rows."""

    outcome: Outcome | Literal[""]


blueprint = Blueprint("imports", __name__, url_prefix="/api/shop/products/import")


@blueprint.post("")
@audited("import.begun")
@upload_route
@require(Role.SELLER)
@described(
    query=ImportQuery,
    replies={202: Reply({JSON: ImportReply}, headers=(LOCATION, "Idempotent-Replayed"))},
    refuses=(
        Invalid,
        BadIdempotencyKey,
        UnreadableTable,
        NoSkuColumn,
        TooManyRows,
        OneFileOnly,
        InvalidBody,
        IdempotencyKeyReused,
    ),
    files=("text/csv", "application/json", XLSX_TYPE),
)
def begin_import() -> tuple[Response, int, dict[str, str]]:
    """Import products from a table by SKU, in the background; `?dry_run=1` only shows the changes.

    The table is CSV, JSON or the first sheet of an .xlsx file, as the body (`?name=` is its file
    name) or the only file of a form.
    """
    file = the_file()
    standing, is_new = using(ImportService).start(
        current_actor(),
        file.file,
        name=safe_name(file.name) if file.name else "",
        sha256=file.sha256,
        dry_run=choice("dry_run", request.args.get("dry_run", "0"), ["0", "1"]) == "1",
        key=idempotency_key(),
        fetch_images=_fetches_images(),
    )
    if standing.run.dry_run:
        nothing_changed()
    return _begun(standing, is_new)


@blueprint.get("")
@require(Role.SELLER)
@described(query=PageQuery, replies={200: ImportList}, refuses=(Invalid, InvalidQuery, BadCursor))
def list_imports() -> Response:
    """List your imports, newest first, for administrators all: `?limit ?after`."""
    found = using(ImportService).find(current_actor(), runs_asked_for())
    return jsonify(
        items=[import_json(each) for each in found.items],
        next=cursor_text(Sort.CREATED, found.next) if found.next else None,
        **total_json(found.total),
    )


@blueprint.get("/columns")
@require(Role.SELLER)
@described(replies={200: ColumnsReply})
def show_columns() -> Response:
    """Show the site's own column names, in addition to the standard ones."""
    return jsonify(columns_json(using(ImportService).columns(current_actor())))


@blueprint.put("/columns")
@audited("import.columns_named")
@require(Role.STAFF)
@described(body=ColumnsBody, replies={200: ColumnsReply}, refuses=(BadColumns,))
def name_columns() -> Response:
    """Set the site's own column names, from the next table on."""
    body = body_as(ColumnsBody)
    columns = [OwnColumn(each.name, each.field) for each in body.columns]
    if not using(ImportService).put_columns(current_actor(), columns):
        nothing_changed()
    return show_columns()


@blueprint.get("/<import_id>")
@require(Role.SELLER)
@described(replies={200: ImportReply}, refuses=(ImportNotFound,))
def show_import(import_id: str) -> Response:
    """Show the progress and result of an import."""
    return jsonify(import_json(using(ImportService).get(current_actor(), import_id)))


@blueprint.get("/<import_id>/rows")
@require(Role.SELLER)
@described(
    query=RowsQuery,
    replies={200: RowList},
    refuses=(ImportNotFound, Invalid, InvalidQuery, BadCursor),
)
def list_rows(import_id: str) -> Response:
    """List the rows of an import with their outcomes: `?outcome ?limit ?after`."""
    found = using(ImportService).rows(current_actor(), import_id, rows_asked_for())
    return jsonify(
        items=[row_json(each, g.site.locale, gettext) for each in found.items],
        next=str(found.next) if found.next else None,
        **total_json(found.total),
    )


@blueprint.post("/<import_id>/apply")
@audited("import.begun")
@require(Role.SELLER)
@described(
    query=ApplyQuery,
    replies={202: Reply({JSON: ImportReply}, headers=(LOCATION, "Idempotent-Replayed"))},
    refuses=(Invalid, ImportNotFound, NotAFinishedDryRun),
)
def apply_import(import_id: str) -> tuple[Response, int, dict[str, str]]:
    """Apply a finished dry run, in the background, without sending the table again."""
    begun = using(ImportService).apply(current_actor(), import_id, fetch_images=_fetches_images())
    return _begun(*begun)


@blueprint.post("/<import_id>/undo")
@audited("import.undo_begun", "import_id")
@require(Role.SELLER)
@described(replies={202: ImportReply}, refuses=(ImportNotFound, NotTheLastImport, ImportUnfinished))
def undo_import(import_id: str) -> tuple[Response, int]:
    """Undo your last import that changed something, in the background."""
    return jsonify(import_json(using(ImportService).undo(current_actor(), import_id))), 202


def _begun(standing: ImportStanding, is_new: bool) -> tuple[Response, int, dict[str, str]]:
    headers = headers_of(blueprint, standing.run.id, is_new=is_new)
    return jsonify(import_json(standing)), 202, headers


def _fetches_images() -> bool:
    return choice("fetch_images", request.args.get("fetch_images", "0"), ["0", "1"]) == "1"


def the_file() -> IncomingFile:
    """Return the only file of this request; raise `OneFileOnly`, or why it was refused."""
    return only_file(using(Settings).max_import_mb, "One table is brought in at a time.")


def rows_asked_for(default: int = DEFAULT_PAGE) -> RowQuery:
    """Return which rows the request asks for; raise `Invalid`, `InvalidQuery`, `BadCursor`."""
    page = page_asked_for(default)
    return RowQuery(
        after=number_after(page), outcome=filter_asked_for("outcome", Outcome), limit=page.limit
    )
