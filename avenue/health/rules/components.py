"""One function for each component: from facts to how it is, in words, and what to do."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from avenue.errors import sentence
from avenue.health.checks.models import Pass, Tally
from avenue.health.history.snapshots.models import QuotaUse, Snapshot
from avenue.health.models import Component, Level, Measure, Unit
from avenue.health.rules.measures import Rule, action_for, error_percent
from avenue.health.sentences import Bytes, Host, Number, Said
from avenue.jobs.desk import Work
from avenue.jobs.models import Job
from avenue.jobs.models import State as JobState
from avenue.media.outbox.models import Undelivered
from avenue.media.references import Standing as Found
from avenue.storage.status import DatabaseFacts, MongoFacts, percent

Rules = Mapping[Measure, Rule]

LATE = timedelta(minutes=15)
"""A job that is due this long has nobody to run it; so has one whose lease is over as long."""
RECENTLY = timedelta(days=7)
"""A job that failed is told for this long."""
LETTERS = "mail"
"""The kind of job that sends a letter."""

GRANT_MONITOR = sentence("Grant the database user the role clusterMonitor to see this.")
GRANT_STATS = sentence("Grant the database user the action dbStats to see this.")


def members(mongodb: MongoFacts) -> Component:
    """Tell whether every member of the replica set is there."""
    component = Component(
        key="members",
        name=sentence("Replica set"),
        level=Level.UNKNOWN,
        unit=Unit.MEMBERS,
    )
    if mongodb.members is None:
        router = sentence("A router answers; it tells nothing of the members.")
        return replace(component, detail=Said(text=router))
    sick = [Host(each.host) for each in mongodb.members if each.healthy is False]
    healthy = sum(each.healthy is True for each in mongodb.members)
    text = sentence("{healthy} of {all} members are healthy; the primary is {primary}.")
    words = {
        "healthy": healthy,
        "all": len(mongodb.members),
        "primary": Host(mongodb.primary or "?"),
    }
    component = replace(component, value=healthy, detail=Said(text=text, words=words))
    if mongodb.primary is None:
        action = sentence("Start members until there is a majority: nothing can be written now.")
        return replace(component, level=Level.CRITICAL, action=Said(text=action))
    if sick:
        action = sentence("Look into the log of {hosts} and bring it back.")
        asked = Said(text=action, words={"hosts": sick})
        return replace(component, level=Level.WARNING, action=asked)
    if healthy < len(mongodb.members):
        return replace(component, action=Said(text=GRANT_MONITOR))
    return replace(component, level=Level.OK)


def durability(mongodb: MongoFacts, *, persistent: bool, is_local: bool) -> Component:
    """Tell whether what was acknowledged outlives a machine."""
    text = sentence("A write counts once a majority has it in the journal. Copies: {copies}.")
    component = Component(
        key="durability",
        name=sentence("Durability"),
        level=Level.OK,
        value=mongodb.data_members,
        unit=Unit.MEMBERS,
        detail=Said(text=text, words={"copies": mongodb.data_members or "?"}),
    )
    if persistent:
        return component
    if is_local:
        trial = sentence("A trial: all is on the disk of this machine.")
        action = sentence("For a shop that must keep its pictures use a replica set.")
        return replace(
            component,
            level=Level.NOTICE,
            detail=Said(text=trial),
            action=Said(text=action),
        )
    action = sentence(
        "Add two members; or, if this disk outlives deployments, say so with AVENUE_STORAGE=volume."
    )
    return replace(component, level=Level.CRITICAL, action=Said(text=action))


def disk(facts: DatabaseFacts, rules: Rules) -> Component:
    """Tell how full the disk of the database is."""
    component = Component(
        key="disk",
        name=sentence("Disk of the database"),
        level=Level.UNKNOWN,
        unit=Unit.PERCENT,
        detail=_part(facts.disk_used_bytes, facts.disk_total_bytes),
        action=Said(text=GRANT_STATS),
    )
    return _judged(component, Measure.DISK, facts.disk_percent, rules)


def database(facts: DatabaseFacts) -> Component:
    """Tell how large the database is."""
    component = Component(
        key="database",
        name=sentence("Database"),
        level=Level.UNKNOWN,
        unit=Unit.BYTES,
        action=Said(text=GRANT_STATS),
    )
    data, stored, indexes = facts.data_bytes, facts.storage_bytes, facts.index_bytes
    if data is None or stored is None or indexes is None:
        return component
    detail = Said(
        text=sentence("The data take {stored} on the disk, their indexes {indexes}."),
        words={"stored": Bytes(stored), "indexes": Bytes(indexes)},
    )
    return replace(component, level=Level.OK, value=data, detail=detail, action=None)


def connections(mongodb: MongoFacts, rules: Rules) -> Component:
    """Tell how many of the connections the database takes are in use."""
    used, free = mongodb.connections_current, mongodb.connections_available
    component = Component(
        key="connections",
        name=sentence("Connections"),
        level=Level.UNKNOWN,
        unit=Unit.PERCENT,
        action=Said(text=GRANT_MONITOR),
    )
    if used is None or free is None:
        return component
    text = sentence("{used} of {all} connections are in use.")
    component = replace(component, detail=Said(text=text, words={"used": used, "all": used + free}))
    return _judged(component, Measure.CONNECTIONS, percent(used, used + free), rules)


def oplog(mongodb: MongoFacts, rules: Rules, *, is_local: bool) -> Component:
    """Tell how long a member may be away; a trial has only one, for which nobody waits."""
    component = Component(
        key="oplog",
        name=sentence("Oplog window"),
        level=Level.UNKNOWN,
        unit=Unit.HOURS,
    )
    if mongodb.members is None:
        return component
    if mongodb.oplog_hours is None:
        grant = sentence("Grant the database user the role read on the database local to see this.")
        return replace(component, action=Said(text=grant))
    text = sentence("A member that was away for {hours} hours catches up by itself.")
    detail = Said(text=text, words={"hours": Number(mongodb.oplog_hours)})
    component = replace(component, value=mongodb.oplog_hours, detail=detail)
    if is_local:
        text = sentence("There is one member, so nobody has to catch up.")
        return replace(component, level=Level.OK, detail=Said(text=text))
    if mongodb.oplog_is_filling:
        text = sentence("It has {hours} hours so far and is not full: nothing was dropped yet.")
        filling = Said(text=text, words=detail.words)
        return replace(component, level=Level.OK, detail=filling)
    return _judged(component, Measure.OPLOG, mongodb.oplog_hours, rules)


def integrity(last: Pass | None, damaged: int, found: Mapping[Found, int]) -> Component:
    """Tell what is marked as damaged, and what the last inspection found lost or nobody's."""
    component = Component(
        key="integrity",
        name=sentence("Integrity of the files"),
        level=Level.UNKNOWN,
        unit=Unit.FILES,
        action=Said(text=sentence("Nobody has looked yet; press “Look at everything now”.")),
    )
    if last is None and not damaged:
        return component
    strays = _strays(last.tally) if last else 0
    words = {"damaged": damaged, "lost": found[Found.MISSING], "strays": strays}
    text = sentence(
        "Damaged: {damaged}. Lost or unreadable: {lost}. Belonging to nothing: {strays}."
    )
    component = replace(component, value=damaged, detail=Said(text=text, words=words), action=None)
    if damaged or found[Found.MISSING]:
        action = sentence("Upload the same files again, or run `python -m avenue fsck --repair`.")
        return replace(component, level=Level.CRITICAL, action=Said(text=action))
    if found[Found.EPHEMERAL]:
        action = sentence("Bring in what only a disk has: `python -m avenue import`.")
        return replace(component, level=Level.WARNING, action=Said(text=action))
    if strays:
        action = sentence("The sweeper removes them; if they stay, it does not run.")
        return replace(component, level=Level.NOTICE, action=Said(text=action))
    return replace(component, level=Level.OK)


