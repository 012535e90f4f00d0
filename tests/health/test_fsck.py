"""The check of everything: each planted fault is found, none is invented, the mendable mended."""

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from bson import ObjectId
from werkzeug.test import TestResponse

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.walks import SWEEP
from avenue.clock import utc_now
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.models import CheckRequest
from avenue.health.checks.repair import Repair
from avenue.health.checks.store.findings import CheckStore, spans_outside
from avenue.identity import DEFAULT_SITE, new_id
from avenue.jobs.errors import JobPaused
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import ClocksDiffer
from avenue.storage.sites import Sites
from tests.health.planting import (
    CHUNKS,
    FILES,
    OLD,
    OTHER_SITE,
    Store,
    a_rendition,
    an_old_chunk,
)
from tests.http.application import PRODUCTS, Application, Caller, a_picture
from tests.http.test_debug_at_size import explained, stages_of
from tests.listening import recorded
from tests.mongod import Mongod
from tests.table import table
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

LATER = utc_now() - OLD


@pytest.fixture
def deployment(mongod: Mongod, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setattr("avenue.health.checks.files.SETTLE_SECONDS", 0.01)
    with Application(mongod) as application:
        yield application


class Unwatched(Caller):
    """Calls beside others: nobody looks at what is asked of the database meanwhile."""

    def ask(self, method: str, url: str, **options: Any) -> TestResponse:
        known = {"Authorization": f"Bearer {self.token}"}
        return self.client().open(
            url, method=method, base_url=f"https://{self.host}", headers=known, **options
        )


def checked(deployment: Application, **args: Any) -> tuple[Any, list[Any]]:
    """The result of one run and what it found."""
    job = Background(deployment.settings, deployment.database).run_now(
        FSCK, args={"site": None, "repair": False, **args}
    )
    assert job.error is None, job.error
    return job.result, CheckStore(deployment.database).findings(job.id, "", 10_000)


def plant(store: Store, flips: int) -> tuple[Counter[str], Counter[str]]:
    """Damage a store in every way; return how many findings that makes, and how many stay."""
    raw, default = store.raw, {"site": DEFAULT_SITE}
    mine = iter([each for each in store.assets if store.files[each].startswith(DEFAULT_SITE)])
    large = iter([each for each in store.large if store.files[each].startswith(DEFAULT_SITE)])
    found: Counter[str] = Counter()
    left: Counter[str] = Counter()

    def planted(kind: str, *, stays: bool) -> None:
        found[kind] += 1
        left[kind] += stays

    def small() -> str:
        return next(each for each in mine if each not in store.large)

    for number in range(flips):
        asset = small()
        if number < 2:
            store.twin(asset)
        store.flip_bit(asset)
        planted("wrong_hash", stays=number >= 2)
    for has_twin in (True, False):
        asset = next(large)
        if has_twin:
            store.twin(asset)
        raw[CHUNKS].delete_one({"files_id": store.files[asset], "n": 1})
        planted("chunk_missing", stays=not has_twin)
    store.change_chunk(small(), 0, lambda data: data[:-1])
    planted("chunk_short", stays=True)
    store.change_chunk(small(), 0, lambda data: data + b"!")
    planted("chunk_long", stays=True)
    raw[CHUNKS].insert_one(an_old_chunk(store.files[small()], 7, b"surplus"))
    planted("chunk_surplus", stays=False)
    store.allow_duplicates()
    for change in (bytes, lambda data: bytes(len(data))):  # once more, and another one
        asset = small()
        chunk = raw[CHUNKS].find_one({"files_id": store.files[asset]})
        assert chunk is not None
        raw[CHUNKS].insert_one({**chunk, "_id": ObjectId(), "data": change(chunk["data"])})
        planted("chunk_duplicate", stays=False)
    raw[FILES].update_one({"_id": store.files[small()]}, {"$inc": {"length": 1}})
    planted("wrong_length", stays=False)
    for bytes_too in (False, True):
        asset = small()
        raw[FILES].delete_one({"_id": store.files[asset]})
        if bytes_too:
            raw[CHUNKS].delete_many({"files_id": store.files[asset]})
        planted("file_missing", stays=bytes_too)

    # What belongs to nothing: the young may be on its way.
    for at, stays in ((LATER, False), (utc_now(), True)):
        stray = f"{DEFAULT_SITE}/{new_id()}"
        facts = {"_id": stray, "length": 1, "chunkSize": 255, "uploadDate": at}
        raw[FILES].insert_one({**facts, "metadata": {"asset": new_id()}})
        raw[CHUNKS].insert_one(an_old_chunk(stray, 0, b"x"))
        planted("unowned_file", stays=stays)
    for owner in (f"{DEFAULT_SITE}/{new_id()}", ObjectId(), "no-site/x"):
        raw["uploads.chunks"].insert_many([an_old_chunk(owner, n, b"x") for n in range(2)])
        planted("orphan_chunks", stays=False)
    young = f"{OTHER_SITE}/{new_id()}"
    raw[CHUNKS].insert_one({"files_id": young, "n": 0, "data": b"x"})
    planted("orphan_chunks", stays=True)
    raw["uploads.files"].insert_one({"_id": ObjectId(), "length": 0, "uploadDate": LATER})
    planted("foreign_file", stays=True)

    # Who refers to what is not there.
    nothing = {"asset": new_id()}
    raw["shop_products"].update_one(default, {"$push": {"images": nothing}})
    group = {"_id": new_id(), **default, "name": "Modelo", "model": "M", "images": [nothing]}
    times = dict.fromkeys(("created_at", "updated_at"), utc_now())
    raw["shop_products_grouped"].insert_one({**group, "revision": 1, **times})
    raw["media_folders"].insert_one({"_id": new_id(), **default, "name": 7, "parent": None})
    planted("malformed_record", stays=True)
    draft = {"html": f'<img src="avenue:{nothing["asset"]}/card">', "css": "", "seo": {}}
    raw["page_content"].insert_one(
        {"_id": new_id(), **default, "draft": draft, "revision": 1, "slug": "a"}
    )
    raw["site_profiles"].insert_one({"_id": DEFAULT_SITE, **default, "logo": nothing["asset"]})
    for _ in range(4):
        planted("asset_missing", stays=True)
    trashed = small()
    trash = {"state": "trash", "trash": {"at": utc_now(), "position": 0}}
    raw["assets"].update_one({"_id": trashed}, {"$set": trash})
    planted("asset_in_trash", stays=True)
    for claim in ({"kind": "upload", "id": new_id()}, {"kind": "product", "id": new_id()}):
        asset = small()
        raw["assets"].update_one({"_id": asset}, {"$set": {"claim": claim}})
        raw["shop_products"].update_one(
            {"_id": store.products[asset]}, {"$pull": {"images": {"asset": asset}}}
        )
        planted("owner_missing", stays=True)
    raw["legacy_urls"].insert_one(
        {"_id": f"{DEFAULT_SITE}/abc", **default, "path": "/uploads/a.jpg", **nothing}
    )
    planted("address_dangling", stays=False)

    # What is made of pictures, and what should have gone or been counted.
    raw["renditions"].insert_one(a_rendition(DEFAULT_SITE, new_id(), new_id(), b"lost"))
    planted("rendition_without_source", stays=False)
    raw["renditions"].update_one({"asset": small()}, {"$set": {"data": b"other bytes"}})
    planted("rendition_damaged", stays=False)
    asset = small()
    raw["assets"].update_one(
        {"_id": asset}, {"$set": {"claim": None, "expires_at": utc_now() - timedelta(hours=2)}}
    )
    raw["shop_products"].update_one(
        {"_id": store.products[asset]}, {"$pull": {"images": {"asset": asset}}}
    )
    planted("temporary_expired", stays=False)
    raw["tus_uploads"].insert_one(a_resumable_upload())
    planted("upload_expired", stays=False)
    counter = {"bytes": 1, "files": 1, "held": [], "counts": 1, "counted_at": utc_now()}
    raw["quotas"].insert_one({"_id": OTHER_SITE, "site": OTHER_SITE, **counter})
    planted("counter_wrong", stays=False)
    return found, +left


def a_resumable_upload() -> dict[str, Any]:
    return {
        "_id": new_id(),
        "site": DEFAULT_SITE,
        "owner": "o" * 22,
        "file": new_id(),
        "length": 10,
        "metadata": "",
        "name": "a",
        "category": "general",
        "reference": None,
        "offset": 0,
        "tail": b"",
        "epoch": 1,
        "is_done": False,
        "expires_at": utc_now() - timedelta(hours=2),
    }


def kinds(findings: list[Any]) -> Counter[str]:
    return Counter(each.kind for each in findings)


@pytest.mark.parametrize(
    ("count", "flips", "beside"),
    [(88, 6, 1), pytest.param(2_000, 50, 10_000, marks=pytest.mark.long)],
)
def test_every_planted_fault_is_found_and_exactly_the_mendable_are_mended(
    deployment, count, flips, beside
):
    """While products are uploaded: so many `beside` each check, as far as it takes that long."""
    store = Store(deployment, count)
    healthy = store.everything()
    planted, staying = plant(store, flips)

    seller = Unwatched(**vars(deployment.caller("seller")))
    over, turns = threading.Event(), threading.Semaphore(0)
    uploaded: list[Any] = []

    def upload() -> None:  # product pictures, some of them replaced, until all is checked
        while turns.acquire(timeout=DEADLINE_SECONDS) and not over.is_set():
            product = seller.a_product(a_picture())
            image = f"{PRODUCTS}/{product['id']}/images/{product['images'][0]['id']}"
            assert seller.upload(f"{image}/file", a_picture(), method="PUT").status_code in {
                200,
                201,
            }
            uploaded.append(product)

    uploading = threading.Thread(target=upload, daemon=True)
    uploading.start()
    try:
        before = {name: len(documents) for name, documents in store.everything().items()}
        turns.release(beside)
        result, findings = checked(deployment)
        assert kinds(findings) == planted
        would = kinds([each for each in findings if each.mendable])
        assert would == planted - staying
        after = {name: len(documents) for name, documents in store.everything().items()}
        assert all(after[name] >= before[name] for name in before)  # nothing was removed

        turns.release(beside)
        result, findings = checked(deployment, repair=True)
        assert kinds(findings) == planted
        assert kinds([each for each in findings if each.outcome == "mended"]) == planted - staying
        assert result["left"] == staying.total()
        assert all(each.advice.endswith(".") for each in findings)
    finally:
        over.set()
        turns.release()
        joined(uploading)
    assert uploaded

    _, findings = checked(deployment, repair=True)  # nothing mendable is left, and nothing new
    assert kinds(findings) == staying
    assert {each.outcome for each in findings} == {"left"}
    marked = {each["_id"] for each in deployment.raw["assets"].find({"damaged": {"$exists": True}})}
    assert len(marked) == sum(staying[kind] for kind in BYTES)

    store.bring_back(healthy)  # from a backup, as people are told
    result, findings = checked(deployment)
    assert (result["found"], findings) == (0, [])


BYTES = ("wrong_hash", "chunk_missing", "chunk_short", "chunk_long", "file_missing")


class Cut(Exception):
    """The process was killed."""


def fsck_of(deployment: Application) -> Any:
    return Services(deployment.settings, deployment.database).fsck


@pytest.mark.long
def test_a_run_that_is_cut_off_after_each_step_goes_on_and_forgets_nothing(deployment):
    store = Store(deployment, 88)
    planted, staying = plant(store, 3)
    fsck, cursor, cuts = fsck_of(deployment), None, 0

    def cut(*, cursor: Any, done: int, total: int) -> None:
        saved.append(cursor)
        raise Cut

    result = None
    while result is None:
        saved: list[Any] = []
        try:
            result = fsck.run("r", CheckRequest(repair=True), cursor, cut if cuts < 40 else ignored)
        except Cut:
            cuts, cursor = cuts + 1, saved[-1]
    assert cuts == 40
    findings = CheckStore(deployment.database).findings("r", "", 10_000)
    assert kinds(findings) == planted
    assert (result["found"], result["left"]) == (planted.total(), staying.total())


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_what_a_killed_run_had_mended_is_told(deployment, monkeypatch, every):
    planted, staying = plant(Store(deployment, 88), 3)
    fsck, mend, killed = fsck_of(deployment), Repair.mend, set[str]()
    seen: set[str] = set()

    def killed_after_it(self: Repair, finding: Any) -> Any:
        done = mend(self, finding)
        if finding.id not in seen:
            seen.add(finding.id)
            if len(seen) % every == 0:
                killed.add(finding.id)
                raise Cut
        return done

    monkeypatch.setattr(Repair, "mend", killed_after_it)
    cursors: list[Any] = [None]
    result = None
    while result is None:
        with contextlib.suppress(Cut):
            result = fsck.run(
                "r",
                CheckRequest(repair=True),
                cursors[-1],
                lambda **at: cursors.append(at["cursor"]),
            )
    assert len(seen) == planted.total()
    assert len(killed) == planted.total() // every
    assert (result["found"], result["left"]) == (planted.total(), staying.total())


def ignored(*, cursor: Any, done: int, total: int) -> None:
    """Keep nothing."""


def test_a_file_that_is_owned_stays_whatever_asset_it_names_itself(deployment):
    Store(deployment, 4)
    deployment.raw[FILES].update_many({}, {"$set": {"metadata.asset": new_id()}})
    assert checked(deployment, repair=True)[1] == []


def test_what_a_record_may_have_named_that_names_nothing_more_is_kept(deployment):
    store = Store(deployment, 4, has_large=False)
    change = {"versions": [], "claim": {"kind": "library", "id": OTHER_SITE}}
    deployment.raw["assets"].update_one({"_id": store.assets[0]}, {"$set": change})
    deployment.raw["shop_products"].update_many(
        {}, {"$pull": {"images": {"asset": store.assets[0]}}}
    )
    before = store.everything()
    _, findings = checked(deployment, repair=True)
    assert [(each.kind, each.asset, each.outcome) for each in findings] == [
        ("names_no_file", store.assets[0], "left")
    ]
    assert store.everything() == before


@pytest.mark.parametrize("knows", [True, pytest.param(False, marks=pytest.mark.long)])
def test_what_a_site_stores_that_was_added_meanwhile_is_its_own(deployment, knows):
    upload = a_resumable_upload() | {"site": OTHER_SITE, "expires_at": utc_now() + OLD}
    mine = f"{OTHER_SITE}/{upload['file']}"
    deployment.raw["tus_uploads"].insert_one(upload)
    deployment.raw["uploads.chunks"].insert_one(an_old_chunk(mine, 0, b"x"))
    every = Sites(deployment.database, deployment.settings).all()
    before = [each for each in every if each.id == DEFAULT_SITE]
    lists = iter([before])
    services = Services(deployment.settings, deployment.database)
    vars(services)["sites"] = SimpleNamespace(all=lambda: next(lists, every if knows else before))
    services.fsck.run("r", CheckRequest(repair=True), None, ignored)
    assert deployment.raw["uploads.chunks"].count_documents({"files_id": mine}) == 1
    found = CheckStore(deployment.database).findings("r", "", 10)
    assert [each.outcome for each in found] == ([] if knows else ["left"])


def test_a_rendition_that_lacks_something_is_damaged(deployment):
    store = Store(deployment, 4)
    for asset, lost in zip(store.assets, ("sha256", "bytes", "data"), strict=False):
        deployment.raw["renditions"].update_one({"asset": asset}, {"$unset": {lost: ""}})
    _, findings = checked(deployment, repair=True)
    told = {each.asset: (each.kind, each.outcome) for each in findings}
    assert told == dict.fromkeys(store.assets[:3], ("rendition_damaged", "mended"))
    assert len(findings) == 3


def test_one_site_alone_is_looked_at_and_mended(deployment):
    store = Store(deployment, 8)
    for asset in store.assets:  # the first product is the other site's
        store.raw[CHUNKS].insert_one(an_old_chunk(store.files[asset], 7, b"surplus"))
    result, findings = checked(deployment, site=OTHER_SITE, repair=True)
    assert (result["mended"], {each.site for each in findings}) == (4, {OTHER_SITE})
    assert store.raw[CHUNKS].count_documents({"n": 7}) == 4
    (entry,) = store.raw["audit_logs"].find({"action": "fsck.finished"})
    assert (entry["site"], entry["details"]) == (OTHER_SITE, {"found": 4, "mended": 4, "left": 0})


def test_nobody_waits_for_a_check_that_somebody_has_paused(deployment):
    background = Background(deployment.settings, deployment.database)
    job = background.begin(FSCK, CheckRequest().as_args())
    JobService(MongoJobStore(deployment.database)).pause(job.id)
    with pytest.raises(JobPaused):
        background.finish(job.id)


def test_it_refuses_to_judge_ages_while_clocks_differ_and_a_command_says_so_at_once(
    deployment, monkeypatch
):
    monkeypatch.setattr(SweptStore, "clock_skew_seconds", lambda _: 31.0)
    with pytest.raises(ClocksDiffer):
        fsck_of(deployment).run("r", CheckRequest(), None, ignored)
    for kind in (SWEEP, FSCK):
        with pytest.raises(ClocksDiffer):
            Background(deployment.settings, deployment.database).begin(kind)
    assert JobService(MongoJobStore(deployment.database)).unfinished() == []


def test_no_question_goes_through_a_whole_collection(deployment):
    """But for jobs, sites and what is of the size of those."""
    Store(deployment, 8)
    with recorded(deployment.raw.name) as commands:
        services = Services(deployment.settings, deployment.database)
        services.fsck.run("r", CheckRequest(), None, ignored)
        Services(deployment.settings, deployment.database).scrub.run()
    asked = [each for each in commands if next(iter(each)) in {"find", "aggregate"}]
    assert {each[next(iter(each))] for each in asked} >= {"assets", "renditions", FILES, CHUNKS}
    scanned = [each for each in asked if "COLLSCAN" in set(stages_of(explained(deployment, each)))]
    assert not {each[next(iter(each))] for each in scanned} - {"sites"}, scanned


@table("stored", ["default/x", "default-2/x", "a/x"])
def test_what_a_site_has_stored_is_in_no_span_outside_of_them(stored):
    spans = [each for each in spans_outside(["default", "a", "default-2"]) if "$type" not in each]

    def is_outside(stored: str) -> bool:
        return any(each["$gte"] <= stored < each.get("$lt", "~") for each in spans)

    assert not is_outside(stored)
    for stranger in ("default", "default-/x", "default-3/x", "b/x", "", "defaul/x", "default0/x"):
        assert is_outside(stranger)


@table("files_id", [None, 7, ["zzz"], {"zzz": 7}])
def test_it_ends_whatever_chunks_name_as_their_file(deployment, files_id):
    chunks = deployment.raw["uploads.chunks"]
    chunks.delete_many({})
    chunks.insert_one({"files_id": files_id, "n": 0, "data": b"a"})
    chunks.insert_one({"files_id": "zzz/a", "n": 0, "data": b"a"})
    steps = list(itertools.islice(fsck_of(deployment)._outside([]), 100))
    assert len(steps) < 100
    named = {each.subject for some in steps for each in some if each.kind == "orphan_chunks"}
    assert named >= {"zzz/a", *([str(files_id)] if files_id in (None, 7) else [])}
