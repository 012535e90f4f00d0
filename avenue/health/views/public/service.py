"""The effect of alerts on the visitors of a site, by one read."""

from collections.abc import Mapping
from datetime import datetime

from avenue.errors import Unavailable
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.models import Level, Measure
from avenue.health.views.public.models import Condition, Part, PartStatus, PublicStatus

DEGRADED, OUTAGE = Condition.DEGRADED, Condition.OUTAGE
CONCERNS: Mapping[Measure, Mapping[Level, Mapping[Part, Condition]]] = {
    Measure.LOST: {Level.CRITICAL: {Part.PICTURES: DEGRADED}},
    Measure.DAMAGED: {Level.CRITICAL: {Part.PICTURES: DEGRADED}},
    Measure.QUOTA: {Level.CRITICAL: {Part.UPLOADS: DEGRADED}},
    Measure.DISK: {Level.CRITICAL: {Part.UPLOADS: OUTAGE, Part.DATABASE: DEGRADED}},
    Measure.PLAN: {Level.CRITICAL: {Part.UPLOADS: OUTAGE, Part.DATABASE: DEGRADED}},
    Measure.SCANNER: {Level.WARNING: {Part.UPLOADS: DEGRADED}},
    Measure.UNSCANNED: {Level.WARNING: {Part.UPLOADS: DEGRADED}},
    Measure.CONNECTIONS: {Level.CRITICAL: {Part.PAGES: DEGRADED, Part.DATABASE: DEGRADED}},
    Measure.ERRORS: {
        Level.WARNING: {Part.PAGES: DEGRADED},
        Level.CRITICAL: {Part.PAGES: DEGRADED},
    },
}
"""The effect of an alert on visitors; alerts that are not listed have none."""
AWAY = {Part.PICTURES: DEGRADED, Part.UPLOADS: OUTAGE, Part.PAGES: OUTAGE, Part.DATABASE: OUTAGE}
"""The status while the database cannot be reached; cached pictures are still shown."""


class PublicStatusService:
    """Reports the public status of sites."""

    def __init__(self, alerts: MongoAlertStore) -> None:
        self._alerts = alerts

    def of(self, site: str) -> PublicStatus:
        """Return the status of `site`, by its open alerts and those of the deployment."""
        try:
            found = self._alerts.open_about(site, CONCERNS)
        except Unavailable:
            return _status({part: (state, None) for part, state in AWAY.items()})
        worst: dict[Part, tuple[Condition, datetime | None]] = {}
        for alert in found:
            for part, state in CONCERNS[alert.measure].get(alert.level, {}).items():
                known = worst.get(part)
                if known is None or state.rank > known[0].rank:
                    worst[part] = state, alert.changed_at
        return _status(worst)


def _status(worst: Mapping[Part, tuple[Condition, datetime | None]]) -> PublicStatus:
    fine = (Condition.OK, None)
    parts = tuple(
        PartStatus(part=part, state=state, since=since)
        for part in Part
        for state, since in [worst.get(part, fine)]
    )
    state = max((each.state for each in parts), key=lambda each: each.rank)
    return PublicStatus(state=state, parts=parts)
