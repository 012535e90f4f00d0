"""Looks at snapshots, keeps alerts, and has somebody told."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from avenue.config import Settings
from avenue.cursors import cursor, read_cursor
from avenue.errors import Forbidden
from avenue.health.alerts.errors import AlertNotFound, AlertRecovered
from avenue.health.alerts.models import Alert, AlertPage, AlertQuery, Channel, News, Notice, State
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.alerts.watching import Watched, watch
from avenue.health.history.snapshots.models import Snapshot
from avenue.health.models import Level
from avenue.health.rules.measures import readings, rules
from avenue.identity import Actor, Role, new_id
from avenue.jobs.service import JobService

TELL = "tell_alert"
"""The job that tells one notice."""

CHANNELS: Mapping[Level, tuple[Channel, ...]] = {
    Level.NOTICE: (),
    Level.WARNING: (Channel.MAIL, Channel.WEBHOOK),
    Level.CRITICAL: (Channel.MAIL, Channel.WEBHOOK),
}
"""Where a level is told; the page has all of them."""


class AlertService:
    """The alerts of the deployment and its sites.

    Who runs the house sees all of them, an operator of another site those about that site.
    """

    def __init__(self, store: MongoAlertStore, jobs: JobService, settings: Settings) -> None:
        self._store = store
        self._jobs = jobs
        self._rules = rules(settings)
        set_up = {Channel.MAIL: settings.alert_emails, Channel.WEBHOOK: settings.alert_url}
        self._channels = {channel for channel, receiver in set_up.items() if receiver}

    def check(self, snapshot: Snapshot) -> Mapping[str, int]:
        """Compare a new snapshot with the thresholds; return how much news there is, by kind.

        What is to be told is put into the queue of jobs, and what an earlier job could not tell
        once more.
        """
        counts = dict.fromkeys(map(str, News), 0)
        before = {(each.alert.measure, each.alert.site): each for each in self._store.watched()}
        for reading in readings(snapshot, before):
            known = before.get(reading.key)
            after, news = watch(self._rules[reading.measure], known, reading, snapshot.at)
            if after is None:
                continue
            notices = list(self._notices(after, news, snapshot.at)) if news else []
            if known is None:
                self._store.open(after, notices)
            else:
                self._store.change(after, snapshot.at, notices)
            if news:
                counts[news] += 1
        for notice in self._store.waiting():
            args = {"alert": notice.alert.id, "notice": notice.id}
            self._jobs.enqueue(TELL, args, key=notice.id)
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
        """Return alerts the actor may see; `after` is the `next` of the page before."""
        _admit(actor)
        query = AlertQuery(
            site=None if actor.runs_house else actor.site.id, state=state, level=level
        )
        found, total = self._store.find(query, read_cursor(after), limit + 1)
        items = tuple(found[:limit])
        return AlertPage(
            items=items,
            next=cursor(items[-1].opened_at, items[-1].id) if len(found) > limit else None,
            total=total,
        )

    def acknowledge(self, actor: Actor, alert_id: str) -> Alert:
        """Note that the actor has seen an alert, and return it; the first one to do so stays.

        It is not told again until it gets worse. Raise `AlertNotFound`, `AlertRecovered`.
        """
        _admit(actor)
        if self._visible(actor, alert_id).state is State.OPEN:
            self._store.acknowledge(alert_id, actor.id)
        alert = self._visible(actor, alert_id)
        if alert.state is State.RECOVERED:
            raise AlertRecovered
        return alert

    def _visible(self, actor: Actor, alert_id: str) -> Alert:
        alert = self._store.alert(alert_id)
        if alert is None or not (actor.runs_house or alert.site == actor.site.id):
            raise AlertNotFound
        return alert

    def _notices(self, watched: Watched, news: News, at: datetime) -> Iterator[Notice]:
        """Yield the news for each channel. That it is over hears who heard that it began."""
        level = watched.worst_told if news is News.RECOVERED else watched.alert.level
        for channel in CHANNELS[level]:
            if channel in self._channels:
                yield Notice(id=new_id(), news=news, channel=channel, at=at, alert=watched.alert)


def _admit(actor: Actor) -> None:
    if not actor.has_role(Role.OPS):
        raise Forbidden
