"""The receiver of webhooks is told everything, and accepts each event once whatever happens."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from avenue.config import Settings
from avenue.identity import Site
from avenue.media.announcing.models import WEBHOOKS, Kind
from avenue.media.announcing.presenting import events_of
from avenue.notifications.models import Undelivered
from avenue.notifications.service import (
    DELAY_GROWTH,
    FIRST_DELAY_SECONDS,
    JITTER,
    LEASE_SECONDS,
    LONGEST_DELAY_SECONDS,
    RUN_SECONDS,
    Deliverer,
    WebhookSender,
)
from avenue.notifications.store import OutboxStore
from avenue.outside.posting import Poster
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost
from tests.http.application import Application, Caller, a_picture
from tests.http.test_product_images import IMAGE_KEYS, Shelf
from tests.http.test_uploads import upload
from tests.media.test_purging import urls_of, worker
from tests.mongod import Mongod
from tests.receiver import PATH, Inbox, Told, receiving
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

KEY = b"planted-key-of-the-receiver-0123"
WEBHOOK_SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
DATA_KEYS = {"id", "site", "bucket", "visibility", "claim"}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Application]:
    """An application that has a receiver to tell."""
    with Application(mongod) as application:
        application.database.announces = True
        yield application


@pytest.fixture(scope="module")
def seller(deployment: Application) -> Caller:
    return deployment.caller("seller")


@pytest.fixture
def inbox(deployment: Application) -> Iterator[Inbox]:
    """A receiver, and nothing that it is to be told of yet."""
    deployment.raw["notifications"].delete_many({})
    with receiving() as inbox:
        yield inbox


def deliverer_of(deployment: Application, inbox: Inbox, *, seconds: float = 10) -> Deliverer:
    receiver = SignedPost(poster=Poster(inbox.url, seconds=seconds), key=KEY)
    sites = Sites(deployment.database, deployment.settings)
    # Its time never ends, however busy this machine is.
    return by(deployment, receiver, sites.by_id, clock=lambda: 0.0)


def by(
    deployment: Application,
    receiver: Any,
    site_of: Callable[[str], Site | None] = lambda _: None,
    **options: Any,
) -> Deliverer:
    """Who tells that receiver of files."""
    sender = WebhookSender(receiver, partial(events_of, site_of=site_of))
    return Deliverer(OutboxStore(deployment.database), WEBHOOKS, sender, **options)


def nothing(*, done: int) -> None:
    """Keep nothing of how far a job got."""


def make_due(deployment: Application) -> None:
    """Let the time pass until everything is sent again."""
    deployment.raw["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])


def told(deployment: Application, inbox: Inbox) -> list[Told]:
    """Everything the receiver is told now."""
    make_due(deployment)
    deliverer_of(deployment, inbox).deliver(nothing)
    return inbox.all()


def undelivered(deployment: Application) -> Undelivered:
    return OutboxStore(deployment.database).undelivered(WEBHOOKS)


def the_event(deployment: Application) -> dict[str, Any]:
    (event,) = deployment.raw["notifications"].find({})
    return event


def id_of(message: Told) -> str:
    return message.headers["webhook-id"]


# What is told


def test_the_life_of_a_picture_is_told(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    (image,) = shelf.now()["images"]
    shelf.remove(image["id"])
    shelf.restore(image["id"])
    shelf.replace(image["id"], a_picture())
    (replaced,) = shelf.now()["images"]
    messages = {each.message["type"]: each for each in told(deployment, inbox)}
    assert set(messages) == {each.value for each in Kind}
    by_type = {kind: each.message for kind, each in messages.items()}
    for kind, message in by_type.items():
        assert set(message) == {"type", "timestamp", "data"}
        assert message["timestamp"].endswith("Z")
        more = {Kind.DELETED: set(), Kind.PURGE: {"urls"}}.get(Kind(kind), {"file"})
        assert set(message["data"]) == DATA_KEYS | more
        assert {name: message["data"][name] for name in DATA_KEYS} == {
            "id": image["id"],
            "site": "default",
            "bucket": "product_images",
            "visibility": "public",
            "claim": {"kind": "product", "id": shelf.product["id"]},
        }
    # As the API told it at the time.
    assert by_type["asset.created"]["data"]["file"] == image
    assert by_type["asset.restored"]["data"]["file"] == image
    assert by_type["asset.replaced"]["data"]["file"] == replaced
    assert set(replaced) == IMAGE_KEYS
    assert told(deployment, inbox) == []  # and once is enough
    assert undelivered(deployment) == Undelivered(waiting=0, given_up=0)


def test_messages_are_signed_as_standard_webhooks_says(deployment, seller, inbox):
    Shelf(seller, a_picture())
    (message,) = told(deployment, inbox)
    assert message.path == PATH
    assert message.headers["Content-Type"] == "application/json"
    signed = f"{id_of(message)}.{message.headers['webhook-timestamp']}.".encode() + message.body
    right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert message.headers["webhook-signature"] == f"v1,{right}"
    assert "." not in id_of(message)


def test_of_a_private_file_nothing_is_told_that_is_in_it(deployment, inbox):
    client, text = deployment.caller("client"), b"a deposit of 700"
    kept, digest = (
        upload(client, text, name="comprobante-ana.txt"),
        hashlib.sha256(text).hexdigest(),
    )
    assert client.delete(f"/api/uploads/{kept['id']}").status_code == 204
    client.post(f"/api/uploads/{kept['id']}/restore")
    messages = told(deployment, inbox)
    assert [each.message["type"] for each in messages] == [
        "asset.created",
        "asset.deleted",
        "asset.restored",
    ]
    for each in messages:
        assert set(each.message["data"]) == DATA_KEYS
        for secret in ("comprobante", digest[:12], "/media/", client.id, '"bytes"'):
            assert secret not in each.body.decode()


def test_edges_are_to_forget_every_address_once_no_worker_shows_it(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    (image,) = shelf.now()["images"]
    told(deployment, inbox)
    seller.patch(f"{shelf.images}/{image['id']}", json={"focal": [0.1, 0.9]})
    event = deployment.raw["notifications"].find_one({"kind": "asset.purge"})
    assert event["due_at"] - event["created_at"] == timedelta(seconds=2 * 5 + 2)
    (message,) = told(deployment, inbox)
    data = message.message["data"]
    assert urls_of(image) <= set(data["urls"])
    assert len(data["urls"]) == len(set(data["urls"]))
    (moved,) = shelf.now()["images"]
    shelf.replace(image["id"], a_picture())
    shelf.remove(image["id"])
    purges = [each for each in told(deployment, inbox) if each.message["type"] == "asset.purge"]
    assert len(purges) == 2
    for each in purges:
        assert urls_of(moved) <= set(each.message["data"]["urls"])


def test_a_process_writes_down_what_happens_if_it_has_a_receiver():
    uri = "mongodb://db.example/x"
    for url in ("https://hooks.example", ""):
        settings = Settings(mongodb_uri=uri, webhook_url=url, cache_seconds=30)
        with contextlib.closing(Database(settings)) as database:
            assert (database.announces, database.cache_seconds) == (bool(url), 30)


def test_of_a_site_that_is_gone_only_what_needs_no_address_is_told(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    make_due(deployment)
    receiver = SignedPost(poster=Poster(inbox.url), key=KEY)
    by(deployment, receiver).deliver(nothing)
    keys = {each.message["type"]: set(each.message["data"]) for each in inbox.all()}
    assert keys["asset.created"] == keys["asset.deleted"] == DATA_KEYS
    assert keys["asset.purge"] == DATA_KEYS | {"urls"}


# When it is not accepted


@pytest.mark.parametrize(
    "status", [500, 307, *(pytest.param(n, marks=pytest.mark.long) for n in (404, 401, 410, 301))]
)
def test_what_is_refused_is_sent_again_as_it_was_and_holds_nothing_up(
    deployment, seller, inbox, status
):
    first, second = (Shelf(seller, a_picture()).ids()[0] for _ in range(2))
    inbox.statuses = [status]
    assert deliverer_of(deployment, inbox).deliver(nothing) == {"delivered": 1, "refused": 1}
    refused, accepted = inbox.all()
    assert [each.message["data"]["id"] for each in (refused, accepted)] == [first, second]
    waiting = deployment.raw["notifications"].find_one({"state": "pending"})
    assert (waiting["attempts"], waiting["error"]) == (1, f"http_{status}")
    assert deliverer_of(deployment, inbox).deliver(nothing) == {"delivered": 0, "refused": 0}
    (again,) = told(deployment, inbox)
    assert (id_of(again), again.body) == (id_of(refused), refused.body)
    assert {each.path for each in (refused, accepted, again)} == {PATH}  # nobody followed anything
    assert told(deployment, inbox) == []


@pytest.mark.parametrize(
    "status", [429, 0, *(pytest.param(n, marks=pytest.mark.long) for n in (502, 503, 504))]
)
def test_a_receiver_that_is_busy_or_away_is_left_in_peace(deployment, seller, inbox, status):
    for _ in range(3):
        Shelf(seller, a_picture())
    inbox.statuses = [status]
    with pytest.raises(NotDelivered) as refused:
        deliverer_of(deployment, inbox, seconds=10 if status else 1).deliver(nothing)
    assert refused.value.facts in ({"http_status": status}, {"reason": "no_answer"})
    first = inbox.next()
    assert inbox.all() == []
    assert undelivered(deployment) == Undelivered(waiting=3, given_up=0)
    inbox.go_on.set()
    messages = told(deployment, inbox)
    assert len({id_of(each) for each in messages}) == len(messages) == 3
    assert id_of(first) in {id_of(each) for each in messages}


def test_a_receiver_that_is_not_there_is_named_nowhere(deployment, seller, inbox):
    Shelf(seller, a_picture())
    receiver = SignedPost(poster=Poster("http://127.0.0.1:9/planted"), key=KEY)
    nowhere = by(deployment, receiver)
    with pytest.raises(NotDelivered) as refused:
        nowhere.deliver(nothing)
    said = f"{refused.value} {refused.value.facts} {receiver!r} {the_event(deployment)}"
    for secret in ("127.0.0.1", "planted"):
        assert secret not in said
    assert len(told(deployment, inbox)) == 1


def test_what_nobody_accepts_for_three_days_is_given_up_until_somebody_asks(
    deployment, seller, inbox
):
    Shelf(seller, a_picture())
    event = the_event(deployment)
    assert event["give_up_at"] - event["created_at"] == 3 * DAY
    past = {"give_up_at": {"$subtract": ["$$NOW", 60_000]}}
    deployment.raw["notifications"].update_one({}, [{"$set": past}])
    inbox.statuses = [500, 500]
    (first,) = told(deployment, inbox)
    assert told(deployment, inbox) == []
    assert undelivered(deployment) == Undelivered(waiting=0, given_up=1)
    assert the_event(deployment)["forget_at"] - event["created_at"] > 29 * DAY

    outbox = OutboxStore(deployment.database)
    assert (outbox.revive(WEBHOOKS), outbox.revive(WEBHOOKS)) == (1, 0)
    (second,) = told(deployment, inbox)
    assert undelivered(deployment) == Undelivered(waiting=1, given_up=0)  # for three days more
    (third,) = told(deployment, inbox)
    assert len({id_of(each) for each in (first, second, third)}) == 1


def test_what_was_accepted_is_forgotten_after_a_week(deployment, seller, inbox):
    Shelf(seller, a_picture())
    told(deployment, inbox)
    event = the_event(deployment)
    assert event["forget_at"] - event["delivered_at"] == 7 * DAY
    assert "content" not in event
    assert "error" not in event
    indexes = deployment.raw["notifications"].index_information()
    assert indexes["forget_at_1"]["expireAfterSeconds"] == 0


# Time


@pytest.mark.parametrize("drawn", [0.0, 1.0], ids=["the shortest", "the longest"])
def test_an_event_is_tried_for_three_days_later_and_later(deployment, seller, inbox, drawn):
    Shelf(seller, a_picture())
    (event,) = OutboxStore(deployment.database).take(WEBHOOKS, 1)
    receiver = SignedPost(poster=Poster(inbox.url), key=KEY)
    deliverer = by(deployment, receiver, jitter=lambda low, high: low + drawn * (high - low))
    waits = [deliverer._delay_seconds(replace(event, attempts=each + 1)) for each in range(100)]
    assert waits[0] == FIRST_DELAY_SECONDS * (1 - JITTER + 2 * JITTER * drawn)
    for before, after in itertools.pairwise(waits):
        assert after == pytest.approx(min(before * DELAY_GROWTH, waits[-1]))
    tries = next(n for n in range(100) if sum(waits[:n]) > 3 * DAY.total_seconds())
    assert 12 <= tries <= 22
    assert waits[-1] <= LONGEST_DELAY_SECONDS * (1 + JITTER)


def test_a_slow_receiver_holds_other_work_up_for_seconds(deployment, seller, inbox):
    for _ in range(5):
        Shelf(seller, a_picture())
    now = [0.0]

    class Slow:
        def send(self, _id: str, _body: bytes) -> int:
            now[0] += RUN_SECONDS * 0.4
            return 200

    slow = by(deployment, Slow(), clock=lambda: now[0])
    assert slow.deliver(nothing) == {"delivered": 3, "refused": 0}
    assert slow.deliver(nothing) == {"delivered": 2, "refused": 0}


def test_what_is_not_due_is_not_looked_at(deployment, inbox):
    later = {"receiver": WEBHOOKS, "state": "pending", "attempts": 1}
    deployment.raw["notifications"].insert_many([{**later, "_id": str(n)} for n in range(500)])
    deployment.raw["notifications"].update_many(
        {}, [{"$set": {"due_at": {"$add": ["$$NOW", 60000]}}}]
    )
    assert OutboxStore(deployment.database).take(WEBHOOKS, 1) == []
    due = {"receiver": WEBHOOKS, "state": "pending", "$expr": {"$lte": ["$due_at", "$$NOW"]}}
    plan = deployment.raw["notifications"].find(due).sort("due_at", 1).limit(1).explain()
    assert plan["executionStats"]["totalKeysExamined"] <= 1
    assert plan["executionStats"]["totalDocsExamined"] == 0


# Once, whoever is killed and however many there are


def test_two_at_once_send_each_event_once(deployment, seller, inbox):
    for _ in range(3):
        Shelf(seller, *(a_picture() for _ in range(5)))
    barrier = threading.Barrier(2)

    def run() -> dict[str, int]:
        deliverer = deliverer_of(deployment, inbox)
        barrier.wait(DEADLINE_SECONDS)
        return deliverer.deliver(nothing)

    with Threads(2) as pool:
        counts = [each.result(DEADLINE_SECONDS) for each in [pool.submit(run) for _ in range(2)]]
    seen = Counter(id_of(each) for each in inbox.all())
    assert len(seen) == sum(each["delivered"] for each in counts) == 15
    assert set(seen.values()) == {1}


class Killed(BaseException):
    """What a kill looks like from inside."""


def test_killed_between_answer_and_note_the_same_is_sent_once_more(deployment, seller, inbox):
    Shelf(seller, a_picture())
    poster = SignedPost(poster=Poster(inbox.url), key=KEY)

    class Dying:
        def send(self, message_id: str, body: bytes) -> int:
            assert poster.send(message_id, body) == 200
            raise Killed

    with pytest.raises(Killed):
        by(deployment, Dying()).deliver(nothing)
    (before,) = inbox.all()
    assert (
        deliverer_of(deployment, inbox).deliver(nothing)["delivered"] == 0
    )  # it has its time still
    event = the_event(deployment)
    assert event["due_at"] - event["created_at"] > timedelta(seconds=LEASE_SECONDS / 2)
    (after,) = told(deployment, inbox)
    assert id_of(after) == id_of(before)
    assert told(deployment, inbox) == []


def test_who_is_late_takes_nothing_back(deployment, seller, inbox):
    """One that was stopped in the middle and goes on after another one has sent its event."""
    Shelf(seller, a_picture())
    store = OutboxStore(deployment.database)
    (late,) = store.take(WEBHOOKS, 0)
    assert len(told(deployment, inbox)) == 1
    store.postpone([late], "http_500", 0)
    assert the_event(deployment)["state"] == "delivered"
    Shelf(seller, a_picture())
    deployment.raw["notifications"].delete_many({"state": "delivered"})
    (late,), (other,) = store.take(WEBHOOKS, 0), store.take(WEBHOOKS, 60)
    assert late.id == other.id
    store.postpone([late], "http_500", 0)
    assert the_event(deployment)["turn"] == other.turn
    assert store.take(WEBHOOKS, 0) == []  # it is the other one's still
    store.delivered([late])  # but what was accepted, whoever sent it, is
    store.postpone([other], "http_500", 0)
    assert told(deployment, inbox) == []


def test_of_two_workers_one_is_killed_and_each_event_is_accepted_once(
    deployment: Application, seller: Caller, inbox: Inbox
) -> None:
    """Killed between the receiver's having it and its answer; the other one sends it again."""
    jobs, uri = deployment.raw["jobs"], deployment.settings.mongodb_uri
    jobs.delete_many({})
    telling = {"AVENUE_WEBHOOK_URL": inbox.url, "AVENUE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    Shelf(seller, *(a_picture() for _ in range(5)))
    inbox.statuses = [200, 200, 0]
    first = worker(uri, telling)
    seen = [inbox.next() for _ in range(3)]
    second = worker(uri, telling)
    try:
        os.kill(first.pid, signal.SIGKILL)
        first.wait(DEADLINE_SECONDS)
        inbox.go_on.set()
        # The leases would end by themselves after a minute.
        make_due(deployment)
        jobs.update_one({"_id": "webhooks"}, [{"$set": {"run_at": "$$NOW"}}])
        wait_until(lambda: not undelivered(deployment).waiting, "all are told")
    finally:
        for each in (first, second):
            each.kill()
        said = "".join(each.communicate(timeout=DEADLINE_SECONDS)[0] for each in (first, second))
    seen += inbox.all()
    accepted = {id_of(each): each.body for each in reversed(seen)}
    assert len(accepted) == 5
    assert len(seen) == 6
    assert all(accepted[id_of(each)] == each.body for each in seen)
    for planted in ("planted", WEBHOOK_SECRET, f":{inbox.port}"):
        assert planted not in said + str(list(jobs.find()))
