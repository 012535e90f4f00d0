"""`/admin/library/<id>`: one picture, its details and the actions on it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from avenue.builder.library.bodies import MediaChanges
from avenue.builder.library.errors import MediaNotFound
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.pages.lists import PATH, problem_of, still_used
from avenue.builder.library.pages.shown import (
    choices_of,
    cuts,
    languages_of,
    shown,
    tongue,
)
from avenue.builder.library.pages.snippets import html_of, markdown_of, sizes_of
from avenue.builder.library.pages.typed import checked, typed_tags
from avenue.builder.library.pages.words import CUT_NAMES, SAID, media_texts
from avenue.builder.library.presenting import MOST_USES, media_versions_json
from avenue.builder.library.service import MediaService
from avenue.config import Settings
from avenue.errors import AvenueError, Invalid
from avenue.identity import Role, is_id
from avenue.media.intake.receiving import note_upload, received
from avenue.media.models import Asset, State
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.headers import PICTURES_POLICY
from avenue.web.language import gettext as _
from avenue.web.limits import upload_route
from avenue.web.listing import joined
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

ALT = "alt."
PERCENT = 100.0

blueprint = Blueprint("media_pages", __name__, url_prefix=PATH, template_folder="../../templates")


def _show_error(error: AvenueError, media_id: str) -> Response:
    return _shown(using(MediaService).get(current_actor(), media_id), error)


def _show_form(error: AvenueError, media_id: str) -> Response:
    return _shown(using(MediaService).get(current_actor(), media_id), error, request.form)


@blueprint.get("/<media_id>")
@require(Role.EDITOR)
def show_media(media_id: str) -> Response:
    """Show a picture, also one in the trash."""
    return _shown(_there(media_id))


@blueprint.post("/<media_id>")
@require(Role.EDITOR)
@audited("media.changed", "media_id")
@shown_again(_show_form, besides=MediaNotFound)
def change_media(media_id: str) -> Response:
    """Save the changed fields of a form."""
    actor, media = current_actor(), using(MediaService)
    changes = _typed(media.get(actor, media_id))
    if changes:
        media.change(actor, media_id, changes)
    if not changes:
        nothing_changed()
    note(fields=sorted(changes))
    return _see(media_id, "saved")


@blueprint.post("/<media_id>/focal")
@require(Role.EDITOR)
@audited("media.changed", "media_id")
@shown_again(_show_form, besides=MediaNotFound)
def set_focal_point(media_id: str) -> Response:
    """Set the focal point (`x` and `y` in percent), or reset it with `automatic`."""
    using(MediaService).change(current_actor(), media_id, {"focal": _focal()})
    return _see(media_id, "focal")


@blueprint.post("/<media_id>/file")
@require(Role.EDITOR)
@upload_route
@audited("media.replaced", "media_id")
@shown_again(_show_error, besides=MediaNotFound)
def replace_media(media_id: str) -> Response:
    """Replace the file of a picture with that of a form; its id and its uses stay."""
    actor, media = current_actor(), using(MediaService)
    media.get(actor, media_id)  # check it before anything is read
    upload_result = media.replace(actor, media_id, received(media.policy(actor)), key=None)
    note_upload(upload_result)
    return _see(media_id, "replaced" if upload_result.created else "same")


@blueprint.post("/<media_id>/versions/<version>/restore")
@require(Role.EDITOR)
@audited("media.version_restored", "media_id")
def bring_version_back(media_id: str, version: str) -> Response:
    """Restore an older version."""
    using(MediaService).bring_back(current_actor(), media_id, version)
    return _see(media_id, "version")


@blueprint.post("/<media_id>/remove")
@require(Role.EDITOR)
@audited("media.removed", "media_id")
def remove_media(media_id: str) -> Response:
    """Move a picture to the trash, or say where it is used; `instead` is shown afterwards."""
    actor = current_actor()
    removed = using(MediaService).remove(actor, [media_id])
    if removed.kept:
        return still_used(actor, removed)
    instead = request.form.get("instead", "")
    if is_id(instead):
        return see(f"{PATH}/{instead}")
    return see(joined(PATH, {"said": "removed", "count": "1", "undo": media_id}))


@blueprint.post("/<media_id>/restore")
@require(Role.EDITOR)
@audited("media.restored", "media_id")
def restore_media(media_id: str) -> Response:
    """Restore a picture from the trash."""
    using(MediaService).restore(current_actor(), media_id)
    return _see(media_id, "restored")


def _there(media_id: str) -> Asset:
    """Return a picture, live or in the trash; raise `MediaNotFound`."""
    actor, media = current_actor(), using(MediaService)
    return media.trashed(actor, media_id) or media.get(actor, media_id)


def _see(media_id: str, said: str) -> Response:
    return see(f"{PATH}/{media_id}?said={said}")


def _typed(picture: Asset) -> dict[str, Any]:
    """Return the changed fields of a form; raise `Invalid`."""
    form = request.form
    values: dict[str, Any] = {"decorative": "decorative" in form}
    values["alt"] = {
        **picture.alt,
        **{name.removeprefix(ALT): text for name, text in form.items() if name.startswith(ALT)},
    }
    if "name" in form:
        values["name"] = form["name"]
    if "folder" in form:
        values["folder"] = form["folder"] or None
    if "tags" in form:
        values["tags"] = typed_tags(form["tags"])
    typed = checked(MediaChanges, values).model_dump(exclude_unset=True)
    typed["alt"] = {language: text for language, text in typed["alt"].items() if text}
    now = {name: getattr(picture, name) for name in typed}
    now |= {"alt": dict(picture.alt), "tags": list(picture.tags)}
    return {name: value for name, value in typed.items() if value != now[name]}


def _focal() -> list[float] | None:
    if "automatic" in request.form:
        return None
    try:
        shares = [float(request.form.get(name, "")) / PERCENT for name in ("x", "y")]
        if all(0 <= each <= 1 for each in shares):
            return shares
    except ValueError:
        pass
    raise Invalid(_("The focal point needs two numbers from 0 to 100."))


def _shown(
    picture: Asset, error: AvenueError | None = None, form: Mapping[str, str] | None = None
) -> Response:
    """Show a picture, an error if there is one, and the rejected `form` as it was sent."""
    actor, media = current_actor(), using(MediaService)
    folders = using(FolderService).every(actor)
    [item] = shown(actor.site, [picture], folders)
    in_trash = picture.state is State.TRASH
    uses = media.uses_of(actor, [picture.id]).get(picture.id, ())
    return page(
        "library/media.html",
        csp=PICTURES_POLICY,
        status=error.status if error else 200,
        item=item,
        media=picture,
        in_trash=in_trash,
        uses=uses[:MOST_USES],
        total=len(uses),
        versions=media_versions_json(g.site, picture)["items"],
        sizes=sizes_of(g.site, picture),
        html=html_of(item.told, "" if picture.decorative else item.alt),
        markdown=markdown_of(item.told, item.alt),
        languages={each: tongue(each) for each in languages_of(g.site)},
        places=choices_of(folders),
        typed=_as_typed(picture, form or {}),
        policy=media.policy(actor),
        cuts=cuts(),
        cut_names=CUT_NAMES,
        days=using(Settings).trash_days,
        texts=media_texts(),
        said=SAID.get(request.args.get("said", "")),
        problem=problem_of(error),
    )


def _as_typed(picture: Asset, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the values of the form: what was typed, if it was rejected."""
    return {
        "name": form.get("name", picture.name),
        "alt": {
            each: form.get(f"{ALT}{each}", picture.alt.get(each, ""))
            for each in languages_of(g.site)
        },
        "decorative": "decorative" in form if "name" in form else picture.decorative,
        "folder": form.get("folder", picture.folder or ""),
        "tags": form.get("tags", ", ".join(picture.tags)),
    }
