"""Runs all checks independently: a failed check does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.health.models import Finding, Level
from avenue.health.rules import backups, deployment, machine, oplog, scanning
from avenue.health.rules.machine import Machine
from avenue.health.thresholds import FRESH_BYTES
from avenue.health.views.doctor.models import Look
from avenue.storage.clusters import ClusterState, State
from avenue.storage.status import DeploymentStatus

MOST_TOLD = 50
"""The most findings of one check that are shown; the others are counted."""

MACHINE: dict[str, Callable[[Machine], Iterable[Finding]]] = {
    "settings": machine.settings,
    "local_disk": machine.local_disk,
    "secret": machine.secret,
    "proxies": machine.proxies,
    "decoders": machine.decoders,
    "dependencies": machine.dependencies,
    "scanner": lambda found: scanning.answers(found.settings),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """The deployment, and what it is compared with."""

    settings: Settings
    deployment: DeploymentStatus
    now: datetime


def _version(context: CheckContext) -> Iterator[Finding]:
    told = context.deployment.mongodb().version
    yield from deployment.version(told, context.now.date(), context.settings)


def _members(context: CheckContext) -> Iterator[Finding]:
    facts = context.deployment.mongodb()
    yield from deployment.members(facts)
    yield from deployment.durability(facts, context.settings)
    yield from deployment.votes(facts, context.deployment.arbiters())


def _write_concern(context: CheckContext) -> Iterator[Finding]:
    asked = context.deployment
    yield from deployment.write_concern(asked.own_write_concern(), asked.default_write_concern())


def _clock(context: CheckContext) -> Iterator[Finding]:
    yield from deployment.clock(context.deployment.clock_ahead_seconds())


def _oplog(context: CheckContext) -> Iterator[Finding]:
    facts, settings = context.deployment.mongodb(), context.settings
    command = f" {oplog.resize(facts.oplog, settings)}" if facts.oplog else ""
    for each in (
        *oplog.large_enough(facts.oplog, settings),
        *oplog.window(facts.oplog, is_router=facts.members is None),
    ):
        yield replace(each, cure=f"{each.cure}{command}")


def _indexes(context: CheckContext) -> Iterator[Finding]:
    asked = context.deployment
    yield from deployment.indexes(asked.indexes(), context.now, asked.wanted_indexes())
    yield from deployment.bloat(context.deployment.index_weights(FRESH_BYTES))


def _backups(context: CheckContext) -> Iterator[Finding]:
    yield from backups.place(context.settings, context.deployment.data_folder())


DEPLOYMENT: dict[str, Callable[[CheckContext], Iterable[Finding]]] = {
    "version": _version,
    "members": _members,
    "write_concern": _write_concern,
    "clock": _clock,
    "oplog": _oplog,
    "backups": _backups,
}
DATABASE, SCHEMA, INDEXES, URLS = "database", "schema", "indexes", "urls"
CLUSTERS = "clusters"
"""The checks that are run on each of several clusters."""
CLUSTER_PROBLEMS = {
    State.AWAY: (
        "It is away: its sites answer 503.",
        "See that its members run and can be reached.",
    ),
    State.NOT_READY: (
        "It is not prepared for this installation and version.",
        "Run `python -m avenue migrate`; if it refuses, it says whose this cluster is.",
    ),
    State.UNKNOWN: (
        "Sites are on it, and this process was not told of it.",
        "Set AVENUE_CLUSTER_<NAME> for every process, and start them again.",
    ),
}
NEEDS_DATABASE = (*DEPLOYMENT, SCHEMA, INDEXES, URLS)


def look_at_machine(found: Machine) -> Iterator[Look]:
    """Yield the results of the checks of this machine."""
    for name, check in MACHINE.items():
        yield looked(name, check(found))


def look_at_deployment(context: CheckContext) -> Iterator[Look]:
    """Yield the results of the checks of the deployment; they need no database of ours."""
    for name, check in DEPLOYMENT.items():
        yield looked(name, check(context))


def look_at_indexes(context: CheckContext) -> Look:
    """Return the result of checking the indexes of a database of ours."""
    return looked(INDEXES, _indexes(context))


def look_at_clusters(states: Sequence[ClusterState], named: Callable[[], set[str]]) -> Look:
    """Return the clusters that cannot be used; sites are on those that are `named`."""

    def problems() -> Iterator[Finding]:
        known = {each.name for each in states}
        unknown = (ClusterState(name=each) for each in sorted(named() - known))
        for each in (*states, *unknown):
            if each.state in CLUSTER_PROBLEMS:
                says, cure = CLUSTER_PROBLEMS[each.state]
                yield Finding(level=Level.CRITICAL, place=each.name, says=says, cure=cure)

    return looked(CLUSTERS, problems(), told=", ".join(each.name for each in states))


def with_those_of(cluster: str, looks: Iterable[Look], others: Iterable[Look]) -> Iterator[Look]:
    """Yield `looks` merged with those of the same checks on another cluster, named in places."""
    beside = {each.check: each for each in others}
    for look in looks:
        other = beside.get(look.check)
        if other is None:
            yield look
            continue
        news = [each for each in other.findings if each not in look.findings]
        found = [
            *look.findings,
            *(replace(each, place=f"{cluster}: {each.place}") for each in news),
        ]
        more = look.more + other.more + max(len(found) - MOST_TOLD, 0)
        yield replace(look, findings=tuple(found[:MOST_TOLD]), more=more)


def looked(
    name: str, found: Iterable[Finding], *, told: str = "", total: int | None = None
) -> Look:
    """Return the result of a check; `total` if there are more findings than in `found`.

    A refusal or timeout of the database is a finding itself.
    """
    kept: list[Finding] = []
    try:
        all_found = iter(found)
        kept += islice(all_found, MOST_TOLD)
        more = sum(1 for _ in all_found) if total is None else max(total - len(kept), 0)
    except AvenueError as error:
        kept.append(undetermined(name, error))
        more = 0
    return Look(check=name, findings=tuple(kept), more=more, told=told)


def undetermined(place: str, error: AvenueError, level: Level = Level.NOTICE) -> Finding:
    """Return the finding that something could not be determined, and why."""
    return Finding(level=level, place=place, says=error.message, cure=error.hint)
