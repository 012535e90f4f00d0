"""What cannot wait for a snapshot is told within minutes, once, and not without a fault."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.health.alerts.quick_checks import QuickCheckService
from avenue.health.alerts.texts import UNITS
from avenue.health.facts.work import WATCH
from avenue.health.models import Measure
from avenue.health.rules.measures import rules
from avenue.health.views.pages.words import ALERT_UNITS
from avenue.storage.mongo_facts import DatabaseFacts
from tests.health.alerts.conftest import OPERATORS, Deployment

MINUTE = timedelta(minutes=1)
GB = 10**9


class Watch:
    """Somebody who looks every three minutes, in a time of our own."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.now = utc_now()
        deployment.settings = replace(
            deployment.settings,
            database_gb=10,
            alert_letters_per_day=1000,
            alert_requests_per_minute=1000,
            alert_pictures=100,
            scanner="clamd://scanner",
        )
        self.quick_checks: QuickCheckService = Services(
            deployment.settings, deployment.database
        ).quick_checks
        self.quick_checks._now = lambda: self.now
        self.used = GB
        self.quick_checks._from = replace(
            self.quick_checks._from,
            deployments=lambda: [self],  # type: ignore[list-item, return-value]
        )
        deployment.jobs.periodic(WATCH, 180)
        deployment.raw["findings"].delete_many({})
        deployment.raw["notification_receivers"].delete_many({})
        deployment.raw["assets"].delete_many({"_id": {"$in": ["pending", "quarantined"]}})
        learnt = ["scanned", "certificates", "secrets"]
        deployment.raw["avenue_meta"].delete_many({"_id": {"$in": learnt}})
        for name in ("infra_metrics", "infra_traffic"):
            deployment.raw[name].delete_many({})
        self.has_worked()

    def database(self) -> DatabaseFacts:
        """A managed cluster, which does not tell its disk."""
        return DatabaseFacts(
            data_bytes=self.used,
            storage_bytes=self.used,
            index_bytes=0,
            disk_used_bytes=None,
            disk_total_bytes=None,
        )

    def has_worked(self) -> None:
        """Let the job have looked just now, as it does while background work is done."""
        fine = {"finished_at": self.now, "run_at": self.now + 3 * MINUTE}
        self.deployment.raw["jobs"].update_one({"_id": WATCH}, {"$set": fine})

    def look(self, minutes: float = 3, *, works: bool = True) -> dict[str, int]:
        """Look after a while; return the news."""
        self.now += minutes * MINUTE
        if works:
            self.has_worked()
        return {news: count for news, count in self.quick_checks.look().items() if count}

    def told(self) -> tuple[list[tuple[str, str]], int]:
        """What the webhook heard since, and how many emails came."""
        self.deployment.tell()
        self.has_worked()
        heard = [
            (each.message["type"], each.message["data"]["measure"])
            for each in self.deployment.inbox.all()
        ]
        return heard, len(self.deployment.emails())


def lost_picture(watch: Watch) -> None:
    _find(watch, "missing")


def address_of_localhost(watch: Watch) -> None:
    _find(watch, "ephemeral")


def _find(watch: Watch, standing: str) -> None:
    """As the inspection finds an asset that was removed in the shell, or an address."""
    finding = {"_id": f"blog/product/{standing}", "site": "blog", "standing": standing}
    watch.deployment.raw["findings"].insert_one(
        {**finding, "referrer": {"kind": "product", "id": "a"}}
    )


def late_job(watch: Watch) -> None:
    job = watch.deployment.jobs.enqueue("import_external")
    watch.deployment.raw["jobs"].update_one(
        {"_id": job.id}, {"$set": {"run_at": watch.now - 14 * MINUTE}}
    )


def failed_job(watch: Watch) -> None:
    job = watch.deployment.jobs.enqueue("import_external")
    failed = {"state": "failed", "error": "No.", "finished_at": watch.now}
    watch.deployment.raw["jobs"].update_one({"_id": job.id}, {"$set": failed})


