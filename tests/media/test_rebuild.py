"""Making the missing renditions of every picture: all of them, going on, originals untouched."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.walks import REBUILD, SWEEP
from avenue.clock import utc_now
from avenue.media.errors import DecodersBusy
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.variants import EAGER
from avenue.media.renditions.rebuild import Rebuild
from avenue.media.store.swept import SweptStore
from tests.http.application import Application, a_picture
from tests.http.test_product_images import Shelf
from tests.mongod import Mongod


@pytest.fixture
def application(mongod: Mongod) -> Iterator[Application]:
    """A deployment of these tests' own: a rebuild goes through all of it."""
    with Application(mongod) as application:
        yield application


@pytest.fixture
def pictures(application: Application) -> list[str]:
    seller = application.caller("seller")
    return sorted(Shelf(seller, *(a_picture() for _ in range(4))).ids())


def none_of_its_own(_site: str) -> list[str]:
    return []


def ids(application: Application) -> set[str]:
    return {each["_id"] for each in application.raw["renditions"].find({}, {"_id": 1})}


def originals(application: Application) -> list[Any]:
    return [
        list(application.raw[name].find(sort=[("_id", 1)]))
        for name in ("product_images.files", "product_images.chunks")
    ]


def test_what_is_missing_is_made_again_and_originals_are_only_read(application, pictures):
    before, stored = ids(application), originals(application)
    assert len(before) == 4 * len(EAGER)
    application.raw["renditions"].delete_many({"asset": {"$in": pictures[:3]}})
    seen = []
    job = Background(application.settings, application.database).run_now(
        REBUILD, lambda job: seen.append(job.progress.done)
    )
    assert (job.error, job.result) == (None, {"made": 3 * len(EAGER), "failed": 0})
    assert (job.progress.done, job.progress.total) == (4, 4)
    assert (ids(application), originals(application)) == (before, stored)


@pytest.mark.long
def test_one_size_alone_is_made(application, pictures):
    application.raw["renditions"].delete_many({})
    args = {"variants": ["w320"]}
    background = Background(application.settings, application.database)
    assert background.run_now(REBUILD, args=args).result == {"made": 4, "failed": 0}
    assert {each.split("/")[2] for each in ids(application)} == {"w320.webp"}
    assert background.run_now(REBUILD, args=args).result == {"made": 0, "failed": 0}


def test_a_picture_that_cannot_be_read_is_counted_and_the_others_are_made(application, pictures):
    application.raw["renditions"].delete_many({})
    file = application.raw["assets"].find_one({"_id": pictures[1]})["versions"][0]["file"]
    application.raw["product_images.chunks"].delete_many({"files_id": f"default/{file}"})
    job = Background(application.settings, application.database).run_now(REBUILD)
    assert job.result == {"made": 3 * len(EAGER), "failed": 1}


def test_it_goes_on_where_it_was(application, pictures):
    application.raw["renditions"].delete_many({})
    services = Services(application.settings, application.database)
    rests, saved = [], []
    rebuild = Rebuild(
        SweptStore(application.database), services.renditions, none_of_its_own, sleep=rests.append
    )
    try:
        made = rebuild.run(("card",), pictures[1], lambda *place: saved.append(place))
    finally:
        services.decoders.close()
    assert made == {"made": 2, "failed": 0}
    assert saved == [(pictures[2], 3, 4), (pictures[3], 4, 4)]
    assert len(rests) == 2
    assert all(each > 0 for each in rests)
    assert {each.split("/")[0] for each in ids(application)} == set(pictures[2:])


def test_busy_decoders_are_no_fault_of_a_picture(application, pictures, monkeypatch):
    application.raw["renditions"].delete_many({})

    def busy(*_: object) -> None:
        raise DecodersBusy

    monkeypatch.setattr(DecodePool, "render", busy)
    renditions = Services(application.settings, application.database).renditions
    saved: list[object] = []
    rebuild = Rebuild(SweptStore(application.database), renditions, none_of_its_own)
    with pytest.raises(DecodersBusy):
        rebuild.run(("card",), None, lambda *place: saved.append(place))
    assert saved == []  # the first one is not passed over


def test_sizes_of_a_site_s_own_are_made_as_well_and_go_when_it_has_them_no_more(
    application, pictures
):
    admin = application.caller("admin")
    assert admin.patch("/api/site", json={"sizes": {"cover": "60x80 cover"}}).status_code == 200
    background = Background(application.settings, application.database)
    assert background.run_now(REBUILD).result == {"made": 4, "failed": 0}
    own = {each for each in ids(application) if each.endswith("/x60x80.webp")}
    assert len(own) == 4
    long_ago = utc_now() - timedelta(days=2)
    application.raw["renditions"].update_many({}, {"$set": {"made_at": long_ago}})
    assert background.run_now(SWEEP, args={"all": True}).result["renditions"] == 0
    assert admin.patch("/api/site", json={"sizes": {}}).status_code == 200
    later = Background(application.settings, application.database)
    assert later.run_now(SWEEP, args={"all": True}).result["renditions"] == 4
    assert not own & ids(application)
