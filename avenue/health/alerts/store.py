"""Alerts in MongoDB, written together with the messages about them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from avenue.health.alerts.models import Alert, News, Notice, State
from avenue.health.alerts.watching import Watched
from avenue.health.models import Level, Measure, Unit
from avenue.health.rules.levels import action_for
from avenue.notifications.models import Draft, Message
from avenue.notifications.store import DEPLOYMENT_OUTBOX, put
from avenue.storage.collection import AlreadyThere, Collection
from avenue.storage.connection import Database, Document
from avenue.storage.records import faults_of, readable
from avenue.storage.scope import deployment

ALERTS = "infra_alerts"
KEPT_FOR = timedelta(days=2 * 365)
"""How long an alert is kept after it has recovered."""
NEWEST_FIRST = [("opened_at", -1), ("_id", -1)]
CHANGED = ("level", "value", "threshold", "changed_at", "recovered_at")
"""The fields that every check changes."""
ACKNOWLEDGEMENT = ("acknowledged_at", "acknowledged_by", "acknowledged_level")
"""The fields that people change; a check deletes their values when the alert gets worse."""
OF_STATE: dict[State, Document] = {
    State.OPEN: {"recovered_at": None, "acknowledged_at": None},
    State.ACKNOWLEDGED: {"recovered_at": None, "acknowledged_at": {"$ne": None}},
    State.RECOVERED: {"recovered_at": {"$ne": None}},
}


class MongoAlertStore:
    """The `infra_alerts` collection.

    A unique `open_key` ensures that there is at most one open alert for each measure and site.
    Messages are put into the outbox in the same transaction.
    """

    def __init__(self, database: Database) -> None:
        self._alerts = deployment(database).collection(ALERTS)

    def watched(self) -> list[Watched]:
        """Return the open alerts, except unreadable ones."""
        return self._alerts.values(_watched, {"open_key": {"$exists": True}})

    def open(self, watched: Watched, drafts: Sequence[Draft]) -> None:
        """Insert a new alert, unless there is a readable open one about the same."""
        alert = watched.alert
        key = _key(alert.measure, alert.site)
        document = {
            "_id": alert.id,
            "open_key": key,
            "measure": alert.measure.value,
            "site": alert.site,
            "unit": alert.unit.value,
            "opened_at": alert.opened_at,
            **dict.fromkeys(ACKNOWLEDGEMENT),
            **_state(watched),
            "checked_at": alert.opened_at,
        }
        try:
            self._insert(document, drafts)
        except AlreadyThere:
            self._supersede({"open_key": key}, document, drafts)

    def _insert(self, document: Document, drafts: Sequence[Draft]) -> None:
        def work(alerts: Collection) -> None:
            alerts.insert(document)
            _put_all(alerts, drafts)

        self._alerts.transaction(work)

    def _supersede(self, by_key: Document, document: Document, drafts: Sequence[Draft]) -> None:
        """Insert a new alert in place of an unreadable one, which would hide it otherwise."""
        there = self._alerts.find_as_it_is(by_key)
        if there is None or list(readable(ALERTS, _watched, [there])):
            return
        self._alerts.update({"_id": there["_id"], **by_key}, {"$unset": {"open_key": ""}})
        with suppress(AlreadyThere):  # another process was faster
            self._insert(document, drafts)

    def change(
        self, watched: Watched, at: datetime, drafts: Sequence[Draft], *, is_worse: bool
    ) -> None:
        """Update an alert by the snapshot of `at`, once; older snapshots are ignored.

        `is_worse`: its level has risen.
        """
        change: Document = {"$set": {**_state(watched), "checked_at": at}}
        if is_worse and watched.alert.acknowledged_at is None:
            change["$set"].update(dict.fromkeys(ACKNOWLEDGEMENT))
        if watched.alert.recovered_at is not None:
            change["$set"]["forget_at"] = watched.alert.recovered_at + KEPT_FOR
            change["$unset"] = {"open_key": ""}

        def work(alerts: Collection) -> None:
            if alerts.update({"_id": watched.alert.id, "checked_at": {"$lt": at}}, change):
                _put_all(alerts, drafts)

        self._alerts.transaction(work)

    def acknowledge(self, alert_id: str, person: str | None) -> None:
        """Store who has seen an alert, only the first one; repeatable."""
        fresh = {"_id": alert_id, **OF_STATE[State.OPEN]}
        values = ("$$NOW", {"$literal": person}, "$level")
        noted = dict(zip(ACKNOWLEDGEMENT, values, strict=True))
        self._alerts.update(fresh, [{"$set": noted}])

    def alert(self, alert_id: str) -> Alert | None:
        """Return an alert, or None."""
        return self._alerts.value(_alert, {"_id": alert_id})

    def by_id(self, ids: Iterable[str]) -> dict[str, Alert]:
        """Return the existing ones of these alerts by id."""
        wanted = {"_id": {"$in": [*ids]}}
        return {each.id: each for each in self._alerts.values(_alert, wanted)}

    def open_about(self, site: str, measures: Iterable[Measure]) -> list[Alert]:
        """Return the open alerts of these measures, about a site and about the deployment."""
        keys = [_key(each, about) for each in measures for about in (None, site)]
        return self._alerts.values(_alert, {"open_key": {"$in": keys}}, limit=len(keys))

    def find(
        self,
        after: tuple[datetime, str] | None,
        limit: int,
        *,
        site: str | None,
        state: State | None,
        level: Level | None,
    ) -> tuple[list[Alert], int | None]:
        """Return up to `limit` alerts from behind `after` on, and the number of all matches.

        Only those of a `site` (None: of all, and of the deployment), in a state, of a level.
        """
        wanted: Document = dict(OF_STATE[state]) if state else {}
        if site is not None:
            wanted["site"] = site
        if level is not None:
            wanted["level"] = level.value
        page = [wanted, _behind(*after)] if after else [wanted]
        found = self._alerts.values(_alert, {"$and": page}, sort=NEWEST_FIRST, limit=limit)
        return found, self._alerts.total(wanted, NEWEST_FIRST)


def _key(measure: Measure, site: str | None) -> str:
    """Return the key of which only one open alert may exist."""
    return f"{measure}/{site or ''}"


def _state(watched: Watched) -> Document:
    alert = asdict(watched.alert)
    return {
        **{name: _plain(alert[name]) for name in CHANGED},
        "recent": [_plain(each) for each in watched.recent],
        "told": {level.value: at for level, at in watched.told.items()},
    }


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _watched(document: Document) -> Watched:
    _check_all(document)
    acknowledged_level = document.get("acknowledged_level")
    return Watched(
        alert=_alert(document),
        recent=tuple(Level(each) if each else None for each in document["recent"]),
        told={Level(level): at for level, at in document["told"].items()},
        acknowledged_level=Level(acknowledged_level) if acknowledged_level else None,
    )


def _alert(document: Mapping[str, Any]) -> Alert:
    measure, level = Measure(document["measure"]), Level(document["level"])
    return Alert(
        id=document["_id"],
        measure=measure,
        site=document["site"],
        level=level,
        value=document["value"],
        threshold=document["threshold"],
        unit=Unit(document["unit"]),
        opened_at=document["opened_at"],
        changed_at=document["changed_at"],
        acknowledged_at=document["acknowledged_at"],
        acknowledged_by=document["acknowledged_by"],
        recovered_at=document["recovered_at"],
        action=action_for(measure, level),
    )


def kind_of(news: News) -> str:
    """Return the kind of a message with such news."""
    return f"alert.{news.value}"


def content_of(notice: Notice) -> Document:
    """Return the content of a message about an alert."""
    alert = {name: _plain(value) for name, value in asdict(notice.alert).items()}
    return {**alert, "_id": notice.alert.id, "at": notice.at}


def notice_of(message: Message) -> Notice:
    """Return the notice in a message."""
    return Notice(
        news=News(message.kind.removeprefix("alert.")),
        at=message.content["at"],
        alert=_alert(message.content),
    )


def _put_all(alerts: Collection, drafts: Sequence[Draft]) -> None:
    """Insert messages about an alert into the database of the alert, whatever site it is about."""
    for each in drafts:
        put(alerts.beside(DEPLOYMENT_OUTBOX), each.site, each)


def _check_all(document: Document) -> None:
    """Raise as readers do if the stored alert is unreadable."""
    if not document["told"]:
        raise KeyError("told")
    for each in faults_of(ALERTS, document):
        raise KeyError(each.field)


def _behind(opened_at: datetime, alert_id: str) -> Document:
    same = {"opened_at": opened_at, "_id": {"$lt": alert_id}}
    return {"$or": [{"opened_at": {"$lt": opened_at}}, same]}
