"""Rules for background jobs, and for the receivers of their messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from avenue.accounts.account_emails import MAIL
from avenue.errors import sentence
from avenue.health.facts.work import TELL, TELL_SITES
from avenue.health.models import Finding, Level
from avenue.health.sentences import Said
from avenue.health.thresholds import LATE, RECENTLY
from avenue.jobs.access import Work
from avenue.jobs.models import Job, State
from avenue.media.announcing.models import PURGES, WEBHOOKS

TELLING = frozenset({MAIL, WEBHOOKS, PURGES, TELL, TELL_SITES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The numbers of waiting, late, recently failed and paused jobs."""

    waiting: int
    late: int
    failed: int
    paused: int

    @classmethod
    def of(cls, work: Work, now: datetime) -> Self:
        """Count `work` as it is `now`."""
        todo = work.unfinished
        return cls(
            waiting=sum(each.state is State.QUEUED and each.run_at <= now for each in todo),
            late=sum(is_late(each, now) for each in todo),
            failed=sum(has_failed(each, now) for each in (*work.failed, *todo)),
            paused=sum(each.state is State.PAUSED for each in todo),
        )


def jobs(found: Backlog) -> Iterator[Finding]:
    """Yield why background jobs are not done."""
    if found.late:
        says, cure = (
            f"{found.late} jobs are late.",
            sentence("No worker is running: start `python -m avenue worker`, or check its log."),
        )
        yield _about("jobs", Level.CRITICAL, says, cure)
    if found.failed:
        cure = sentence("See which one failed and why under “Jobs”.")
        yield _about("jobs", Level.WARNING, f"{found.failed} jobs have failed.", cure)
    if found.paused:
        cure = sentence("Resume paused jobs when the reason is gone.")
        yield _about("jobs", Level.NOTICE, f"{found.paused} jobs are paused.", cure)


EMAILS = (
    "{count} emails were given up.",
    sentence("Check AVENUE_SMTP_URL and the mail server's log."),
)
EVENTS = (
    "{count} events were given up.",
    sentence("Check the receiver's log, then run `python -m avenue webhooks retry`."),
)


def undelivered(subject: str, given_up: int, says: str, cure: str) -> Iterator[Finding]:
    """Yield that messages do not reach their receiver."""
    if given_up:
        yield _about(subject, Level.WARNING, says.format(count=given_up), cure)


def has_failed(job: Job, now: datetime) -> bool:
    """Return whether a job failed recently, or the last run of a periodic one did.

    Jobs that send messages are not counted: their undelivered messages are.
    """
    if job.kind in TELLING or job.finished_at is None:
        return False
    if job.every_seconds is not None:
        return bool(job.error)
    return job.state is State.FAILED and now - job.finished_at < RECENTLY


def is_late(job: Job, now: datetime) -> bool:
    """Return whether a job is due and has no runner."""
    return job.state in {State.QUEUED, State.RUNNING} and now - job.run_at > LATE


def _about(subject: str, level: Level, says: str, cure: str) -> Finding:
    return Finding(subject=subject, level=level, place=subject, says=says, cure=Said(cure))
