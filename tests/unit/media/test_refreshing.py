"""What is in demand is looked at again before its time is up."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from avenue.errors import Unavailable
from avenue.media.models import Asset, State, Visibility
from avenue.media.serving.cache import AssetCache
from avenue.media.serving.refreshing import MOST_AT_ONCE, Refresher
from tests.unit.media.test_cache import ASSET, Clock

SECONDS = 30.0


class Store:
    """Assets by id; keeps how many were asked for at a time."""

    def __init__(self) -> None:
        self.assets: dict[str, Asset] = {}
        self.asked: list[int] = []
        self.is_away = False

    def get_many(self, site_id: str, asset_ids: Iterable[str]) -> dict[str, Asset]:
        if self.is_away:
            raise Unavailable
        ids = list(asset_ids)
        self.asked.append(len(ids))
        found = {each: self.assets[each] for each in ids if each in self.assets}
        return {each: asset for each, asset in found.items() if asset.site == site_id}


class Deployment:
    """A cache on a clock of its own, before a store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.store = Clock(), Store()
        monkeypatch.setattr("avenue.media.serving.refreshing.time.monotonic", self.clock)
        self.known = AssetCache(SECONDS, self.clock)
        self.refresher = Refresher(self.store, self.known, SECONDS)  # type: ignore[arg-type]

    def remember(self, *assets: Asset) -> None:
        for each in assets:
            self.store.assets[each.id] = each
            self.known.put(each)

    def get(self, asset: Asset) -> Asset | None:
        return self.known.get(asset.site, asset.id)

    def after(self, seconds: float) -> None:
        self.clock.seconds += seconds


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(monkeypatch)


def test_what_is_asked_for_stays_the_same_object_for_as_long_as_it_is_unchanged(deployment):
    deployment.remember(ASSET)
    for _ in range(10):
        deployment.after(20)
        assert deployment.get(ASSET) is ASSET
        deployment.store.assets[ASSET.id] = replace(
            ASSET
        )  # equal, and another object, as from MongoDB
        deployment.refresher.refresh()
    deployment.after(SECONDS)
    assert deployment.get(ASSET) is None


def test_what_nobody_asks_for_is_not_looked_at(deployment):
    deployment.remember(ASSET)
    deployment.after(20)
    deployment.refresher.refresh()
    assert deployment.store.asked == []


def test_what_was_looked_at_just_now_is_not_looked_at_again(deployment):
    deployment.remember(ASSET)
    deployment.get(ASSET)
    deployment.after(5)
    deployment.refresher.refresh()
    assert deployment.store.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"state": State.TRASH},
        {"visibility": Visibility.PRIVATE},
        {"revision": 2},
        {"site": "b"},
    ],
)
def test_what_was_changed_elsewhere_is_remembered_no_more(deployment, change):
    deployment.remember(ASSET)
    deployment.after(20)
    deployment.get(ASSET)
    deployment.store.assets[ASSET.id] = replace(ASSET, **change)
    deployment.refresher.refresh()
    assert deployment.get(ASSET) is None


def test_what_is_gone_is_remembered_no_more(deployment):
    deployment.remember(ASSET)
    deployment.after(20)
    deployment.get(ASSET)
    deployment.store.assets.clear()
    deployment.refresher.refresh()
    assert deployment.get(ASSET) is None


def test_a_change_here_while_it_looks_is_not_undone(deployment):
    deployment.remember(ASSET)
    newer = replace(ASSET, revision=2)
    deployment.known.put(newer)
    deployment.known.renew(ASSET, seen_at=deployment.clock.seconds)
    assert deployment.get(ASSET) is None


def test_it_is_believed_from_when_it_was_seen_and_no_longer(deployment):
    deployment.remember(ASSET)
    seen_at = deployment.clock.seconds + 20
    deployment.after(25)
    deployment.known.renew(replace(ASSET), seen_at=seen_at)
    deployment.after(24.9)
    assert deployment.get(ASSET) is ASSET
    deployment.after(0.2)
    assert deployment.get(ASSET) is None


def test_while_the_database_is_away_nothing_is_forgotten(deployment):
    deployment.remember(ASSET)
    deployment.after(20)
    deployment.get(ASSET)
    deployment.store.is_away = True
    with pytest.raises(Unavailable):
        deployment.refresher.refresh()
    assert deployment.get(ASSET) is ASSET


def test_many_are_looked_at_in_few_queries(deployment):
    many = [replace(ASSET, id=f"{number:022}") for number in range(MOST_AT_ONCE + 1)]
    deployment.remember(*many, replace(ASSET, id="B" * 22, site="b"))
    deployment.after(20)
    for each in (*many, replace(ASSET, id="B" * 22, site="b")):
        deployment.get(each)
    deployment.refresher.refresh()
    assert sorted(deployment.store.asked) == [1, 1, MOST_AT_ONCE]
    deployment.after(20)
    assert all(deployment.get(each) for each in many)
