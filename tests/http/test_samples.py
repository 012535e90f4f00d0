"""Sample products: loaded once however often one asks, and removed with nothing else."""

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
from werkzeug.test import TestResponse

from avenue.app.services import opened_services
from avenue.identity import DEFAULT_SITE, Actor, Role
from avenue.jobs.models import State
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop import demo
from avenue.shop.service.samples import LOAD, SampleService, SampleWorker
from avenue.shop.store.samples import SampleStore
from avenue.storage.sites import Sites
from tests import pictures
from tests.http.application import GROUPS, HOST, PRODUCTS, Application, Caller, a_picture, unique
from tests.mongod import Mongod

SAMPLES = "/admin/demo"
SPANISH = {"Accept-Language": "es"}
SAME_ORIGIN = {"Origin": f"https://{HOST}", **SPANISH}
SKUS = {each.sku for each in demo.PRODUCTS}
DRAFTS = {each.sku for each in demo.PRODUCTS if each.is_draft}
SHOTS = sum(len(each.shots) for each in demo.PRODUCTS)


class Killed(BaseException):
    """What a kill looks like from inside."""


def plain(file: str) -> bytes:
    """A picture that is quickly decoded, another one for each name of a file."""
    return pictures.photo(64, 48, noise=False, seed=crc32(file.encode()))


