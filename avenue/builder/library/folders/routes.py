"""The folders of the library as JSON, under `/api/builder/folders`."""

from flask import Blueprint, Response, jsonify

from avenue.builder.library.folders.bodies import FolderChanges, NewFolder
from avenue.builder.library.folders.errors import (
    FolderInItself,
    FolderNameTaken,
    FolderNotEmpty,
    FolderNotFound,
    FolderTooDeep,
    TooManyFolders,
)
from avenue.builder.library.folders.presenting import folder_json, folders_json
from avenue.builder.library.folders.replies import Folder, FolderList
from avenue.builder.library.folders.service import FolderService
from avenue.identity import Role
from avenue.web.audit import audited
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("media_folders", __name__, url_prefix="/api/builder/folders")


@blueprint.get("")
@require(Role.EDITOR)
@described(replies={200: FolderList})
def list_folders() -> Response:
    """List all folders of the library, each after its parent."""
    return jsonify(folders_json(using(FolderService).every(current_actor())))


@blueprint.post("")
@require(Role.EDITOR)
@described(
    body=NewFolder,
    replies={201: Folder},
    refuses=(FolderNotFound, FolderNameTaken, FolderTooDeep, TooManyFolders),
)
@audited("media_folder.created")
def create_folder() -> tuple[Response, int]:
    """Create a folder, at the top or in another one."""
    body = body_as(NewFolder)
    made = using(FolderService).create(current_actor(), body.name, body.parent)
    return jsonify(folder_json(made)), 201


@blueprint.get("/<folder_id>")
@require(Role.EDITOR)
@described(replies={200: Folder}, refuses=(FolderNotFound,))
def show_folder(folder_id: str) -> Response:
    """Show one folder."""
    return jsonify(folder_json(using(FolderService).get(current_actor(), folder_id)))


@blueprint.patch("/<folder_id>")
@require(Role.EDITOR)
@described(
    body=FolderChanges,
    replies={200: Folder},
    refuses=(FolderNotFound, FolderNameTaken, FolderTooDeep, FolderInItself),
)
@audited("media_folder.changed", "folder_id")
def change_folder(folder_id: str) -> Response:
    """Rename a folder, or move it with its contents."""
    changes = body_as(FolderChanges).model_dump(exclude_unset=True)
    return jsonify(folder_json(using(FolderService).change(current_actor(), folder_id, changes)))


@blueprint.delete("/<folder_id>")
@require(Role.EDITOR)
@described(replies={204: None}, refuses=(FolderNotFound, FolderNotEmpty))
@audited("media_folder.deleted", "folder_id")
def delete_folder(folder_id: str) -> tuple[str, int]:
    """Delete an empty folder."""
    using(FolderService).delete(current_actor(), folder_id)
    return "", 204
