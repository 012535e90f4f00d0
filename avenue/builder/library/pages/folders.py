"""Forms of folders: create, rename, move, delete."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from avenue.builder.library.folders.bodies import FolderChanges, NewFolder
from avenue.builder.library.folders.errors import FolderNotFound
from avenue.builder.library.folders.models import OpenFolder
from avenue.builder.library.folders.service import FolderService
from avenue.builder.library.pages.lists import PATH, problem_of
from avenue.builder.library.pages.shown import choices_of
from avenue.builder.library.pages.typed import checked
from avenue.errors import AvenueError
from avenue.identity import Actor, Role
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.listing import joined
from avenue.web.pages import page, see
from avenue.web.services import using

blueprint = Blueprint(
    "library_folder_pages",
    __name__,
    url_prefix=f"{PATH}/folders",
    template_folder="../../templates",
)


@blueprint.post("")
@require(Role.EDITOR)
@audited("media_folder.created")
def make_folder() -> Response:
    """Create a folder, at the top or in `parent`."""
    actor, form = current_actor(), request.form
    values = {"name": form.get("name", ""), "parent": form.get("parent") or None}

    def work() -> str:
        wanted = checked(NewFolder, values)
        made = using(FolderService).create(actor, wanted.name, wanted.parent)
        note(object_id=made.folder.id)
        return _page_of(wanted.parent, "made")

    return _done(actor, None, work)


@blueprint.post("/<folder_id>")
@require(Role.EDITOR)
@audited("media_folder.changed", "folder_id")
def change_folder(folder_id: str) -> Response:
    """Rename a folder, or move it into another one."""
    actor, form = current_actor(), request.form
    folder = using(FolderService).get(actor, folder_id)
    values = {"name": form.get("name", ""), "parent": form.get("parent") or None}

    def work() -> str:
        changes = checked(FolderChanges, {name: values[name] for name in values if name in form})
        using(FolderService).change(actor, folder_id, changes.model_dump(exclude_unset=True))
        return _page_of(folder_id, "renamed")

    return _done(actor, folder, work)


@blueprint.post("/<folder_id>/delete")
@require(Role.EDITOR)
@audited("media_folder.deleted", "folder_id")
def delete_folder(folder_id: str) -> Response:
    """Delete an empty folder."""
    actor = current_actor()
    folder = using(FolderService).get(actor, folder_id)

    def work() -> str:
        using(FolderService).delete(actor, folder_id)
        return _page_of(folder.folder.parent, "deleted")

    return _done(actor, folder, work)


def _page_of(folder_id: str | None, said: str) -> str:
    return joined(PATH, {"folder": folder_id, "said": said} if folder_id else {"said": said})


def _done(actor: Actor, folder: OpenFolder | None, work: Callable[[], str]) -> Response:
    """Run the `work` of a form and redirect as it says; an error is shown beside the form."""
    try:
        return see(work())
    except FolderNotFound:
        raise
    except AvenueError as error:
        folders = using(FolderService).every(actor)
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
