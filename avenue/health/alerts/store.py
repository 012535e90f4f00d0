"""Alerts in MongoDB, each with what is still to be told of it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from avenue.health.alerts.models import Alert, AlertQuery, Channel, News, Notice, State
from avenue.health.alerts.watching import Watched
from avenue.health.models import Level, Measure, Unit
from avenue.health.rules.measures import action_for
from avenue.storage.connection import Database, Document
from avenue.storage.records import faults_of, readable
from avenue.storage.scope import AlreadyThere, house

ALERTS = "infra_alerts"
KEPT_FOR = timedelta(days=2 * 365)
"""After it has recovered."""
NEWEST_FIRST = [("opened_at", -1), ("_id", -1)]
CHANGED = ("level", "value", "threshold", "changed_at", "recovered_at")
"""What a look at a snapshot changes; who has acknowledged is changed beside it, by people."""
OF_STATE: dict[State, Document] = {
    State.OPEN: {"recovered_at": None, "acknowledged_at": None},
    State.ACKNOWLEDGED: {"recovered_at": None, "acknowledged_at": {"$ne": None}},
    State.RECOVERED: {"recovered_at": {"$ne": None}},
}


class MongoAlertStore:
    """The `infra_alerts` collection.

    A unique `open_key` sees to it that of one measure there is one alert at a time. News are kept
    in the document of their alert, by the same write that makes them news.
    """

    def __init__(self, database: Database) -> None:
        self._alerts = house(database).collection(ALERTS)

    def watched(self) -> list[Watched]:
        """Return the alerts that have not recovered, those of which all can be read."""
        return self._alerts.values(_watched, {"open_key": {"$exists": True}})

    def open(self, watched: Watched, notices: Sequence[Notice]) -> None:
        """Keep a new alert, unless there is one about the same already that can be gone on with."""
        alert = watched.alert
        key = f"{alert.measure}/{alert.site or ''}"
        document = {
            "_id": alert.id,
            "open_key": key,
            "measure": alert.measure.value,
            "site": alert.site,
            "unit": alert.unit.value,
            "opened_at": alert.opened_at,
            "acknowledged_at": None,
            "acknowledged_by": None,
            **_state(watched),
            "checked_at": alert.opened_at,
            "notices": [_notice_document(each) for each in notices],
        }
        try:
            self._alerts.insert(document)
        except AlreadyThere:
            self._supersede({"open_key": key}, document)

    def _supersede(self, by_key: Document, document: Document) -> None:
        """Keep a new alert in the place of one that cannot be read, which else would hide it."""
        there = self._alerts.find_as_it_is(by_key)
        if there is None or list(readable(ALERTS, _watched, [there])):
            return
        self._alerts.update({"_id": there["_id"], **by_key}, {"$unset": {"open_key": ""}})
        with suppress(AlreadyThere):  # another process was quicker
            self._alerts.insert(document)

    def change(self, watched: Watched, at: datetime, notices: Sequence[Notice]) -> None:
        """Keep what became of an alert in the snapshot of `at`, once; an older one is nothing."""
        change: Document = {"$set": {**_state(watched), "checked_at": at}}
        if any(each.news is News.RAISED for each in notices):
            change["$set"] |= {"acknowledged_at": None, "acknowledged_by": None}
        if notices:
            change["$push"] = {"notices": {"$each": [_notice_document(each) for each in notices]}}
        if watched.alert.recovered_at is not None:
            change["$set"]["forget_at"] = watched.alert.recovered_at + KEPT_FOR
            change["$unset"] = {"open_key": ""}
        self._alerts.update({"_id": watched.alert.id, "checked_at": {"$lt": at}}, change)

    def acknowledge(self, alert_id: str, person: str | None) -> None:
        """Note who has seen an alert, the first one only; repeatable."""
        fresh = {"_id": alert_id, **OF_STATE[State.OPEN]}
        noted = {"acknowledged_at": "$$NOW", "acknowledged_by": {"$literal": person}}
        self._alerts.update(fresh, [{"$set": noted}])

    def alert(self, alert_id: str) -> Alert | None:
        """Return one, or None."""
        found = self._alerts.find_one({"_id": alert_id})
        return _alert(found) if found else None

    def find(
        self, query: AlertQuery, after: tuple[datetime, str] | None, limit: int
    ) -> tuple[list[Alert], int | None]:
        """Return up to `limit` alerts from behind `after` on, and how many match in all."""
        wanted: Document = dict(OF_STATE[query.state]) if query.state else {}
        if query.site is not None:
            wanted["site"] = query.site
        if query.level is not None:
            wanted["level"] = query.level.value
        page = [wanted, _behind(*after)] if after else [wanted]
        found = self._alerts.values(_alert, {"$and": page}, sort=NEWEST_FIRST, limit=limit)
        return found, self._alerts.total(wanted, NEWEST_FIRST)

    def waiting(self) -> list[Notice]:
        """Return what is still to be told, the oldest first."""
        return sorted(self._notices({"notices.0": {"$exists": True}}), key=lambda each: each.at)

    def notice(self, alert_id: str, notice_id: str) -> Notice | None:
        """Return what is still to be told, None when that is done."""
        return next(
            (each for each in self._notices({"_id": alert_id}) if each.id == notice_id), None
        )

    def told(self, notice: Notice, receiver: str) -> None:
        """Note that one of several receivers knows; repeatable."""
        self._alerts.update(
            {"_id": notice.alert.id, "notices.id": notice.id},
            {"$addToSet": {"notices.$.told": receiver}},
        )

    def settle(self, notice: Notice) -> None:
        """Forget what is told; repeatable."""
        self._alerts.update({"_id": notice.alert.id}, {"$pull": {"notices": {"id": notice.id}}})

    def _notices(self, query: Document) -> list[Notice]:
        return [each for some in self._alerts.values(_notices, query) for each in some]


def _state(watched: Watched) -> Document:
    alert = asdict(watched.alert)
    return {
        **{name: _plain(alert[name]) for name in CHANGED},
        "recent": [_plain(each) for each in watched.recent],
        "told": {level.value: at for level, at in watched.told.items()},
    }


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Level) else value


def _watched(document: Document) -> Watched:
    _check_all(document)
    return Watched(
        alert=_alert(document),
        recent=tuple(Level(each) if each else None for each in document["recent"]),
        told={Level(level): at for level, at in document["told"].items()},
    )


def _alert(document: Document) -> Alert:
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


def _notice_document(notice: Notice) -> Document:
    alert = notice.alert
    return {
        "id": notice.id,
        "news": notice.news.value,
        "channel": notice.channel.value,
        "at": notice.at,
        **{name: _plain(getattr(alert, name)) for name in CHANGED},
    }


def _check_all(document: Document) -> None:
    """Raise what readers raise unless all that is kept of an alert can be gone on with."""
    if not document["told"]:
        raise KeyError("told")
    for each in faults_of(ALERTS, document):
        raise KeyError(each.field)


def _notices(document: Document) -> list[Notice]:
    _check_all(document)
    return [_notice(document, each) for each in document["notices"]]


def _notice(document: Document, noted: Document) -> Notice:
    return Notice(
        id=noted["id"],
        news=News(noted["news"]),
        channel=Channel(noted["channel"]),
        at=noted["at"],
        alert=_alert({**document, **{name: noted[name] for name in CHANGED}}),
        told=frozenset(noted.get("told", ())),
    )


def _behind(opened_at: datetime, alert_id: str) -> Document:
    same = {"opened_at": opened_at, "_id": {"$lt": alert_id}}
    return {"$or": [{"opened_at": {"$lt": opened_at}}, same]}
