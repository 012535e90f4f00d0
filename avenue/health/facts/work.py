"""Whether background work goes on, and whom what it tells does not reach."""

from datetime import datetime, timedelta

from avenue.health.thresholds import STOPPED
from avenue.jobs.service import JobService
from avenue.notifications.store import OutboxStore

WATCH = "watch"
"""The job that looks every few minutes."""
TELL = "tell_alert"
"""The receiver of AVENUE_ALERT_URL, and the job that tells it and chats."""
TELL_SITES = "tell_sites"
"""The job that tells what sites have chosen for themselves."""
OWN_WEBHOOKS, BROWSERS = "alert_webhook/", "push/"
"""What the names of receivers begin with that are the webhook of a site, or push services."""


def minutes_stopped(jobs: JobService, began_at: datetime, now: datetime) -> float:
    """Return for how many minutes nobody has looked, 0 when somebody has of late.

    A process that has `began_at` just now gives others time to begin, too.
    """
    job = jobs.known(WATCH)
    ended_at = job.finished_at if job else None
    since = now - max(ended_at or began_at, began_at)
    return since / timedelta(minutes=1) if since > STOPPED else 0


def refused_in_a_row(outbox: OutboxStore) -> int:
    """Return how many messages a receiver did not take, of the one that took the fewest.

    Only of those that something waits for; what sites chose for themselves is theirs to look after.
    """
    failures = {
        name: count
        for name, count in outbox.failures_in_a_row().items()
        if count and not name.startswith((OWN_WEBHOOKS, BROWSERS))
    }
    waited_for = (n for name, n in failures.items() if outbox.undelivered(name).waiting)
    return max(waited_for, default=0)
