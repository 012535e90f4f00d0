"""Evaluates snapshots, stores alerts, and queues messages about them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.cursors import cursor, read_cursor
from avenue.health.alerts.channels.models import INSTALLATION, Chosen
from avenue.health.alerts.errors import AlertNotFound, AlertRecovered
from avenue.health.alerts.models import TEST, Alert, AlertPage, News, Notice, State
from avenue.health.alerts.store import MongoAlertStore, content_of, kind_of
from avenue.health.alerts.watching import Watched, watch
from avenue.health.history.snapshots.models import Snapshot
from avenue.health.models import Level, Measure
from avenue.health.rules.measures import QuickCheck, Reading, quick_readings, readings, rules
from avenue.identity import Actor, Role
from avenue.notifications.models import Draft
from avenue.notifications.store import OutboxStore


class AlertService:
    """The alerts of the deployment and its sites.

    Operators of the deployment see all of them, operators of another site those about that site.
    """

    def __init__(
        self,
        store: MongoAlertStore,
        outbox: OutboxStore,
        settings: Settings,
        receivers: Callable[[str | None], Sequence[Chosen]],
    ) -> None:
        """`receivers` returns those of alerts about a site, or (None) about the deployment."""
        self._store = store
        self._rules = rules(settings)
        self._outbox = outbox
        self._receivers = receivers

    def check(self, snapshot: Snapshot) -> Mapping[str, int]:
        """Compare a new snapshot with the thresholds; return the number of news by kind.

        Messages about them are put into the outbox.
        """
        return self._judge(snapshot.at, partial(readings, snapshot))

    def look(self, quick_check: QuickCheck) -> Mapping[str, int]:
        """Do the same with figures read between two snapshots."""
        return self._judge(quick_check.at, partial(quick_readings, quick_check))

    def _judge(
        self,
        at: datetime,
        readings_beside: Callable[[Iterable[tuple[Measure, str | None]]], Iterable[Reading]],
    ) -> Mapping[str, int]:
        """Update the open alerts by figures read at that time."""
        counts = dict.fromkeys(map(str, News), 0)
        before = {(each.alert.measure, each.alert.site): each for each in self._store.watched()}
        for reading in readings_beside(before):
            known = before.get(reading.key)
            after, news = watch(self._rules[reading.measure], known, reading, at)
            if after is None:
                continue
            drafts = list(self._drafts(after, news, at)) if news else []
            if known is None:
                self._store.open(after, drafts)
            else:
                is_worse = after.alert.level.rank > known.alert.level.rank
                self._store.change(after, at, drafts, is_worse=is_worse)
            if news:
                counts[news] += 1
        return counts

    def list(
        self,
        actor: Actor,
        *,
        state: State | None = None,
        level: Level | None = None,
        after: str | None = None,
        limit: int,
    ) -> AlertPage:
        """Return alerts the actor may see; `after` is the `next` of the previous page."""
        actor.must_have(Role.OPS)
        site = None if actor.runs_deployment else actor.site.id
        found, total = self._store.find(
            read_cursor(after), limit + 1, site=site, state=state, level=level
        )
        return AlertPage.of(found, limit, lambda last: cursor(last.opened_at, last.id), total=total)

    def open_about(self, actor: Actor, measures: Iterable[Measure]) -> Sequence[Alert]:
        """Return the open alerts of these measures about the actor's site.

        For operators of the deployment also those about the deployment.
        """
        found = self._store.open_about(actor.site.id, measures)
        return [each for each in found if each.site or actor.runs_deployment]

    def acknowledge(self, actor: Actor, alert_id: str) -> Alert:
        """Store that the actor has seen an alert, and return it; only the first one is stored.

        No reminders are sent until it gets worse. Raise `AlertNotFound`, `AlertRecovered`.
        """
        actor.must_have(Role.OPS)
        if self._visible(actor, alert_id).state is State.OPEN:
            self._store.acknowledge(alert_id, actor.id)
        alert = self._visible(actor, alert_id)
        if alert.state is State.RECOVERED:
            raise AlertRecovered
        return alert

    def send_test(self, actor: Actor) -> int:
        """Send a test message to all receivers of the deployment; return their number."""
        actor.must_run_deployment()
        receivers = self._receivers(INSTALLATION)
        for each in receivers:
            self._outbox.put_of_deployment(each.receiver.draft(TEST, None, {"at": utc_now()}))
        return len(receivers)

    def _visible(self, actor: Actor, alert_id: str) -> Alert:
        alert = self._store.alert(alert_id)
        if alert is None or not (actor.runs_deployment or alert.site == actor.site.id):
            raise AlertNotFound
        return alert

    def _drafts(self, watched: Watched, news: News, at: datetime) -> Iterator[Draft]:
        """Yield the messages for each receiver; a recovery goes to those who got the alert."""
        level = watched.worst_sent if news is News.RECOVERED else watched.alert.level
        content = content_of(Notice(news=news, at=at, alert=watched.alert))
        for each in self._receivers(watched.alert.site):
            if level in each.levels:
                yield each.receiver.draft(kind_of(news), watched.alert.id, content)
