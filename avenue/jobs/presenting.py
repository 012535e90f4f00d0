"""Conversion of jobs to JSON, for routes and commands. Arguments and results are left out."""

from avenue.clock import iso
from avenue.jobs.models import Job
from avenue.jobs.replies import Act, JobReply


def job_json(job: Job) -> JobReply:
    """Return a job as operators see it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "site": job.site,
        "state": job.state,
        "wish": job.wish,
        "done": job.progress.done,
        "total": job.progress.total,
        "attempts": job.attempts,
        "error": job.error,
        "every_seconds": job.every_seconds,
        "run_at": iso(job.run_at),
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at) if job.started_at else None,
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "may": acts_of(job),
    }


def acts_of(job: Job) -> list[Act]:
    """Return the actions that would have an effect on a job now."""
    may: list[tuple[Act, bool]] = [
        ("pause", job.may_be_paused),
        ("resume", job.may_be_resumed),
        ("cancel", job.may_be_cancelled),
    ]
    return [act for act, is_allowed in may if is_allowed]
