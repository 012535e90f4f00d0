"""`/admin/infrastructure/backups`: the state of backups, and buttons to work on them."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request
from flask_babel import LazyString

from avenue.backup.errors import NoBackupTarget
from avenue.backup.one import KINDS
from avenue.backup.repository import SNAPSHOT_ID
from avenue.backup.service import JOBS, RETURN, BackupService
from avenue.backup.store import Deed
from avenue.health.views.pages import words
from avenue.health.views.pages.jobs import jobs_shown
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tabs_for
from avenue.identity import ID_PATTERN, Role
from avenue.jobs.access import JobAccess
from avenue.jobs.models import Job
from avenue.web.audit import audited, note, nothing_changed
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext, lazy_gettext as _
from avenue.web.pages import page, see, size
from avenue.web.services import using

PATH = f"{INFRASTRUCTURE}/backups"
NAMES: Mapping[Deed, LazyString] = {
    Deed.CREATED: _("Backup"),
    Deed.VERIFIED: _("Check"),
    Deed.DRILLED: _("Trial restore"),
}
BUTTONS: Mapping[Deed, LazyString] = {
    Deed.CREATED: _("Back up now"),
    Deed.VERIFIED: _("Check now"),
    Deed.DRILLED: _("Run trial restore now"),
}
THINGS: Mapping[str, LazyString] = {
    "product": _("Product"),
    "group": _("Group"),
    "page": _("Page"),
    "picture": _("Image"),
    "upload": _("Upload"),
}
SAID: Mapping[str, LazyString] = {
    "started": _("Started. See its progress below."),
}
PROBLEMS: Mapping[str, LazyString] = {
    NoBackupTarget.code: _("No backup target is set: see AVENUE_BACKUP_TO."),
    "nothing_wanted": _("Choose a snapshot and what to restore, and enter its ID."),
}

blueprint = Blueprint("backup_pages", __name__, url_prefix=PATH, template_folder="templates")


@blueprint.get("")
@require(Role.OPS)
def show_backups() -> Response:
    """Show the state of backups, running jobs, and the snapshots."""
    actor = current_actor()
    overview = using(BackupService).overview(actor)
    kinds = {*JOBS.values(), RETURN}
    work = using(JobAccess).work(actor)
    at_work = [each for each in work.unfinished if each.kind in kinds and _is_at_work(each)]
    return page(
        "backup/backups.html",
        tabs=tabs_for(actor),
        here=request.path,
        overview=overview,
        last=[(NAMES[deed], overview.last.get(deed)) for deed in Deed],
        problem_of_target=" ".join(overview.problem.said(gettext)) if overview.problem else None,
        buttons=BUTTONS,
        things=THINGS,
        size=size,
        number=lambda value: words.number(value, 0),
        jobs=jobs_shown(at_work, actor),
        past=jobs_shown([each for each in work.finished if each.kind in kinds][:10], actor),
        said=SAID.get(request.args.get("said", "")),
        problem=PROBLEMS.get(request.args.get("problem", "")),
    )


@blueprint.post("/start")
@audited("job.begun")
@require(Role.OPS)
def start() -> Response:
    """Start a backup, a check or a trial restore."""
    deed = request.form.get("do", "")
    if deed not in {each.value for each in Deed}:
        return _refused("nothing_wanted")
    return _started(lambda: using(BackupService).start(current_actor(), Deed(deed)))


@blueprint.post("/restore")
@audited("job.begun")
@require(Role.OPS)
def bring_back() -> Response:
    """Start restoring one thing."""
    form = {name: request.form.get(name, "").strip() for name in ("snapshot", "kind", "id")}
    is_whole = SNAPSHOT_ID.fullmatch(form["snapshot"]) and ID_PATTERN.fullmatch(form["id"])
    if not is_whole or form["kind"] not in KINDS:
        return _refused("nothing_wanted")
    service = using(BackupService)
    return _started(lambda: service.bring_back(current_actor(), *form.values()))


def _started(do: Callable[[], Job]) -> Response:
    try:
        job = do()
    except NoBackupTarget as error:
        return _refused(error.code)
    note(object_id=job.id, kind=job.kind)
    return see(f"{PATH}?said=started")


def _refused(problem: str) -> Response:
    nothing_changed()
    return see(f"{PATH}?problem={problem}")


def _is_at_work(job: Job) -> bool:
    """Return whether a job is running, or was started manually and waits."""
    return job.every_seconds is None or job.holder is not None
