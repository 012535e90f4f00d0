"""`/admin/imports`: importing products: preview, apply, undo."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import LazyString, format_decimal

from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.identity import Role
from avenue.jobs.models import Job, State as JobState
from avenue.media.models import External
from avenue.media.naming import safe_name
from avenue.media.presenting import picture_json
from avenue.shop.importing.columns import (
    FIELDS,
    LONGEST_NAME,
    MOST_OWN,
    ColumnNames,
    OwnColumn,
)
from avenue.shop.importing.errors import BadColumns, NoSkuColumn
from avenue.shop.importing.models import ImportStanding, Outcome, Reversal, Row, RowQuery, State
from avenue.shop.importing.presenting import images_json
from avenue.shop.importing.texts import difference
from avenue.shop.models import Picture, PicturedProduct, Sort
from avenue.shop.pages import import_words as words
from avenue.shop.paging import cursor_text
from avenue.shop.routes.imports import rows_asked_for, the_file
from avenue.shop.routes.runs import runs_asked_for
from avenue.shop.service.imports import ImportService
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _, language
from avenue.web.limits import upload_route
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

PATH = "/admin/imports"
PAST_RUNS, ROWS, ROWS_BEFORE_UNDO = 20, 50, 20
AT_WORK = frozenset({State.QUEUED, State.RUNNING, State.UNDOING})
IMAGES_AT_WORK = frozenset({JobState.QUEUED, JobState.RUNNING})
LEFT_OUT = "-"
"""The form value for an ignored column."""
MOST_TOLD = 2 * MOST_OWN
CHANGING = (Outcome.CREATED, Outcome.UPDATED)

blueprint = Blueprint("import_pages", __name__, url_prefix=PATH, template_folder="../templates")


def _imports(error: AvenueError | None = None) -> Response:
    found = using(ImportService).find(current_actor(), runs_asked_for(PAST_RUNS))
    return page(
        "shop/imports.html",
        error=error,
        problem=words.of_error(error) if error else None,
        columns=words.COLUMNS,
        max_mb=using(Settings).max_import_mb,
        max_rows=format_decimal(using(Settings).max_import_rows),
        runs=[_run(each) for each in found.items],
        next=cursor_text(Sort.CREATED, found.next) if found.next else None,
        texts=words.FILE_TEXTS,
        said=words.COLUMNS_SAID if request.args.get("said") == "columns" else None,
        **_own_columns(error.seen if isinstance(error, NoSkuColumn) else ()),
    )


@blueprint.get("")
@require(Role.SELLER)
def show_imports() -> Response:
    """Show how to import a table, and earlier imports."""
    return _imports()


@blueprint.post("")
@audited("import.begun")
@require(Role.SELLER)
@upload_route
@shown_again(_imports)
def try_import() -> Response:
    """Start a dry run of the submitted table and show it, or an error about the file."""
    file = the_file()
    standing, _is_new = using(ImportService).start(
        current_actor(),
        file.file,
        name=safe_name(file.name) if file.name else "",
        sha256=file.sha256,
        dry_run=True,
        key=None,
    )
    nothing_changed()
    return see(f"{PATH}/{standing.run.id}")


@blueprint.post("/columns")
@audited("import.columns_named")
@require(Role.STAFF)
@shown_again(_imports, BadColumns)
def name_columns() -> Response:
    """Store the names of the site's columns."""
    imports, actor = using(ImportService), current_actor()
    told = {each.name: each for each in imports.columns(actor)}
    names, fields = request.form.getlist("name"), request.form.getlist("field")
    for name, field in zip(names[:MOST_TOLD], fields[:MOST_TOLD], strict=False):
        short = " ".join(name.split())[:LONGEST_NAME]
        told.pop(short, None)
        if short and (field in FIELDS or field == LEFT_OUT):
            told[short] = OwnColumn(short, None if field == LEFT_OUT else field)
    is_new = imports.put_columns(actor, list(told.values()))
    if not is_new:
        nothing_changed()
    return see(f"{PATH}?said=columns")


