"""Whatever becomes of a file is written down for a receiver, with the change and never without."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from avenue.app.files import files_of
from avenue.app.services import Services
from avenue.errors import Unavailable
from avenue.identity import DEFAULT_SITE
from avenue.media.announcing import store
from avenue.media.announcing.models import Kind
from avenue.media.models import Claim
from avenue.media.store.documents import ASSETS
from avenue.media.store.swept import SweptStore
from avenue.media.store.transitions import claim_one
from avenue.media.sweeper import Sweeper
from avenue.shop.store.external_pictures import ExternalPictures
from avenue.storage.idempotency import Writes
from avenue.storage.scope import site
from avenue.storage.site_data import BUCKETS
from avenue.uploads.retention.service import Retention
from avenue.uploads.retention.store import ExpiredUploads
from tests.http.application import GROUPS, PRODUCTS, Application, Part, a_picture, unique
from tests.http.test_costs import queries, waits
from tests.http.test_filepond import process, revert
from tests.http.test_media_library import MEDIA
from tests.http.test_pages import inline, made
from tests.http.test_picture_imports import applied, planned, zipped
from tests.http.test_product_images import Shelf
from tests.http.test_retention import PAST
from tests.http.test_temp_images import TEMP, expire, keep
from tests.http.test_uploads import UPLOADS, upload
from tests.http.tus import a_pdf, begun, send
from tests.migration.test_import_stores import received
from tests.mongod import Mongod

CREATED, REPLACED, DELETED, RESTORED, PURGE = (each.value for each in Kind)
LOGO = "/api/site/logo"
Told = dict[str, list[str]]
"""The kinds of the events of some assets, in their order."""


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Application]:
    """An application that has a receiver to tell."""
    with Application(mongod) as application:
        application.database.announces = True
        yield application


class Shop:
    """The deployment, and somebody of every kind in it."""

    def __init__(self, deployment: Application) -> None:
        self.deployment = deployment
        self.raw = deployment.raw
        self.seller = deployment.caller("seller")
        self.editor = deployment.caller("editor")
        self.client = deployment.caller("client")
        self.admin = deployment.caller("admin")

    def told(self) -> Told:
        """The kinds of all events by asset; two at once in the order of `Kind`."""
        kinds = [each.value for each in Kind]
        found = sorted(
            self.raw["notifications"].find({"receiver": "webhooks"}),
            key=lambda each: (each["created_at"], kinds.index(each["kind"])),
        )
        by_asset = itertools.groupby(
            sorted(found, key=lambda each: each["about"]),
            key=lambda each: each["about"],
        )
        return {asset: [each["kind"] for each in events] for asset, events in by_asset}

    def sweep(self) -> None:
        Sweeper(SweptStore(self.deployment.database), buckets=BUCKETS, trash_days=7).sweep()

    def expire_uploads(self, *ids: str) -> None:
        self.raw["assets"].update_many({"_id": {"$in": ids}}, {"$set": {"expires_at": PAST}})
        audit = Services(self.deployment.settings, self.deployment.database).audit
        retention = Retention(ExpiredUploads(self.deployment.database), audit, sleep=lambda _: None)
        retention.run("sweep", "sweep", None, lambda _: None)


@pytest.fixture
def shop(deployment: Application) -> Iterator[Shop]:
    """A shop of which nothing is told yet; in the end everything that happened is told."""
    shop = Shop(deployment)
    shop.sweep()  # what other tests let expire
    deployment.raw["notifications"].delete_many({})
    before = {each["_id"] for each in deployment.raw["assets"].find({}, {"_id": 1})}
    yield shop
    told = shop.told()
    for asset in deployment.raw["assets"].find({"_id": {"$nin": list(before)}}):
        kinds = Counter(told.get(asset["_id"], []))
        assert kinds[CREATED] == (asset["claim"] is not None), asset
        assert kinds[DELETED] - kinds[RESTORED] == (asset["state"] == "trash"), asset


# Every way a file comes or goes


def product_pictures(shop: Shop) -> Told:
    shelf = Shelf(shop.seller, a_picture(), a_picture())
    first, second = shelf.ids()
    assert shelf.replace(first, a_picture()).status_code == 201
    assert shelf.remove(first).status_code == 204
    assert shelf.restore(first).status_code == 200
    return {first: [CREATED, REPLACED, PURGE, DELETED, PURGE, RESTORED], second: [CREATED]}


def group_pictures(shop: Shop) -> Told:
    shelf = Shelf(shop.seller, a_picture(), kind=GROUPS)
    (picture,) = shelf.ids()
    assert shop.seller.delete(shelf.url).status_code == 204
    return {picture: [CREATED, DELETED, PURGE]}


def a_deleted_product(shop: Shop) -> Told:
    shelf = Shelf(shop.seller, a_picture(), a_picture())
    pictures = shelf.ids()
    assert shop.seller.delete(shelf.url).status_code == 204
    return {each: [CREATED, DELETED, PURGE] for each in pictures}


def cut_and_described(shop: Shop) -> Told:
    shelf = Shelf(shop.seller, a_picture())
    (picture,) = shelf.ids()
    for change in ({"focal": [0.1, 0.9]}, {"alt": {"es": "Zapato"}}):
        assert shop.seller.patch(f"{shelf.images}/{picture}", json=change).status_code == 200
    return {picture: [CREATED, PURGE]}


def temporary_pictures(shop: Shop) -> Told:
    used, removed, expired = keep(shop.seller, a_picture(), a_picture(), a_picture())
    assert shop.told() == {}  # they are nobody's yet
    body = {"name": unique("Zapato "), "temp_images": [used]}
    assert shop.seller.post(PRODUCTS, json=body).status_code == 201
    assert shop.seller.delete(f"{TEMP}/{removed}").status_code == 204
    expire(shop.deployment, expired)
    shop.sweep()
    return {used: [CREATED], removed: [PURGE], expired: [PURGE]}


def pictures_by_sku(shop: Shop) -> Told:
    sku = unique("SKU-")
    product = shop.seller.a_product(sku=sku)
    plan = planned(shop.seller, zipped({f"{sku}-1.jpg": a_picture(), f"{sku}-2.jpg": a_picture()}))
    assert applied(shop.deployment, shop.seller, plan)["state"] == "done"
    images = shop.seller.get(f"{PRODUCTS}/{product['id']}").json["images"]
    return {each["id"]: [CREATED] for each in images}  # and nothing of the archive


def library_pictures(shop: Shop) -> Told:
    editor = shop.editor
    first = editor.upload(MEDIA, a_picture()).json["file"]
    path = f"{MEDIA}/{first['id']}"
    assert editor.upload(f"{path}/file", a_picture(), method="PUT").status_code == 201
    for _ in range(2):  # the second time it is the current one already
        back = editor.post(f"{path}/versions/{first['version']}/restore")
        assert back.status_code == 200
    assert editor.patch(path, json={"focal": [0.9, 0.1]}).status_code == 200
    assert editor.delete(path).status_code in {200, 204}
    assert editor.post(f"{path}/restore").status_code == 200
    changes = [REPLACED, PURGE, REPLACED, PURGE, PURGE, DELETED, PURGE, RESTORED]
    return {first["id"]: [CREATED, *changes]}


def pictures_in_a_page(shop: Shop) -> Told:
    html = f'<img src="{inline(a_picture())}"><img src="{inline(a_picture())}">'
    page = made(shop.editor, html=html)
    assert len(page["images"]) == 2
    return {each["id"]: [CREATED] for each in page["images"]}


def logos(shop: Shop) -> Told:
    put = [shop.admin.upload(LOGO, a_picture(), method="PUT").json["id"] for _ in range(2)]
    assert shop.admin.delete(LOGO).status_code == 204
    return {each: [CREATED, DELETED, PURGE] for each in put}


def uploads(shop: Shop) -> Told:
    kept = upload(shop.client, unique("text ").encode(), name="a.txt")["id"]
    path = f"{UPLOADS}/{kept}"
    assert shop.client.delete(path).status_code == 204
    assert shop.client.post(f"{path}/restore").status_code == 200
    return {kept: [CREATED, DELETED, RESTORED]}  # they are private: no edge has them


def expired_uploads(shop: Shop) -> Told:
    categories = {"fading": {"retention_days": 30}}
    body = {"upload_categories": categories}
    assert shop.admin.patch("/api/site", json=body).status_code == 200
    kept = upload(shop.client, unique("t").encode(), name="a.txt", category="fading")["id"]
    shop.expire_uploads(kept)
    return {kept: [CREATED, DELETED]}


def resumable_uploads(shop: Shop) -> Told:
    data = a_pdf(3000)
    name = begun(shop.client, len(data))
    for start in (0, 1500):
        assert send(shop.client, name, start, data[start : start + 1500]).status_code == 204
    assert send(shop.client, name, 1500, data[1500:]).status_code in {204, 409}  # the last again
    return {name: [CREATED]}


def filepond_uploads(shop: Shop) -> Told:
    kept = process(shop.client, a_picture()).text
    assert revert(shop.client, kept).status_code == 204
    return {kept: [CREATED, DELETED]}


def commands(shop: Shop) -> Told:
    path = shop.deployment.settings.tmp_dir / unique("foto")
    path.write_bytes(a_picture())
    with files_of(shop.deployment.settings, shop.deployment.database, DEFAULT_SITE) as files:
        kept = files.put(path, name="foto.jpg").id
        assert files.put(path).id == kept  # the same bytes are the same file
        files.rm(kept)
    path.unlink()
    return {kept: [CREATED, DELETED, PURGE]}


def an_imported_folder(shop: Shop) -> Told:
    """What `import` does for each file that a record names."""
    product = shop.seller.a_product()
    shop.raw["shop_products"].update_one(
        {"_id": product["id"]}, {"$set": {"images": [{"url": "/uploads/a.jpg"}]}}
    )
    upload_result, claim = received(shop.deployment), Claim(kind="product", id=product["id"])
    store = ExternalPictures(shop.deployment.database)
    adopted = store.adopt(DEFAULT_SITE, claim, "/uploads/a.jpg", upload_result)
    assert adopted is not None
    return {adopted.id: [CREATED]}


@pytest.mark.parametrize(
    "way",
    [
        product_pictures,
        pytest.param(group_pictures, marks=pytest.mark.long),
        pytest.param(a_deleted_product, marks=pytest.mark.long),
        cut_and_described,
        temporary_pictures,
        pictures_by_sku,
        library_pictures,
        pytest.param(pictures_in_a_page, marks=pytest.mark.long),
        logos,
        uploads,
        expired_uploads,
        resumable_uploads,
        pytest.param(filepond_uploads, marks=pytest.mark.long),
        commands,
        an_imported_folder,
    ],
)
def test_every_way_a_file_comes_or_goes_is_told(shop: Shop, way: Callable[[Shop], Told]):
    expected = way(shop)
    assert shop.told() == expected


# All of it or nothing


def test_what_is_refused_or_fails_is_not_told(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shelf = Shelf(shop.seller, *(a_picture() for _ in range(5)))
    assert len(shop.told()) == 5
    assert shelf.add(a_picture()).json["code"] == "too_many_images"
    assert shelf.remove("x" * 22).status_code == 404
    assert shop.seller.upload(TEMP, a_picture()).status_code == 201

    def fail(*_: object) -> None:
        raise Unavailable

    another = Shelf(shop.seller)
    assert another.add(Part(b"no picture")).status_code == 415
    with monkeypatch.context() as patched:  # the last step of the transaction
        patched.setattr(Writes, "finish", fail)
        assert another.add(a_picture()).status_code == 503
    assert another.ids() == []
    assert len(shop.told()) == 5


def test_what_cannot_be_told_does_not_happen(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """Of changes that are one update where nobody is to be told."""
    shelf = Shelf(shop.seller, a_picture())
    (shown,) = shelf.ids()
    removed, expired = keep(shop.seller, a_picture(), a_picture())
    text = upload(shop.client, unique("t").encode(), name="a.txt")["id"]
    expire(shop.deployment, expired)
    before, events = list(shop.raw["assets"].find({})), shop.told()

    def fail(*_: object, **__: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(store, "_write", fail)
        cut = shop.seller.patch(f"{shelf.images}/{shown}", json={"focal": [0.1, 0.9]})
        assert cut.status_code == 503
        assert shop.seller.delete(f"{TEMP}/{removed}").status_code == 503
        with pytest.raises(Unavailable):
            shop.sweep()
        with pytest.raises(Unavailable):
            shop.expire_uploads(text)
    shop.raw["assets"].update_one({"_id": text}, {"$unset": {"expires_at": ""}})
    assert list(shop.raw["assets"].find({})) == before
    assert shop.told() == events


def test_a_claim_that_is_made_again_is_told_once(shop: Shop):
    """As when the answer to a commit was lost, and the whole transaction runs once more."""
    (picture,) = keep(shop.seller, a_picture())
    scope = site(shop.deployment.database, DEFAULT_SITE)
    claim = Claim(kind="product", id="one")
    for _ in range(2):
        assert scope.transaction(
            lambda session: claim_one(scope.collection(ASSETS).within(session), picture, claim)
        )
    assert shop.told() == {picture: [CREATED]}


def test_every_site_has_events_of_its_own(shop: Shop):
    other = shop.deployment.caller("seller_on_other_site")
    (picture,) = Shelf(other, a_picture()).ids()
    (event,) = shop.raw["notifications"].find({})
    assert (event["site"], event["about"]) == ("other", picture)


# What it costs


def a_life(shop: Shop) -> None:
    """A picture comes, is cut and replaced, and goes."""
    shelf = Shelf(shop.seller, a_picture())
    (picture,) = shelf.ids()
    shop.seller.patch(f"{shelf.images}/{picture}", json={"focal": [0.1, 0.9]})
    shelf.replace(picture, a_picture())
    shelf.remove(picture)


def test_where_nobody_is_to_be_told_nothing_is_written(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(shop.deployment.database, "announces", False)
        shelf = Shelf(shop.seller)
        with queries(shop.deployment) as silent:
            assert shelf.add(a_picture()).status_code == 201
        a_life(shop)
    assert shop.told() == {}
    shop.raw["assets"].delete_many({})  # of which nothing was told
    shelf = Shelf(shop.seller)
    with queries(shop.deployment) as telling, waits(shop.deployment) as waited:
        assert shelf.add(a_picture()).status_code == 201
    assert telling - silent == {("update", "notifications"): 1}
    assert silent - telling == {}
    assert waited == [4]  # as without: it is part of the transaction


def test_an_event_holds_no_more_than_is_told(shop: Shop):
    a_life(shop)
    for event in shop.raw["notifications"].find({}):
        assert not {"words", "listed"} & set(event["content"])
        assert len(event["content"]["versions"]) == 1 or event["kind"] == PURGE
