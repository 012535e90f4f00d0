"""Sites on a real MongoDB: changes at once, repeated and lost, and who knows of them when."""

import contextlib
from collections.abc import Iterator

import pytest

from avenue.config import Settings
from avenue.sites.errors import HostTaken, RevisionConflict, SiteExists, SiteNotFound
from avenue.sites.service import SiteService
from avenue.sites.store import SiteStore
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from tests.prepared import emptied
from tests.threads import Threads


@pytest.fixture
def settings(shared_uri: str) -> Settings:
    return Settings(
        mongodb_uri=shared_uri, public_base_url="https://shop.example", cache_seconds=3600
    )


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    with emptied(settings.mongodb_uri), contextlib.closing(Database(settings)) as database:
        yield database


@pytest.fixture
def store(database: Database, settings: Settings) -> SiteStore:
    return SiteStore(database, settings)


@pytest.fixture
def known(database: Database, settings: Settings) -> Sites:
    return Sites(database, settings)


@pytest.fixture
def service(store: SiteStore, known: Sites, settings: Settings) -> SiteService:
    return SiteService(store, known, settings)


def test_of_two_changes_of_one_revision_the_second_finds_nothing(store):
    site = store.get("default")
    assert store.change(site, {"name": "First"}).revision == 2
    assert store.change(site, {"name": "Second"}) is None
    assert store.get("default").name == "First"


def test_a_change_whose_answer_was_lost_finds_itself(store):
    site = store.get("default")
    values = {"name": "First", "colors": {"primary": "#aabbcc"}, "limits": None}
    first = store.change(site, values)
    assert store.change(site, values) == first
    assert first.revision == 2


def test_changes_at_once_without_a_revision_are_all_kept(service, database):
    names = ("primary", "accent", "background", "text")

    def paint(name: str) -> int:
        return service.change_site("default", {"colors": {name: "#aabbcc"}}).revision

    with Threads(4) as pool:
        revisions = list(pool.map(paint, names))
    assert sorted(revisions) == [2, 3, 4, 5]
    assert set(service.site("default").colors) == set(names)


def test_a_past_revision_is_a_conflict(service):
    service.change_site("default", {"name": "First"}, 1)
    with pytest.raises(RevisionConflict):
        service.change_site("default", {"name": "Second"}, 1)


def test_this_process_knows_of_a_change_at_once_another_when_it_asks_again(
    service, known, database, settings
):
    other = Sites(database, settings)
    for each in (known, other):
        assert each.by_host("shop.example").name == "Avenue"
        assert each.by_host("new.example") is None
    service.change_site("default", {"name": "Zapatos", "base_url": "https://new.example"})
    assert known.by_host("new.example").name == "Zapatos"
    assert known.by_host("shop.example").base_url == "https://new.example"
    assert other.by_host("new.example") is None
    other.forget()
    assert other.by_host("new.example").name == "Zapatos"


def test_a_host_leads_to_one_site(service):
    added = service.add_site("b", {"base_url": "https://b.example", "hosts": ["www.b.example"]})
    assert added.hosts == ("www.b.example", "b.example")
    for wanted in ({"base_url": "http://b.example"}, {"hosts": ["www.b.example"]}):
        with pytest.raises(HostTaken):
            service.change_site("default", wanted)
    with pytest.raises(HostTaken):
        service.add_site("c", {"base_url": "https://www.b.example"})
    with pytest.raises(SiteExists):
        service.add_site("b", {"base_url": "https://else.example"})
    assert [each.id for each in service.sites()] == ["b", "default"]


def test_an_address_of_the_settings_with_a_port_does_not_stand_in_the_way(database, settings):
    written = Settings(mongodb_uri=settings.mongodb_uri, public_base_url="https://Shop.example:443")
    service = SiteService(SiteStore(database, written), Sites(database, written), written)
    changed = service.change_site("default", {"base_url": "https://new.example"})
    assert set(changed.hosts) == {"new.example", "shop.example:443"}
    with pytest.raises(HostTaken):
        service.add_site("b", {"base_url": "https://shop.example"})


def test_a_site_that_is_not_there_is_not_found(service):
    with pytest.raises(SiteNotFound):
        service.change_site("nowhere", {"name": "X"})
