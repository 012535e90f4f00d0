"""Forms of folders: create, rename, move, delete."""

from flask import Blueprint, Response, request

from avenue.builder.library.folders.bodies import FolderChanges, NewFolder
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.pages.lists import PATH, problem_of
from avenue.builder.library.pages.shown import choices_of
from avenue.builder.library.pages.typed import checked
from avenue.errors import AvenueError
from avenue.identity import Role
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.listing import joined
from avenue.web.pages import page, see, shown_again
from avenue.web.services import using

blueprint = Blueprint(
    "library_folder_pages",
    __name__,
    url_prefix=f"{PATH}/folders",
    template_folder="../../templates",
)


def _show(error: AvenueError, folder_id: str | None = None) -> Response:
    """Show the form of a folder, or of a new one, with an error."""
    folders = using(FolderService).every(current_actor())
    folder = next((each for each in folders if each.folder.id == folder_id), None)
    parent = request.form.get("parent", "")
    return page(
        "library/folder.html",
        status=error.status,
        folder=folder,
        typed={"name": request.form.get("name", folder.folder.name if folder else "")},
        parent=parent or (folder.folder.parent if folder else "") or "",
        parents=choices_of(folders),
        problem=problem_of(error),
    )


@blueprint.post("")
@require(Role.EDITOR)
@audited("media_folder.created")
@shown_again(_show, besides=FolderNotFound)
def make_folder() -> Response:
    """Create a folder, at the top or in `parent`."""
    form = request.form
    values = {"name": form.get("name", ""), "parent": form.get("parent") or None}
    wanted = checked(NewFolder, values)
    made = using(FolderService).create(current_actor(), wanted.name, wanted.parent)
    note(object_id=made.folder.id)
    return _see(wanted.parent, "made")


@blueprint.post("/<folder_id>")
@require(Role.EDITOR)
@audited("media_folder.changed", "folder_id")
@shown_again(_show, besides=FolderNotFound)
def change_folder(folder_id: str) -> Response:
    """Rename a folder, or move it into another one."""
    form = request.form
    using(FolderService).get(current_actor(), folder_id)
    values = {"name": form.get("name", ""), "parent": form.get("parent") or None}
    changes = checked(FolderChanges, {name: values[name] for name in values if name in form})
    fields = changes.model_dump(exclude_unset=True)
    using(FolderService).change(current_actor(), folder_id, fields)
    return _see(folder_id, "renamed")


@blueprint.post("/<folder_id>/delete")
@require(Role.EDITOR)
@audited("media_folder.deleted", "folder_id")
@shown_again(_show, besides=FolderNotFound)
def delete_folder(folder_id: str) -> Response:
    """Delete an empty folder."""
    actor = current_actor()
    folder = using(FolderService).get(actor, folder_id)
    using(FolderService).delete(actor, folder_id)
    return _see(folder.folder.parent, "deleted")


def _see(folder_id: str | None, said: str) -> Response:
    return see(joined(PATH, {"folder": folder_id, "said": said} if folder_id else {"said": said}))
