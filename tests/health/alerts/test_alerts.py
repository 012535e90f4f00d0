"""Alerts in a real database: one of a kind, told once, seen by those they concern."""

import base64
import hashlib
import hmac
import io
import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from avenue.errors import Forbidden, Invalid
from avenue.health.alerts.errors import AlertNotFound, AlertRecovered
from avenue.health.alerts.models import Alert, State
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.history.snapshots.models import QuotaUse
from avenue.health.models import Level, Measure
from avenue.identity import Role
from avenue.mail.errors import MailUnavailable
from avenue.mail.models import Email
from avenue.mail.relay import Relay
from avenue.web.requestlog import JsonLines
from tests.health.alerts.conftest import KEY, OPERATORS, Deployment, operator
from tests.mongod import fail_point
from tests.receiver import PATH, Told
from tests.threads import at_once
from tests.unit.health.snapshots import BEGIN, at


def kinds(told: list[Told]) -> list[str]:
    return [each.message["type"] for each in told]


def test_a_metric_swinging_around_85_for_a_day_is_one_alert_and_one_recovery(
    deployment: Deployment,
) -> None:
    """In the database, on the page, in every mailbox and for the webhook."""
    hours = [
        40.0,
        *(85 + 4 * math.sin(hour * 5 * math.tau / 24) for hour in range(24)),
        *[40.0] * 8,
    ]
    for hour, percent in enumerate(hours):
        deployment.see(hour, disk=percent)
        if deployment.waiting():
            deployment.tell()
    (document,) = deployment.documents()
    assert document["opened_at"] == at(1)
    (alert,) = deployment.list()
    assert (alert.measure, alert.site, alert.level) == (Measure.DISK, None, Level.WARNING)
    assert (alert.state, alert.recovered_at) == (State.RECOVERED, at(27))
    assert kinds(deployment.inbox.all()) == ["alert.opened", "alert.recovered"]
    written = Counter((to, str(email["Subject"])) for (to,), email in deployment.emails())
    assert set(written.values()) == {1}
    assert sorted({to for to, _ in written}) == sorted(OPERATORS)
    assert sorted({subject for _, subject in written}) == [
        "[Avenue] Advertencia: El disco de la base de datos está lleno al 85 %",
        "[Avenue] Terminado: El disco de la base de datos está lleno al 40 %",
    ]
    assert deployment.waiting() == 0


def test_an_email_says_in_the_language_of_the_site_what_is_and_what_to_do(
    deployment: Deployment,
) -> None:
    quota = QuotaUse(site="blog", bytes=961, most_bytes=1000, files=0, most_files=0)
    deployment.see(0, quotas=(quota,))
    deployment.see(1, disk=87.25)
    deployment.tell()
    emails = {str(email["Subject"]): email for _, email in deployment.emails()}
    (spanish,) = (each for subject, each in emails.items() if "87,2" in subject)
    assert spanish.get_content().replace("\r\n", "\n").replace("\xa0", " ") == (
        "El disco de la base de datos está lleno al 87,2 %.\n\n"
        "Es nuevo.\n\n"
        "Nivel: advertencia, a partir de 85 %\n"
        "Valor: 87,2 %\n"
        "Desde: 1 mar. 2026, 01:00 UTC\n\n"
        "Qué hacer:\n"
        "Prevé un disco más grande: `python -m avenue capacity` dice cuánto dura este.\n\n"
        "Mientras nadie la marque como vista y no termine, recibís un recordatorio cada "
        "48 horas.\n\n"
        "Todas las alertas, con un botón para marcar esta como vista:\n"
        "https://shop.example/admin/infrastructure\n"
    )
    english = emails["[Blog] Critical: The site blog has used 96.1 % of its quota"]
    assert "What to do:\r\nDelete what the site no longer needs" in english.get_content()