def quota(use: QuotaUse, rules: Rules) -> Component:
    """Tell how much of what the site may store it has."""
    words = {"files": use.files, "bytes": Bytes(use.bytes), "most": Bytes(use.most_bytes)}
    text = (
        sentence("{files} files have {bytes} of {most}.")
        if use.most_bytes
        else sentence("{files} files have {bytes}.")
    )
    component = Component(
        key="quota",
        name=sentence("Storage of this site"),
        level=Level.OK,
        value=use.bytes,
        unit=Unit.BYTES,
        detail=Said(text=text, words=words),
    )
    if use.percent is None:
        return component
    return _judged(replace(component, unit=Unit.PERCENT), Measure.QUOTA, use.percent, rules)


def jobs(work: Work, now: datetime) -> Component:
    """Tell whether background work is done."""
    failed = len(_failed(work, now))
    late = sum(_is_late(each, now) for each in work.unfinished)
    paused = sum(each.state is JobState.PAUSED for each in work.unfinished)
    waiting = sum(each.state is JobState.QUEUED and each.run_at <= now for each in work.unfinished)
    text = sentence("Waiting: {waiting}. Late: {late}. Failed: {failed}. Paused: {paused}.")
    words = {"waiting": waiting, "late": late, "failed": failed, "paused": paused}
    level, action = Level.OK, None
    if late:
        level = Level.CRITICAL
        action = sentence(
            "Nobody does the work: start `python -m avenue worker`, or look at its log."
        )
    elif failed:
        level = Level.WARNING
        action = sentence("See under “Migration” which one failed and why.")
    elif paused:
        level = Level.NOTICE
        action = sentence("Resume what is paused when the reason is over.")
    return Component(
        key="jobs",
        name=sentence("Background work"),
        level=level,
        value=waiting,
        unit=Unit.JOBS,
        detail=Said(text=text, words=words),
        action=Said(text=action) if action else None,
    )


