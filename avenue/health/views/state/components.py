"""One function for each component: its figures in words, and the findings of the rules."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from avenue.config import Settings
from avenue.errors import sentence
from avenue.health.alerts.models import Alert
from avenue.health.checks.models import Pass
from avenue.health.history.snapshots.models import QuotaUse, Snapshot
from avenue.health.models import Component, Finding, Level, Measure, Unit, worst
from avenue.health.rules import deployment, integrity, oplog as of_oplog, work
from avenue.health.rules.levels import Rules, finding, judged
from avenue.health.rules.measures import error_percent
from avenue.health.sentences import Bytes, Host, Number, Said
from avenue.jobs.access import Work
from avenue.media.references import Standing
from avenue.notifications.models import Undelivered
from avenue.storage.mongo_facts import DatabaseFacts, MongoFacts, percent


def members(mongodb: MongoFacts) -> Component:
    """Return whether every member of the replica set is working."""
    found = list(deployment.members(mongodb))
    if mongodb.members is None:
        name = sentence("Replica set")
        return _component("members", name, found, unit=Unit.MEMBERS, detail=found[0].says)
    healthy = sum(each.healthy is True for each in mongodb.members)
    detail = Said(
        sentence("{healthy} of {all} members are healthy; the primary is {primary}."),
        healthy=healthy,
        all=len(mongodb.members),
        primary=Host(mongodb.primary or "?"),
    )
    return _component(
        "members",
        sentence("Replica set"),
        found,
        value=healthy,
        unit=Unit.MEMBERS,
        detail=detail,
    )


def durability(mongodb: MongoFacts, settings: Settings) -> Component:
    """Return whether acknowledged writes survive the loss of a machine."""
    text = sentence("A write counts once a majority has it in its journal. Copies: {copies}.")
    trial = sentence("Trial: everything is on this machine's disk.")
    return _component(
        "durability",
        sentence("Durability"),
        deployment.durability(mongodb, settings),
        value=mongodb.data_members,
        unit=Unit.MEMBERS,
        detail=Said(trial if settings.local else text, copies=mongodb.data_members or "?"),
    )


def disk(facts: DatabaseFacts, rules: Rules) -> Component:
    """Return how full the disk of the database is."""
    used, total = facts.disk_used_bytes, facts.disk_total_bytes
    text = sentence("{used} of {total} are in use.")
    known = used is not None and total is not None
    component = _component(
        "disk",
        sentence("Disk of the database"),
        deployment.disk(facts, rules),
        detail=Said(text, used=Bytes(used or 0), total=Bytes(total or 0)) if known else None,
    )
    return _measured(component, Measure.DISK, facts.disk_percent, rules)


def database(facts: DatabaseFacts, plan_gb: int, rules: Rules) -> Component:
    """Return how large the database is, and whether it outgrows its plan."""
    text = sentence("The data take {stored} on the disk, their indexes {indexes}.")
    untold = list(deployment.sizes(facts))
    stored, indexes = Bytes(facts.storage_bytes or 0), Bytes(facts.index_bytes or 0)
    return _component(
        "database",
        sentence("Database"),
        [*untold, *deployment.plan(facts, plan_gb, rules)],
        value=None if untold else facts.data_bytes,
        unit=Unit.BYTES,
        detail=None if untold else Said(text, stored=stored, indexes=indexes),
    )


def connections(mongodb: MongoFacts, rules: Rules) -> Component:
    """Return how many of the available connections to the database are in use."""
    used, free = mongodb.connections_current, mongodb.connections_available
    name, found = sentence("Connections"), deployment.connections(mongodb, rules)
    if used is None or free is None:
        return _component("connections", name, found, unit=Unit.PERCENT)
    detail = Said(sentence("{used} of {all} connections are in use."), used=used, all=used + free)
    component = _component("connections", name, found, detail=detail)
    return _measured(component, Measure.CONNECTIONS, percent(used, used + free), rules)


def oplog(mongodb: MongoFacts, rules: Rules) -> Component:
    """Return how long a member may be offline."""
    known = mongodb.oplog
    text = sentence("A member that was away for {hours} hours catches up on its own.")
    if known and known.data_members == 1:
        text = sentence("There is only one member, so none has to catch up.")
    elif known and known.is_filling:
        text = sentence("It spans {hours} hours so far and is not full: nothing was dropped yet.")
    component = _component(
        "oplog",
        sentence("Oplog window"),
        of_oplog.window(known, is_router=mongodb.members is None),
        unit=Unit.HOURS,
        detail=Said(text, hours=Number(known.hours)) if known else None,
    )
    return _measured(component, Measure.OPLOG, known.hours if known else None, rules)


def backup(snapshot: Snapshot | None, rules: Rules) -> Component:
    """Return when a backup was last made and verified, and one test-restored."""
    name = sentence("Backups")
    hours, days = (snapshot.backup_hours, snapshot.drill_days) if snapshot else (None, None)
    if hours is None:
        action = Said(sentence("The next hourly snapshot will show it."))
        unknown = Finding(level=Level.UNKNOWN, place="backup", says=action, cure=action)
        return _component("backup", name, [unknown], unit=Unit.HOURS)
    found = [*judged(Measure.BACKUP, hours, rules)]
    if days is not None:
        found += judged(Measure.DRILL, days, rules)
    text = sentence("The newest verified backup is {hours} hours old.")
    return _component(
        "backup",
        name,
        found,
        value=hours,
        unit=Unit.HOURS,
        detail=Said(text, hours=Number(round(hours))),
    )


def integrity_of(last: Pass | None, damaged: int, found: Mapping[Standing, int]) -> Component:
    """Return the damaged files, and the lost and orphaned data of the last inspection."""
    name = sentence("Integrity of the files")
    if last is None and not damaged and not any(found.values()):
        action = Said(sentence("Not checked yet; click “Check everything now”."))
        unknown = Finding(level=Level.UNKNOWN, place="integrity", says=action, cure=action)
        return _component("integrity", name, [unknown], unit=Unit.FILES)
    tally = last.tally if last else None
    stray = sum(tally.unowned_files.values()) + sum(tally.orphan_chunks.values()) if tally else 0
    text = sentence("Damaged: {damaged}. Lost or unreadable: {lost}. Orphaned: {strays}.")
    findings = [
        *integrity.damage(damaged),
        *integrity.references(found, where="products, groups, pages or the logo"),
        *integrity.strays(tally),
    ]
    return _component(
        "integrity",
        name,
        findings,
        value=damaged,
        unit=Unit.FILES,
        detail=Said(text, damaged=damaged, lost=found[Standing.MISSING], strays=stray),
    )


def quota(use: QuotaUse, rules: Rules) -> Component:
    """Return how much of its quota the site uses."""
    text = (
        sentence("{files} files use {bytes} of {most}.")
        if use.most_bytes
        else sentence("{files} files use {bytes}.")
    )
    words = {"files": use.files, "bytes": Bytes(use.bytes), "most": Bytes(use.most_bytes)}
    name, detail = sentence("Storage of this site"), Said(text, **words)
    if use.percent is None:
        return _component("quota", name, (), value=use.bytes, unit=Unit.BYTES, detail=detail)
    found = judged(Measure.QUOTA, use.percent, rules, site=use.site)
    return _measured(
        _component("quota", name, found, detail=detail), Measure.QUOTA, use.percent, rules
    )


def jobs(done: Work, now: datetime, minutes_stopped: float, rules: Rules) -> Component:
    """Return whether background jobs are done."""
    found = work.Backlog.of(done, now)
    text = sentence("Queued: {waiting}. Late: {late}. Failed: {failed}. Paused: {paused}.")
    return _component(
        "jobs",
        sentence("Background work"),
        [*judged(Measure.STOPPED, minutes_stopped, rules), *work.jobs(found)],
        value=found.waiting,
        unit=Unit.JOBS,
        detail=Said(
            text,
            waiting=found.waiting,
            late=found.late,
            failed=found.failed,
            paused=found.paused,
        ),
    )


def scanner(minutes_away: float, quarantined: int | None, rules: Rules, *, site: str) -> Component:
    """Return whether uploads are scanned, and the quarantined files."""
    findings = [
        *judged(Measure.SCANNER, minutes_away, rules),
        *judged(Measure.QUARANTINED, 1 if quarantined is None else quarantined, rules, site=site),
    ]
    component = _component(
        "scanner",
        sentence("Scanner"),
        findings,
        detail=Said(
            sentence("Files in quarantine: {held}."),
            held="?" if quarantined is None else quarantined,
        ),
    )
    return _measured(component, Measure.SCANNER, minutes_away, rules)


def deliveries(undelivered: Undelivered) -> Component:
    """Return whether emails are delivered."""
    text = sentence("Emails queued: {waiting}. Given up: {failed}.")
    return _messages("deliveries", sentence("Mail"), text, undelivered, work.EMAILS)


def webhooks(undelivered: Undelivered) -> Component:
    """Return whether webhook receivers get events about files."""
    text = sentence("Events queued: {waiting}. Given up: {failed}.")
    return _messages("webhooks", sentence("Webhooks"), text, undelivered, work.EVENTS)


def _messages(
    key: str, name: str, text: str, undelivered: Undelivered, words: tuple[str, str]
) -> Component:
    return _component(
        key,
        name,
        work.undelivered(key, undelivered.given_up, *words),
        value=undelivered.waiting,
        unit=Unit.MESSAGES,
        detail=Said(text, waiting=undelivered.waiting, failed=undelivered.given_up),
    )


def others(alerts: Iterable[Alert]) -> Component:
    """Return the alerts without a component: checked in the background, or for many sites."""
    found = [finding(each.measure, each.level, each.value, site=each.site) for each in alerts]
    bad = worst(found)
    return _component("alerts", sentence("Other alerts"), found, detail=bad.says if bad else None)


def traffic(snapshot: Snapshot | None, rules: Rules) -> Component:
    """Return the traffic between the last two snapshots."""
    name = sentence("Traffic")
    seen = snapshot.traffic if snapshot else None
    if seen is None or not seen.seconds:
        text = sentence("Two hourly snapshots are needed for this.")
        unit, detail = Unit.PER_SECOND, Said(text)
        return Component(key="traffic", name=name, level=Level.UNKNOWN, unit=unit, detail=detail)
    errors = percent(seen.errors, seen.requests) or 0.0
    slowest = "?" if seen.p95_seconds is None else round(1000 * seen.p95_seconds)
    text = sentence("Our errors: {errors} % of responses. 95 of 100 took {ms} ms at most.")
    # Judged like the alerts: a single error at night is not 20 %.
    share = error_percent(seen)
    found = () if share is None else judged(Measure.ERRORS, share, rules)
    component = _component(
        "traffic", name, found, detail=Said(text, errors=Number(errors), ms=slowest)
    )
    measured = _measured(component, Measure.ERRORS, share, rules)
    rate = seen.requests / seen.seconds
    return replace(measured, value=rate, percent=None, unit=Unit.PER_SECOND)


def _component(
    key: str,
    name: str,
    found: Iterable[Finding],
    *,
    value: float | None = None,
    unit: Unit | None = None,
    detail: str | None = None,
) -> Component:
    """Return a component with the level and remedy of its worst finding."""
    bad = worst(found)
    return Component(
        key=key,
        name=name,
        level=bad.level if bad else Level.OK,
        value=value,
        unit=unit,
        detail=detail,
        action=bad.cure if bad else None,
    )


def _measured(
    component: Component, measure: Measure, value: float | None, rules: Rules
) -> Component:
    """Return a component with its value, and where the levels of its measure begin."""
    rule = rules[measure]
    return replace(
        component,
        value=value,
        unit=rule.unit,
        percent=value if rule.unit is Unit.PERCENT else None,
        thresholds=tuple(each.begins for each in rule.thresholds),
    )