def test_a_webhook_is_told_the_facts_signed(deployment: Deployment) -> None:
    deployment.see(5, damaged={"blog": 2})
    deployment.tell()
    (told,) = deployment.inbox.all()
    assert told.path == PATH
    (alert,) = deployment.list()
    assert told.message == {
        "type": "alert.opened",
        "timestamp": "2026-03-01T05:00:00.000Z",
        "data": {
            "id": alert.id,
            "measure": "damaged",
            "site": "blog",
            "level": "critical",
            "state": "open",
            "value": 2,
            "threshold": 1,
            "unit": "files",
            "opened_at": "2026-03-01T05:00:00.000Z",
            "changed_at": "2026-03-01T05:00:00.000Z",
            "recovered_at": None,
            "headline": "The site blog has files with damaged bytes: 2.",
            "action": alert.action,
        },
    }
    signed = (
        f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    )
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert told.headers["webhook-signature"] == f"v1,{digest}"


def test_a_receiver_that_is_away_hears_of_it_later_once_and_by_the_same_id(
    deployment: Deployment,
) -> None:
    deployment.inbox.statuses[:] = [500, 302, 200]
    deployment.see(0, disk=96)
    for _ in range(4):
        deployment.tell()
    told = deployment.inbox.all()
    assert len(told) == 3, "refused, sent elsewhere, taken; then never again"
    assert len({each.headers["webhook-id"] for each in told}) == 1
    assert len(deployment.emails()) == 2, "emails do not wait for a webhook"