def dead_receiver(watch: Watch) -> None:
    watch.deployment.raw["notification_receivers"].insert_one(
        {"_id": "webhooks", "failures": 3, "error": "http_500"}
    )
    waiting = {"_id": "a", "receiver": "webhooks", "state": "pending", "site": "default"}
    watch.deployment.raw["notifications"].insert_one({**waiting, "due_at": watch.now})


def plan_at_86(watch: Watch) -> None:
    watch.used = int(8.6 * GB)


def many_emails(watch: Watch) -> None:
    sent = {"receiver": "mail", "state": "delivered", "delivered_at": utc_now()}
    watch.deployment.raw["notifications"].insert_many(
        [{**sent, "_id": f"l{n}"} for n in range(900)]
    )


def scanner_away(watch: Watch) -> None:
    since = watch.now - timedelta(minutes=11)
    watch.deployment.raw["avenue_meta"].insert_one({"_id": "scanned", "away_since": since})


def file_that_waits(watch: Watch) -> None:
    a_scanned_file(watch, "pending", watch.now - timedelta(minutes=16))


def file_in_quarantine(watch: Watch) -> None:
    a_scanned_file(watch, "quarantined", watch.now)


def a_scanned_file(watch: Watch, state: str, at: datetime) -> None:
    scan = {"state": state, "at": at}
    watch.deployment.raw["assets"].insert_one(
        {"_id": state, "site": "default", "state": "live", "versions": [{"scan": scan}]}
    )


def certificate_at_10_days(watch: Watch) -> None:
    ends = {"default": watch.now + timedelta(days=10), "blog": watch.now + timedelta(days=60)}
    watch.deployment.raw["avenue_meta"].insert_one({"_id": "certificates", "ends": ends})


def many_requests(watch: Watch) -> None:
    metrics = watch.deployment.raw["infra_metrics"]
    metrics.update_one({"_id": "s"}, {"$setOnInsert": counted(watch, files=1)}, upsert=True)
    watch.deployment.raw["infra_traffic"].insert_one({"_id": "all", "requests": 100_000})


def many_files(watch: Watch) -> None:
    metrics = watch.deployment.raw["infra_metrics"]
    metrics.replace_one({"_id": "s"}, counted(watch, files=48), upsert=True)


def counted(watch: Watch, *, files: int) -> dict[str, Any]:
    """As the snapshot of ten minutes ago has it."""
    stored = [{"site": "default", "bucket": "uploads", "files": files, "bytes": 1}] * 2
    return {"created_at": watch.now - 10 * MINUTE, "traffic": {"requests": 0}, "stored": stored}


FAULTS: dict[Measure, Callable[[Watch], None]] = {
    Measure.LOST: lost_picture,
    Measure.ON_A_DISK: address_of_localhost,
    Measure.LATE_JOBS: late_job,
    Measure.FAILED_JOBS: failed_job,
    Measure.UNDELIVERED: dead_receiver,
    Measure.PLAN: plan_at_86,
    Measure.LETTERS: many_emails,
    Measure.SCANNER: scanner_away,
    Measure.UNSCANNED: file_that_waits,
    Measure.QUARANTINED: file_in_quarantine,
    Measure.CERTIFICATE: certificate_at_10_days,
    Measure.REQUESTS: many_requests,
    Measure.PICTURES: many_files,
}


@pytest.mark.parametrize(
    "measures",
    [
        pytest.param(set(FAULTS), id="all"),
        *(pytest.param({each}, marks=pytest.mark.long, id=each) for each in FAULTS),
    ],
)
def test_a_fault_is_told_within_ten_minutes_once(
    deployment: Deployment, measures: set[Measure]
) -> None:
    watch = Watch(deployment)
    assert watch.look() == {}
    for each in measures:
        FAULTS[each](watch)
    for _ in range(3):
        watch.look()
    heard, emails = watch.told()
    assert sorted(heard) == sorted(("alert.opened", each.value) for each in measures)
    assert emails == len(measures) * len(OPERATORS)
    for _ in range(20):
        watch.look()
    assert watch.told() == ([], 0)
    assert {each.measure for each in deployment.list() if each.action} == measures


