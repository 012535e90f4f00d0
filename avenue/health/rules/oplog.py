"""Rules for the oplog; nothing else judges it."""

from collections.abc import Iterable, Iterator

from avenue.config import Settings
from avenue.errors import sentence
from avenue.health.history.snapshots.models import Figures
from avenue.health.models import Finding, Level, Measure, Unit
from avenue.health.rules.deployment import MONITOR
from avenue.health.rules.levels import Rule, finding, levels_at
from avenue.health.sentences import Said, size
from avenue.health.thresholds import OPLOG_HOURS, OPLOG_MARGIN, WANTED_OPLOG_HOURS
from avenue.storage.mongo_facts import Oplog

MB = 1024 * 1024
PLACE = "local.oplog.rs"
READ_LOCAL = sentence("To see this, grant the database user the role read on the database local.")
OPLOG = Rule(
    unit=Unit.HOURS,
    thresholds=levels_at(OPLOG_HOURS, [each * OPLOG_MARGIN for each in OPLOG_HOURS]),
    lower_is_worse=True,
)


def window(found: Oplog | None, *, is_router: bool = False) -> Iterator[Finding]:
    """Yield whether a member that was offline for a while could catch up; not for single members.

    An oplog that is not full yet has dropped nothing, so its window is no danger now.
    """
    if found is None:
        yield Finding(
            subject="oplog",
            level=Level.UNKNOWN,
            place=PLACE,
            says="This database user may not see how far it reaches back.",
            cure="Ask each shard." if is_router else Said(READ_LOCAL),
        )
        return
    hours = found.reaches_hours if found.is_filling else found.hours
    level = None if hours is None or found.data_members == 1 else OPLOG.reached(hours)
    if level is None or hours is None:
        return
    if found.is_filling:
        level = Level.NOTICE
    elif found.full_percent is None:  # it may be young
        level = Level.UNKNOWN
    yield finding(Measure.OPLOG, level, hours, place=PLACE)


def large_enough(found: Oplog | None, settings: Settings) -> Iterator[Finding]:
    """Yield that a few large uploads would fill the oplog."""
    largest_mb = largest_upload_mb(settings)
    if found is None or (found.most_bytes or 0) >= 2 * largest_mb * MB:
        return
    if found.most_bytes is None:
        yield Finding(
            subject="oplog_size",
            level=Level.UNKNOWN,
            place=PLACE,
            says="This database user may not see its size.",
            cure=MONITOR,
        )
        return
    yield Finding(
        subject="oplog_size",
        level=Level.NOTICE if settings.local else Level.WARNING,
        place=PLACE,
        says=f"It may have {size(found.most_bytes)}, and one upload may have {largest_mb} MB: "
        "after a few of those, a member that was down cannot catch up.",
        cure="Enlarge it, or lower AVENUE_MAX_TUS_MB.",
    )


def resize(found: Oplog, settings: Settings) -> str:
    """Return the command that makes an oplog large enough."""
    each_hour = (found.bytes or 0) / found.hours if found.reaches_hours else 0
    wanted = max(each_hour * WANTED_OPLOG_HOURS / MB, 4 * largest_upload_mb(settings), 990)
    return (
        "Run on each member: db.adminCommand({replSetResizeOplog: 1, size: "
        f"{-(-int(wanted) // 100) * 100}, minRetentionHours: {WANTED_OPLOG_HOURS}}})."
    )


def largest_upload_mb(own: Settings) -> int:
    """Return the largest size of an upload in MB."""
    return max(own.max_tus_mb, own.max_upload_mb, own.max_media_mb, own.max_product_image_mb)


def least_hours(clusters: Iterable[Figures]) -> float | None:
    """Return the shortest time a member may be offline on any cluster; None for single members."""
    several = [each.oplog_hours for each in clusters if each.data_members != 1]
    return min((each for each in several if each is not None), default=None)
