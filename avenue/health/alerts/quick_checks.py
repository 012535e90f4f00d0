"""Checks every few minutes what cannot wait for the hourly snapshot.

A job does it. If that job has not run for a while, a web process does it instead and raises the
alert that background work has stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from avenue.accounts.account_emails import MAIL
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.health.alerts.service import AlertService
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.facts.scanning import minutes_away
from avenue.health.facts.secrets import oldest_days
from avenue.health.facts.store import FactStore
from avenue.health.facts.work import minutes_stopped, refused_in_a_row
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.health.models import Measure
from avenue.health.rules.measures import Figures, QuickCheck
from avenue.health.rules.work import Backlog
from avenue.health.thresholds import LEAST_TRAFFIC, MOST_IN_QUARANTINE, UNSCANNED
from avenue.jobs.access import Work
from avenue.jobs.service import JobService
from avenue.media.models import ScanState
from avenue.media.quarantine.store import ScanStore
from avenue.media.references import Standing
from avenue.notifications.store import OutboxStore
from avenue.storage.mongo_facts import percent
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus

EVERY_SECONDS = 180
DAY = timedelta(days=1)
SCANNING = frozenset({Measure.SCANNER, Measure.UNSCANNED, Measure.QUARANTINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The sources of the figures.

    `deployments` returns all clusters, and raises `Unavailable` if one cannot be reached; `scans`
    those of the reachable clusters, none if no files are scanned.
    """

    jobs: JobService
    outbox: OutboxStore
    inspections: InspectionStore
    deployments: Callable[[], Sequence[DeploymentStatus]]
    facts: FactStore
    snapshots: SnapshotStore
    traffic: MongoTrafficStore
    scans: Callable[[], Sequence[ScanStore]]


class QuickCheckService:
    """Reads the figures and updates alerts by them."""

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
        self._from = watched
        self._sites = sites
        self._settings = settings
        self._now = now
        self._began_at = now()

    def look(self) -> Mapping[str, int]:
        """Check now; return the number of news by kind."""
        asked: dict[frozenset[Measure], Callable[[], Figures]] = {
            frozenset({Measure.STOPPED}): self._stopped,
            frozenset({Measure.LATE_JOBS, Measure.FAILED_JOBS}): self._work,
            frozenset({Measure.LOST, Measure.ON_A_DISK}): self._pictures,
            frozenset({Measure.UNDELIVERED}): lambda: {
                (Measure.UNDELIVERED, None): refused_in_a_row(self._from.outbox)
            },
            frozenset({Measure.PLAN}): self._plan,
            frozenset({Measure.LETTERS}): self._emails,
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
            except Unavailable:  # an unknown figure does not end an alert
                missing |= measures
        return self._alerts.look(QuickCheck(at=self._now(), figures=figures, missing=missing))

    def look_if_nobody_does(self) -> bool:
        """Check if the job has not done so for a while; return whether that was the case."""
        has_stopped = self._stopped()[Measure.STOPPED, None] > 0
        if has_stopped:
            self.look()
        return has_stopped

    def _stopped(self) -> Figures:
        minutes = minutes_stopped(self._from.jobs, self._began_at, self._now())
        return {(Measure.STOPPED, None): minutes}

    def _work(self) -> Figures:
        todo, failed = self._from.jobs.unfinished(), self._from.jobs.failed()
        work = Work(unfinished=tuple(todo), finished=(), failed=tuple(failed))
        found = Backlog.of(work, self._now())
        return {(Measure.LATE_JOBS, None): found.late, (Measure.FAILED_JOBS, None): found.failed}

    def _pictures(self) -> Figures:
        figures: dict[tuple[Measure, str | None], float] = {}
        for site in self._sites.all():
            counts = self._from.inspections.finding_counts(site.id)
            figures[Measure.LOST, site.id] = counts[Standing.MISSING]
            figures[Measure.ON_A_DISK, site.id] = counts[Standing.EPHEMERAL]
        return figures

    def _plan(self) -> Figures:
        """Return the share of its plan that the fullest cluster uses."""
        plan_gb = self._settings.database_gb
        if not plan_gb:
            return {}
        shares = [each.database().percent_of(plan_gb) or 0 for each in self._from.deployments()]
        return {(Measure.PLAN, None): max(shares)}

    def _scanning(self) -> Figures:
        """Return the unscanned and the quarantined files of each reachable cluster."""
        scans, now = self._from.scans(), self._now()
        if not scans:
            return {}
        figures: dict[tuple[Measure, str | None], float] = {
            (Measure.SCANNER, None): minutes_away(scans, now),
            (Measure.UNSCANNED, None): sum(
                each.waiting_before(now - UNSCANNED, MOST_IN_QUARANTINE) for each in scans
            ),
        }
        for each in scans:
            for site, files in each.counts(ScanState.QUARANTINED, MOST_IN_QUARANTINE).items():
                figures[Measure.QUARANTINED, site] = files
        return figures

    def _certificates(self) -> Figures:
        """Return the remaining days of the certificates of sites, as far as they are known."""
        ends, now = self._from.facts.certificates(), self._now()
        return {
            (Measure.CERTIFICATE, each.id): max((ends[each.id] - now) / DAY, 0)
            for each in self._sites.all()
            if each.id in ends
        }

    def _secrets(self) -> Figures:
        return {(Measure.SECRETS, None): oldest_days(self._from.facts, self._settings, self._now())}

    def _expected(self) -> Figures:
        """Return pictures and requests as shares of what the settings expect.

        The pictures are those of the last snapshot, the requests those per minute since then.
        """
        own = self._settings
        if not (own.alert_requests_per_minute or own.alert_pictures):
            return {}
        found = self._from.snapshots.newest_counts()
        if found is None:
            return {}
        since = self._now() - found.at
        figures = dict(_share(Measure.PICTURES, found.files, own.alert_pictures))
        if since >= LEAST_TRAFFIC:
            requests = self._from.traffic.totals().requests - found.requests
            rate = requests / (since / timedelta(minutes=1))
            figures |= _share(Measure.REQUESTS, rate, own.alert_requests_per_minute)
        return figures

    def _emails(self) -> Figures:
        sent = self._from.outbox.count_since(MAIL, DAY)
        return _share(Measure.LETTERS, sent, self._settings.alert_letters_per_day)


def _share(measure: Measure, used: float, most: float) -> Figures:
    """Return the share of `most` that is used, nothing if there is no limit."""
    return {(measure, None): percent(int(used), int(most)) or 0} if most else {}