def test_an_address_that_is_refused_for_now_keeps_no_other_waiting(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Relay.send

    def not_the_first(relay: Relay, email: Email) -> None:
        if email.to == OPERATORS[0]:
            raise MailUnavailable(smtp_code=451)
        send(relay, email)

    deployment.see(0, disk=96)
    with monkeypatch.context() as patched:
        patched.setattr(Relay, "send", not_the_first)
        deployment.tell()
    assert [to for to, _ in deployment.emails()] == [[OPERATORS[1]]]
    deployment.tell()
    assert [to for to, _ in deployment.emails()] == [[OPERATORS[0]]]
    deployment.tell()
    assert deployment.emails() == []


def test_what_no_try_could_tell_is_tried_for_a_day(deployment: Deployment) -> None:
    deployment.inbox.statuses[:] = [500] * 7
    deployment.see(0, disk=96)
    for _ in range(7):
        deployment.tell()
    assert kinds(deployment.inbox.all()) == ["alert.opened"] * 7
    deployment.tell()
    assert kinds(deployment.inbox.all()) == ["alert.opened"]
    deployment.see(25, disk=96)  # a reminder
    news = {"kind": "alert.reminder", "receiver": "tell_alert"}
    (document,) = deployment.raw["house_notifications"].find(news)
    assert document["give_up_at"] - document["created_at"] == timedelta(days=1)
    deployment.raw["house_notifications"].update_one(news, {"$set": {"give_up_at": BEGIN}})
    deployment.inbox.statuses[:] = [500]
    deployment.tell()
    deployment.inbox.all()
    deployment.tell()
    assert deployment.inbox.all() == []
    assert deployment.waiting() == 0


def test_a_notice_stands_on_the_page_alone(deployment: Deployment) -> None:
    assert deployment.see(0, disk=75) == {"opened": 1}
    for hour in range(1, 4):
        deployment.see(hour, disk=10)
    assert deployment.waiting() == 0
    assert [each.state for each in deployment.list()] == [State.RECOVERED]


def test_without_receivers_there_is_the_page(deployment: Deployment) -> None:
    deployment.alerts._receivers = lambda _: []
    assert deployment.see(0, disk=96) == {"opened": 1}
    assert deployment.waiting() == 0


def test_a_snapshot_counts_once_and_an_older_one_not_at_all(deployment: Deployment) -> None:
    deployment.see(0, disk=96)
    for hour in (1, 1, 1, 0.5, 0.7):
        deployment.see(hour, disk=20)
    assert deployment.list()[0].state is State.OPEN, "one snapshot was calm"
    assert [deployment.see(hour, disk=20) for hour in (2, 3)] == [{}, {"recovered": 1}]


def test_two_that_look_at_once_open_one_alert(deployment: Deployment) -> None:
    at_once(8, lambda _: deployment.see(0, disk=96))
    assert len(deployment.documents()) == 1
    deployment.tell()
    assert kinds(deployment.inbox.all()) == ["alert.opened"]


def test_that_it_is_over_hears_who_heard_that_it_began(deployment: Deployment) -> None:
    """Even when it had sunk to a level that is not told there."""
    for hour, percent in enumerate([96, 72, 72, 72, 10, 10, 10]):
        deployment.see(hour, disk=percent)
    assert deployment.list()[0].level is Level.NOTICE
    deployment.tell()
    assert kinds(deployment.inbox.all()) == ["alert.opened", "alert.recovered"]
    assert len(deployment.emails()) == 2 * len(OPERATORS)


def test_after_a_recovery_the_next_one_is_an_alert_of_its_own(deployment: Deployment) -> None:
    for hour, percent in enumerate([96, 10, 10, 10, 96]):
        deployment.see(hour, disk=percent)
    assert [each.state for each in deployment.list()] == [State.OPEN, State.RECOVERED]
    assert [each.opened_at for each in deployment.list(state=State.RECOVERED)] == [at(0)]


def test_worse_needs_an_acknowledgement_of_its_own(deployment: Deployment) -> None:
    deployment.see(0, disk=86)
    (alert,) = deployment.list()
    seen = deployment.alerts.acknowledge(operator(), alert.id)
    assert (seen.state, seen.acknowledged_by) == (State.ACKNOWLEDGED, "operator")
    assert deployment.see(100, disk=90) == {}, "nobody is reminded"
    assert deployment.list(state=State.OPEN) == []
    again = deployment.alerts.acknowledge(operator(), alert.id)
    assert again == deployment.list(state=State.ACKNOWLEDGED)[0]
    assert again.acknowledged_at == seen.acknowledged_at
    MongoAlertStore(deployment.database).acknowledge(alert.id, "somebody who was a moment later")
    assert deployment.list()[0].acknowledged_by == "operator"
    assert deployment.see(101, disk=96) == {"raised": 1}
    (worse,) = deployment.list(state=State.OPEN)
    assert (worse.id, worse.acknowledged_at, worse.acknowledged_by) == (alert.id, None, None)


def test_what_gets_worse_again_is_not_acknowledged_any_more(deployment: Deployment) -> None:
    """Although that was told a short time ago, and is not told again so soon."""
    for hour, percent in enumerate([96, 86, 86, 86]):
        deployment.see(hour, disk=percent)
    deployment.alerts.acknowledge(operator(), deployment.list()[0].id)
    assert deployment.see(4, disk=96) == {}
    (worse,) = deployment.list(state=State.OPEN)
    assert (worse.level, worse.acknowledged_by) == (Level.CRITICAL, None)
    assert deployment.see(24, disk=96) == {"reminder": 1}


def test_what_is_over_is_not_acknowledged(deployment: Deployment) -> None:
    for hour, percent in enumerate([96, 10, 10, 10]):
        deployment.see(hour, disk=percent)
    with pytest.raises(AlertRecovered):
        deployment.alerts.acknowledge(operator(), deployment.list()[0].id)
    assert deployment.list()[0].acknowledged_at is None


WHO = {
    "who runs the deployment": (operator(), {"disk", "default", "blog"}),
    "the deployment's administrator": (operator(role=Role.ADMIN), {"disk", "default", "blog"}),
    "a superuser elsewhere": (
        operator("blog", Role.SELLER, superuser=True),
        {"disk", "default", "blog"},
    ),
    "operators of a site": (operator("blog"), {"blog"}),
    "administrators of a site": (operator("blog", Role.ADMIN), {"blog"}),
    "others": (operator("blog", Role.EDITOR), None),
    "sellers of the deployment's own site": (operator(role=Role.SELLER), None),
}


ALIKE = {
    "the deployment's administrator",
    "administrators of a site",
    "sellers of the deployment's own site",
}
"""Those whom one of the others stands for."""


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        pytest.param(*row, id=who, marks=[pytest.mark.long] if who in ALIKE else [])
        for who, row in WHO.items()
    ],
)
def test_who_sees_and_acknowledges_what(
    deployment: Deployment, actor: Any, sees: set[str] | None
) -> None:
    deployment.see(0, disk=96, damaged={"blog": 1, "default": 1})
    every = {each.site or each.measure.value: each for each in deployment.list()}
    assert set(every) == {"disk", "default", "blog"}
    if sees is None:
        with pytest.raises(Forbidden):
            deployment.alerts.list(actor, limit=10)
        with pytest.raises(Forbidden):
            deployment.alerts.acknowledge(actor, every["blog"].id)
        return
    page = deployment.alerts.list(actor, limit=10)
    assert {each.site or each.measure.value for each in page.items} == sees
    assert page.total == len(sees)
    for name, alert in every.items():
        if name in sees:
            assert deployment.alerts.acknowledge(actor, alert.id).state is State.ACKNOWLEDGED
        else:
            with pytest.raises(AlertNotFound):
                deployment.alerts.acknowledge(actor, alert.id)
    with pytest.raises(AlertNotFound):
        deployment.alerts.acknowledge(actor, "AAAAAAAAAAAAAAAAAAAAAA")


