"""`/admin/library/reports`: which pictures lack a text, which are used nowhere."""

from typing import Any

from flask import Blueprint, Response, g, request

from avenue.builder.library.bodies import MediaChanges
from avenue.builder.library.errors import MediaNotFound
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.models import MediaQuery, Sort
from avenue.builder.library.pages.lists import problem_of, told, undoable
from avenue.builder.library.pages.shown import listed, shown, tongue
from avenue.builder.library.pages.typed import checked
from avenue.builder.library.pages.words import SAID, list_texts, report_texts
from avenue.builder.library.service import MediaService
from avenue.builder.paging import cursor_place
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require, safe_next
from avenue.web.listing import here_with
from avenue.web.pages import page, see
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = "/admin/library/reports"
ALT = f"{PATH}/alt"

blueprint = Blueprint(
    "library_report_pages", __name__, url_prefix=PATH, template_folder="../../templates"
)


@blueprint.get("/alt")
@require(Role.EDITOR)
def show_without_alt() -> Response:
    """List the pictures that need a text in the site's language and have none."""
    return _without_alt()


@blueprint.post("/alt")
@require(Role.EDITOR)
@audited("media.changed")
def describe_one() -> Response:
    """Give the picture `id` its text, or say that it is `decorative`."""
    actor, media, form = current_actor(), using(MediaService), request.form
    picture = media.get(actor, form.get("id", ""))
    try:
        if "decorative" in form:
            changes: dict[str, Any] = {"decorative": True}
        else:
            written = {**picture.alt, g.site.language: form.get("alt", "")}
            changes = {"alt": checked(MediaChanges, {"alt": written}).alt}
        media.change(actor, picture.id, changes)
    except MediaNotFound:
        raise
    except AvenueError as error:
        return _without_alt(error)
    note(object_id=picture.id, fields=sorted(changes))
    back = safe_next(form.get("back"), ALT)
    return see(back if back.partition("?")[0] == ALT else ALT)


@blueprint.get("/unused")
@require(Role.EDITOR)
def show_unused() -> Response:
    """List the pictures that are used nowhere, to be deleted together."""
    said, problem = told()
    return _report(
        "library/unused.html",
        MediaQuery(limit=1, unused=True),
        undoable=undoable(),
        said="" if undoable() else said,
        done=said,
        problem=problem,
        texts=list_texts(),
        days=using(Settings).trash_days,
    )


def _without_alt(error: AvenueError | None = None) -> Response:
    return _report(
        "library/without_alt.html",
        MediaQuery(limit=1, lacks_alt=g.site.language),
        status=error.status if error else 200,
        typed={request.form["id"]: request.form.get("alt", "")} if error else {},
        tongue=tongue(g.site.language),
        said=SAID.get(request.args.get("said", "")),
        problem=problem_of(error),
        texts=report_texts(),
    )


def _report(template: str, query: MediaQuery, **facts: Any) -> Response:
    actor, asked = current_actor(), page_asked_for()
    after = cursor_place(Sort.NEWEST, Sort.NEWEST.kind, asked.after) if asked.after else None
    part = query.part(limit=asked.limit, after=after)
    found = listed(actor, part, request.args.get("before"))
    folders = using(FolderService).every(actor)
    return page(
        template, found=found, items=shown(g.site, found.items, folders), at=here_with, **facts
    )
