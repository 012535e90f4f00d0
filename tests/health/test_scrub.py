"""The scrub: every byte is read in its days, not too quickly, and what is damaged is told."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.clock import utc_now
from avenue.health.checks import scrub as scrubbing
from avenue.health.checks.files import FileInspector
from avenue.health.checks.models import InspectedAsset
from avenue.health.checks.scrub import SCRUB, Scrub
from avenue.health.checks.store.assets import InspectedAssets
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.findings import CheckStore, ScrubStore
from avenue.storage.site_counts import SiteCounts
from avenue.storage.sites import Sites
from tests.health.planting import Documents, Store
from tests.http.application import PRODUCTS, Application, a_picture
from tests.http.debug_app import CHUNKS, FILES, Hand, inspected, status, storage

DAYS = 2
HOUR = timedelta(hours=1)


class Watched(FileInspector):
    """Notes what it is told to read."""

    def __init__(self, store: InspectedAssets) -> None:
        super().__init__(store)
        self.read: list[str] = []

    def look(
        self,
        site_id: str,
        assets: Sequence[InspectedAsset],
        read: Any = lambda _: None,
        *,
        every_byte: bool = False,
    ) -> Any:
        assert every_byte
        self.read += [each.id for each in assets]
        for each in assets:
            read(each.versions[0].bytes)
        return []


@pytest.fixture(autouse=True)
def nothing_else(application: Application) -> None:
    for name in ("assets", "shop_products", "renditions", "inspections", "findings", FILES, CHUNKS):
        application.raw[name].delete_many({})


def read_long_ago(application: Application, days: int) -> None:
    """Let the rounds have begun so long ago."""
    place = {"began_at": utc_now() - timedelta(days=days), "after": "", "read_bytes": 0}
    for site in ("default", "other"):
        application.raw["inspections"].replace_one(
            {"_id": f"{site}/scrub"}, {"site": site, **place}, upsert=True
        )


def scrub_of(
    application: Application, files: FileInspector, rests: list[float], days: int = DAYS
) -> Scrub:
    return Scrub(
        ScrubStore(application.database),
        CheckStore(application.database),
        InspectedAssets(application.database),
        StoredCounts(application.database, SiteCounts(application.database)),
        files,
        Sites(application.database, application.settings),
        days=days,
        sleep=rests.append,
    )


def test_every_byte_is_read_within_its_days_whenever_it_came(application, monkeypatch):
    store = Store(application, 40, has_large=False)
    files, now = Watched(InspectedAssets(application.database)), utc_now()
    monkeypatch.setattr(scrubbing, "ASSETS_AT_ONCE", 4)
    scrub = scrub_of(application, files, [], days=1)
    clock = [now]
    monkeypatch.setattr(scrubbing, "utc_now", lambda: clock[0])
    read_at = dict.fromkeys(store.assets, 0)  # or when it came
    longest, each_hour = 0, []
    hours = 24 * 3 // 2
    for hour in range(hours):
        clock[0] = now + hour * HOUR
        files.read.clear()
        scrub.run()
        each_hour.append(len(files.read))
        for asset in files.read:
            longest = max(longest, hour - read_at[asset])
            read_at[asset] = hour
        if hour % 4 == 0 and hour < 24:  # others come in, before and behind where it reads
            made: Documents = {}
            new = store.add_asset(made, "default", ("product", "p"), store.chance.randbytes(900))
            store.put(made)
            read_at[new] = hour
    longest = max(longest, *(hours - at for at in read_at.values()))
    assert 0 < longest <= 24
    assert max(each_hour) <= len(read_at) / 3  # a little each hour, not all at once


def test_a_round_is_read_to_its_end_though_much_of_what_it_has_read_is_gone(application):
    store = Store(application, 8, has_large=False)
    mine = sorted(each for each in store.assets if store.files[each].startswith("default/"))
    files = Watched(InspectedAssets(application.database))
    read_long_ago(application, DAYS // 2)
    was = {"after": mine[0], "read_bytes": 10**12}
    application.raw["inspections"].update_one({"_id": "default/scrub"}, {"$set": was})
    scrub_of(application, files, []).run()
    assert set(mine[1:]) <= set(files.read)


def test_it_rests_so_that_it_reads_no_quicker_than_it_may(application, monkeypatch):
    store = Store(application, 8, has_large=False)
    monkeypatch.setattr(scrubbing, "MOST_BYTES_PER_SECOND", 100)
    monkeypatch.setattr(scrubbing, "time", SimpleNamespace(monotonic=lambda: 0.0))
    rests: list[float] = []
    files = Watched(InspectedAssets(application.database))
    read_long_ago(application, DAYS)
    result = scrub_of(application, files, rests).run()
    assert sorted(files.read) == sorted(store.assets)
    size = sum(each["versions"][0]["bytes"] for each in application.raw["assets"].find())
    size += sum(each["bytes"] for each in application.raw["renditions"].find())
    assert result["bytes"] == size
    # No time passes here, so each rest makes up for all that was read so far.
    assert rests[-1] == pytest.approx(size / 100)


def test_what_it_finds_is_marked_told_and_not_shown_as_if_it_were_right(application):
    seller, ops = application.caller("seller"), application.caller("ops")
    picture, other = a_picture(), a_picture()
    product = seller.a_product(picture, other, status="published")
    image, whole = product["images"]
    hand = Hand(application, image["id"])
    lost = application.raw["renditions"].find_one({"asset": whole["id"]})
    application.raw["renditions"].update_one(
        {"_id": lost["_id"]}, {"$set": {"data": b"other bytes"}}
    )
    hand.bit_flipped()
    read_long_ago(application, application.settings.scrub_days)
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(SCRUB)
    assert (job.error, job.result["damaged"], job.result["renditions_removed"]) == (None, 1, 1)
    assert (
        application.raw["assets"].find_one({"_id": image["id"]})["damaged"]["kind"] == "wrong_hash"
    )
    alerts = application.raw["infra_alerts"]
    assert [each["measure"] for each in alerts.find({"site": "default"})] == ["damaged"]
    inspected(application)
    assert alerts.count_documents({"site": "default"}) == 1, "the same damage is no other alert"
    assert [each["kind"] for each in status(ops)["problems"]] == ["wrong_hash"]
    assert status(ops)["verdict"] == "at_risk"
    told = storage(ops)
    assert told["assets"]["damaged"] == 1
    assert any("`python -m avenue fsck`" in each for each in told["advice"])

    # What was made before it was damaged is still good; the original is not, nor more of it.
    nobody = application.caller("nobody")
    assert nobody.get(image["variants"]["card"]["url"]).status_code == 200
    for method in ("GET", "HEAD"):
        for headers in ({}, {"If-None-Match": "*"}, {"Range": "bytes=0-9"}):
            answer = nobody.ask(method, image["url"], headers=headers)
            assert answer.status_code == 500, (method, headers)
    assert nobody.get(image["url"]).json["code"] == "damaged_file"
    not_made = image["variants"]["card"]["url"].replace("card.webp", "card.avif")
    assert nobody.get(not_made).json["code"] == "damaged_file"
    assert nobody.get(whole["url"]).data == other
    assert nobody.get(whole["variants"]["thumb"]["url"]).status_code == 200  # made again

    # The same picture again mends it, and the mark goes.
    assert seller.upload(f"{PRODUCTS}/{product['id']}/images", picture).status_code == 200
    assert nobody.get(image["url"]).data == picture
    assert storage(ops)["assets"]["damaged"] == 0


def test_small_bytes_that_are_wrong_are_not_shown_before_anybody_has_looked(application):
    product = application.caller("seller").a_product(a_picture(), status="published")
    Hand(application, product["images"][0]["id"]).bit_flipped()
    answer = application.caller("nobody").get(product["images"][0]["url"])
    assert (answer.status_code, answer.json["code"]) == (500, "damaged_file")


def test_a_run_that_has_had_its_time_goes_on_in_the_next_hour(application, monkeypatch):
    store = Store(application, 160, has_large=False)  # of two sites
    monkeypatch.setattr(scrubbing, "ASSETS_AT_ONCE", 4)
    monkeypatch.setattr(scrubbing, "MOST_SECONDS", 10)
    clock = [0.0]
    monkeypatch.setattr(scrubbing, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    files = Slow(InspectedAssets(application.database), clock)
    read_long_ago(application, DAYS)
    hours = []
    while not hours or hours[-1]["behind"]:
        hours.append(scrub_of(application, files, []).run())
    assert [each["behind"] for each in hours[:2]] == [1, 1]  # the other one has had its share
    assert hours[0]["assets"] < 160 / 2
    assert set(files.read) == set(store.assets)
    assert len(files.read) < 160 * 1.2  # each once, but for the first ones of a next round


class Slow(Watched):
    """Takes a second for each four."""

    def __init__(self, store: InspectedAssets, clock: list[float]) -> None:
        super().__init__(store)
        self._clock = clock

    def look(self, *args: Any, every_byte: bool = False) -> Any:
        self._clock[0] += 1
        return super().look(*args, every_byte=every_byte)
