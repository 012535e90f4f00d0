"""`/admin/uploads/<id>`: one upload, its details and the actions on it."""

from typing import Any

from flask import Blueprint, Response, request

from avenue.bodies import LONGEST_NAME
from avenue.config import Settings
from avenue.errors import AvenueError, NotFound
from avenue.identity import Actor
from avenue.media.models import Asset, State, Visibility
from avenue.uploads.bodies import LONGEST_REFERENCE, checked_reference
from avenue.uploads.kinds import preview_of
from avenue.uploads.pages.sharing import sharing_facts
from avenue.uploads.pages.shown import rows
from avenue.uploads.pages.uploads import PATH
from avenue.uploads.pages.words import SAID
from avenue.uploads.service import UploadService
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.headers import FILES_POLICY
from avenue.web.language import gettext as _
from avenue.web.listing import joined
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

blueprint = Blueprint("upload_pages", __name__, url_prefix=PATH, template_folder="../templates")


def _show(error: AvenueError | None, upload_id: str) -> Response:
    actor, uploads = current_actor(), using(UploadService)
    trashed = uploads.trashed(actor, upload_id)
    return _shown(actor, trashed or uploads.get(actor, upload_id), error)


@blueprint.get("/<upload_id>")
@require()
def show_upload(upload_id: str) -> Response:
    """Show an upload with a preview; also one in the trash, to those who may restore it."""
    return _show(None, upload_id)


@blueprint.post("/<upload_id>")
@require()
@audited("upload.changed", "upload_id")
@shown_again(_show, besides=NotFound)
def change_upload(upload_id: str) -> Response:
    """Save the changed fields of a form."""
    actor, uploads = current_actor(), using(UploadService)
    upload = uploads.get(actor, upload_id)
    changes = _typed(actor, upload)
    if changes:
        uploads.change(actor, upload_id, changes)
    if not changes:
        nothing_changed()
    note(fields=sorted(changes))
    return see(f"{PATH}/{upload_id}?said=saved")


@blueprint.post("/<upload_id>/remove")
@require()
@audited("upload.removed", "upload_id")
@shown_again(_show, besides=NotFound)
def remove_upload(upload_id: str) -> Response:
    """Move an upload to the trash, and offer to restore it."""
    actor, uploads = current_actor(), using(UploadService)
    uploads.remove(actor, upload_id)
    return see(joined(PATH, {"said": "removed", "count": "1", "undo": upload_id}))


@blueprint.post("/<upload_id>/restore")
@require()
@audited("upload.restored", "upload_id")
@shown_again(_show, besides=NotFound)
def restore_upload(upload_id: str) -> Response:
    """Restore an upload from the trash."""
    actor, uploads = current_actor(), using(UploadService)
    uploads.restore(actor, upload_id)
    return see(f"{PATH}/{upload_id}?said=restored")


def _typed(actor: Actor, upload: Asset) -> dict[str, Any]:
    """Return the changed fields of a form; raise `BadReference`."""
    form, typed = request.form, dict[str, Any]()
    if form.get("name", "").strip():
        typed["name"] = form["name"].strip()[:LONGEST_NAME]
    if "reference" in form:
        typed["reference"] = checked_reference(form["reference"])
    if actor.is_admin and "may_hold" in form:
        typed["hold"] = "hold" in form
    return {name: each for name, each in typed.items() if each != getattr(upload, name)}


def _shown(actor: Actor, upload: Asset, error: AvenueError | None = None) -> Response:
    [row] = rows(actor, [upload])
    version, in_trash = upload.current, upload.state is State.TRASH
    is_picture = version.width is not None
    preview = preview_of(version.media_type, version.bytes, is_picture=is_picture)
    return page(
        "uploads/upload.html",
        csp=FILES_POLICY,
        status=error.status if error else 200,
        row=row,
        upload=upload,
        version=version,
        in_trash=in_trash,
        is_public=upload.visibility is Visibility.PUBLIC,
        preview=None if in_trash else preview,
        days=using(Settings).trash_days,
        typed={
            "name": request.form.get("name", upload.name),
            "reference": request.form.get("reference", upload.reference or ""),
        },
        most_name=LONGEST_NAME,
        most_reference=LONGEST_REFERENCE,
        said=SAID.get(request.args.get("said", "")),
        problem=" ".join(error.said(_)) if error else "",
        **sharing_facts(upload),
    )
