"""The edges are told what to forget: everything, once it is so, until they have accepted it."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from avenue.app.messages import MOST_PURGES
from avenue.identity import Site
from avenue.media.announcing.models import PATHS_CHANGED, PURGES
from avenue.media.announcing.presenting import MOST_URLS, purges_of
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.notifications.service import Deliverer, WebhookSender
from avenue.notifications.store import OutboxStore
from avenue.outside.posting import Poster
from avenue.storage.site_data import BUCKETS
from avenue.storage.sites import Sites
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost, of_purges
from tests.http.application import HOST, OTHER_HOST, Application, Caller, a_picture
from tests.http.test_product_images import Shelf
from tests.mongod import Guard, Mongod, lifetime_of_transactions
from tests.receiver import PATH, SECRET, Inbox, Told, receiving
from tests.server import Server, environment, images_path, path_of, prepare
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Application]:
    """An application that is told to note what edges must forget."""
    with Application(mongod) as application:
        application.database.purges_caches = True
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


class Purger:
    """The job that tells an edge, without the job."""

    def __init__(
        self, deployment: Application, url: str, site: Site | None = None, seconds: float = 10
    ) -> None:
        sites = Sites(deployment.database, deployment.settings)
        poster = Poster(url, seconds=seconds, is_ours=True)
        post = SignedPost(poster=poster, key=SECRET.encode(), sign=of_purges)
        self.counts = Counter(urls=0)
        bodies = partial(
            purges_of, site_of=lambda each: site or sites.by_id(each), told=self.counts
        )
        sender = WebhookSender(post, bodies, busy=range(1000))
        store = OutboxStore(deployment.database)
        self.deliverer = Deliverer(store, PURGES, sender, at_once=MOST_PURGES)

    def purge(self) -> None:
        self.deliverer.deliver(lambda **_: None)


def purger_of(deployment: Application, inbox: Inbox, **options: Any) -> Purger:
    return Purger(deployment, inbox.url, **options)


def make_due(deployment: Application) -> None:
    """Let the time pass until no worker shows what was removed, or until the next try."""
    deployment.raw["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])


def told(deployment: Application, inbox: Inbox) -> list[Told]:
    """Everything the receiver is told now."""
    make_due(deployment)
    purger_of(deployment, inbox).purge()
    return inbox.all()


def addresses(messages: list[Told]) -> list[str]:
    return [url for each in messages for url in each.message["urls"]]


def urls_of(image: dict[str, Any]) -> set[str]:
    """Every address the API gives for a picture."""
    srcset = {each.split(" ")[0] for each in image["srcset"].split(", ")}
    variants = {each["url"] for each in image["variants"].values()}
    stable = {f"https://{HOST}/media/{image['id']}/{name}" for name in ("original", "thumb")}
    return {image["url"], image["display_url"]} | variants | srcset | stable


def test_every_address_of_a_removed_picture_is_told(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    (image,) = shelf.now()["images"]
    assert told(deployment, inbox) == []  # nothing was removed yet
    shelf.remove(image["id"])
    (message,) = told(deployment, inbox)
    urls = addresses([message])
    assert urls_of(image) <= set(urls)
    assert len(urls) == len(set(urls))
    for extension in ("webp", "jpg", "avif"):
        assert image["variants"]["thumb"]["url"].replace("webp", extension) in urls
    assert f"{image['url']}?download=1" in urls
    assert {each.split(image["id"])[0] for each in urls} == {f"https://{HOST}/media/"}
    assert {urlsplit(each).netloc for each in urls} == {HOST}
    assert set(message.message) == {"event", "id", "site", "urls", "at"}
    assert (message.message["event"], message.message["site"]) == ("purge", "default")
    assert told(deployment, inbox) == []  # and once is enough


def test_the_signature_is_of_the_time_and_the_body(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    (message,) = told(deployment, inbox)
    assert message.path == PATH
    assert message.headers["Content-Type"] == "application/json"
    fields = dict(each.split("=") for each in message.headers["Avenue-Signature"].split(","))
    signed = fields["t"].encode() + b"." + message.body
    assert fields["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def replaced(shelf: Shelf, image: str) -> None:
    assert shelf.replace(image, a_picture()).status_code == 201


def cut_anew(shelf: Shelf, image: str) -> None:
    answer = shelf.seller.patch(f"{shelf.images}/{image}", json={"focal": [0.1, 0.9]})
    assert answer.status_code == 200


def product_deleted(shelf: Shelf, image: str) -> None:
    assert shelf.seller.delete(shelf.url).status_code == 204


@pytest.mark.parametrize("change", [replaced, cut_anew, product_deleted])
def test_the_addresses_from_before_are_told(deployment, seller, inbox, change):
    shelf = Shelf(seller, a_picture())
    (image,) = shelf.now()["images"]
    change(shelf, image["id"])
    assert urls_of(image) <= set(addresses(told(deployment, inbox)))


def test_bringing_an_older_version_back_tells_what_was_shown_before(deployment, inbox):
    editor, library = deployment.caller("editor"), "/api/builder/media"
    first = editor.upload(library, a_picture()).json["file"]
    path = f"{library}/{first['id']}"
    second = editor.upload(f"{path}/file", a_picture(), method="PUT").json["file"]
    assert urls_of(first) <= set(addresses(told(deployment, inbox)))
    back = editor.post(f"{path}/versions/{first['version']}/restore")
    assert back.json["url"] == first["url"]
    urls = set(addresses(told(deployment, inbox)))
    assert urls_of(second) <= urls
    editor.post(f"{path}/versions/{first['version']}/restore")  # it is the current one already
    assert told(deployment, inbox) == []


def test_all_versions_of_a_removed_picture_are_told(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    (first,) = shelf.now()["images"]
    cut_anew(shelf, first["id"])
    (moved,) = shelf.now()["images"]
    replaced(shelf, first["id"])
    (second,) = shelf.now()["images"]
    told(deployment, inbox)
    shelf.remove(first["id"])
    urls = set(addresses(told(deployment, inbox)))
    assert urls_of(moved) | urls_of(second) <= urls


def test_an_expired_temporary_picture_is_told_when_its_record_is_gone(deployment, seller, inbox):
    reply = seller.upload("/api/shop/temp-images", a_picture()).json
    deployment.raw["assets"].update_one(
        {"_id": reply["id"]}, [{"$set": {"expires_at": {"$subtract": ["$$NOW", 60_000]}}}]
    )
    Sweeper(SweptStore(deployment.database), buckets=BUCKETS, trash_days=7).sweep()
    assert deployment.raw["assets"].find_one({"_id": reply["id"]}) is None
    assert reply["url"] in addresses(told(deployment, inbox))


def test_a_removed_temporary_picture_is_told(deployment, seller, inbox):
    reply = seller.upload("/api/shop/temp-images", a_picture()).json
    assert seller.delete(f"/api/shop/temp-images/{reply['id']}").status_code == 204
    assert reply["url"] in addresses(told(deployment, inbox))
    Sweeper(SweptStore(deployment.database), buckets=BUCKETS, trash_days=7).sweep()
    assert deployment.raw["assets"].find_one({"_id": reply["id"]}) is None


def test_nothing_is_told_of_private_files_or_of_what_stays_where_it_is(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture(), a_picture())
    secret, shown = shelf.ids()
    deployment.raw["assets"].update_one({"_id": secret}, {"$set": {"visibility": "private"}})
    cut_anew(shelf, secret)
    replaced(shelf, secret)
    shelf.remove(secret)
    described = {"alt": {"es": "Zapato"}, "decorative": False}
    assert seller.patch(f"{shelf.images}/{shown}", json=described).status_code == 200
    assert told(deployment, inbox) == []


def test_nothing_is_noted_where_nobody_is_to_be_told(deployment, seller, inbox, monkeypatch):
    monkeypatch.setattr(deployment.database, "purges_caches", False)
    shelf = Shelf(seller, a_picture())
    (image,) = shelf.ids()
    cut_anew(shelf, image)
    replaced(shelf, image)
    shelf.remove(image)
    assert deployment.raw["notifications"].count_documents({}) == 0


def test_pages_are_purged_again_when_requests_that_read_them_before_have_ended(
    deployment, seller, inbox
):
    seller.a_product(status="published")
    messages = list(deployment.raw["notifications"].find({"kind": PATHS_CHANGED}))
    waits = sorted(each["due_at"] - each["created_at"] for each in messages)
    assert waits == [timedelta(0), timedelta(seconds=5 + 2)]
    assert messages[0]["content"] == messages[1]["content"]


def test_it_waits_until_no_worker_shows_it_any_more(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    purger = purger_of(deployment, inbox)
    purger.purge()
    assert (purger.counts["urls"], inbox.all()) == (0, [])
    (message,) = deployment.raw["notifications"].find({})
    # AVENUE_CACHE_SECONDS, 0 here, AVENUE_READ_SECONDS twice, and a margin.
    assert message["due_at"] - message["created_at"] == timedelta(seconds=2 * 5 + 2)
    make_due(deployment)
    purger.purge()
    assert len(inbox.all()) == 1


def test_a_site_is_told_by_each_of_its_names(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    names = ("shop.example", "www.shop.example")
    site = Site(id="default", hosts=names, base_url="https://shop.example", name="Shop")
    make_due(deployment)
    purger_of(deployment, inbox, site=site).purge()
    urls = addresses(inbox.all())
    assert {urlsplit(each).netloc for each in urls} == set(names)
    assert len({each.split("/media/")[1] for each in urls}) * 2 == len(urls)


def test_many_are_told_in_bounded_messages_of_one_site_each(deployment, seller, inbox):
    other = deployment.caller("seller_on_other_site")
    images = []
    for each in (seller, other, seller, seller):
        shelf = Shelf(each, *(a_picture() for _ in range(5)))
        images += [image["url"] for image in shelf.now()["images"]]
        assert each.delete(shelf.url).status_code == 204
    messages = told(deployment, inbox)
    assert set(images) <= set(addresses(messages))
    assert max(len(each.message["urls"]) for each in messages) <= MOST_URLS
    assert len({each.message["id"] for each in messages}) == len(messages) > 1
    for each in messages:
        host = {"default": HOST, "other": OTHER_HOST}[each.message["site"]]
        assert {urlsplit(url).netloc for url in each.message["urls"]} == {host}


@pytest.mark.parametrize(
    "status",
    [
        500,
        307,
        *(pytest.param(n, marks=pytest.mark.long) for n in (503, 404, 401, 301, 302, 308)),
    ],
)
def test_what_is_not_accepted_is_sent_again_as_it_was(deployment, seller, inbox, status):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    inbox.statuses = [status]
    make_due(deployment)
    with pytest.raises(NotDelivered) as refused:
        purger_of(deployment, inbox).purge()
    assert refused.value.facts == {"http_status": status}
    later = Shelf(seller, a_picture())
    later.remove(later.ids()[0])  # and what is added meanwhile comes after it
    first, again, then = told(deployment, inbox)
    assert again.body == first.body
    assert then.message["id"] != first.message["id"]
    assert {each.path for each in (first, again, then)} == {PATH}  # nobody followed anything


def test_a_receiver_that_does_not_answer_is_not_waited_for(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    inbox.statuses = [0]
    make_due(deployment)
    with pytest.raises(NotDelivered):
        purger_of(deployment, inbox, seconds=0.2).purge()
    inbox.next()  # which is not answered
    assert len(told(deployment, inbox)) == 1


def test_a_receiver_that_is_not_there_is_told_when_it_is(deployment, seller, inbox):
    shelf = Shelf(seller, a_picture())
    shelf.remove(shelf.ids()[0])
    make_due(deployment)
    with pytest.raises(NotDelivered) as refused:
        Purger(deployment, "http://127.0.0.1:9/").purge()
    assert "127.0.0.1" not in f"{refused.value} {refused.value.facts}"
    assert len(told(deployment, inbox)) == 1


def test_neither_url_nor_secret_is_in_what_is_printed(inbox):
    poster = Poster(inbox.url, is_ours=True)
    assert "planted" not in repr(SignedPost(poster=poster, key=SECRET.encode(), sign=of_purges))


@pytest.fixture
def telling(inbox: Inbox) -> dict[str, str]:
    """What a process is started with that tells `inbox`."""
    return {
        "AVENUE_PURGE_URL": inbox.url,
        "AVENUE_PURGE_SECRET": SECRET,
        "AVENUE_CACHE_SECONDS": "0",
    }


@pytest.fixture
def _brief_transactions(mongod: Mongod) -> Iterator[None]:
    """A killed process leaves no transaction for long, whose locks would keep its database."""
    with lifetime_of_transactions(mongod, 3):
        yield


# Begun before the database of the test, and so over after that was dropped.
@pytest.mark.usefixtures("_brief_transactions")
@pytest.mark.long
def test_a_killed_worker_loses_nothing(
    mongod: Mongod, migrated_uri: str, guard: Guard, inbox: Inbox, telling: dict[str, str]
) -> None:
    """Killed between the receiver's having it and its answer; another one sends it again."""
    uri = migrated_uri
    prepare(uri)
    database = mongod.client[uri.split("/")[-1].split("?")[0]]
    jobs = database["jobs"]
    with Server(guard, uri, **telling) as server:
        shop = server.seller()
        product = shop.create_product()
        image = shop.upload(product, a_picture()).json
        inbox.statuses = [0]
        gone = shop.request("DELETE", f"{images_path(product)}/{image['id']}")
        assert gone.status == 204
        # Only the picture's, and at once: its purge waits until no request can show it any more.
        database["notifications"].delete_many({"kind": PATHS_CHANGED})
        database["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])
        first = worker(uri, telling)
        try:
            before = inbox.next()
            os.kill(first.pid, signal.SIGKILL)
        finally:
            first.kill()
            said = first.communicate(timeout=DEADLINE_SECONDS)[0]
        inbox.go_on.set()
        # The leases would end by themselves after a minute.
        database["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])
        jobs.update_one({"_id": "purge"}, [{"$set": {"run_at": "$$NOW"}}])
        second = worker(uri, telling)
        try:
            after = inbox.next()
            wait_until(lambda: jobs.find_one({"_id": "purge", "state": "queued"}), "it is done")
        finally:
            second.terminate()
            said += second.communicate(timeout=DEADLINE_SECONDS)[0]
        assert after.body == before.body
        assert path_of(image["url"]) in {urlsplit(url).path for url in after.message["urls"]}
        assert inbox.all() == []
        said += server.log.read_text()
    kept = json.dumps(list(jobs.find()), default=str)
    for planted in ("planted", SECRET, f":{inbox.port}", "/media/"):
        assert planted not in kept
    for planted in ("planted", SECRET, f":{inbox.port}", image["id"]):
        assert planted not in said


@pytest.mark.failing_jobs
@pytest.mark.long
def test_a_failing_receiver_is_asked_again_later_and_later(
    mongod: Mongod, migrated_uri: str, guard: Guard, inbox: Inbox, telling: dict[str, str]
) -> None:
    """In a whole deployment: removed over HTTP, refused at first, told by the job in the end."""
    uri = migrated_uri
    prepare(uri)
    database = mongod.client[uri.split("/")[-1].split("?")[0]]
    jobs = database["jobs"]
    with Server(guard, uri, AVENUE_JOBS="inline", **telling) as server:
        shop = server.seller()
        product = shop.create_product()
        image = shop.upload(product, a_picture()).json
        shop.send_json("PATCH", f"/api/shop/products/{product}", {"status": "draft"})
        waiting = {"state": "pending"}
        wait_until(lambda: not database["notifications"].find_one(waiting), "all is told so far")
        inbox.all()
        inbox.statuses = [500, 500]
        gone = shop.request("DELETE", f"{images_path(product)}/{image['id']}")
        assert gone.status == 204
        waits = []
        for _ in range(2):
            inbox.next()
            wait_until(lambda: jobs.find_one({"_id": "purge", "state": "queued"}), "it waits")
            row = jobs.find_one({"_id": "purge"})
            assert row is not None
            assert row["error"]
            waits.append(row["run_at"] - row["started_at"])
            database["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])
            jobs.update_one({"_id": "purge"}, [{"$set": {"run_at": "$$NOW"}}])
        assert waits[0] < waits[1]
        assert path_of(image["url"]) in str(inbox.next().message["urls"])
        said = server.log.read_text()
    for planted in ("planted", SECRET, f":{inbox.port}", image["id"]):
        assert planted not in said


def worker(uri: str, telling: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "avenue", "worker"],
        cwd=ROOT,
        env=environment(uri, 1, **telling),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
