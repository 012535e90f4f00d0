"""Looks every few minutes at what cannot wait for the hourly snapshot.

The job does it; when that has not run for a while, a web process does, which then tells that
background work has stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from avenue.accounts.letters import MAIL
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.health.alerts.channels.models import BROWSERS, OWN_WEBHOOKS
from avenue.health.alerts.channels.service import TELL, TELL_SITES
from avenue.health.alerts.service import AlertService
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.facts.scanning import minutes_away
from avenue.health.facts.secrets import oldest_days
from avenue.health.facts.store import FactStore
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.health.models import Measure
from avenue.health.rules.measures import Figures, Glance
from avenue.health.rules.work import failed_since, is_late
from avenue.health.thresholds import LEAST_TRAFFIC, MOST_IN_QUARANTINE, STOPPED, UNSCANNED
from avenue.jobs.service import JobService
from avenue.media.announcing.models import PURGES, WEBHOOKS
from avenue.media.models import ScanState
from avenue.media.quarantine.store import ScanStore
from avenue.media.references import Standing
from avenue.notifications.store import OutboxStore
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus, percent

WATCH = "watch"
"""The job that looks."""
EVERY_SECONDS = 180
GB = 10**9
DAY = timedelta(days=1)
SCANNING = frozenset({Measure.SCANNER, Measure.UNSCANNED, Measure.QUARANTINED})
TOLD_BESIDE = frozenset({MAIL, WEBHOOKS, PURGES, TELL, TELL_SITES})
"""Jobs whose failing is told by what they could not deliver."""
OWN = (OWN_WEBHOOKS, BROWSERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at.

    `deployments` are all clusters, and raise `Unavailable` when one is away; `scans` are those of
    the clusters at hand, none where nothing is scanned.
    """

    jobs: JobService
    outbox: OutboxStore
    inspections: InspectionStore
    deployments: Callable[[], Sequence[DeploymentStatus]]
    facts: FactStore
    snapshots: SnapshotStore
    traffic: MongoTrafficStore
    scans: Callable[[], Sequence[ScanStore]]


