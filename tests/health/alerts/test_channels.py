"""Who is told is chosen by level and site; a site tells its own people and program."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from avenue.accounts.models import User
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.app import messages
from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.errors import AvenueError, Forbidden
from avenue.health.alerts.channels.errors import (
    InvalidWebhook,
    NotABrowser,
    NotToBeTold,
    ReceiverNotFound,
)
from avenue.health.alerts.channels.models import OWN_WEBHOOK, PUSH
from avenue.health.alerts.channels.service import ReceiverService
from avenue.health.history.snapshots.models import QuotaUse
from avenue.health.models import ALERTED, Level
from avenue.identity import Actor, Role, Site, new_id
from avenue.outside.errors import AddressNotAllowed
from avenue.outside.posting import Poster
from tests.health.alerts.conftest import KEY, OPERATORS, Deployment, operator
from tests.push import Browser, claims
from tests.receiver import Inbox, Told

HOOK = "https://hooks.blog.example/alerts?key=planted-k3y-of-a-hook"
BOSS = operator(role=Role.ADMIN)
BLOG = Actor(
    site=Site(id="blog", hosts=(), base_url="https://blog.example", name="Blog"),
    id="admin-of-blog",
    role=Role.ADMIN,
)


@pytest.fixture
def receivers(deployment: Deployment) -> ReceiverService:
    for name in ("alert_choices", "users", "notification_receivers"):
        deployment.raw[name].delete_many({})
    deployment.raw["sites"].update_one(
        {"_id": "blog"}, {"$set": {"base_url": "https://blog.example"}}
    )
    return Services(deployment.settings, deployment.database).receivers


def a_person(deployment: Deployment, email: str, **facts: Any) -> User:
    now = utc_now()
    user = User(
        id=new_id(),
        email=email,
        name="",
        password_hash="",
        password_is_own=True,
        roles=facts.get("roles", {}),
        superuser=False,
        disabled=False,
        session_epoch=0,
        token_epoch=0,
        created_at=now,
        changed_at=now,
    )
    MongoAccountStore(deployment.database).add_user(user)
    return user


def quota(percent: int) -> dict[str, Any]:
    used = QuotaUse(site="blog", bytes=percent, most_bytes=100, files=0, most_files=0)
    return {"quotas": (used,)}


def told(deployment: Deployment) -> tuple[list[str], list[str]]:
    """Whom emails went to and what the webhook was told, since the last time."""
    deployment.tell()
    emails = sorted(to for some, _ in deployment.emails() for to in some)
    return emails, [each.message["data"]["measure"] for each in deployment.inbox.all()]


def test_levels_are_chosen_for_the_installation_and_for_each_site(
    deployment: Deployment, receivers: ReceiverService
) -> None:
    keys = [each.receiver.key for each in receivers.shown(BOSS, None)]
    ana, bea, webhook = keys
    assert receivers.choose(BOSS, None, {webhook: [Level.CRITICAL], ana: ALERTED}) == [ana, webhook]
    assert receivers.choose(BOSS, None, {webhook: [Level.CRITICAL]}) == []
    assert receivers.choose(BOSS, "blog", {webhook: ALERTED, bea: []}) == [bea, webhook]
    deployment.see(0, disk=75, **quota(75))
    assert told(deployment) == ([OPERATORS[0]] * 2, ["quota"])
    deployment.see(1, disk=86, **quota(86))
    assert told(deployment) == ([OPERATORS[0], *OPERATORS], ["quota"])
    deployment.see(2, disk=96, **quota(86))
    assert told(deployment) == (list(OPERATORS), ["disk"])
    receivers.as_usual(BOSS, "blog")
    deployment.see(3, disk=96, **quota(96))
    assert told(deployment) == (list(OPERATORS), ["quota"])


@pytest.fixture
def hooked(
    deployment: Deployment,
    receivers: ReceiverService,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The secret of a webhook of the site `blog`, whose messages come into the inbox."""
    asked: list[str] = []

    def poster(url: str) -> Poster:
        asked.append(url)
        assert url == HOOK
        return Poster(inbox.url)

    monkeypatch.setattr(messages, "poster_of_client", poster)
    deployment.raw["alert_choices"].delete_many({})
    return receivers.set_webhook(BLOG, "blog", HOOK)


