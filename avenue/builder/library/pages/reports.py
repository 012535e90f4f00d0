"""`/admin/library/reports`: unused pictures."""

from flask import Blueprint, Response, g

from avenue.builder.library.bodies import MOST_IDS
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.models import MediaQuery, Sort
from avenue.builder.library.pages.lists import messages_in_url
from avenue.builder.library.pages.shown import listed, shown
from avenue.builder.library.pages.words import list_texts
from avenue.config import Settings
from avenue.identity import Role
from avenue.web.auth import current_actor, require
from avenue.web.listing import here_with, undoable
from avenue.web.pages import page, see
from avenue.web.paging import cursor_place
from avenue.web.parsing import page_asked_for
from avenue.web.services import using

PATH = "/admin/library/reports"

blueprint = Blueprint(
    "library_report_pages", __name__, url_prefix=PATH, template_folder="../../templates"
)


@blueprint.get("/alt")
@require(Role.EDITOR)
def show_without_alt() -> Response:
    """Redirect to the list of all pictures without an alternative text, which used to be here."""
    return see("/admin/alt-texts?of=library")


@blueprint.get("/unused")
@require(Role.EDITOR)
def show_unused() -> Response:
    """List the unused pictures, to be deleted together."""
    actor, asked = current_actor(), page_asked_for()
    after = cursor_place(Sort.NEWEST, Sort.NEWEST.kind, asked.after) if asked.after else None
    query = MediaQuery(limit=asked.limit, unused=True, after=after)
    found = listed(actor, query)
    said, problem = messages_in_url()
    return page(
        "library/unused.html",
        found=found,
        items=shown(g.site, found.items, using(FolderService).every(actor)),
        at=here_with,
        undoable=undoable(MOST_IDS),
        said="" if undoable(MOST_IDS) else said,
        done=said,
        problem=problem,
        texts=list_texts(),
        days=using(Settings).trash_days,
    )
