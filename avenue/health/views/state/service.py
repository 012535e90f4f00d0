"""The present state: live facts, the last hourly snapshot, and since when."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from avenue.accounts.account_emails import MAIL
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.alerts.models import Alert
from avenue.health.alerts.service import AlertService
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.facts.scanning import minutes_away
from avenue.health.facts.work import minutes_stopped
from avenue.health.history.points import Point, Span, deployment_point, site_point
from avenue.health.history.snapshots.models import Snapshot
from avenue.health.history.snapshots.service import quota_use
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.health.models import Component, Level, Measure
from avenue.health.rules.measures import rules
from avenue.health.thresholds import MOST_FOUND
from avenue.health.views.state import components as of
from avenue.health.views.state.models import Overview, Pass
from avenue.identity import Actor, Role
from avenue.jobs.access import JobAccess
from avenue.jobs.models import Job, State as JobState
from avenue.jobs.service import JobService
from avenue.media.announcing.models import WEBHOOKS
from avenue.media.intake.library import MediaLibrary
from avenue.media.models import State
from avenue.media.quarantine.store import QuarantineStore, ScanStore
from avenue.notifications.store import OutboxStore
from avenue.storage.room import site_quota
from avenue.storage.status import DeploymentStatus

MEASURES = {
    "disk": Measure.DISK,
    "connections": Measure.CONNECTIONS,
    "oplog": Measure.OPLOG,
    "quota": Measure.QUOTA,
    "traffic": Measure.ERRORS,
    "integrity": Measure.DAMAGED,
    "backup": Measure.BACKUP,
    "scanner": Measure.SCANNER,
}
"""The measures of alerts of each component."""
OTHERS = (
    *(Measure.UNDELIVERED, Measure.LETTERS, Measure.UNSCANNED, Measure.CERTIFICATE),
    *(Measure.SECRETS, Measure.REQUESTS, Measure.PICTURES),
)
"""The measures of no other component."""
ALERTS = 100
"""The most alerts read; they say since when a component has had its level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of facts; `scans` returns none if no files are scanned.

    `deployments` returns the reachable clusters, home first: of each fact the worst is shown.
    """

    deployments: Callable[[], Sequence[DeploymentStatus]]
    inspections: InspectionStore
    counts: StoredCounts
    usage: MediaLibrary
    jobs: JobAccess
    queue: JobService
    outbox: OutboxStore
    snapshots: SnapshotStore
    alerts: AlertService
    quarantine: QuarantineStore
    scans: Callable[[], Sequence[ScanStore]]


class StateService:
    """Shows operators the state of their site, or of the deployment."""

    def __init__(self, sources: Sources, settings: Settings) -> None:
        self._from = sources
        self._settings = settings
        self._rules = rules(settings)
        self._began_at = utc_now()

    def overview(self, actor: Actor) -> Overview:
        """Return the components `actor` may see, the worst first; raise `Forbidden`."""
        actor.must_have(Role.OPS)
        now = utc_now()
        alerts = self._from.alerts.list(actor, limit=ALERTS).items
        snapshot = self._from.snapshots.newest() if actor.runs_deployment else None
        of_deployment = self._of_deployment(snapshot) if actor.runs_deployment else ()
        dated = [
            replace(each, since=_since(each, actor, alerts))
            for each in (*of_deployment, *self._of_site(actor))
        ]
        return Overview(
            generated_at=now,
            snapshot_at=snapshot.at if snapshot else None,
            components=tuple(sorted(dated, key=lambda each: -each.level.rank)),
            passes=tuple(self._passes(actor, now)) if actor.runs_deployment else (),
        )

    def history(self, actor: Actor, span: Span) -> list[Point]:
        """Return the points of the snapshots of `span`, oldest first; raise `Forbidden`.

        Actors who are no operators of the deployment get the storage of their site only.
        """
        actor.must_have(Role.OPS)
        site = None if actor.runs_deployment else actor.site.id
        snapshots = self._from.snapshots.history_since(utc_now() - span.time, site)
        return [deployment_point(each) if site is None else site_point(each) for each in snapshots]

    def _passes(self, actor: Actor, now: datetime) -> list[Pass]:
        """Return the periodic jobs, by kind."""
        periodic = [each for each in self._from.jobs.work(actor).unfinished if each.every_seconds]
        return [_pass(each, now) for each in sorted(periodic, key=lambda each: each.kind)]

    def _of_deployment(self, snapshot: Snapshot | None) -> Iterator[Component]:
        settings = self._settings
        of_each = [self._of_cluster(each) for each in self._from.deployments()]
        yield from map(_worst, zip(*of_each, strict=True))
        yield of.traffic(snapshot, self._rules)
        if settings.backup_to:
            yield of.backup(snapshot, self._rules)
        if settings.webhook_url:
            yield of.webhooks(self._from.outbox.undelivered(WEBHOOKS))

    def _of_cluster(self, asked: DeploymentStatus) -> Sequence[Component]:
        mongodb, database = asked.mongodb(), asked.database()
        return (
            of.members(mongodb),
            of.durability(mongodb, self._settings),
            of.disk(database, self._rules),
            of.database(database, self._settings.database_gb, self._rules),
            of.connections(mongodb, self._rules),
            of.oplog(mongodb, self._rules),
        )

    def _of_site(self, actor: Actor) -> Iterator[Component]:
        site, now = actor.site, utc_now()
        inspections = self._from.inspections
        yield of.integrity_of(
            inspections.last_pass(site.id),
            self._from.counts.damaged(site.id),
            inspections.finding_counts(site.id, most=MOST_FOUND),
        )
        used = self._from.usage.used(actor, lately=True)
        use = quota_use(site, used, site_quota(site, self._settings))
        yield of.quota(use, self._rules)
        # A stopped scanner concerns the whole deployment.
        asks = actor.runs_deployment
        stopped = minutes_stopped(self._from.queue, self._began_at, now) if asks else 0
        yield of.jobs(self._from.jobs.work(actor), now, stopped, self._rules)
        if scans := self._from.scans():
            held = self._from.quarantine.count(site.id, states=[State.LIVE])
            yield of.scanner(minutes_away(scans, now), held, self._rules, site=site.id)
        if self._settings.smtp_url:
            yield of.deliveries(self._from.outbox.undelivered(MAIL, site.id))
        if alerts := self._from.alerts.open_about(actor, OTHERS):
            yield of.others(alerts)


def _worst(components: Iterable[Component]) -> Component:
    """Return the worst of the same component of all clusters, the first of several."""
    return max(components, key=lambda each: (each.level.rank, each.percent or 0))


def _since(component: Component, actor: Actor, alerts: Iterable[Alert]) -> datetime | None:
    """Return since when a component has had its level, as far as the newest alert about it says."""
    measure = MEASURES.get(component.key)
    for each in alerts:
        if each.measure is measure and each.site in {None, actor.site.id}:
            if component.level is Level.UNKNOWN:
                return None
            return each.recovered_at if component.level is Level.OK else each.opened_at
    return None


def _pass(job: Job, now: datetime) -> Pass:
    ended = job.finished_at
    is_due = job.state is JobState.QUEUED and job.run_at < now
    return Pass(
        job=job,
        kind=job.kind,
        state=job.state,
        finished_at=ended,
        age_seconds=max(round((now - ended).total_seconds()), 0) if ended else None,
        overdue_seconds=round((now - job.run_at).total_seconds()) if is_due else 0,
        done=job.progress.done,
        total=job.progress.total,
        error=job.error,
    )