def test_a_site_tells_its_people_and_its_own_program(
    deployment: Deployment, receivers: ReceiverService, hooked: str
) -> None:
    for site in (None, "blog"):
        keys = [each.receiver.key for each in receivers.shown(BOSS, site)]
        receivers.choose(BOSS, site, {key: [] for key in keys if key != OWN_WEBHOOK})
    assert deployment.see(0, disk=96, **quota(86)) == {"opened": 2}
    eve = a_person(deployment, "eve@blog.example", roles={"blog": Role.OPS})
    receivers.add_person(BLOG, "blog", " Eve@blog.example ")
    deployment.see(1, disk=96, **quota(96))
    deployment.tell()
    (to, email), *others = deployment.emails()
    assert (to, others) == ([eve.email], [])
    assert "https://blog.example/admin/infrastructure" in email.get_content()
    first, second = deployment.inbox.all()
    assert [each.message["data"]["measure"] for each in (first, second)] == ["quota"] * 2
    key = base64.b64decode(hooked.removeprefix("whsec_"))
    assert key != KEY
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode()
    digest = base64.b64encode(hmac.new(key, signed + first.body, hashlib.sha256).digest()).decode()
    assert first.headers["webhook-signature"] == f"v1,{digest}"
    kept = str(
        [*deployment.raw["alert_choices"].find(), *deployment.raw["house_notifications"].find()]
    )
    assert "planted-k3y" not in kept
    assert hooked not in kept
    # Who has rights beyond the site is led to the deployment: a site's hosts may be in other hands.
    roles = {"blog": "ops", "default": "seller"}
    deployment.raw["users"].update_one({"_id": eve.id}, {"$set": {"roles": roles}})
    receivers.send_test(BLOG, "blog", f"person:{eve.id}")
    deployment.tell()
    ((_, email),) = deployment.emails()
    assert "https://shop.example/admin/infrastructure" in email.get_content()
    # Whoever may not see such alerts any more is not written to.
    deployment.raw["users"].update_one({"_id": eve.id}, {"$set": {"roles": {"blog": "seller"}}})
    receivers.remove_webhook(BLOG, "blog")
    receivers.send_test(BLOG, "blog", f"person:{eve.id}")
    assert told(deployment) == ([], [])
    shown = receivers.shown(BLOG, "blog")
    assert [each.receiver.label for each in shown] == [eve.email]
    masked = receivers.shown(OPS_OF_BLOG, "blog")
    assert [each.receiver.label for each in masked] == ["e…@blog.example"]
    states = [
        (each.sent.state, each.alert is None) for each in receivers.deliveries(BLOG, "blog", shown)
    ]
    assert states == [("dropped", True), ("delivered", True), *[("delivered", False)] * 3]
    assert receivers.choose(BLOG, "blog", {f"person:{eve.id}": []}) == [f"person:{eve.id}"]
    assert receivers.shown(BLOG, "blog") == []


def test_a_dead_webhook_of_a_site_keeps_nobody_waiting_and_alarms_nobody(
    deployment: Deployment, receivers: ReceiverService, hooked: str
) -> None:
    deployment.inbox.statuses[:] = [503, 503]
    receivers.send_test(BLOG, "blog", OWN_WEBHOOK)
    for _ in range(2):
        deployment.tell()
    assert deployment.waiting() == 1
    (row,) = deployment.raw["notification_receivers"].find()
    assert (row["_id"], row["failures"]) == ("alert_webhook/blog", 2)
    deployment.tell()
    assert deployment.waiting() == 0
    assert len(deployment.inbox.all()) == 3


SELLER = replace(BLOG, role=Role.SELLER)
OPS_OF_BLOG = replace(BLOG, role=Role.OPS)


