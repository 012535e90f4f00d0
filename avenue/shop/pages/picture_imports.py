"""`/admin/imports/pictures`: importing pictures of many products, by the SKU in their names."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Blueprint, Response, request

from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.identity import Role, is_id
from avenue.media.intake.policy import UploadPolicy
from avenue.media.naming import safe_name
from avenue.media.presenting import picture_json
from avenue.shop.matching.errors import PictureImportNotFound
from avenue.shop.matching.models import (
    FileQuery,
    Finding,
    KeptFile,
    Outcome,
    PictureImportStanding,
    State,
)
from avenue.shop.models import PicturedProduct, Sort
from avenue.shop.pages import picture_import_words as words
from avenue.shop.pages.product_choice import Unclear, chosen_products
from avenue.shop.paging import cursor_text
from avenue.shop.routes.picture_imports import files_asked_for, the_archive
from avenue.shop.routes.runs import NUMBER, runs_asked_for
from avenue.shop.service.picture_archives import MOST_FILES
from avenue.shop.service.picture_imports import PictureImportService
from avenue.shop.service.pictures import MOST_BYTES_TO_SHRINK
from avenue.shop.service.products import ProductService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.hosts import current_site
from avenue.web.language import gettext as _
from avenue.web.limits import upload_route
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

PATH = "/admin/imports/pictures"
PAST_RUNS, MOST_TOGETHER = 20, 100
PART_BYTES = 50 * 1024 * 1024
"""Part size of a folder that the browser packs: what is lost when a connection breaks."""
AT_WORK = frozenset({State.QUEUED, State.RUNNING})
HAVE_ARCHIVES = frozenset({State.PLANNED, State.FAILED, *AT_WORK})
BY_HAND = frozenset({Finding.UNMATCHED, Finding.AMBIGUOUS})
FILE_FIELD = "file-"
MOST_ASSIGNED = 100

blueprint = Blueprint(
    "picture_import_pages", __name__, url_prefix=PATH, template_folder="../templates"
)


def _imports(error: AvenueError | None = None) -> Response:
    found = using(PictureImportService).find(current_actor(), runs_asked_for(PAST_RUNS))
    settings = using(Settings)
    return page(
        "shop/picture_imports.html",
        error=error,
        problem=words.of_error(error) if error else None,
        examples=words.EXAMPLES,
        max_mb=settings.max_archive_mb,
        max_files=MOST_FILES,
        part_bytes=PART_BYTES,
        max_picture_bytes=max(
            using(UploadPolicy).on(current_site()).max_bytes, MOST_BYTES_TO_SHRINK
        ),
        runs=[_run(each) for each in found.items],
        next=cursor_text(Sort.CREATED, found.next) if found.next else None,
        texts=words.FILE_TEXTS,
    )


@blueprint.get("")
@require(Role.SELLER)
def show_picture_imports() -> Response:
    """Show how to import pictures, and earlier imports."""
    return _imports()


@blueprint.post("")
@audited("picture_import.planned")
@require(Role.SELLER)
@upload_route
@shown_again(_imports)
def plan_pictures() -> Response:
    """Check the submitted ZIP and show the plan, or an error about it."""
    file = the_archive()
    standing, _is_new = using(PictureImportService).start(
        current_actor(), file, name=safe_name(file.name) if file.name else "", key=None
    )
    note(object_id=standing.run.id)
    return see(f"{PATH}/{standing.run.id}")


@blueprint.get("/together")
@require(Role.SELLER)
def show_together() -> Response:
    """Show several imports as one, for the parts of a folder; `?id=…&id=…`."""
    standings = _standings(request.args.getlist("id"))
    return page(
        "shop/picture_imports_together.html",
        parts=[_run(each) for each in standings],
        ids=[each.run.id for each in standings],
        found=_summed([each.run.found for each in standings], words.FOUND),
        counts=_summed([each.run.counts for each in standings], words.COUNTED),
        at_work=any(each.state in AT_WORK for each in standings),
        waiting=sum(each.run.total for each in standings if each.state is State.PLANNED),
        texts=words.PROGRESS_TEXTS,
        problem=words.PROBLEMS.get(request.args.get("problem", "")),
    )


@blueprint.post("/together")
@audited("picture_import.begun")
@require(Role.SELLER)
def apply_together() -> Response:
    """Import the pictures of several imports that have any, in the background."""
    standings = _standings(request.form.getlist("id"))
    query, begun = "&".join(f"id={each.run.id}" for each in standings), []
    try:
        for each in standings:
            if each.run.total:
                using(PictureImportService).apply(current_actor(), each.run.id)
                begun.append(each.run.id)
    except NotFound:
        raise
    except AvenueError as error:
        query += f"&problem={error.code}"
    if begun:
        note(object_id=begun[0], imports=begun)
    else:
        nothing_changed()
    return see(f"{PATH}/together?{query}")


@blueprint.get("/<picture_import_id>")
@require(Role.SELLER)
def show_picture_import(picture_import_id: str) -> Response:
    """Show the findings in a ZIP and their outcomes; `?finding ?outcome ?after`."""
    return _picture_import(picture_import_id, {})


def _refused(error: AvenueError, picture_import_id: str) -> Response:
    nothing_changed()
    return see(f"{PATH}/{picture_import_id}?problem={error.code}")


@blueprint.post("/<picture_import_id>/files")
@audited("picture_import.assigned", "picture_import_id")
@require(Role.SELLER)
def assign_files(picture_import_id: str) -> Response:
    """Assign files to the products named in the form, by SKU, by words, or by a choice.

    If words match several products, the page asks which.
    """
    imports, actor = using(PictureImportService), current_actor()
    asked = {
        int(name.removeprefix(FILE_FIELD)): value.strip()
        for name, value in [*request.form.items()][:MOST_ASSIGNED]
        if name.startswith(FILE_FIELD) and NUMBER.fullmatch(name.removeprefix(FILE_FIELD))
    }
    named, unclear = chosen_products(actor, asked)
    try:
        _, changed = imports.assign(actor, picture_import_id, named)
    except PictureImportNotFound:
        raise
    except AvenueError as error:
        return _refused(error, picture_import_id)
    note(files=changed)
    if not changed:
        nothing_changed()
    if unclear:
        return _picture_import(picture_import_id, unclear)
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    return see(f"{PATH}/{picture_import_id}{query}")


def _picture_import(picture_import_id: str, unclear: Mapping[int, Unclear]) -> Response:
    imports, actor = using(PictureImportService), current_actor()
    standing, query = imports.get(actor, picture_import_id), files_asked_for()
    found = imports.files(actor, picture_import_id, query)
    of_them = [each.matched.product for each in found.items if each.matched]
    shown = {each.product.id: each for each in using(ProductService).own_among(actor, of_them)}
    files = [{**_file(each, shown), "unclear": unclear.get(each.number)} for each in found.items]
    return page(
        "shop/picture_import.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if unclear else HTTPStatus.OK,
        has_archive=standing.state in HAVE_ARCHIVES,
        orphans=sum(standing.run.found.get(each, 0) for each in BY_HAND),
        orphans_are=Finding.UNMATCHED
        if standing.run.found.get(Finding.UNMATCHED)
        else Finding.AMBIGUOUS,
        may_assign=standing.state is State.PLANNED,
        asks=standing.state is State.PLANNED and any(each["by_hand"] for each in files),
        is_own=not actor.runs_shop,
        asked=request.query_string.decode(),
        standing=standing,
        run=standing.run,
        state=words.STATES[standing.state],
        reason=_(standing.error) if standing.error else "",
        at_work=standing.state in AT_WORK,
        tabs=_tabs(standing, query),
        counts=_summed([standing.run.counts], words.COUNTED),
        files=files,
        query=query,
        next=found.next,
        texts=words.PROGRESS_TEXTS,
        problem=words.STILL_ASKED
        if unclear
        else words.PROBLEMS.get(request.args.get("problem", "")),
    )


@blueprint.post("/<picture_import_id>")
@audited("picture_import.begun", "picture_import_id")
@require(Role.SELLER)
@shown_again(_refused, besides=NotFound)
def apply_picture_import(picture_import_id: str) -> Response:
    """Import the matched pictures, in the background."""
    using(PictureImportService).apply(current_actor(), picture_import_id)
    return see(f"{PATH}/{picture_import_id}")


def _standings(ids: Sequence[str]) -> list[PictureImportStanding]:
    """Return own imports; raise `PictureImportNotFound` if one, or all, are missing."""
    wanted = list(dict.fromkeys(ids))[:MOST_TOGETHER]
    if not wanted or not all(map(is_id, wanted)):
        raise PictureImportNotFound
    return [using(PictureImportService).get(current_actor(), each) for each in wanted]


def _run(standing: PictureImportStanding) -> Mapping[str, object]:
    run = standing.run
    return {
        "id": run.id,
        "name": run.name or _("(no name)"),
        "is_own": run.by == current_actor().id,
        "created_at": run.created_at,
        "state": words.STATES[standing.state],
        "at_work": standing.state in AT_WORK,
        "done": run.done,
        "total": run.total,
        "added": run.counts.get(Outcome.ADDED, 0),
        "wrong": run.counts.get(Outcome.REFUSED, 0),
    }


def _summed(
    counts: Sequence[Mapping[str, int]], names: Mapping[str, object]
) -> list[tuple[str, object, int]]:
    return [(key, name, sum(each.get(key, 0) for each in counts)) for key, name in names.items()]


def _tabs(standing: PictureImportStanding, query: FileQuery) -> list[Mapping[str, object]]:
    """Return the file lists of the import, with their counts."""
    run, chosen = standing.run, query.outcome or query.finding
    found = [("finding", *each) for each in _summed([run.found], words.FOUND)]
    counted = [("outcome", *each) for each in _summed([run.counts], words.COUNTED)]
    # The outcomes of the matched ones say more than that they matched.
    tabs = [*counted, *found[1:]] if standing.state is State.DONE else found
    return [
        {"name": name, "query": f"?{kind}={key}", "count": count, "is_chosen": chosen == key}
        for kind, key, name, count in tabs
    ]


def _file(kept: KeptFile, shown: Mapping[str, PicturedProduct]) -> dict[str, object]:
    mark = words.OUTCOMES[kept.outcome] if kept.outcome else words.FINDINGS[kept.finding]
    product = shown.get(kept.matched.product) if kept.matched else None
    images = product.images if product else ()
    return {
        "number": kept.number,
        "is_picture": kept.finding is not Finding.LEFT_OUT,
        "by_hand": kept.by_hand or kept.finding in BY_HAND,
        "is_said": kept.by_hand,
        "stem": kept.file.path.rpartition("/")[2].rpartition(".")[0],
        "candidates": kept.candidates,
        "product": product.product if product else None,
        "cover": picture_json(current_site(), images[0]) if images else None,
        "path": kept.file.path,
        "mark": mark,
        "matched": kept.matched if kept.finding is Finding.MATCHED else None,
        "position": kept.position,
        "why": words.why(kept),
    }
