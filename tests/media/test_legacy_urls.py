"""Which asset an old address names, as it is stored."""

import pytest

from avenue.media.store.legacy_urls import LegacyUrls
from avenue.storage.connection import Database

PATH = "/media/zapato.jpg"


@pytest.fixture
def urls(database: Database) -> LegacyUrls:
    return LegacyUrls(database)


def test_a_path_names_what_it_was_told_last(urls: LegacyUrls, database: Database) -> None:
    assert urls.find("mine", PATH) is None
    for asset in ("first", "second", "second"):
        urls.put("mine", PATH, asset)
    assert urls.find("mine", PATH) == "second"
    assert urls.paths_of("mine", "first") == []
    (document,) = database.raw["legacy_urls"].find()
    assert {name: document[name] for name in ("site", "path", "asset")} == {
        "site": "mine",
        "path": PATH,
        "asset": "second",
    }
    assert document["_id"].startswith("mine/")
    assert document["at"].tzinfo is not None


def test_each_site_has_its_own_paths(urls: LegacyUrls) -> None:
    urls.put("mine", PATH, "a")
    urls.put("theirs", PATH, "b")
    assert (urls.find("mine", PATH), urls.find("theirs", PATH)) == ("a", "b")
    assert urls.paths_of("theirs", "a") == []
    urls.remove("theirs", PATH)
    urls.remove("theirs", PATH)
    assert (urls.find("mine", PATH), urls.find("theirs", PATH)) == ("a", None)


def test_an_asset_may_have_many_paths(urls: LegacyUrls) -> None:
    paths = ["/media/b.jpg", "/media/a.jpg", "/uploads/" + "ñ" * 1000, "/uploads/$a.b"]
    for path in paths:
        urls.put("mine", path, "a")
    assert urls.paths_of("mine", "a") == sorted(paths)
    assert [urls.find("mine", path) for path in paths] == ["a"] * 4


def test_paths_are_found_by_an_index(urls: LegacyUrls, database: Database) -> None:
    query = {"asset": "a", "site": "mine"}
    plan = database.raw["legacy_urls"].find(query).sort("path", 1).explain()
    assert "IXSCAN" in repr(plan["queryPlanner"]["winningPlan"])
    assert "'SORT'" not in repr(plan["queryPlanner"]["winningPlan"])
