"""The state as a diagnosis to send to others."""

import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from avenue import __version__
from avenue.clock import iso
from avenue.health.alerts.models import Alert
from avenue.health.sentences import Host, english
from avenue.health.views.state.models import Overview
from avenue.jobs.models import Job
from avenue.web.fields import facts_of

REDACTED = "[…]"
TOLD_OF_AN_ALERT = ("measure", "level", "state", "value", "unit", "opened_at")
TELLING = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+"  # a URL, perhaps with a password
    r"|[^\s\"'<>,;]+@[^\s\"'<>,;]+"  # an email
    r"|[\w-]+(?:\.[\w-]+)+:\d{2,5}"  # a host
    r"|[A-Za-z0-9_+/=.-]{32,}"  # longer than our words and ids: a token, a key, a signature
)
LONGEST_SAID_CHARACTERS = 2000
"""The most characters of a text in a diagnosis: the time to scrub it is quadratic."""


def diagnosis_json(
    overview: Overview, alerts: Sequence[Alert], jobs: Sequence[Job]
) -> dict[str, Any]:
    """Return what a helper needs to know, without secrets and personal data.

    Hosts, sites, ids, emails and everything as long as a key are left out.
    """
    facts: dict[str, Any] = _scrubbed(
        {
            "avenue": __version__,
            "python": platform.python_version(),
            **facts_of(overview, write=_without_hosts),
            "alerts": [
                {name: facts_of(each)[name] for name in TOLD_OF_AN_ALERT} for each in alerts
            ],
            "jobs": [
                {
                    "kind": each.kind,
                    "state": each.state,
                    "done": each.progress.done,
                    "total": each.progress.total,
                    "attempts": each.attempts,
                    "run_at": iso(each.run_at),
                    "error": each.error,
                }
                for each in jobs
            ],
        }
    )
    return facts


def _without_hosts(word: object) -> object:
    return REDACTED if isinstance(word, Host) else english(word)


def _scrubbed(value: Any) -> Any:
    """Return `value` without anything that looks like an address or a key."""
    if isinstance(value, str):
        return TELLING.sub(REDACTED, value[:LONGEST_SAID_CHARACTERS])
    if isinstance(value, Mapping):
        return {name: _scrubbed(each) for name, each in value.items()}
    return [_scrubbed(each) for each in value] if isinstance(value, list) else value