def test_pages_of_alerts_have_each_once_the_newest_first(deployment: Deployment) -> None:
    sites = {f"site{number}": 1 for number in range(3)}
    deployment.see(0, damaged=sites)
    deployment.see(1, damaged=sites, disk=75)
    found: list[Alert] = []
    after, totals = None, []
    while after is not None or not totals:
        page = deployment.alerts.list(operator(), after=after, limit=2)
        found += page.items
        totals.append(page.total)
        after = page.next
    assert totals == [4, 4]
    assert found == deployment.list()
    assert [each.measure for each in found] == [Measure.DISK, *[Measure.DAMAGED] * 3]
    assert [each.measure for each in deployment.list(level=Level.NOTICE)] == [Measure.DISK]
    with pytest.raises(Invalid):
        deployment.alerts.list(operator(), after="1.2", limit=2)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything any logger of the process writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def broken_mail(deployment: Deployment) -> None:
    deployment.box.replies["RCPT"] = "550 no planted-ana@shop.example here"


def broken_receiver(deployment: Deployment) -> None:
    deployment.inbox.statuses[:] = [500] * 2


@pytest.mark.parametrize(
    "broken",
    [
        broken_mail,
        broken_receiver,
        lambda _: None,
    ],
)
def test_neither_logs_nor_jobs_nor_alerts_learn_who_is_told_and_how(
    deployment: Deployment, lines: io.StringIO, broken: Callable[[Deployment], None]
) -> None:
    broken(deployment)
    deployment.see(0, disk=96)
    deployment.tell()
    deployment.tell()
    deployment.inbox.statuses.clear()
    kept = json.dumps([*deployment.raw["jobs"].find(), *deployment.documents()], default=str)
    secret = deployment.settings.alert_secret.removeprefix("whsec_")
    for planted in (*OPERATORS, "planted", "t0ken", f":{deployment.inbox.port}", secret):
        assert planted not in lines.getvalue()
        assert planted not in kept


def test_a_lost_answer_opens_no_second_alert(deployment: Deployment) -> None:
    with fail_point(deployment.database.client, ["commitTransaction"], 2, write_concern_error=91):
        deployment.see(0, disk=96)
    assert len(deployment.documents()) == 1
    deployment.tell()
    assert kinds(deployment.inbox.all()) == ["alert.opened"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("told", "zzz"),
        ("level", "zzz"),
        ("open_key", 7),
        *(
            pytest.param(*row, marks=pytest.mark.long)
            for row in (
                ("told", {}),
                ("told", {"warning": 7}),
                ("recent", 7),
                ("recent", ["zzz"]),
                ("value", "zzz"),
                ("checked_at", "zzz"),
                ("unit", None),
            )
        ),
    ],
)
def test_an_alert_that_cannot_be_read_silences_no_measure(
    deployment: Deployment, field: str, value: Any
) -> None:
    deployment.see(0, disk=90)
    deployment.raw["infra_alerts"].update_one({}, {"$set": {field: value}})
    first = deployment.see(1, disk=90)
    raised = deployment.see(2, disk=97)
    assert first | raised in ({"opened": 1, "raised": 1}, {"raised": 1})
    deployment.tell()
    assert len(deployment.emails()) >= 2