@blueprint.get("/sample.csv")
@require(Role.SELLER)
def sample() -> Response:
    """Download a sample table, in the number format of the reader's language."""
    spanish = language() == "es"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if spanish else ",")
    writer.writerow(words.SAMPLE_COLUMNS[language()])
    writer.writerows(words.SAMPLE_ROWS[language()])
    # With a byte order mark, without which Excel misreads accents.
    response = Response(text.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    name = "productos-ejemplo.csv" if spanish else "sample-products.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.vary.update(("Cookie", "Accept-Language"))
    return response


@blueprint.get("/<import_id>")
@require(Role.SELLER)
def show_import(import_id: str) -> Response:
    """Show an import: its progress, result and rows; `?outcome ?after`."""
    imports, actor = using(ImportService), current_actor()
    standing = imports.get(actor, import_id)
    query = rows_asked_for(ROWS)
    found = imports.rows(actor, import_id, query)
    shown = _shown(found.items)
    return page(
        "shop/import.html",
        standing=standing,
        run=standing.run,
        state=_state(standing),
        at_work=standing.state in AT_WORK,
        images=_images(standing.images),
        progress=standing.run.undo or standing.run,
        counts=_counts(standing.run.counts, Outcome),
        reversals=_counts(standing.run.undo.counts, Reversal) if standing.run.undo else {},
        changing=sum(standing.run.counts.get(each, 0) for each in CHANGING),
        warnings=_warnings(standing),
        may_undo=imports.may_undo(actor, standing.run),
        rows=[_row(each, shown) for each in found.items],
        query=query,
        next=found.next,
        texts=words.PROGRESS_TEXTS,
        **_own_columns(standing.run.layout.unknown),
        problem=_problem(request.args.get("problem")),
    )


def _refused(error: AvenueError, import_id: str) -> Response:
    nothing_changed()
    return see(f"{PATH}/{import_id}?problem={error.code}")


@blueprint.post("/<import_id>/apply")
@audited("import.begun")
@require(Role.SELLER)
@shown_again(_refused, besides=NotFound)
def apply_import(import_id: str) -> Response:
    """Apply a dry run, and show the resulting import."""
    standing, is_new = using(ImportService).apply(
        current_actor(), import_id, fetch_images="fetch_images" in request.form
    )
    note(object_id=standing.run.id)
    if not is_new:
        nothing_changed()
    return see(f"{PATH}/{standing.run.id}")


@blueprint.get("/<import_id>/undo")
@require(Role.SELLER)
def ask_before_undo(import_id: str) -> Response:
    """Ask for confirmation before undoing an import, and show its effects."""
    imports, actor = using(ImportService), current_actor()
    standing = imports.get(actor, import_id)
    if not imports.may_undo(actor, standing.run):
        return see(f"{PATH}/{import_id}?problem=not_the_last_import")
    shown = [
        row
        for outcome in CHANGING
        for row in imports.rows(
            actor, import_id, RowQuery(outcome=outcome, after=0, limit=ROWS_BEFORE_UNDO)
        ).items
    ]
    return page(
        "shop/import_undo.html",
        run=standing.run,
        counts=_counts(standing.run.counts, Outcome),
        changing=sum(standing.run.counts.get(each, 0) for each in CHANGING),
        rows=[_row(each, _shown(shown)) for each in shown],
    )


@blueprint.post("/<import_id>/undo")
@audited("import.undo_begun", "import_id")
@require(Role.SELLER)
@shown_again(_refused, besides=NotFound)
def undo_import(import_id: str) -> Response:
    """Undo an import, in the background."""
    using(ImportService).undo(current_actor(), import_id)
    return see(f"{PATH}/{import_id}")


def _own_columns(unknown: Sequence[str]) -> Mapping[str, Any]:
    """Return the columns that staff may map: those with a mapping and `unknown` ones."""
    actor = current_actor()
    if not actor.runs_shop:
        return {"own_columns": (), "fields": {}}
    told = {each.name: each.field or LEFT_OUT for each in using(ImportService).columns(actor)}
    usual = ColumnNames()
    asked = {each: "" for each in unknown if not usual.is_known(each)}
    return {"own_columns": {**asked, **told}, "fields": words.FIELDS}


def _run(standing: ImportStanding) -> Mapping[str, object]:
    run = standing.run
    return {
        "id": run.id,
        "name": run.name or _("(no name)"),
        "is_own": run.by == current_actor().id,
        "dry_run": run.dry_run,
        "created_at": run.created_at,
        "state": _state(standing),
        "counts": _counts(run.counts, Outcome),
    }


def _state(standing: ImportStanding) -> tuple[str, LazyString]:
    """Return style and name of an import's state; it is no success if every row has an error."""
    run = standing.run
    if standing.state is State.DONE and run.counts.get(Outcome.REFUSED) == run.total:
        return words.ALL_WRONG
    return words.STATES[standing.state]


def _shown(rows: Sequence[Row]) -> Mapping[str, PicturedProduct]:
    """Return the products of rows that the actor may change, by SKU."""
    products, actor = using(ProductService), current_actor()
    found = products.own_by_sku(actor, [each.sku for each in rows if each.sku])
    pictured = products.own_among(actor, [each.id for each in found.values()])
    return {each.product.sku or "": each for each in pictured}


def _row(row: Row, shown: Mapping[str, PicturedProduct]) -> Mapping[str, object]:
    wrong = words.of_row(row.error) if row.error else None
    kept = row.undone.kept if row.undone else ()
    there = shown.get(row.sku or "")
    addresses = row.values.get("image_urls") or ()
    images: Sequence[Picture] = there.images if there else ()
    if not images and not wrong:
        images = tuple(External(url=each) for each in addresses[:1])
    return {
        "id": there.product.id if there else None,
        "cover": picture_json(current_site(), images[0]) if images else None,
        "number": row.number,
        "sku": row.sku or "–",
        "outcome": words.OUTCOMES[row.outcome] if row.outcome else None,
        "changes": [each.partition(": ") for each in difference(row, language())],
        "wrong": wrong,
        "undone": words.REVERSALS[row.undone.reversal] if row.undone else None,
        "kept": ", ".join(str(words.FIELDS.get(each, each)) for each in kept),
    }


def _images(job: Job | None) -> Mapping[str, object] | None:
    """Return the state of importing pictures for the page, None if none are imported."""
    if job is None:
        return None
    found = images_json(job)
    return {
        **found,
        "at_work": job.state in IMAGES_AT_WORK,
        "state": words.IMAGES_STATES[job.state],
        "left": max(found["refused_total"] - len(found["refused"]), 0),
    }


def _counts(
    counts: Mapping[str, int], names: type[Outcome] | type[Reversal]
) -> Mapping[str, tuple[LazyString, int]]:
    return {each.value: (words.COUNTED[each], counts.get(each.value, 0)) for each in names}


def _warnings(standing: ImportStanding) -> list[str]:
    """Return the warnings of an import, like `presenting.warnings`."""
    layout, found = standing.run.layout, []
    if layout.encoding != "utf-8":
        found.append(
            _(
                "The file is not UTF-8 and was read as %(encoding)s: check that the "
                "accents are right.",
                encoding=layout.encoding,
            )
        )
    if layout.unknown:
        found.append(_("These columns are ignored: %(names)s.", names=", ".join(layout.unknown)))
    return found


def _problem(code: str | None) -> LazyString | None:
    return words.PROBLEMS.get(code or "")
