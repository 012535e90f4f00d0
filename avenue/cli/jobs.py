"""Commands about background work: `jobs list|run|pause|resume|cancel`."""

import sys
from collections.abc import Callable

import click

from avenue.app.background import Background
from avenue.app.job_kinds import PERIODIC
from avenue.app.services import Services
from avenue.cli.context import (
    as_json,
    database_of,
    finished,
    local,
    say,
    services_of,
    settings_in_force,
)
from avenue.health.checks.inspection import INSPECT
from avenue.identity import DEFAULT_SITE
from avenue.jobs.models import Job
from avenue.jobs.presenting import job_json
from avenue.jobs.service import JobService

ALSO_CALLED = {"inspection": INSPECT}

which_job = click.argument("job_id", metavar="ID")


@click.group()
def jobs() -> None:
    """Background jobs: running, queued, paused and finished."""


@jobs.command(name="list")
@click.option("--site", help="Only jobs of this site. By default all jobs.")
@click.option("--all", "with_past", is_flag=True, help="Include finished jobs.")
@local
@as_json
def list_jobs(*, site: str | None, with_past: bool, is_local: bool, wants_json: bool) -> None:
    """List jobs that are running, queued or paused, newest first."""
    with services_of(is_local=is_local) as services:
        found = services.jobs.unfinished(site=site)
        if with_past:
            found += services.jobs.finished(site=site)
    items = [job_json(each) for each in found]
    text = "\n".join(map(_line, found)) or "No jobs."
    say(wants_json, {"items": items, "next": None, "total": len(items)}, text)


@jobs.command()
@click.argument("name", metavar="NAME", type=click.Choice([*PERIODIC, *ALSO_CALLED]))
@local
@as_json
def run(*, name: str, is_local: bool, wants_json: bool) -> None:
    """Run a periodic job now and print its result.

    NAME is snapshot, inspection, references, sweep, scrub, count_quotas, count_sites, remove_sites,
    purge_moved, publish_pages, purge, webhooks, backup, backup_verify, backup_drill or scan. Exit
    code 1: the job failed; the reason is printed.
    """
    with settings_in_force(is_local=is_local) as settings, database_of(settings) as database:
        background = Background(settings, database)
        job = background.begin(ALSO_CALLED.get(name, name))
        Services(settings, database).audit.record_command(
            DEFAULT_SITE, "jobs run", "job.begun", job.id, details={"kind": job.kind}
        )
        job = finished(background, job.id)
    result = dict(job.result or {})
    told = ", ".join(f"{name} {value}" for name, value in result.items())
    text = job.error or f"{job.kind}: {told or 'done'}"
    say(wants_json, {**job_json(job), "result": result}, text)
    sys.exit(1 if job.error else 0)


@jobs.command()
@which_job
@local
@as_json
def pause(*, job_id: str, is_local: bool, wants_json: bool) -> None:
    """Pause a job until it is resumed; a running job pauses at its next checkpoint."""
    _change("pause", "job.paused", lambda service: service.pause(job_id), is_local, wants_json)


@jobs.command()
@which_job
@local
@as_json
def resume(*, job_id: str, is_local: bool, wants_json: bool) -> None:
    """Resume a paused job where it stopped."""
    _change("resume", "job.resumed", lambda service: service.resume(job_id), is_local, wants_json)


@jobs.command()
@which_job
@local
@as_json
def cancel(*, job_id: str, is_local: bool, wants_json: bool) -> None:
    """Cancel a job; what it has done is kept. Periodic jobs can only be paused."""
    _change("cancel", "job.cancelled", lambda service: service.cancel(job_id), is_local, wants_json)


def _change(
    command: str,
    action: str,
    change: Callable[[JobService], Job],
    is_local: bool,
    wants_json: bool,
) -> None:
    with services_of(is_local=is_local) as services:
        job = change(services.jobs)
        services.audit.record_command(
            job.site or DEFAULT_SITE, f"jobs {command}", action, job.id, details={"kind": job.kind}
        )
    say(wants_json, job_json(job), _line(job))


def _line(job: Job) -> str:
    state = f"{job.state} ({job.wish} asked)" if job.wish else str(job.state)
    done, total = job.progress.done, job.progress.total
    progress = f"{done} of {'?' if total is None else total}"
    return "  ".join((job.id, job.kind, job.site or "-", state, progress, job.error or "")).rstrip()
