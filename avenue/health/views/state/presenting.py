"""How the state looks in JSON, and as a diagnosis to hand to somebody else."""

import platform
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from avenue import __version__
from avenue.clock import iso
from avenue.errors import Translate, filled
from avenue.health.alerts.models import Alert
from avenue.health.models import Bytes, Component, Host, Number, Overview, Said
from avenue.health.sizes import size
from avenue.health.views.state.replies import ComponentReply, PassReply, StateReply
from avenue.jobs.models import Job
from avenue.jobs.models import State as JobState

REDACTED = "[…]"
TELLING = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+"  # an address, with a password perhaps
    r"|[^\s\"'<>,;]+@[^\s\"'<>,;]+"  # an e-mail
    r"|[\w-]+(?:\.[\w-]+)+:\d{2,5}"  # a host
    r"|[A-Za-z0-9_+/=.-]{32,}"  # longer than our words and ids: a token, a key, a signature
)
LONGEST_SAID_CHARACTERS = 2000
"""Of a text in a diagnosis: to look for what is telling takes the square of its length."""
Writes = Callable[[object], object]
"""Writes a word of a sentence as its reader writes such things."""


def said_as(said: Said | None, translate: Translate, write: Writes) -> str | None:
    """Return a sentence in the language of `translate`, its words written by `write`."""
    if said is None:
        return None
    words = {name: _each(word, write) for name, word in said.words.items()}
    return filled(said.text, words, translate)


def english(word: object) -> object:
    """Return a word as English writes it."""
    if isinstance(word, Bytes):
        return size(word)
    return f"{word:.1f}" if isinstance(word, Number) else word


def state_json(overview: Overview, write: Writes = english) -> StateReply:
    """Return the state as JSON, in English."""
    return {
        "generated_at": iso(overview.generated_at),
        "snapshot_at": iso(overview.snapshot_at) if overview.snapshot_at else None,
        "verdict": overview.verdict,
        "components": [_component_json(each, write) for each in overview.components],
        "passes": [_pass_json(each, overview.generated_at) for each in overview.passes],
    }


def diagnosis_json(
    overview: Overview, alerts: Sequence[Alert], jobs: Sequence[Job]
) -> dict[str, Any]:
    """Return what somebody who helps needs to know, and nothing that is a secret or a person.

    Hosts, sites, ids, e-mails and everything as long as a key are left out.
    """
    facts: dict[str, Any] = _scrubbed(
        {
            "avenue": __version__,
            "python": platform.python_version(),
            **state_json(overview, _without_hosts),
            "alerts": [
                {
                    "measure": each.measure,
                    "level": each.level,
                    "state": each.state,
                    "value": each.value,
                    "unit": each.unit,
                    "opened_at": iso(each.opened_at),
                }
                for each in alerts
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


def _component_json(component: Component, write: Writes) -> ComponentReply:
    return {
        "key": component.key,
        "name": component.name,
        "state": component.level,
        "value": rounded(component.value),
        "unit": component.unit,
        "percent": rounded(component.percent),
        "thresholds": list(component.thresholds),
        "since": iso(component.since) if component.since else None,
        "detail": said_as(component.detail, str, write),
        "action": said_as(component.action, str, write),
    }


def overdue_seconds(job: Job, now: datetime) -> float:
    """Return how long a job that waits has been due, 0 while its time has not come."""
    is_due = job.state is JobState.QUEUED and job.run_at < now
    return (now - job.run_at).total_seconds() if is_due else 0


def _pass_json(job: Job, now: datetime) -> PassReply:
    ended = job.finished_at
    return {
        "kind": job.kind,
        "state": job.state,
        "finished_at": iso(ended) if ended else None,
        "age_seconds": max(round((now - ended).total_seconds()), 0) if ended else None,
        "overdue_seconds": round(overdue_seconds(job, now)),
        "done": job.progress.done,
        "total": job.progress.total,
        "error": job.error,
    }


def _without_hosts(word: object) -> object:
    return REDACTED if isinstance(word, Host) else english(word)


def _each(word: object, write: Writes) -> object:
    return [write(each) for each in word] if isinstance(word, list | tuple) else write(word)


def _scrubbed(value: Any) -> Any:
    """Return `value` without what looks like an address or a key, wherever it came from."""
    if isinstance(value, str):
        return TELLING.sub(REDACTED, value[:LONGEST_SAID_CHARACTERS])
    if isinstance(value, Mapping):
        return {name: _scrubbed(each) for name, each in value.items()}
    return [_scrubbed(each) for each in value] if isinstance(value, list) else value


def rounded(value: float | None) -> float | None:
    """Return a number with two places, which is all a reader needs."""
    return None if value is None else round(value, 2)
