"""`/admin/uploads`: the list of uploads, and actions on several of them."""

from collections.abc import Callable, Mapping
from functools import partial

from flask import Blueprint, Response, request

from avenue.config import Settings
from avenue.errors import Invalid
from avenue.identity import Actor
from avenue.media.categories import categories_of
from avenue.media.errors import ZipTooLarge
from avenue.uploads.bodies import cursor_place, cursor_text
from avenue.uploads.errors import UploadNotFound
from avenue.uploads.kinds import Kind, types_of
from avenue.uploads.models import Done, UploadQuery
from avenue.uploads.pages.shown import email_of, people, rows
from avenue.uploads.pages.storage import gauges
from avenue.uploads.pages.words import (
    KINDS,
    NOTHING_CHECKED,
    SELECTION_TEXTS,
    category_name,
    done_words,
    kept_words,
    why_nothing,
)
from avenue.uploads.service import UploadService
from avenue.uploads.zips.routes import zipped
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext as _
from avenue.web.listing import back_with, checked_ids, here_with, listed, number_said, undoable
from avenue.web.pages import page, see
from avenue.web.parsing import page_asked_for
from avenue.web.services import using
from avenue.words import wanted_words

PATH = "/admin/uploads"
MOST_AT_ONCE = 100
TRASH = "trash"
ME = "me"
FILTERS = ("category", "reference", "owner", "type", "search")

blueprint = Blueprint(
    "upload_list_pages", __name__, url_prefix=PATH, template_folder="../templates"
)


@blueprint.get("")
@require()
def show_uploads() -> Response:
    """Show the uploads that the person may read and the URL asks for."""
    actor, query = current_actor(), _query(current_actor())
    find = partial(using(UploadService).find, actor)
    found = listed(query, find, cursor_text, cursor_place)
    said, problem = _messages()
    return page(
        "uploads/uploads.html",
        rows=rows(actor, found.items),
        found=found,
        query=query,
        asked={name: request.args.get(name, "").strip() for name in FILTERS},
        is_narrowed=any(request.args.get(name) for name in FILTERS),
        categories={name: category_name(name) for name in categories_of(actor.site)},
        kinds=KINDS,
        owners=_owners(actor),
        gauges=gauges(actor),
        days=using(Settings).trash_days,
        at=here_with,
        said=said if not undoable(MOST_AT_ONCE) else "",
        undoable=undoable(MOST_AT_ONCE),
        done=said,
        problem=problem,
        texts={name: str(each) for name, each in SELECTION_TEXTS.items()},
    )


@blueprint.post("/zip")
@require()
@audited("upload.zip_made")
def zip_many() -> Response:
    """Send all selected uploads as one ZIP; the page stays as it is."""
    ids = checked_ids(MOST_AT_ONCE)
    if not ids:
        return _unchanged(NOTHING_CHECKED)
    try:
        return zipped(ids)
    except (ZipTooLarge, UploadNotFound) as error:
        return _unchanged(error.code)


@blueprint.post("/bulk")
@require()
@audited("upload.removed")
def change_many() -> Response:
    """Remove or restore all selected uploads."""
    act = ACTIONS.get(request.form.get("action", ""))
    if act is None:
        raise Invalid
    ids = checked_ids(MOST_AT_ONCE)
    if not ids:
        return _unchanged(NOTHING_CHECKED)
    said, do = act
    done = do(using(UploadService), current_actor(), ids)
    note_each(f"upload.{said}", done.changed)
    kept = len(ids) - len(done.changed)
    why = done.refused[0].code if done.refused else UploadNotFound.code
    return see(
        back_with(
            PATH,
            said,
            len(done.changed),
            kept=str(kept or ""),
            why=why if kept else "",
            undo=".".join(done.changed) if said == "removed" else "",
        )
    )


ACTIONS: Mapping[str, tuple[str, Callable[[UploadService, Actor, list[str]], Done]]] = {
    "remove": ("removed", UploadService.remove_each),
    "restore": ("restored", UploadService.restore_each),
}
"""The actions on several uploads, by the name of the button: the code of the message, and the
function."""


def _query(actor: Actor) -> UploadQuery:
    """Return the query of the URL; raise `BadCursor`, `InvalidQuery`."""
    asked, owner = page_asked_for(), request.args.get("owner") or None
    kind = request.args.get("type", "")
    return UploadQuery(
        category=request.args.get("category") or None,
        reference=request.args.get("reference", "").strip() or None,
        owner=actor.id if owner == ME else owner,
        words=wanted_words(request.args.get("search", "").strip()),
        media_types=types_of(Kind(kind)) if kind in {*Kind} else (),
        in_trash=request.args.get("state") == TRASH,
        after=cursor_place(asked.after) if asked.after else None,
        limit=asked.limit,
    )


def _owners(actor: Actor) -> list[tuple[str, str]]:
    """Return the owners to choose from, including the chosen one."""
    known = [("", _("Everyone's")), (ME, _("Only mine")), *people(actor)]
    chosen = request.args.get("owner", "")
    if chosen not in dict(known):
        known.append((chosen, email_of(actor, chosen) or _("Someone else")))
    return known


def _unchanged(why: str) -> Response:
    """Redirect to the list, which says why nothing was done."""
    nothing_changed()
    return see(back_with(PATH, why, 0))


def _messages() -> tuple[str, str]:
    """Return the messages in the URL: what was done, and what was not."""
    said = request.args.get("said", "")
    why = why_nothing(said, using(Settings).max_zip_mb)
    if why:
        return "", why
    count, kept = number_said("count", MOST_AT_ONCE), number_said("kept", MOST_AT_ONCE)
    problem = kept_words(request.args.get("why", ""), kept) if kept else ""
    return done_words(said, count) if count else "", problem