def test_who_may_choose_what(deployment: Deployment, receivers: ReceiverService) -> None:
    chosen = receivers.shown(BOSS, None)
    webhook = chosen[-1].receiver.key
    assert [receivers.scope(BOSS, each) for each in (None, "blog")] == [None, "blog"]
    assert [receivers.scope(BLOG, each) for each in (None, "blog")] == ["blog", "blog"]
    assert receivers.shown(BLOG, "blog") == [], "chats of the installation are not a site's"
    a_person(deployment, "other@shop.example", roles={"default": Role.ADMIN})
    refused: list[tuple[type[AvenueError], Any]] = [
        (Forbidden, lambda: receivers.scope(SELLER, None)),
        (ReceiverNotFound, lambda: receivers.scope(BLOG, "default")),
        (ReceiverNotFound, lambda: receivers.scope(BOSS, "nowhere")),
        (ReceiverNotFound, lambda: receivers.choose(BLOG, "blog", {webhook: []})),
        (ReceiverNotFound, lambda: receivers.choose(BOSS, None, {"$set.x": []})),
        (ReceiverNotFound, lambda: receivers.send_test(BLOG, "blog", webhook)),
        (Forbidden, lambda: receivers.choose(operator(), None, {webhook: []})),
        (Forbidden, lambda: receivers.as_usual(BLOG, "blog")),
        (Forbidden, lambda: receivers.as_usual(operator(), None)),
        (Forbidden, lambda: receivers.add_person(OPS_OF_BLOG, "blog", "eve@blog.example")),
        (Forbidden, lambda: receivers.add_person(BOSS, "blog", "other@shop.example")),
        (NotToBeTold, lambda: receivers.add_person(BLOG, "blog", "other@shop.example")),
        (NotToBeTold, lambda: receivers.add_person(BLOG, "blog", "nobody@shop.example")),
        (ReceiverNotFound, lambda: receivers.set_webhook(BOSS, None, HOOK)),
        (Forbidden, lambda: receivers.set_webhook(OPS_OF_BLOG, "blog", HOOK)),
    ]
    for error, ask in refused:
        with pytest.raises(error):
            ask()
    assert deployment.raw["alert_choices"].count_documents({}) == 0


def test_a_site_is_told_on_the_public_internet_only(receivers: ReceiverService) -> None:
    for url in (
        *("http://hooks.blog.example/", "https://localhost/", "https://127.0.0.1/", "ftp://a.b/"),
        *("https://10.0.0.5/", "https://[::1]/", "https://printer/", "https://db.internal/", ""),
        *("https://169.254.169.254/latest", "https://user:word@blog.example/"),
        "https://hooks.blog.example:6379/",
    ):
        with pytest.raises(InvalidWebhook):
            receivers.set_webhook(BLOG, "blog", url)
    # And again when it is told: a name may lead anywhere by then.
    for url in ("http://127.0.0.1/", "http://localhost/", "http://printer/"):
        with pytest.raises(AddressNotAllowed):
            messages.poster_of_client(url).post(b"{}", {})


def test_browsers_are_told_by_web_push_until_they_are_gone(
    deployment: Deployment,
    receivers: ReceiverService,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messages, "poster_of_client", lambda _: Poster(inbox.url))
    deployment.raw["push_subscriptions"].delete_many({})
    receivers.choose(BOSS, "blog", {each.receiver.key: [] for each in receivers.shown(BOSS, None)})
    eve, tom = (
        a_person(deployment, f"{name}@blog.example", roles={"blog": Role.OPS})
        for name in ("eve", "tom")
    )
    first, second = (
        Browser(f"https://push{n}.example/planted-endp0int/{n}?token={n}") for n in "12"
    )
    for person, browser in ((eve, first), (eve, first), (tom, second)):
        actor = replace(OPS_OF_BLOG, id=person.id)
        receivers.subscribe(actor, "blog", browser.subscription, "Mozilla/5.0 Firefox/140")
    deployment.see(0, **quota(86))
    deployment.tell()
    pushed = sorted(inbox.all(), key=lambda each: claims_of(receivers, each)["aud"])
    assert len(pushed) == 2
    for browser, message in zip((first, second), pushed, strict=True):
        told = json.loads(browser.opened(message.body))
        assert told["title"].startswith("[Blog] Warning: The site blog has used 86 % of its quota")
        assert told["path"] == "/admin/infrastructure/alerts"
        assert message.headers["Content-Encoding"] == "aes128gcm"
    kept = [deployment.raw[name].find() for name in ("push_subscriptions", "house_notifications")]
    assert "planted-endp0int" not in str([*map(list, kept)])
    # One has unsubscribed, the other's person may see it no more: both are forgotten.
    deployment.raw["users"].update_one({"_id": tom.id}, {"$set": {"disabled": True}})
    inbox.statuses[:] = [410]
    receivers.send_test(BLOG, "blog", PUSH)
    deployment.tell()
    assert len(inbox.all()) == 1
    assert deployment.raw["push_subscriptions"].count_documents({}) == 0
    assert deployment.waiting() == 0
    for endpoint in ("https://10.0.0.1/x", "http://push.example/x", "https://localhost/x"):
        with pytest.raises(NotABrowser):
            receivers.subscribe(OPS_OF_BLOG, "blog", Browser(endpoint).subscription, "")
    with pytest.raises(Forbidden):
        receivers.subscribe(OPS_OF_BLOG, None, first.subscription, "")


def claims_of(receivers: ReceiverService, told: Told) -> dict[str, Any]:
    return claims(told.headers["Authorization"], receivers.browsers.key.public)
