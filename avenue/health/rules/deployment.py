"""Rules for MongoDB: its members, disk, version, clock and indexes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from avenue.config import Settings
from avenue.errors import sentence
from avenue.health.models import Finding, Level, Measure
from avenue.health.rules.known import LEAST_MONGODB, MONGODB_ENDS, hole_in, version_in
from avenue.health.rules.levels import Rules, judged
from avenue.health.sentences import Host, Said, size
from avenue.health.thresholds import (
    BLOATED,
    FRESH_BYTES,
    MANY_DOCUMENTS,
    SKEW_NOTICE_SECONDS,
    SKEW_WARNING_SECONDS,
    SOON_DAYS,
    UNUSED_DAYS,
)
from avenue.storage.indexes import INDEXES, Index
from avenue.storage.mongo_facts import (
    DatabaseFacts,
    IndexWeight,
    KnownIndex,
    MongoFacts,
    differing,
    is_persistent,
    percent,
)

MONITOR = sentence("To see this, grant the database user the role clusterMonitor.")
GRANT_STATS = sentence("To see this, grant the database user the action dbStats.")


def members(mongodb: MongoFacts) -> Iterator[Finding]:
    """Yield the members that are not working."""
    if mongodb.members is None:
        yield Finding(
            subject="members",
            level=Level.UNKNOWN,
            place="the set",
            says=Said(sentence("A router answers; it reports nothing about the members.")),
            cure="Ask each shard.",
        )
        return
    if mongodb.primary is None:
        yield Finding(
            subject="members",
            level=Level.CRITICAL,
            place="the set",
            says="There is no primary.",
            cure=Said(
                sentence(
                    "Start members until there is a majority: nothing can be written until then."
                )
            ),
        )
    for each in mongodb.members:
        if each.healthy is False:
            yield Finding(
                subject="members",
                level=Level.WARNING,
                place=each.host,
                says=f"This member is {each.state}: it acknowledges no writes and falls behind.",
                cure=Said(
                    sentence(
                        "Check the log of {host} and bring it back, or remove it from the "
                        "set (rs.remove)."
                    ),
                    host=Host(each.host),
                ),
            )
    if None in [each.healthy for each in mongodb.members]:
        yield Finding(
            subject="members",
            level=Level.UNKNOWN,
            place="the members",
            says="This database user may not see their state.",
            cure=Said(MONITOR),
        )


def durability(mongodb: MongoFacts, settings: Settings) -> Iterator[Finding]:
    """Yield that acknowledged writes would not survive the loss of a machine."""
    if is_persistent(mongodb, settings):
        return
    cure = (
        sentence("A shop that must keep its images needs a replica set.")
        if settings.local
        else sentence(
            "Add two members, or set AVENUE_STORAGE=volume if this disk outlives deployments."
        )
    )
    yield Finding(
        subject="durability",
        level=Level.NOTICE if settings.local else Level.CRITICAL,
        place=mongodb.primary or "the set",
        says="One member holds all data: if its disk fails, everything is lost.",
        cure=Said(cure),
    )


def votes(mongodb: MongoFacts, arbiters: Sequence[str]) -> Iterator[Finding]:
    """Yield the effect of losing one member."""
    if arbiters:
        yield Finding(
            subject="votes",
            level=Level.NOTICE,
            place=", ".join(arbiters),
            says="An arbiter votes but stores nothing: when a member with data is down, there may "
            "be no majority to write to, and uploads wait.",
            cure="Replace it by a member with data.",
        )
    voters = (mongodb.data_members or 0) + len(arbiters)
    if voters and voters % 2 == 0:
        yield Finding(
            subject="votes",
            level=Level.NOTICE,
            place="the set",
            says=f"{voters} members vote: they survive no more failures than {voters - 1} would.",
            cure="Add one member with data.",
        )


def disk(facts: DatabaseFacts, rules: Rules) -> Iterator[Finding]:
    """Yield how full the disk of the database is."""
    if facts.disk_percent is None:
        yield _unreported("disk", GRANT_STATS)
    else:
        yield from judged(Measure.DISK, facts.disk_percent, rules)


def connections(mongodb: MongoFacts, rules: Rules) -> Iterator[Finding]:
    """Yield how many of the available connections to the database are in use."""
    used, free = mongodb.connections_current, mongodb.connections_available
    share = None if used is None or free is None else percent(used, used + free)
    if share is None:
        yield _unreported("connections", MONITOR)
    else:
        yield from judged(Measure.CONNECTIONS, share, rules)


def plan(facts: DatabaseFacts, plan_gb: int, rules: Rules) -> Iterator[Finding]:
    """Yield how much of its plan the database uses, if there is one of so many GB."""
    yield from judged(Measure.PLAN, facts.percent_of(plan_gb) or 0, rules)


def sizes(facts: DatabaseFacts) -> Iterator[Finding]:
    """Yield that the database does not report its size."""
    if None in {facts.data_bytes, facts.storage_bytes, facts.index_bytes}:
        yield _unreported("database", GRANT_STATS)


def _unreported(subject: str, cure: str) -> Finding:
    return Finding(
        subject=subject,
        level=Level.UNKNOWN,
        place=subject,
        says="The database does not report this.",
        cure=Said(cure),
    )


def clock(ahead: float) -> Iterator[Finding]:
    """Yield the difference of the clocks of this machine and the primary, in seconds."""
    if abs(ahead) >= SKEW_NOTICE_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            level=Level.WARNING if abs(ahead) >= SKEW_WARNING_SECONDS else Level.NOTICE,
            place="this machine's clock",
            says=f"It is {abs(ahead):.0f} s {way} the primary's. From {SKEW_WARNING_SECONDS} s "
            "on, the sweeper deletes nothing, because it cannot judge ages.",
            cure="Synchronise both machines by NTP (`timedatectl`, `chronyc tracking`).",
        )


def write_concern(own: Mapping[str, Any], default: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Yield where a write could be acknowledged and lost."""
    if own.get("w") != "majority" or not own.get("j") or own.get("wtimeout"):
        asked = {name: own[name] for name in ("w", "j", "wtimeout") if name in own}
        yield Finding(
            level=Level.WARNING,
            place="the connection",
            says=f"Writes ask for {asked}, not for a journaled majority without a timeout.",
            cure="Remove w, journal and wtimeoutMS from MONGODB_URI.",
        )
    if default is not None and default.get("w") != "majority":
        yield Finding(
            level=Level.NOTICE,
            place="the cluster's default write concern",
            says=f"It is w: {default.get('w')}; Avenue asks for a majority itself, other programs "
            "that write here do not.",
            cure="Run once: db.adminCommand({setDefaultRWConcern: 1, "
            'defaultWriteConcern: {w: "majority"}}).',
        )