def test_a_renewed_certificate_and_a_new_secret_end_their_alerts(deployment: Deployment) -> None:
    watch = Watch(deployment)
    watch.look()
    certificates = deployment.raw["avenue_meta"].find_one({"_id": "certificates"})
    assert certificates is None, "nobody has asked yet"
    certificate_at_10_days(watch)
    long_ago = {"seen.AVENUE_ALERT_SECRET.at": watch.now - timedelta(days=364)}
    assert (
        deployment.raw["avenue_meta"]
        .update_one({"_id": "secrets"}, {"$set": long_ago})
        .matched_count
    )
    assert watch.look() == {"opened": 1}
    deployment.raw["avenue_meta"].update_one(
        {"_id": "certificates"}, {"$set": {"ends.default": watch.now + timedelta(days=89)}}
    )
    assert watch.look() == {"recovered": 1}
    assert watch.look(2 * 24 * 60) == {"opened": 1}
    (alert, *_) = deployment.list()
    assert (alert.measure, alert.level) == (Measure.SECRETS, "notice")
    watch.quick_checks._settings = replace(deployment.settings, alert_secret=f"whsec_{'A' * 43}=")
    assert watch.look() == {"recovered": 1}
    kept = str(deployment.raw["avenue_meta"].find_one({"_id": "secrets"}))
    assert deployment.settings.alert_secret not in kept
    # A site that is asked no more has no alert that nobody could end.
    deployment.raw["avenue_meta"].update_one(
        {"_id": "certificates"}, {"$set": {"ends": {"blog": watch.now + timedelta(days=3)}}}
    )
    assert watch.look() == {"opened": 1}
    deployment.raw["avenue_meta"].update_one({"_id": "certificates"}, {"$set": {"ends": {}}})
    assert watch.look() == {"recovered": 1}


def test_that_background_work_has_stopped_is_told_by_a_web_process(deployment: Deployment) -> None:
    watch = Watch(deployment)
    web = watch.quick_checks
    for _ in range(3):
        watch.now += 2 * MINUTE
        assert not web.look_if_nobody_does()
    watch.now += 3 * MINUTE
    assert web.look_if_nobody_does()
    heard, emails = watch.told()
    assert heard == [("alert.opened", "stopped")]
    assert emails == len(OPERATORS)
    assert watch.look(1) == {"recovered": 1}
    assert watch.told()[0] == [("alert.recovered", "stopped")]


def test_a_quiet_week_is_quiet(deployment: Deployment) -> None:
    watch = Watch(deployment)
    for _ in range(7 * 6):
        assert watch.look(4 * 60) == {}
    assert watch.told() == ([], 0)


def test_what_cannot_be_asked_ends_no_alert(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(deployment)
    plan_at_86(watch)
    assert watch.look() == {"opened": 1}

    def away() -> DatabaseFacts:
        raise Unavailable

    monkeypatch.setattr(watch, "database", away)
    for _ in range(4):
        assert watch.look() == {}
    monkeypatch.undo()
    watch.used = GB
    assert [watch.look() for _ in range(3)] == [{}, {}, {"recovered": 1}]


def test_a_receiver_that_takes_nothing_is_counted_and_one_that_takes_is_forgiven(
    deployment: Deployment,
) -> None:
    deployment.inbox.statuses[:] = [500] * 4
    deployment.see(0, disk=96)
    for _ in range(4):
        deployment.tell()
    (row,) = deployment.raw["notification_receivers"].find({"_id": "tell_alert"})
    assert (row["failures"], row["error"]) == (4, "http_500")
    deployment.tell()
    (row,) = deployment.raw["notification_receivers"].find({"_id": "tell_alert"})
    assert row["failures"] == 0


def test_every_unit_of_an_alert_can_be_written() -> None:
    units = {each.unit for each in rules(Settings(local=True)).values()}
    assert units <= ALERT_UNITS.keys() & UNITS.keys()