class GlanceService:
    """Asks for the figures and has alerts judged by them."""

    def __init__(
        self,
        alerts: AlertService,
        watched: Watched,
        sites: Sites,
        settings: Settings,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._alerts = alerts
        self._jobs = watched.jobs
        self._outbox = watched.outbox
        self._inspections = watched.inspections
        self._deployments = watched.deployments
        self._facts = watched.facts
        self._snapshots = watched.snapshots
        self._traffic = watched.traffic
        self._scans = watched.scans
        self._sites = sites
        self._settings = settings
        self._now = now
        self._began_at = now()

    def look(self) -> Mapping[str, int]:
        """Look now; return how much news there is, by kind."""
        asked: dict[frozenset[Measure], Callable[[], Figures]] = {
            frozenset({Measure.STOPPED}): self._stopped,
            frozenset({Measure.LATE_JOBS, Measure.FAILED_JOBS}): self._work,
            frozenset({Measure.LOST, Measure.ON_A_DISK}): self._pictures,
            frozenset({Measure.UNDELIVERED}): self._undelivered,
            frozenset({Measure.PLAN}): self._plan,
            frozenset({Measure.LETTERS}): self._letters,
            SCANNING: self._scanning,
            frozenset({Measure.CERTIFICATE}): self._certificates,
            frozenset({Measure.SECRETS}): self._secrets,
            frozenset({Measure.REQUESTS, Measure.PICTURES}): self._expected,
        }
        figures: dict[tuple[Measure, str | None], float] = {}
        missing: set[Measure] = set()
        for measures, ask in asked.items():
            try:
                figures |= ask()
            except Unavailable:  # what is not known is not over
                missing |= measures
        return self._alerts.look(Glance(at=self._now(), figures=figures, missing=missing))

    def look_if_nobody_does(self) -> bool:
        """Look if the job that should has not for a while; tell whether it was so."""
        has_stopped = self._stopped()[Measure.STOPPED, None] > 0
        if has_stopped:
            self.look()
        return has_stopped

    def _stopped(self) -> Figures:
        """Return for how many minutes nobody has looked, 0 when somebody has of late.

        A process that has just begun gives others time to begin, too.
        """
        job = self._jobs.known(WATCH)
        ended_at = job.finished_at if job else None
        since = self._now() - max(ended_at or self._began_at, self._began_at)
        return {(Measure.STOPPED, None): since / timedelta(minutes=1) if since > STOPPED else 0}

    def _work(self) -> Figures:
        now, todo = self._now(), self._jobs.unfinished()
        ours = [each for each in (*todo, *self._jobs.failed()) if each.kind not in TOLD_BESIDE]
        return {
            (Measure.LATE_JOBS, None): sum(is_late(each, now) for each in todo),
            (Measure.FAILED_JOBS, None): len(failed_since(ours, now - DAY)),
        }

    def _pictures(self) -> Figures:
        figures: dict[tuple[Measure, str | None], float] = {}
        for site in self._sites.all():
            counts = self._inspections.finding_counts(site.id)
            figures[Measure.LOST, site.id] = counts[Standing.MISSING]
            figures[Measure.ON_A_DISK, site.id] = counts[Standing.EPHEMERAL]
        return figures

    def _undelivered(self) -> Figures:
        """Return the most failures of a receiver that something waits for.

        What sites have chosen for themselves is theirs to look after.
        """
        rows = self._outbox.failures_in_a_row()
        failures = {name: n for name, n in rows.items() if not name.startswith(OWN)}
        waited_for = (n for name, n in failures.items() if self._outbox.undelivered(name).waiting)
        return {(Measure.UNDELIVERED, None): max(waited_for, default=0)}

    def _plan(self) -> Figures:
        """Return how much the cluster has of its plan that has the most."""
        facts = [each.database() for each in self._deployments()]
        used = max((each.storage_bytes or 0) + (each.index_bytes or 0) for each in facts)
        return _share(Measure.PLAN, used, self._settings.database_gb * GB)

    def _scanning(self) -> Figures:
        """Return what the scanner has left undone and found, of each cluster that is at hand."""
        figures: dict[tuple[Measure, str | None], float] = {}
        scans = self._scans()
        if not scans:
            return figures
        now = self._now()
        figures[Measure.SCANNER, None] = minutes_away(scans, now)
        figures[Measure.UNSCANNED, None] = sum(
            each.waiting_before(now - UNSCANNED, MOST_IN_QUARANTINE) for each in scans
        )
        for each in scans:
            for site, files in each.counts(ScanState.QUARANTINED, MOST_IN_QUARANTINE).items():
                figures[Measure.QUARANTINED, site] = files
        return figures

    def _certificates(self) -> Figures:
        """Return for how many days those of the sites are good, as far as anybody has asked."""
        ends, now = self._facts.certificates(), self._now()
        return {
            (Measure.CERTIFICATE, each.id): max((ends[each.id] - now) / DAY, 0)
            for each in self._sites.all()
            if each.id in ends
        }

    def _secrets(self) -> Figures:
        return {(Measure.SECRETS, None): oldest_days(self._facts, self._settings, self._now())}

    def _expected(self) -> Figures:
        """Return how much there is of what is expected, by what came since the last snapshot."""
        own = self._settings
        if not (own.alert_requests_per_minute or own.alert_pictures):
            return {}
        found = self._snapshots.newest_counts()
        if found is None:
            return {}
        since = self._now() - found.at
        figures = dict(_share(Measure.PICTURES, found.files, own.alert_pictures))
        if since >= LEAST_TRAFFIC:
            requests = self._traffic.totals().requests - found.requests
            rate = requests / (since / timedelta(minutes=1))
            figures |= _share(Measure.REQUESTS, rate, own.alert_requests_per_minute)
        return figures

    def _letters(self) -> Figures:
        sent = self._outbox.count_since(MAIL, DAY)
        return _share(Measure.LETTERS, sent, self._settings.alert_letters_per_day)


def _share(measure: Measure, used: float, most: float) -> Figures:
    """Return how much of `most` is used, nothing where no most is set."""
    return {(measure, None): percent(int(used), int(most)) or 0} if most else {}