class Shop:
    """One application with a database of its own, and somebody who does its jobs."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.admin = application.new_person(unique("jefa"), role=Role.ADMIN)
        self.nobody = application.caller("nobody")
        self.jobs = JobService(MongoJobStore(application.database))

    def work(self, picture: Callable[[str], bytes] = plain) -> bool:
        """Do the next job, if there is one that is due."""
        settings, database = self.application.settings, self.application.database
        with opened_services(settings, database) as shop:
            worker = SampleWorker(
                SampleStore(database),
                shop.products,
                shop.groups,
                shop.pictures,
                shop.audit,
                site_of=shop.sites.named,
                tmp_dir=settings.tmp_dir,
                picture=picture,
            )
            return JobRunner(self.jobs, {LOAD: worker.load}).run_one()

    def load(self) -> TestResponse:
        return self.admin.post(SAMPLES, headers=SAME_ORIGIN)

    def remove(self) -> TestResponse:
        return self.admin.post(f"{SAMPLES}/remove", headers=SAME_ORIGIN)

    def page(self, caller: Caller | None = None, path: str = SAMPLES) -> str:
        answer = (caller or self.admin).get(path, headers=SPANISH)
        assert answer.status_code == 200
        return answer.text

    def products(self, caller: Caller | None = None) -> dict[str, Any]:
        listed = (caller or self.admin).get(f"{PRODUCTS}?limit=100").json["items"]
        return {each["sku"]: each for each in listed}


@pytest.fixture
def shop(mongod: Mongod) -> Iterator[Shop]:
    with Application(mongod) as application:
        yield Shop(application)


def test_one_button_loads_a_shop_and_one_empties_it(shop: Shop) -> None:
    mine = shop.admin.a_product(a_picture(), sku="MIO-1", status="published")
    assert "Cargar productos de muestra" in shop.page()
    answer = shop.load()
    assert (answer.status_code, answer.headers["Location"]) == (303, SAMPLES)
    assert "Cargando los productos de muestra: 0 de 15" in shop.page()
    assert shop.remove().status_code == 409
    assert shop.work()

    there = shop.products()
    assert there.keys() == SKUS | {"MIO-1"}
    assert {each["currency"] for each in there.values()} == {"PYG"}
    assert sum(len(there[sku]["images"]) for sku in SKUS) == SHOTS
    assert shop.products(shop.nobody).keys() == there.keys() - DRAFTS
    missing = [
        sku
        for sku in SKUS
        if not all(each["alt"].keys() >= {"es", "en"} for each in there[sku]["images"])
    ]
    assert missing == ["DEMO-BOMBILLA"]
    groups = shop.nobody.get(GROUPS).json["items"]
    assert {each["model"] for each in groups} == {each.model for each in demo.GROUPS}
    assert all(len(each["options"]) == len(each["images"]) == 2 for each in groups)
    assert all(len(each["product_ids"]) == 2 for each in groups)
    assert "Hay productos de muestra" in shop.page(path="/admin/products")
    assert "Zapatilla Luna roja" in shop.page(shop.nobody, "/")
    assert "Del mismo modelo: Zapatilla Luna" in shop.page(
        shop.nobody, f"/products/{there['DEMO-LUNA-ROJA']['id']}"
    )

    assert shop.remove().headers["Location"] == f"{SAMPLES}?said=removed"
    assert shop.products().keys() == {"MIO-1"}
    assert shop.products()["MIO-1"]["images"] == mine["images"]
    assert shop.nobody.get(GROUPS).json["items"] == []
    assert "Productos de muestra quitados" in shop.page(path=f"{SAMPLES}?said=removed")
    assert shop.remove().status_code == 303  # pressed twice
    actions = [each["action"] for each in shop.admin.get("/api/audit").json["items"]]
    assert actions.count("samples.loaded") == actions.count("samples.removed") == 1


@pytest.mark.long
def test_pressed_twice_they_are_loaded_once(shop: Shop) -> None:
    shop.load()
    shop.load()
    assert shop.work()
    assert not shop.work()
    shop.load()
    assert shop.work()  # everything is there already
    assert shop.products().keys() == SKUS
    assert sum(len(each["images"]) for each in shop.products().values()) == SHOTS


@pytest.mark.parametrize("pictures_before", [pytest.param(1, marks=pytest.mark.long), 11])
def test_a_load_that_is_killed_goes_on_where_it_was(shop: Shop, pictures_before: int) -> None:
    """And a product that had the SKU of a sample already stays as it is."""
    shop.admin.a_product(sku="DEMO-TAZA", name="Mi taza")
    (cup,) = (each for each in demo.PRODUCTS if each.sku == "DEMO-TAZA")
    left = [pictures_before]

    def until_killed(file: str) -> bytes:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return plain(file)

    shop.load()
    shop.load()  # pressed twice
    with pytest.raises(Killed):
        shop.work(until_killed)
    shop.application.raw["jobs"].update_many({}, [{"$set": {"run_at": "$$NOW"}}])  # the lease ends
    assert shop.work()
    assert not shop.work()
    there = shop.products()
    assert there.keys() == SKUS
    assert sum(len(each["images"]) for each in there.values()) == SHOTS - len(cup.shots)
    assert all(len(each["images"]) == 2 for each in shop.nobody.get(GROUPS).json["items"])
    shop.remove()
    assert [each["name"] for each in shop.products().values()] == ["Mi taza"]


@pytest.mark.long
def test_a_product_that_has_such_a_sku_already_is_nobodys_sample(shop: Shop) -> None:
    shop.admin.a_product(sku="DEMO-TAZA", name="Mi taza")
    shop.load()
    shop.load()  # pressed twice
    assert shop.work()
    assert not shop.work()
    assert shop.products()["DEMO-TAZA"]["name"] == "Mi taza"
    shop.remove()
    assert [each["name"] for each in shop.products().values()] == ["Mi taza"]


@pytest.mark.long
def test_who_has_changed_a_sample_is_told_that_it_goes_too(shop: Shop) -> None:
    shop.load()
    shop.work()
    assert "modificado después" not in shop.page()
    product = shop.products()["DEMO-TAZA"]
    shop.admin.patch(f"{PRODUCTS}/{product['id']}", json={"name": "Mi taza preferida"})
    page = shop.page()
    assert page.count("modificado después") == 1
    assert "Mi taza preferida" in page
    assert "También se pierde lo que hayas cambiado en ellos." in page


@pytest.mark.long
def test_deleted_one_by_one_they_can_be_loaded_again(shop: Shop) -> None:
    shop.load()
    shop.work()
    for each in shop.products().values():
        assert shop.admin.delete(f"{PRODUCTS}/{each['id']}").status_code == 204
    for each in shop.nobody.get(GROUPS).json["items"]:
        assert shop.admin.delete(f"{GROUPS}/{each['id']}").status_code == 204
    assert "¿Querés ver cómo queda con productos?" in shop.page(path="/admin/products")
    shop.load()
    assert shop.work()
    assert shop.products().keys() == SKUS


@pytest.mark.long
@pytest.mark.failing_jobs
def test_what_goes_wrong_is_said_and_can_be_tried_again(shop: Shop) -> None:
    def broken(_: str) -> bytes:
        raise OSError

    shop.load()
    for _ in range(5):
        shop.work(broken)
        shop.application.raw["jobs"].update_many({}, [{"$set": {"run_at": "$$NOW"}}])
    assert "No se pudieron cargar los productos de muestra" in shop.page()
    shop.load()
    assert shop.work()
    assert shop.products().keys() == SKUS


def test_only_an_empty_shop_is_offered_some_and_only_to_who_may(shop: Shop) -> None:
    offer = "Cargar productos de muestra"
    seller = shop.application.new_person(unique("vendedora"))
    assert offer in shop.page(path="/admin/products")
    assert offer in shop.page(path="/")
    assert offer not in shop.page(seller, "/admin/products")
    assert offer not in shop.page(seller, "/")
    assert offer not in shop.page(shop.nobody, "/")
    shop.admin.a_product()
    assert offer not in shop.page(path="/admin/products")
    assert offer not in shop.page(path="/")


def test_a_deployment_that_wants_none_offers_none(shop: Shop) -> None:
    app = shop.application.with_settings(demo="off")
    admin = shop.application.new_person(unique("jefa"), role=Role.ADMIN, app=app)
    assert "Aquí no hay productos de muestra." in shop.page(admin)
    assert "productos de muestra" not in shop.page(admin, "/admin/products")
    assert admin.post(SAMPLES, headers=SAME_ORIGIN).status_code == 403
    assert shop.jobs.list() == []


def test_the_first_local_start_wants_them_and_a_shop_with_products_does_not(shop: Shop) -> None:
    samples: SampleService = shop.application.app.extensions["avenue"][SampleService]
    site = Sites(shop.application.database, shop.application.settings).named(DEFAULT_SITE)
    first = Actor(site=site, id=shop.admin.id, role=Role.ADMIN)
    assert samples.load_first(first)
    assert not samples.load_first(first)
    (job,) = shop.jobs.list()
    assert (job.kind, job.state, job.site) == (LOAD, State.QUEUED, DEFAULT_SITE)


def test_a_shop_with_products_is_left_alone_at_the_start(shop: Shop) -> None:
    shop.admin.a_product()
    samples: SampleService = shop.application.app.extensions["avenue"][SampleService]
    site = Sites(shop.application.database, shop.application.settings).named(DEFAULT_SITE)
    assert not samples.load_first(Actor(site=site, id=shop.admin.id, role=Role.ADMIN))
    assert shop.jobs.list() == []