def version(told: str | None, today: date, settings: Settings) -> Iterator[Finding]:
    """Yield whether this MongoDB is supported by Avenue and by its maker."""
    if told is None:
        return
    number, place = version_in(told), f"MongoDB {told}"
    level = Level.NOTICE if settings.local else Level.WARNING
    if number < LEAST_MONGODB:
        yield Finding(
            level=Level.WARNING,
            place=place,
            says="Avenue needs MongoDB 6.0 or newer.",
            cure="Upgrade one series after the other.",
        )
    fixed = hole_in(told)
    if fixed:
        yield Finding(
            level=level,
            place=place,
            says=f"It has the vulnerability {fixed.advisory}, fixed in {fixed.version}.",
            cure=f"Upgrade to {fixed.version} or newer, one member after the other.",
        )
    ends = MONGODB_ENDS.get(number[:2])
    if ends and ends < today:
        yield Finding(
            level=level,
            place=place,
            says=f"Since {ends} this series gets no more fixes, not even for vulnerabilities.",
            cure="Upgrade to a series that does: 8.0 until 2029-10-31.",
        )
    elif ends and ends < today + timedelta(days=SOON_DAYS):
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says=f"This series gets fixes until {ends}.",
            cure="Plan the upgrade to the next one.",
        )


def missing(places: Sequence[str]) -> Iterator[Finding]:
    """Yield the missing indexes."""
    for place in places:
        yield Finding(
            subject="indexes",
            level=Level.CRITICAL,
            place=place,
            says=f"index {place} is missing: its queries read every document.",
            cure="Run `python -m avenue migrate`.",
        )


def indexes(
    found: Sequence[KnownIndex], now: datetime, ours: Sequence[Index] = INDEXES
) -> Iterator[Finding]:
    """Yield which of `ours` are missing or different, and which indexes are unused."""
    wanted = {f"{each.collection}.{each.name}" for each in ours}
    yield from missing(sorted(wanted - {each.place for each in found}))
    for index in differing(found):
        yield Finding(
            subject="indexes",
            level=Level.WARNING,
            place=f"{index.collection}.{index.name}",
            says="This index has the wrong options (unique, or the time after which it deletes).",
            cure=f'Drop it (db.{index.collection}.dropIndex("{index.name}")), then run '
            "`python -m avenue migrate`.",
        )
    if any(each.uses is None for each in found):
        yield Finding(
            level=Level.NOTICE,
            place="$indexStats",
            says="This database user may not see which indexes are used.",
            cure=MONITOR,
        )
    for each in found:
        yield from _useless(each, now, is_ours=each.place in wanted)


def bloat(found: Sequence[IndexWeight]) -> Iterator[Finding]:
    """Yield the collections whose indexes are much larger than they would be after a rebuild.

    Random keys leave pages half full. With few documents it does not matter.
    """
    for each in found:
        fresh = FRESH_BYTES[each.collection]
        if each.documents >= MANY_DOCUMENTS and each.bytes_each >= BLOATED * fresh:
            yield Finding(
                subject="indexes",
                level=Level.NOTICE,
                place=each.collection,
                says=f"Its indexes have {size(each.bytes)}, {each.bytes_each:.0f} bytes per "
                f"document; rebuilt, they have about {fresh}.",
                cure="Rebuild them, one member after the other (docs/operations.md, “Indexes”).",
            )


def _useless(index: KnownIndex, now: datetime, *, is_ours: bool) -> Iterator[Finding]:
    """Yield that an index is unused by queries; unique and TTL indexes work without queries."""
    if index.is_unique or index.ttl_seconds is not None or index.since is None:
        return
    days = (now - index.since).days
    if not is_ours and index.uses == 0:
        yield Finding(
            level=Level.NOTICE,
            place=index.place,
            says=f"It is not Avenue's, and nobody has used it since {index.since:%Y-%m-%d}.",
            cure="Drop it unless you know what uses it: every write has to update it.",
        )
    elif index.uses == 0 and days >= UNUSED_DAYS:
        yield Finding(
            level=Level.NOTICE,
            place=index.place,
            says=f"On this member nobody has used this index for {days} days.",
            cure="Leave it: its queries are rare here, and `migrate` would create it again.",
        )
