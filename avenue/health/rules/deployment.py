"""What can be amiss with MongoDB: its clock, its members, its oplog, its version, its indexes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from avenue.config import Settings
from avenue.health.models import Finding, Level
from avenue.health.rules.known import LEAST_MONGODB, MONGODB_ENDS, hole_in, version_in
from avenue.health.sentences import size
from avenue.storage.diagnosis import KnownIndex, differing
from avenue.storage.indexes import INDEXES
from avenue.storage.status import MongoFacts, Oplog, is_persistent

SKEW_NOTICE_SECONDS, SKEW_PROBLEM_SECONDS = 5, 30
SWEEPER_SAYS = "The sweeper refuses to judge how old things are from 30 s on."
SHORT_OPLOG_HOURS, LONG_OPLOG_HOURS = 24, 72
TELLING_OPLOG_HOURS = 1.0
"""One that is younger says nothing of how fast it fills."""
UNUSED_DAYS = 30
SOON_DAYS = 180
MB = 1024 * 1024
MONITOR = "Grant the database user the role clusterMonitor."


class Deployment(Protocol):
    """What MongoDB tells of itself; see `storage.diagnosis.Diagnosis`."""

    def mongodb(self) -> MongoFacts:
        """Return what is known of the deployment."""

    def own_write_concern(self) -> Mapping[str, Any]:
        """Return what our connection asks of every write."""

    def default_write_concern(self) -> Mapping[str, Any] | None:
        """Return what the cluster asks of writers that say nothing."""

    def clock_ahead_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the primary's."""

    def arbiters(self) -> tuple[str, ...]:
        """Return the members that only vote."""

    def oplog(self) -> Oplog | None:
        """Return how large the oplog is, and how far back it reaches."""

    def indexes(self) -> list[KnownIndex]:
        """Return the indexes of our collections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """The deployment, and what it is held against."""

    settings: Settings
    deployment: Deployment
    now: datetime


def clock(ward: Ward) -> Iterator[Finding]:
    """Yield how far the clocks of this machine and the primary are from each other."""
    ahead = ward.deployment.clock_ahead_seconds()
    if abs(ahead) >= SKEW_NOTICE_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            level=Level.WARNING if abs(ahead) >= SKEW_PROBLEM_SECONDS else Level.NOTICE,
            place="this machine's clock",
            says=f"It is {abs(ahead):.0f} s {way} the primary's. {SWEEPER_SAYS}",
            cure="Let both machines keep time by NTP (`timedatectl`, `chronyc tracking`).",
        )


def write_concern(ward: Ward) -> Iterator[Finding]:
    """Yield where a write could be acknowledged that is not kept."""
    own = ward.deployment.own_write_concern()
    if own.get("w") != "majority" or not own.get("j") or own.get("wtimeout"):
        asked = {name: own[name] for name in ("w", "j", "wtimeout") if name in own}
        yield Finding(
            level=Level.WARNING,
            place="the connection",
            says=f"Writes ask for {asked}, not for a journaled majority without a limit.",
            cure="Take w, journal and wtimeoutMS out of MONGODB_URI.",
        )
    default = ward.deployment.default_write_concern()
    if default is not None and default.get("w") != "majority":
        yield Finding(
            level=Level.NOTICE,
            place="the cluster's default write concern",
            says=f"It is w: {default.get('w')}; Avenue asks for a majority itself, other programs "
            "that write here do not.",
            cure="Run once: db.adminCommand({setDefaultRWConcern: 1, "
            'defaultWriteConcern: {w: "majority"}}).',
        )


def members(ward: Ward) -> Iterator[Finding]:
    """Yield what the loss of one member would do."""
    facts, arbiters = ward.deployment.mongodb(), ward.deployment.arbiters()
    for each in facts.members or ():
        if each.healthy is False:
            yield Finding(
                level=Level.WARNING,
                place=each.host,
                says=f"This member is {each.state}: it does not help, and misses what is written.",
                cure="See its log; start it again, or take it out of the set (rs.remove).",
            )
    if None in [each.healthy for each in facts.members or ()]:
        yield Finding(
            level=Level.NOTICE,
            place="the members",
            says="How they are is not told to this database user.",
            cure=MONITOR,
        )
    if facts.data_members == 1 and not is_persistent(facts, ward.settings):
        yield Finding(
            level=Level.NOTICE if ward.settings.local else Level.WARNING,
            place=facts.primary or "the set",
            says="One member holds all data: with its disk everything is lost.",
            cure="Add two members; or, if that disk outlives machines, declare it with "
            "AVENUE_STORAGE=volume.",
        )
    if arbiters:
        yield Finding(
            level=Level.NOTICE,
            place=", ".join(arbiters),
            says="An arbiter votes and keeps nothing: when a member with data is away, a majority "
            "to write to may be missing, and uploads wait.",
            cure="Put a member with data in its place.",
        )
    voters = (facts.data_members or 0) + len(arbiters)
    if voters and voters % 2 == 0:
        yield Finding(
            level=Level.NOTICE,
            place="the set",
            says=f"{voters} members vote: it survives no more losses than {voters - 1} would.",
            cure="Add one member with data.",
        )


def oplog(ward: Ward) -> Iterator[Finding]:
    """Yield whether a member that is away for a while could catch up."""
    found, own = ward.deployment.oplog(), ward.settings
    if found is None or found.bytes is None or found.most_bytes is None:
        if ward.deployment.mongodb().members is not None:
            yield Finding(
                level=Level.NOTICE,
                place="local.oplog.rs",
                says="How large it is, is not told to this database user.",
                cure="Grant the database user clusterMonitor, and read on the database local.",
            )
        return
    largest_mb = max(own.max_tus_mb, own.max_upload_mb, own.max_media_mb, own.max_product_image_mb)
    if found.most_bytes < 2 * largest_mb * MB:
        yield Finding(
            level=Level.NOTICE if ward.settings.local else Level.WARNING,
            place="local.oplog.rs",
            says=f"It may have {size(found.most_bytes)}, and one upload may have {largest_mb} MB: "
            "few of those, and no other member can catch up.",
            cure=_resize(ward, LONG_OPLOG_HOURS, found, largest_mb)
            + " Or lower AVENUE_MAX_TUS_MB.",
        )
    if found.hours < TELLING_OPLOG_HOURS or not found.bytes:
        return
    each_hour = found.bytes / found.hours
    hours = max(found.most_bytes / each_hour, found.hours)
    if hours < LONG_OPLOG_HOURS:
        yield Finding(
            level=Level.WARNING if hours < SHORT_OPLOG_HOURS else Level.NOTICE,
            place="local.oplog.rs",
            says=f"At {size(each_hour)} an hour, as measured, it reaches {hours:.0f} hours back: "
            "a member that is away for longer has to fetch every picture anew.",
            cure=_resize(ward, LONG_OPLOG_HOURS, found, largest_mb),
        )


def version(ward: Ward) -> Iterator[Finding]:
    """Yield whether this MongoDB is one Avenue runs on, and is still cared for."""
    told = ward.deployment.mongodb().version
    if told is None:
        return
    number, place = version_in(told), f"MongoDB {told}"
    series, level = number[:2], Level.NOTICE if ward.settings.local else Level.WARNING
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
            says=f"It has the hole {fixed.advisory}, closed in {fixed.version}.",
            cure=f"Upgrade to {fixed.version} or newer, one member after the other.",
        )
    ends = MONGODB_ENDS.get(series)
    if ends and ends < ward.now.date():
        yield Finding(
            level=level,
            place=place,
            says=f"Since {ends} this series gets no fixes any more, not even of holes.",
            cure="Upgrade to a series that does: 8.0 until 2029-10-31.",
        )
    elif ends and ends < ward.now.date() + timedelta(days=SOON_DAYS):
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says=f"This series gets fixes until {ends}.",
            cure="Plan the upgrade to the next one.",
        )


def indexes(ward: Ward) -> Iterator[Finding]:
    """Yield which indexes are missing, are other than they should be, or help nobody."""
    found = ward.deployment.indexes()
    there = {each.place for each in found}
    wanted = {f"{each.collection}.{each.name}" for each in INDEXES}
    for place in sorted(wanted - there):
        yield Finding(
            level=Level.WARNING,
            place=place,
            says="This index is missing: what it finds is looked for in every document.",
            cure="Run `python -m avenue migrate`.",
        )
    for index in differing(found):
        place = f"{index.collection}.{index.name}"
        yield Finding(
            level=Level.WARNING,
            place=place,
            says="This index is not as it should be (unique, or how long it keeps).",
            cure=f'Drop it (db.{index.collection}.dropIndex("{index.name}")), then run '
            "`python -m avenue migrate`.",
        )
    if any(each.uses is None for each in found):
        yield Finding(
            level=Level.NOTICE,
            place="$indexStats",
            says="Which indexes are used is not told to this database user.",
            cure=MONITOR,
        )
    for each in found:
        yield from _useless(each, ward.now, is_ours=each.place in wanted)


def _useless(index: KnownIndex, now: datetime, *, is_ours: bool) -> Iterator[Finding]:
    """Yield that nobody asks an index; one that enforces or forgets something works unasked."""
    if index.is_unique or index.ttl_seconds is not None or index.since is None:
        return
    days = (now - index.since).days
    if not is_ours and index.uses == 0:
        yield Finding(
            level=Level.NOTICE,
            place=index.place,
            says=f"It is not Avenue's, and nobody has used it since {index.since:%Y-%m-%d}.",
            cure="Drop it unless you know whom it is for: every write keeps it up.",
        )
    elif index.uses == 0 and days >= UNUSED_DAYS:
        yield Finding(
            level=Level.NOTICE,
            place=index.place,
            says=f"On this member nobody has used this index for {days} days.",
            cure="Leave it: what it is for is seldom done here, and `migrate` would make it again.",
        )


def _resize(ward: Ward, hours: int, found: Oplog, largest_mb: int) -> str:
    can_tell = found.bytes is not None and found.hours >= TELLING_OPLOG_HOURS
    each_hour = (found.bytes or 0) / found.hours if can_tell else 0
    wanted_mb = max(each_hour * hours / MB, 4 * largest_mb, 990)
    return (
        "Run on each member: db.adminCommand({replSetResizeOplog: 1, size: "
        f"{-(-int(wanted_mb) // 100) * 100}, minRetentionHours: {hours}}})."
    )
