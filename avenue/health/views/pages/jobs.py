"""`/admin/infrastructure/migration`: running, waiting, periodic and finished jobs."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response

from avenue.health.views.pages import words
from avenue.health.views.pages.tabs import INFRASTRUCTURE, done, tab_page
from avenue.identity import Actor, Role
from avenue.jobs.access import JobAccess
from avenue.jobs.models import Job, State as JobState
from avenue.jobs.presenting import acts_of
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext
from avenue.web.services import using

IMPORTS = {
    "product_import": "/admin/imports/{}",
    "product_import_undo": "/admin/imports/{}",
    "pictures_by_sku": "/admin/imports/pictures/{}",
}
"""The panel's page of what a job works on, by its argument `import`."""
ORDER = (JobState.RUNNING, JobState.QUEUED, JobState.PAUSED)

blueprint = Blueprint(
    "job_pages", __name__, url_prefix=INFRASTRUCTURE, template_folder="../../templates"
)


@blueprint.get("/migration")
@require(Role.OPS)
def show_migration() -> Response:
    """Show running, waiting, periodic and finished jobs."""
    actor = current_actor()
    work = using(JobAccess).work(actor)
    once = [each for each in work.unfinished if each.every_seconds is None]
    at_work = sorted(once, key=lambda each: ORDER.index(each.state))
    return tab_page(
        "health/migration.html",
        at_work=jobs_shown(at_work, actor),
        periodic=[
            job_shown(each, actor) for each in work.unfinished if each.every_seconds is not None
        ],
        past=jobs_shown(work.finished, actor),
        moving=any(each.may_be_cancelled for each in at_work),
        texts=words.texts(),
    )


@blueprint.post("/jobs/<job_id>/pause")
@audited("job.paused", "job_id")
@require(Role.OPS)
def pause_job(job_id: str) -> Response:
    """Pause a job."""
    return _change("paused", lambda job_access: job_access.pause(current_actor(), job_id))


@blueprint.post("/jobs/<job_id>/resume")
@audited("job.resumed", "job_id")
@require(Role.OPS)
def resume_job(job_id: str) -> Response:
    """Resume a paused job."""
    return _change("resumed", lambda job_access: job_access.resume(current_actor(), job_id))


@blueprint.post("/jobs/<job_id>/cancel")
@audited("job.cancelled", "job_id")
@require(Role.OPS)
def cancel_job(job_id: str) -> Response:
    """Cancel a job; what it has done stays."""
    return _change("cancelled", lambda job_access: job_access.cancel(current_actor(), job_id))


def _change(said: str, change: Callable[[JobAccess], Job]) -> Response:
    def do() -> None:
        note(kind=change(using(JobAccess)).kind)

    return done(f"{INFRASTRUCTURE}/migration", said, do)


def jobs_shown(jobs: Iterable[Job], actor: Actor) -> list[dict[str, Any]]:
    """Return the data of jobs for `health/_jobs.html`."""
    return [job_shown(each, actor) for each in jobs]


def job_shown(job: Job, actor: Actor) -> dict[str, Any]:
    """Return the data of a job for `health/_jobs.html`."""
    done, total = job.progress.done, job.progress.total
    return {
        "id": job.id,
        "name": words.KINDS.get(job.kind, job.kind),
        "site": job.site if actor.runs_deployment else None,
        "state": job.state,
        "stands": words.WISHES[job.wish] if job.wish else words.JOB_STATES[job.state],
        "wish": job.wish,
        "done": done,
        "total": total,
        "numbers": _numbers(done, total),
        "error": words.job_error(job.error) if job.error else None,
        "began_at": job.started_at or job.created_at,
        "finished_at": job.finished_at,
        "run_at": job.run_at,
        "may": acts_of(job),
        "path": _path_of(job, actor),
    }


def _numbers(done: int, total: int | None) -> str:
    if total is not None:
        facts = {"done": words.number(done, 0), "total": words.number(total, 0)}
        return gettext("%(done)s of %(total)s", **facts)
    return gettext("%(done)s done", done=words.number(done, 0)) if done else ""


def _path_of(job: Job, actor: Actor) -> str | None:
    """Return the page of what a job works on, if the reader may see it."""
    named = job.args.get("import")
    pattern = IMPORTS.get(job.kind)
    if pattern is None or named is None or job.site != actor.site.id or not actor.is_admin:
        return None
    return pattern.format(named)