def deliveries(work: Work, now: datetime) -> Component:
    """Tell whether letters arrive."""
    waiting = sum(each.kind == LETTERS for each in work.unfinished)
    failed = sum(each.kind == LETTERS for each in _failed(work, now))
    text = sentence("Letters that wait: {waiting}. Given up: {failed}.")
    action = sentence("Look at AVENUE_SMTP_URL and the log of the mail server.")
    return Component(
        key="deliveries",
        name=sentence("Mail"),
        level=Level.WARNING if failed else Level.OK,
        value=waiting,
        unit=Unit.MESSAGES,
        detail=Said(text=text, words={"waiting": waiting, "failed": failed}),
        action=Said(text=action) if failed else None,
    )


def webhooks(undelivered: Undelivered) -> Component:
    """Tell whether a receiver hears what becomes of files."""
    text = sentence("Events that wait: {waiting}. Given up: {failed}.")
    words = {"waiting": undelivered.waiting, "failed": undelivered.given_up}
    action = sentence("Look at the receiver's log, then run `python -m avenue webhooks retry`.")
    return Component(
        key="webhooks",
        name=sentence("Webhooks"),
        level=Level.WARNING if undelivered.given_up else Level.OK,
        value=undelivered.waiting,
        unit=Unit.MESSAGES,
        detail=Said(text=text, words=words),
        action=Said(text=action) if undelivered.given_up else None,
    )


def traffic(snapshot: Snapshot | None, rules: Rules) -> Component:
    """Tell what was answered between the last two snapshots."""
    component = Component(
        key="traffic",
        name=sentence("Traffic"),
        level=Level.UNKNOWN,
        unit=Unit.PER_SECOND,
    )
    seen = snapshot.traffic if snapshot else None
    if seen is None or not seen.seconds:
        text = sentence("Two hourly snapshots are needed before this can be told.")
        return replace(component, detail=Said(text=text))
    errors = percent(seen.errors, seen.requests) or 0.0
    slowest = None if seen.p95_seconds is None else round(1000 * seen.p95_seconds)
    text = sentence("Our errors: {errors} % of the answers. 95 of 100 took {ms} ms at most.")
    words = {"errors": Number(errors), "ms": "?" if slowest is None else slowest}
    # Judged as the alerts do: a single error at night is none of 20 %.
    judged = _judged(component, Measure.ERRORS, error_percent(seen), rules)
    requests = seen.requests / seen.seconds
    return replace(judged, value=requests, percent=None, detail=Said(text=text, words=words))


def _strays(tally: Tally) -> int:
    return sum(tally.unowned_files.values()) + sum(tally.orphan_chunks.values())


def _failed(work: Work, now: datetime) -> list[Job]:
    """Return the jobs that failed lately, and the periodic ones whose last run did."""
    broken = [each for each in work.unfinished if each.every_seconds is not None and each.error]
    return [
        each
        for each in (*work.failed, *broken)
        if each.finished_at is not None and now - each.finished_at < RECENTLY
    ]


def _is_late(job: Job, now: datetime) -> bool:
    return job.state in {JobState.QUEUED, JobState.RUNNING} and now - job.run_at > LATE


def _part(used: int | None, total: int | None) -> Said | None:
    if used is None or total is None:
        return None
    text = sentence("{used} of {total} are in use.")
    return Said(text=text, words={"used": Bytes(used), "total": Bytes(total)})


def _judged(component: Component, measure: Measure, value: float | None, rules: Rules) -> Component:
    """Return a component as the rule of its measure finds it; as it is when there is no `value`."""
    rule = rules[measure]
    component = replace(component, thresholds=tuple(each.begins for each in rule.thresholds))
    if value is None:
        return component
    level = rule.reached(value)
    return replace(
        component,
        level=Level(level.value) if level else Level.OK,
        value=value,
        percent=value if rule.unit is Unit.PERCENT else None,
        action=Said(text=action_for(measure, level)) if level else None,
    )
