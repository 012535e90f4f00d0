"""`/admin/library`: pictures and folders, uploads, and actions on many pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from avenue.builder.library.bodies import MOST_IDS, Tagging
from avenue.builder.library.errors import MediaNotFound, TooManyTags
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.folders.models import OpenFolder
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.models import NO_FOLDER, MediaQuery, Removed
from avenue.builder.library.pages.shown import branches, choices_of, listed, shown, way_of
from avenue.builder.library.pages.typed import checked, typed_tags
from avenue.builder.library.pages.words import (
    BAD_TAGS,
    FOLDER_SAID,
    NO_TAGS,
    NOTHING_CHECKED,
    SIZES,
    SORTS,
    done_words,
    list_texts,
    why_nothing,
)
from avenue.builder.library.presenting import MOST_USES
from avenue.builder.library.routes.bulk import zipped
from avenue.builder.library.routes.lists import media_asked_for
from avenue.builder.library.routes.media import folder_in
from avenue.builder.library.service import MediaService
from avenue.config import Settings
from avenue.errors import AvenueError, Forbidden, Invalid
from avenue.identity import Actor, Role
from avenue.media.errors import ZipTooLarge
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.intake.models import Incoming, Refusal, UploadResult
from avenue.media.intake.receiving import note_upload
from avenue.web.audit import audited, note_each, nothing_changed
from avenue.web.auth import current_actor, require, safe_next
from avenue.web.headers import PICTURES_POLICY
from avenue.web.language import gettext
from avenue.web.limits import upload_route
from avenue.web.listing import back_with, checked_ids, here_with, joined, number_said, undoable
from avenue.web.pages import YEAR_SECONDS, page, see
from avenue.web.parsing import incoming_files
from avenue.web.services import using

PATH = "/admin/library"
UNUSED = f"{PATH}/reports/unused"
LOOKS = ("grid", "list")
LOOK_COOKIE = "avenue_library"
FILTERS = ("search", "tag", "type", "from", "to", "size", "unused", "without_alt")

blueprint = Blueprint("library_pages", __name__, url_prefix=PATH, template_folder="../../templates")


@blueprint.get("")
@require(Role.EDITOR)
def show_library() -> Response:
    """Show a folder, or the pictures that the URL asks for; `?view=` is remembered."""
    return _library(current_actor())


@blueprint.post("")
@require(Role.EDITOR)
@upload_route
@audited("media.added")
def add_pictures() -> Response:
    """Store the files of a form, and report rejected ones and duplicates."""
    actor, media = current_actor(), using(MediaService)
    try:
        folder, incoming = _received(actor)
        upload_result = media.add(actor, incoming, key=None, folder=folder)
    except AvenueError as error:
        return _library(actor, error)
    note_upload(upload_result)
    twins = {name: twin for name, twin in media.twins(actor, upload_result.assets).items() if twin}
    if upload_result.refusals or twins:
        return _partly(actor, upload_result, twins, folder)
    facts = {"said": "added", "count": str(len(upload_result.assets))}
    return see(joined(PATH, {"folder": folder, **facts} if folder else facts))


@blueprint.post("/bulk")
@require(Role.EDITOR)
@audited("media.changed")
def change_many() -> Response:
    """Move, tag, delete or restore all selected pictures, as the `action` says."""
    act = ACTIONS.get(request.form.get("action", ""))
    if act is None:
        raise Invalid
    ids = checked_ids(MOST_IDS)
    if not ids:
        return _unchanged(NOTHING_CHECKED)
    try:
        return act(current_actor(), ids)
    except (MediaNotFound, FolderNotFound, TooManyTags) as error:
        return _unchanged(error.code)


@blueprint.post("/zip")
@require(Role.EDITOR)
@audited("media.zip_made")
def zip_many() -> Response:
    """Send all selected pictures as one ZIP; the page stays as it is."""
    ids = checked_ids(MOST_IDS)
    if not ids:
        return _unchanged(NOTHING_CHECKED)
    try:
        return zipped(ids)
    except (MediaNotFound, ZipTooLarge) as error:
        return _unchanged(error.code)


def _move(actor: Actor, ids: Sequence[str]) -> Response:
    using(MediaService).move(actor, ids, folder_in(request.form.get("folder", "")))
    return _done("moved", ids)


def _tagged(actor: Actor, ids: Sequence[str], way: str, said: str) -> Response:
    tags = typed_tags(request.form.get("tags", ""))
    if not tags:
        return _unchanged(NO_TAGS)
    try:
        body = checked(Tagging, {"ids": list(ids), way: tags})
    except Invalid:
        return _unchanged(BAD_TAGS)
    using(MediaService).tag(actor, ids, body.add, body.remove)
    return _done(said, ids, "tagged")


def _remove(actor: Actor, ids: Sequence[str]) -> Response:
    force = request.form.get("force") == "1"
    try:
        removed = using(MediaService).remove(actor, ids, force=force)
    except Forbidden:  # used where only administrators may remove it
        return _unchanged(Forbidden.code)
    note_each("media.removed", removed.ids, force=force)
    if removed.kept:
        return still_used(actor, removed)
    return see(back_with(_back(), "removed", len(ids), undo=".".join(ids)))


def _restore(actor: Actor, ids: Sequence[str]) -> Response:
    back = []
    for each in ids:
        try:
            back.append(using(MediaService).restore(actor, each).id)
        except MediaNotFound:
            continue  # purged meanwhile
    if not back:
        return _unchanged(MediaNotFound.code)
    return _done("restored", back)


ACTIONS: Mapping[str, Callable[[Actor, list[str]], Response]] = {
    "move": _move,
    "tag": partial(_tagged, way="add", said="tagged"),
    "untag": partial(_tagged, way="remove", said="untagged"),
    "remove": _remove,
    "restore": _restore,
}
"""The actions on many pictures, by the name of the button."""


def still_used(actor: Actor, removed: Removed) -> Response:
    """Show where the pictures to delete are used, and offer to remove them there."""
    media, folders = using(MediaService).get_all(actor, list(removed.kept)), using(FolderService)
    return page(
        "library/used.html",
        status=200 if removed.ids else 409,
        removed=done_words("removed", len(removed.ids)) if removed.ids else "",
        kept=[
            (each, removed.kept[each.media.id][:MOST_USES], len(removed.kept[each.media.id]))
            for each in shown(actor.site, media, folders.every(actor))
        ],
        back=_back(),
        days=using(Settings).trash_days,
    )


def problem_of(error: AvenueError | None) -> str:
    """Return the message of an error, "" for none."""
    return " ".join(error.said(gettext)) if error else ""


def _done(said: str, ids: Sequence[str], action: str = "") -> Response:
    """Redirect to the list with a message; it is logged for each picture."""
    note_each(f"media.{action or said}", ids)
    return see(back_with(_back(), said, len(ids)))


def _unchanged(why: str) -> Response:
    """Redirect to the list, which says why nothing was done."""
    nothing_changed()
    return see(back_with(_back(), why, 0))


def _back() -> str:
    """Return the URL of the list that a form came from."""
    back = safe_next(request.form.get("back"), PATH)
    return UNUSED if back.partition("?")[0] == UNUSED else PATH


def _library(actor: Actor, error: AvenueError | None = None) -> Response:
    folders = using(FolderService).every(actor)
    here, query = _here(folders), _query()
    found = listed(actor, query)
    look = _look()
    said, problem = messages_in_url()
    response = page(
        "library/library.html",
        csp=PICTURES_POLICY,
        status=error.status if error else 200,
        look=look,
        here=here,
        tree=branches(folders, here),
        items=shown(actor.site, found.items, folders),
        found=found,
        query=query,
        tags=_tags(found.items),
        is_narrowed=any(request.args.get(name) for name in FILTERS),
        is_whole=query.folder is None,
        policy=using(MediaService).policy(actor),
        types=_types(actor),
        at=_at,
        undoable=undoable(MOST_IDS),
        said="" if undoable(MOST_IDS) else said,
        done=said,
        problem=problem_of(error) or problem,
        **_choices(folders, here),
    )
    if request.args.get("view") in LOOKS:
        _remember(response, look)
    return response


def _choices(folders: Sequence[OpenFolder], here: OpenFolder | None) -> dict[str, Any]:
    """Return the choices on the page."""
    inside = {each.folder.id for each in folders if here and here.folder in each.path}
    apart = [each for each in folders if each.folder.id not in inside]
    return {
        "asked": {name: request.args.get(name, "").strip() for name in FILTERS},
        "sorts": SORTS,
        "sizes": {name: title for name, (title, *_) in SIZES.items()},
        "places": choices_of(folders),
        "parents": choices_of(apart),
        "days": using(Settings).trash_days,
        "texts": list_texts(),
    }


def _here(folders: Sequence[OpenFolder]) -> OpenFolder | None:
    """Return the open folder; raise `FolderNotFound`."""
    folder_id = request.args.get("folder") or NO_FOLDER
    if folder_id == NO_FOLDER:
        return None
    found = next((each for each in folders if each.folder.id == folder_id), None)
    if found is None:
        raise FolderNotFound
    return found


def _query() -> MediaQuery:
    """Return the query of the URL; raise `BadCursor`, `InvalidQuery`."""
    query = media_asked_for(g.site)
    if request.args.get("size") in SIZES:
        _title, least, most = SIZES[request.args["size"]]
        query = replace(query, min_bytes=least, max_bytes=most)
    return query


def _types(actor: Actor) -> list[tuple[str, str]]:
    """Return the media types that the library accepts, with their names."""
    taken = using(MediaService).policy(actor).media_types
    return sorted(((each, FILE_TYPES[each].label) for each in taken), key=lambda each: each[1])


def _tags(items: Sequence[Any]) -> list[str]:
    """Return the tags of the shown pictures, and the one in the query."""
    asked = request.args.get("tag", "").strip().lower()
    return sorted({tag for each in items for tag in each.tags} | ({asked} if asked else set()))


def _look() -> str:
    asked = request.args.get("view") or request.cookies.get(LOOK_COOKIE, "")
    return asked if asked in LOOKS else LOOKS[0]


def _remember(response: Response, look: str) -> None:
    """Store the chosen view in a cookie."""
    response.set_cookie(
        LOOK_COOKIE,
        look,
        max_age=YEAR_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _at(**changes: str | None) -> str:
    """Return the URL of this list with some parameters changed; see `here_with`."""
    return here_with(**{"view": None, **changes})


def _received(actor: Actor) -> tuple[str | None, Sequence[Incoming | Refusal]]:
    came = incoming_files(max_bytes=using(MediaService).policy(actor).max_bytes)
    folder = folder_in(came.fields.get("folder", ""))
    return folder, [*came.files, *(Refusal.of(each.name, each.error) for each in came.refused)]


def _partly(
    actor: Actor, upload_result: UploadResult, twins: dict[str, str], folder: str | None
) -> Response:
    folders = using(FolderService).every(actor)
    taken = shown(actor.site, upload_result.assets, folders)
    return page(
        "library/added.html",
        refusals=[(each.name, each.said(gettext)) for each in upload_result.refusals],
        taken=[(each, twins.get(each.media.id)) for each in taken],
        back=joined(PATH, {"folder": folder} if folder else {}),
        way=next((way_of(each) for each in folders if each.folder.id == folder), ""),
    )


def messages_in_url() -> tuple[str, str]:
    """Return the messages in the URL: what was done, and what was not."""
    said = request.args.get("said", "")
    if said in FOLDER_SAID:
        return str(FOLDER_SAID[said]), ""
    why = why_nothing(said, zip_mb=using(Settings).max_zip_mb)
    if why:
        return "", why
    count = number_said("count", MOST_IDS)
    return done_words(said, count) if count else "", ""
