"""Background jobs for operators: list, pause, resume, cancel.

Operators of a site see and control the jobs of that site; those of the deployment, all jobs.
"""

from dataclasses import dataclass

from avenue.identity import Actor, Role
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job
from avenue.jobs.service import JobService


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The jobs the actor may see, newest first: unfinished ones and finished ones.

    `failed` are the failed ones, however many have succeeded since.
    """

    unfinished: tuple[Job, ...]
    finished: tuple[Job, ...]
    failed: tuple[Job, ...]


class JobAccess:
    """Jobs for operators. Every method raises `Forbidden` for others."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    def work(self, actor: Actor) -> Work:
        """Return the jobs the actor may see."""
        site = _seen_by(actor)
        return Work(
            unfinished=tuple(self._jobs.unfinished(site=site)),
            finished=tuple(self._jobs.finished(site=site)),
            failed=tuple(self._jobs.failed(site=site)),
        )

    def get(self, actor: Actor, job_id: str) -> Job:
        """Return one job the actor may see; raise `JobNotFound`."""
        site, job = _seen_by(actor), self._jobs.get(job_id)
        if site is not None and job.site != site:
            raise JobNotFound
        return job

    def pause(self, actor: Actor, job_id: str) -> Job:
        """Pause a job, at once or at its next save; raise `JobNotFound`, `JobOver`."""
        return self._jobs.pause(self.get(actor, job_id).id)

    def resume(self, actor: Actor, job_id: str) -> Job:
        """Resume a paused job; raise `JobNotFound`, `JobOver`."""
        return self._jobs.resume(self.get(actor, job_id).id)

    def cancel(self, actor: Actor, job_id: str) -> Job:
        """Cancel a job, at once or at its next save; what it has done stays.

        Raise `JobNotFound`, `JobOver` or `JobIsPeriodic`.
        """
        return self._jobs.cancel(self.get(actor, job_id).id)


def _seen_by(actor: Actor) -> str | None:
    """Return the site whose jobs `actor` may see.

    None for the jobs of all sites and the deployment.
    """
    if actor.runs_deployment:
        return None
    actor.must_have(Role.OPS)
    return actor.site.id
