"""Actions on many files of the library, under `/api/builder/media`."""

from collections.abc import Sequence

from flask import Blueprint, Response, g, jsonify

from avenue.builder.library.bodies import MediaZip, Move, Removal, Tagging
from avenue.builder.library.errors import MediaNotFound, TooManyTags
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.presenting import all_json, removed_json
from avenue.builder.library.replies import ChangedMedia, RemovedMedia
from avenue.builder.library.service import MediaService
from avenue.identity import Role, Scope
from avenue.media.errors import DamagedFile, InQuarantine, NotScanned, ZipTooLarge
from avenue.media.serving.delivery import deliver_made
from avenue.media.serving.zipping import ZIP_TYPE
from avenue.web.audit import audited, note, note_each
from avenue.web.auth import current_actor, require
from avenue.web.describing import Reply, described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("media_together", __name__, url_prefix="/api/builder/media")


@blueprint.post("/move")
@require(Role.EDITOR)
@described(body=Move, replies={200: ChangedMedia}, refuses=(MediaNotFound, FolderNotFound))
@audited("media.moved")
def move_media() -> Response:
    """Move up to 200 files to a folder, or out of folders; all or none."""
    body = body_as(Move)
    moved = using(MediaService).move(current_actor(), body.ids, body.folder)
    note_each("media.moved", body.ids, folder=body.folder or "")
    return jsonify(all_json(g.site, moved))


@blueprint.post("/tag")
@require(Role.EDITOR)
@described(body=Tagging, replies={200: ChangedMedia}, refuses=(MediaNotFound, TooManyTags))
@audited("media.tagged")
def tag_media() -> Response:
    """Add tags to up to 200 files and remove some; all or none."""
    body = body_as(Tagging)
    tagged = using(MediaService).tag(current_actor(), body.ids, body.add, body.remove)
    note_each("media.tagged", body.ids)
    return jsonify(all_json(g.site, tagged))


@blueprint.post("/remove")
@require(Role.EDITOR)
@described(body=Removal, replies={200: RemovedMedia}, refuses=(MediaNotFound,))
@audited("media.removed")
def remove_many() -> Response:
    """Move up to 200 files to the trash; used ones stay, unless `force` is true."""
    body = body_as(Removal)
    removed = using(MediaService).remove(current_actor(), body.ids, force=body.force)
    note_each("media.removed", removed.ids, force=body.force)
    return jsonify(removed_json(g.site, removed))


@blueprint.post("/zip")
@require(Role.EDITOR, scope=Scope.READ)
@described(
    body=MediaZip,
    replies={200: Reply({ZIP_TYPE: bytes}, "The ZIP.", ("Content-Disposition",))},
    refuses=(MediaNotFound, ZipTooLarge, DamagedFile, NotScanned, InQuarantine),
)
@audited("media.zip_made")
def zip_media() -> Response:
    """Return up to 500 files as one ZIP; all or none."""
    return zipped(body_as(MediaZip).ids)


def zipped(ids: Sequence[str]) -> Response:
    """Return files as a ZIP and log it; raise `MediaNotFound`, `ZipTooLarge`."""
    made = using(MediaService).zip(current_actor(), ids)
    note(assets=sorted(ids))
    return deliver_made(made.pieces(), made.length, name=f"{g.site.name}.zip", media_type=ZIP_TYPE)
