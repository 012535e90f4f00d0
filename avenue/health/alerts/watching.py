"""The life of an alert between snapshots: opened, raised, repeated, lowered, recovered.

Nothing here reads the clock: all times are those of the snapshots.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from avenue.health.alerts.models import Alert, News
from avenue.health.models import Level
from avenue.health.rules.levels import Rule, action_for
from avenue.health.rules.measures import Reading
from avenue.health.thresholds import COOLDOWNS
from avenue.identity import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An alert and the state needed to judge the next snapshot.

    `recent` are the levels of the last snapshots, `told` is when each level was last sent,
    `acknowledged_level` is the level when the alert was acknowledged.
    """

    alert: Alert
    recent: tuple[Level | None, ...]
    told: Mapping[Level, datetime] = field(default_factory=dict)
    acknowledged_level: Level | None = None

    @property
    def worst_sent(self) -> Level:
        """The worst level that was sent."""
        return max(self.told, key=lambda each: each.rank)

    def is_within_cooldown(self, level: Level, at: datetime) -> bool:
        """Return whether `level`, or a worse one, was sent within its cooldown."""
        times = [when for each, when in self.told.items() if each.rank >= level.rank]
        return bool(times) and at - max(times) < COOLDOWNS[level]


def watch(
    rule: Rule, before: Watched | None, reading: Reading, at: datetime
) -> tuple[Watched | None, News | None]:
    """Return the alert after a `reading` (None: there is none), and the news to send.

    A new level is sent at once, unless it was sent within its cooldown: then the value only moves
    between two levels, slowly.
    """
    if before is None:
        level = rule.reached(reading.value)
        return (_opened(rule, reading, level, at), News.OPENED) if level else (None, None)
    held, reached = rule.held(reading.value), rule.reached(reading.value)
    after = replace(
        before,
        alert=replace(before.alert, value=reading.value),
        recent=(*before.recent, held)[-rule.calm :],
    )
    if reached and reached.rank > before.alert.level.rank:
        return _raised(rule, after, reached, at)
    lasting = max(after.recent, key=_rank)
    if lasting is None:
        return replace(after, alert=replace(after.alert, recovered_at=at)), News.RECOVERED
    if lasting.rank < before.alert.level.rank:
        after = _at_level(rule, after, lasting, at)
    level = after.alert.level
    if after.alert.acknowledged_at is not None or after.is_within_cooldown(level, at):
        return after, None
    return replace(after, told={**after.told, level: at}), News.REMINDER


def _opened(rule: Rule, reading: Reading, level: Level, at: datetime) -> Watched:
    alert = Alert(
        id=new_id(),
        measure=reading.measure,
        site=reading.site,
        level=level,
        value=reading.value,
        threshold=rule.begins(level),
        unit=rule.unit,
        opened_at=at,
        changed_at=at,
        action=action_for(reading.measure, level),
    )
    return Watched(alert=alert, recent=(level,), told={level: at})


def _raised(rule: Rule, after: Watched, level: Level, at: datetime) -> tuple[Watched, News | None]:
    after = _at_level(rule, after, level, at)
    is_silent = after.is_within_cooldown(level, at)
    if is_silent and _rank(after.acknowledged_level) >= level.rank:
        return after, None
    # It is worse than what was acknowledged.
    alert = replace(after.alert, acknowledged_at=None, acknowledged_by=None)
    after = replace(after, alert=alert, acknowledged_level=None)
    if is_silent:
        return after, None
    return replace(after, told={**after.told, level: at}), News.RAISED


def _at_level(rule: Rule, after: Watched, level: Level, at: datetime) -> Watched:
    alert = replace(
        after.alert,
        level=level,
        threshold=rule.begins(level),
        changed_at=at,
        action=action_for(after.alert.measure, level),
    )
    return replace(after, alert=alert)


def _rank(level: Level | None) -> int:
    return -1 if level is None else level.rank
