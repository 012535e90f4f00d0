"""Background work as people see it: what there is, and what holds it back, lets it go on, ends it.

Who operates a site sees and stops the work of that site; who operates the house, all of it.
"""

from dataclasses import dataclass

from avenue.identity import Actor, Role
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job
from avenue.jobs.service import JobService


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The jobs somebody may see, newest first: those that may run yet, and those that are over.

    `failed` are those given up, however many came to a good end since.
    """

    unfinished: tuple[Job, ...]
    finished: tuple[Job, ...]
    failed: tuple[Job, ...]


class JobAccess:
    """Jobs for operators. Every method raises `Forbidden` for everybody else."""

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
        """Hold a job back, at once or at its next save; raise `JobNotFound`, `JobOver`."""
        return self._jobs.pause(self.get(actor, job_id).id)

    def resume(self, actor: Actor, job_id: str) -> Job:
        """Let a paused job go on; raise `JobNotFound`, `JobOver`."""
        return self._jobs.resume(self.get(actor, job_id).id)

    def cancel(self, actor: Actor, job_id: str) -> Job:
        """End a job, at once or at its next save, and leave what it has done.

        Raise `JobNotFound`, `JobOver` or `JobIsPeriodic`.
        """
        return self._jobs.cancel(self.get(actor, job_id).id)


def _seen_by(actor: Actor) -> str | None:
    """Return the site whose jobs `actor` may see, None for those of everybody and the house."""
    if actor.runs_house:
        return None
    actor.must_have(Role.OPS)
    return actor.site.id
