"""Whether background jobs run, and which receivers do not accept their messages."""

from datetime import datetime, timedelta

from avenue.health.thresholds import STOPPED
from avenue.jobs.service import JobService
from avenue.notifications.store import OutboxStore

WATCH = "watch"
"""The job of the checks every few minutes."""
TELL = "tell_alert"
"""The receiver of AVENUE_ALERT_URL, and the job that sends to it and to chats."""
TELL_SITES = "tell_sites"
"""The job that sends to the receivers that sites have set up."""
OWN_WEBHOOKS, BROWSERS = "alert_webhook/", "push/"
"""The prefixes of receivers that are the webhook of a site, or push services."""


def minutes_stopped(jobs: JobService, began_at: datetime, now: datetime) -> float:
    """Return for how many minutes no check has run, 0 if one has recently.

    A process that `began_at` a moment ago gives the others time to start, too.
    """
    job = jobs.known(WATCH)
    ended_at = job.finished_at if job else None
    since = now - max(ended_at or began_at, began_at)
    return since / timedelta(minutes=1) if since > STOPPED else 0


def refused_in_a_row(outbox: OutboxStore) -> int:
    """Return how many messages in a row a receiver did not accept, for the one with the fewest.

    Only receivers with waiting messages count; those that sites have set up do not.
    """
    failures = {
        name: count
        for name, count in outbox.failures_in_a_row().items()
        if count and not name.startswith((OWN_WEBHOOKS, BROWSERS))
    }
    waited_for = (n for name, n in failures.items() if outbox.undelivered(name).waiting)
    return max(waited_for, default=0)
