"""The sample products: offered, coming, there, gone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from avenue.app.services import Services
from avenue.config import Settings
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop.service.samples import LOAD, SampleWorker
from avenue.shop.store.samples import SampleStore
from avenue.storage.connection import Database
from tests.browser.deployment import Visitor, check_accessible, people, visiting
from tests.http.test_samples import plain
from tests.mongod import Guard, Mongod
from tests.server import Server

Read = Callable[[str], bytes]


@pytest.fixture
def at_home(
    mongod: Mongod, guard: Guard, browser: Browser, migrated_uri: str
) -> Iterator[tuple[Visitor, Callable[[Read], None]]]:
    """The administrator of an empty shop, and somebody who does its job when told."""
    people(migrated_uri)
    settings = Settings(mongodb_uri=migrated_uri, local=True)
    database = Database(settings)
    shop = Services(settings, database)

    def work(read: Read) -> None:
        worker = SampleWorker(
            SampleStore(database),
            shop.products,
            shop.groups,
            shop.pictures,
            shop.audit,
            site_of=shop.sites.named,
            tmp_dir=settings.tmp_dir,
            picture=read,
        )
        assert JobRunner(JobService(MongoJobStore(database)), {LOAD: worker.load}).run_one()

    try:
        with Server(guard, migrated_uri) as server, visiting(browser, server) as visitor:
            visitor.sign_in()
            yield visitor, work
    finally:
        shop.decoders.close()
        database.close()


@pytest.mark.long  # tests/http/test_samples presses the same buttons
def test_a_new_shop_is_filled_and_emptied_with_one_button_each(
    at_home: tuple[Visitor, Callable[[Read], None]],
) -> None:
    visitor, work = at_home
    page = visitor.page
    page.goto("/")
    check_accessible(page)
    assert page.get_by_role("button", name="Cargar productos de muestra").is_visible()
    page.goto("/admin/products")
    check_accessible(page)
    page.get_by_role("button", name="Cargar productos de muestra").click()
    expect(page.get_by_text("0 de 15")).to_be_visible()
    check_accessible(page)

    seen: list[str] = []

    def watched(file: str) -> bytes:
        if len(seen) == 5:  # let the page come along in the middle
            expect(page.locator("progress")).not_to_have_attribute("value", "0")
            expect(page.get_by_text("0 de 15")).not_to_be_visible()
        seen.append(file)
        return plain(file)

    work(watched)
    heading = page.get_by_role("heading", name="Los productos de muestra están listos.")
    expect(heading).to_be_visible()
    assert page.locator("#live").inner_text() == "Los productos de muestra están listos."
    check_accessible(page)

    page.get_by_role("link", name="Ver la tienda").click()
    expect(page.get_by_role("link", name="Zapatilla Luna roja Gs. 320.000")).to_be_visible()
    page.goto("/admin/products")
    check_accessible(page)
    page.get_by_role("link", name="Quitar los productos de muestra").click()
    page.get_by_role("button", name="Quitar los productos de muestra").click()
    expect(page.get_by_role("status").first).to_contain_text("Productos de muestra quitados")
    page.goto("/")
    expect(page.get_by_text("Los primeros productos están en camino")).to_be_visible()
