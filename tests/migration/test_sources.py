"""Files of other services come in once each, with what belongs to them, or are named."""

import hashlib
import io
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from avenue.app import move_progress
from avenue.app.imports import (
    SourceOrder,
    external_imports_of,
    source_import_of,
)
from avenue.app.moves import MoveJobs
from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import command_actor
from avenue.jobs.runner import JobRunner, RunningJob
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.media.references import IMPORT_EXTERNAL
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.models import Kind, Outcome
from avenue.migration.sources import service
from avenue.migration.sources.errors import BadImportSource
from avenue.migration.sources.plan import EntryPlan
from avenue.outside.dialling import dial
from avenue.outside.fetching import Fetcher
from avenue.shop.importing.presenting import import_json
from avenue.shop.service.import_worker import ImportWorker
from avenue.shop.service.imports import IMPORT
from avenue.shop.store.import_processing import ImportProcessing
from avenue.storage.sites import Sites
from tests import pictures
from tests.backup import s3
from tests.commands import Commands
from tests.forking import forked
from tests.migration.deployment import OWNERS, Deployment, deployment
from tests.migration.killed_source_import import bring, settings_of
from tests.migration.stand_ins import ACCOUNT_HASH, KEY, SECRET, StandIn, limited, served
from tests.mongod import Mongod, lifetime_of_transactions
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

PUBLIC, INSIDE = "93.184.216.34", "inside.example"
AWKWARD = ("a//b.jpg", "/lead.jpg", "trail/", "../up.jpg", "tab\there.jpg", "100%25.jpg")
AWKWARD += ("ñandú.jpg", "空.jpg", 'it\'s "so".jpg', "plain/deep/er.jpg")


def picture(seed: int) -> bytes:
    return pictures.photo(32, 24, noise=False, seed=seed)


@dataclass
class Imports:
    """Runs imports in this process: names lead to the stand-in, and nobody waits."""

    avenue: Deployment
    settings: Settings
    port: int
    waited: list[float]
    opened: ExitStack
    seconds: float = 5

    def run(self, source: str, kind: Kind, *, is_dry: bool = False, **order: Any) -> EntryPlan:
        plan = self.opened.enter_context(closing(EntryPlan()))
        wanted = SourceOrder(address=source, kind=kind, **order)
        with source_import_of(
            self.settings, self.avenue.database, "default", wanted, plan, self.fetcher
        ) as opened:
            self._do(opened.work, is_dry=is_dry)
        return plan

    def external(self) -> tuple[EntryPlan, EntryPlan]:
        plans = (
            self.opened.enter_context(closing(EntryPlan())),
            self.opened.enter_context(closing(EntryPlan())),
        )
        with external_imports_of(
            self.settings, self.avenue.database, "default", plans, self.fetcher
        ) as parts:
            for each in parts:
                self._do(each.work)
        return plans

    def _do(self, work: service.SourceImport, *, is_dry: bool = False) -> None:
        work._retries._sleep = self.waited.append
        for steps in (work.read(), work.preview(), *(() if is_dry else (work.bring(),))):
            for _ in steps:
                pass

    @property
    def fetcher(self) -> Fetcher:
        def connect(address: str, _port: int, seconds: float) -> socket.socket:
            assert address == PUBLIC
            return dial("127.0.0.1", self.port, seconds)

        return Fetcher(
            seconds=self.seconds,
            tmp_dir=self.settings.tmp_dir,
            resolve=lambda name, _: ["10.0.0.1"] if name == INSIDE else [PUBLIC],
            connect=connect,
        )


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with served(StandIn()) as stand_in:
        yield stand_in


@pytest.fixture
def imports(avenue: Deployment, stand_in: StandIn, tmp_path: Path) -> Iterator[Imports]:
    settings = Settings(
        mongodb_uri=avenue.uri,
        secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
        public_base_url="https://shop.example",
        tmp_dir=tmp_path,
        pipeline_mode="lazy",
        import_supabase_key=KEY,
        import_cloudinary_key=KEY,
        import_cloudinary_secret=SECRET,
        import_cloudinary_api=stand_in.url,
        import_cfimages_token=KEY,
        import_cfimages_api=stand_in.url,
    )
    with ExitStack() as opened:
        yield Imports(avenue, settings, stand_in.port, [], opened)


def stored(avenue: Deployment) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in avenue.raw["assets"].find()}


def counts(plan: EntryPlan) -> tuple[int, int, int, int]:
    with closing(plan):
        return tuple(  # type: ignore[return-value]
            plan.count(each)
            for each in (Outcome.STORED, Outcome.DUPLICATE, Outcome.UNCHANGED, Outcome.REFUSED)
        )


def refused(plan: EntryPlan) -> dict[str, str]:
    return {each.path: each.code for each in plan.refused()}


def test_a_bucket_of_supabase_comes_in_by_pages_once(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    stand_in.files = {key: picture(seed) for seed, key in enumerate(AWKWARD)}
    stand_in.forgets = True
    stand_in.first = {
        "list-v2": [limited(429, Retry_After="7")],
        "authenticated": [limited(503), limited(429, RateLimit_Reset="3")],
    }
    source = f"supabase:{stand_in.url}/photos"
    looked = imports.run(source, Kind.MEDIA, is_dry=True)
    assert (looked.amounts().entries, avenue.raw["assets"].count_documents({})) == (10, 0)
    # The one of two whose address is the same, and the one that no address can hold.
    assert sorted(each.code for each in looked.silent()) == ["unsafe_name"]
    plan = imports.run(source, Kind.MEDIA)
    assert refused(plan) == {}
    assert counts(plan) == (10, 0, 0, 0)
    assert {7, 10} <= {round(each) for each in imports.waited}
    assert stand_in.most_at_once <= service.THREADS
    hashes = {each["versions"][0]["source_sha256"] for each in avenue.raw["assets"].find()}
    assert len(hashes) == 10
    remembered = {each["key"] for each in avenue.raw["adopted"].find()}
    assert remembered == set(AWKWARD)
    before = len([each for each in stand_in.asked if "authenticated" in each])
    assert counts(imports.run(source, Kind.MEDIA)) == (0, 0, 10, 0)
    assert len([each for each in stand_in.asked if "authenticated" in each]) == before
    stand_in.files["ñandú.jpg"] = picture(99)  # another etag: it is brought in once more
    assert counts(imports.run(source, Kind.MEDIA)) == (1, 0, 9, 0)
    everything = str([list(avenue.raw[name].find()) for name in avenue.counts()])
    assert KEY not in everything


def test_what_is_private_there_is_private_here(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    stand_in.files, stand_in.public = {"receipts/1.jpg": picture(1)}, False
    source = f"supabase:{stand_in.url}/photos"
    assert refused(imports.run(source, Kind.MEDIA, is_public=True)) == {
        "receipts/1.jpg": "would_be_public"
    }
    imports.run(source, Kind.UPLOADS)
    (asset,) = avenue.raw["assets"].find()
    assert (asset["visibility"], asset["bucket"]) == ("private", "uploads")


def cloudinary_items(stand_in: StandIn) -> None:
    base = "http://res.example/demo/image/upload"
    stand_in.items = {
        "image/upload": [
            {
                "public_id": f"w_200/shoe-{number}",
                "format": "jpg",
                "version": 1,
                "bytes": 900,
                "secure_url": f"{base}/v1/w_200/shoe-{number}.jpg",
                "tags": ["Shoes", "Red"],
                "context": {"custom": {"alt": "Un zapato"}},
                "asset_folder": "catalogue/shoes",
            }
            for number in range(4)
        ]
        + [{"format": "jpg"}],
        "image/private": [{"public_id": "bill", "format": "jpg", "version": 2}],
    }
    stand_in.files = {f"w_200/shoe-{number}": picture(number) for number in range(4)}
    stand_in.files["bill"] = picture(9)


def test_a_cloud_comes_with_alt_tags_folders_and_whoever_names_it(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    cloudinary_items(stand_in)
    stand_in.first = {"resources": [limited(420, X_FeatureRateLimit_Reset="4")]}
    small = "https://res.cloudinary.com/demo/image/upload/w_480,c_fill/v1/w_200/shoe-1.webp"
    avenue.add_owner("product", "one", small, "https://elsewhere.example/a.jpg")
    page = {"_id": "p" * 22, "site": "default", "title": "P", "slug": "p", "revision": 1}
    draft = {"html": f'<img src="{small.replace("shoe-1", "shoe-2")}">', "css": ""}
    avenue.raw["page_content"].insert_one({**page, "draft": draft, "assets": []})
    plan = imports.run("cloudinary:demo", Kind.MEDIA)
    assert refused(plan) == {
        "image/private/bill": "would_be_public",
        "{'format': 'jpg'}": "malformed_entry",
    }
    assert counts(plan)[0] == 4
    assert round(imports.waited[0]) == 4
    assets = stored(avenue)
    shoe = assets["shoe-2.jpg"]
    assert (shoe["alt"], shoe["tags"]) == ({"es": "Un zapato"}, ["shoes", "red"])
    folder = avenue.raw["media_folders"].find_one({"_id": shoe["folder"]})
    assert folder["name"] == "shoes"
    html = avenue.raw["page_content"].find_one({"_id": page["_id"]})["draft"]["html"]
    assert f"avenue:{shoe['_id']}/" in html
    plan = imports.run("cloudinary:demo", Kind.PRODUCTS)
    first = avenue.owner("product", "one")["images"][0]["asset"]
    mine = avenue.raw["assets"].find_one({"_id": first})
    assert mine["claim"] == {"kind": "product", "id": "one"}
    assert avenue.bytes_of(mine["_id"]) == picture(1)
    assert avenue.owner("product", "one")["images"][1] == {"url": "https://elsewhere.example/a.jpg"}
    imports.run("cloudinary:demo", Kind.UPLOADS)
    assert avenue.raw["assets"].find_one({"name": "bill.jpg"})["visibility"] == "private"


def test_cloudflare_hands_out_the_blob_and_says_how_long_it_takes(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    stand_in.items["cf"] = [
        {
            "id": f"season/{number}",
            "filename": f"{number}.jpg",
            "uploaded": "2026-01-01T00:00:00Z",
            "requireSignedURLs": number == 4,
            "variants": [f"https://imagedelivery.net/{ACCOUNT_HASH}/season/{number}/thumbnail"],
            "meta": {"alt": f"Foto {number}"},
            **({"draft": True} if number == 3 else {}),
        }
        for number in range(5)
    ]
    stand_in.files = {f"season/{number}": picture(number) for number in (0, 1, 4)}
    stand_in.forgets = True
    plan = imports.run("cfimages:acc", Kind.MEDIA)
    assert refused(plan) == {
        "season/2": "source_gone",
        "season/3": "not_original",
        "season/4": "would_be_public",
    }
    assert counts(plan)[0] == 2
    paths = {each["path"] for each in avenue.raw["legacy_urls"].find()}
    assert paths == {f"/{ACCOUNT_HASH}/season/{number}" for number in range(2)}
    assert stored(avenue)["1.jpg"]["alt"] == {"es": "Foto 1"}


LIST = """url;name;alt
http://pictures.example/demo/image/upload/v1/a.jpg;rojo.jpg;Zapato rojo
http://pictures.example/demo/image/upload/v1/gone.jpg;;
http://127.0.0.1/a.jpg;;
http://[::ffff:10.0.0.1]/a.jpg;;
http://pictures.example/demo/image/upload/v1/page.jpg;;
no address;;
"""


def test_a_list_of_urls(
    avenue: Deployment, imports: Imports, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.files = {"a": picture(1), "page": b"<!doctype html><title>no</title>"}
    rows = [row.split(";") for row in LIST.splitlines()[1:]]
    codes = {row[0]: code for row, code in zip(rows[1:], REFUSED, strict=True)}
    as_csv, as_lines = tmp_path / "pictures.csv", tmp_path / "pictures.jsonl"
    as_csv.write_text(LIST)
    as_lines.write_text("".join(json.dumps({"url": row[0]}) + "\n" for row in rows))
    plan = imports.run(str(as_csv), Kind.MEDIA)
    assert refused(plan) == codes
    assert counts(plan) == (1, 0, 0, 5)
    assert stored(avenue)["rojo.jpg"]["alt"] == {"es": "Zapato rojo"}
    assert counts(imports.run(str(as_lines), Kind.MEDIA)) == (0, 0, 1, 5)


REFUSED = ("source_gone", "address_not_allowed", "address_not_allowed")
REFUSED += ("unsupported_media_type", "bad_url")


def test_a_bucket_of_s3(avenue: Deployment, imports: Imports) -> None:
    with s3.moto_server() as account:
        client = account.client()
        for seed, key in enumerate(AWKWARD):
            client.put_object(Bucket=s3.BUCKET, Key=key, Body=picture(seed))
        imports.settings = replace(
            imports.settings,
            import_s3_endpoint=account.endpoint,
            import_s3_key=account.key,
            import_s3_secret=account.secret,
        )
        source = f"s3://{s3.BUCKET}"
        assert set(refused(imports.run(source, Kind.MEDIA)).values()) == {"would_be_public"}
        plan = imports.run(source, Kind.MEDIA, is_public=True)
        assert (refused(plan), counts(plan)) == ({}, (len(AWKWARD), 0, 0, 0))
        assert {each["key"] for each in avenue.raw["adopted"].find()} == set(AWKWARD)
        plan = imports.run(source, Kind.MEDIA, is_public=True)
        assert counts(plan) == (0, 0, len(AWKWARD), 0)
        assert counts(imports.run(f"{source}/plain", Kind.MEDIA, is_public=True)) == (0, 0, 1, 0)
    assert {each["path"] for each in avenue.raw["legacy_urls"].find()} >= {
        "/100%25.jpg",
        f"/{s3.BUCKET}/ñandú.jpg",
    }


def test_a_run_that_was_killed_is_finished_by_the_next(
    avenue: Deployment, imports: Imports, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.files = {f"{number}.jpg": picture(number) for number in range(6)}
    source = f"supabase:{stand_in.url}/photos"

    class Killed(BaseException):
        pass

    put, done = AdoptedStore.put, []

    def dies(*values: Any, **named: Any) -> None:
        done.append(1)
        if len(done) > 2:
            raise Killed  # after the file is in, before it is remembered
        put(*values, **named)

    with monkeypatch.context() as patch:
        patch.setattr(AdoptedStore, "put", dies)
        with pytest.raises(Killed):
            imports.run(source, Kind.UPLOADS)
    assert sum(counts(imports.run(source, Kind.UPLOADS))[:3]) == 6
    assert avenue.raw["assets"].count_documents({"claim": {"$ne": None}}) == 6


def test_a_key_is_sent_to_no_public_host_in_clear(imports: Imports) -> None:
    for address in ("supabase:http://ref.supabase.co/photos", "supabase:https://a:b@ref.co/photos"):
        with pytest.raises(BadImportSource) as refused_as:
            imports.run(address, Kind.MEDIA)
        assert "a:b" not in refused_as.value.message


def test_the_command(avenue: Deployment, stand_in: StandIn) -> None:
    stand_in.files = {"a.jpg": picture(1)}
    source = f"supabase:{stand_in.url}/photos"
    before = avenue.command("import", "--from", source, "--as", "media")
    assert before.returncode == 2
    assert "AVENUE_IMPORT_SUPABASE_KEY is not set" in before.stderr
    avenue.variables = {"AVENUE_IMPORT_SUPABASE_KEY": KEY}
    dry = avenue.command("import", "--from", source, "--as", "media", "--dry-run")
    assert "To copy: 1 files, 5 bytes" in dry.stdout, dry.stderr
    report = avenue.run("--from", source, "--as", "media")
    assert (report["stored"], report["plan"]["fits"], report["refused"]) == (1, True, [])
    assert KEY not in str(report)
    assert avenue.command("import", "--as", "media").returncode == 2


def test_ctrl_c_pauses_the_job_of_a_command_also_while_the_source_wants_to_be_left_alone(
    avenue: Deployment, stand_in: StandIn
) -> None:
    stand_in.files = {"a.jpg": picture(1), "b.jpg": picture(2)}
    avenue.variables = {"AVENUE_IMPORT_SUPABASE_KEY": KEY}
    command = ("import", "--from", f"supabase:{stand_in.url}/photos", "--as", "media")
    jobs = avenue.raw["jobs"]
    for number in (signal.SIGINT, signal.SIGTERM):
        stand_in.first = {"/storage": [limited(429, Retry_After="3600")]}
        asked, process = len(stand_in.asked), avenue.start(*command)
        wait_until(lambda: len(stand_in.asked) > asked, "the source was asked")  # noqa: B023
        process.send_signal(number)
        assert process.wait(DEADLINE_SECONDS) == 2  # it does not wait the hour
        (job,) = jobs.find()
        assert (job["state"], job["site"], job["attempts"]) == ("paused", "default", 0)
    stand_in.first = {}
    done = avenue.command(*command)
    assert (done.returncode, "2 stored" in done.stdout) == (0, True), done.stderr
    assert "To copy: 2 files" in done.stderr
    (job,) = jobs.find()
    assert (job["state"], job["result"]["stored"]) == ("done", 2)


def test_pictures_that_live_elsewhere_come_in_where_they_are_still_named(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    def url(name: str, host: str = "pictures.example") -> str:
        return f"http://{host}/demo/image/upload/v1/{name}.jpg"

    stand_in.files = {each: picture(seed) for seed, each in enumerate("abc")}
    avenue.add_owner("product", "one", url("a"), "/uploads/local.jpg", url("gone"))
    avenue.add_owner("product", "two", url("a"), url("a", "other.example"), url("b"))
    link = "https://facebook.example/shop"
    html = f'<a href="{link}"><img src="{url("c")}"></a><img src="http://10.0.0.1/a.jpg">'
    page = {"_id": "p" * 22, "site": "default", "title": "P", "slug": "p", "revision": 1}
    avenue.raw["page_content"].insert_one({**page, "draft": {"html": html}, "assets": []})
    owned, shown = imports.external()
    assert refused(owned) == {url("gone"): "source_gone"}
    assert owned.count_rewritten() == {"product": 4}
    assert refused(shown) == {}  # what only a private network has is lost, and none of these
    one = avenue.owner("product", "one")["images"]
    assert [set(each) for each in one] == [{"asset"}, {"url"}, {"url"}]
    # The same bytes at two addresses are one picture of the product.
    two = [each["_id"] for each in avenue.assets_of("product", "two")]
    assert [avenue.bytes_of(each) for each in two] == [picture(0), picture(1)]
    (kept,) = avenue.raw["assets"].find({"claim.kind": "library"})
    after = avenue.raw["page_content"].find_one({"_id": page["_id"]})["draft"]["html"]
    assert f'<a href="{link}"><img src="avenue:{kept["_id"]}/original">' in after
    assert not list(avenue.raw["legacy_urls"].find())
    before = len(stand_in.asked)
    imports.external()
    assert len(stand_in.asked) == before + 1  # only what was refused is tried again
    assert "10.0.0.1" in after


def test_the_job_of_the_button_goes_on_where_it_was_stopped(
    avenue: Deployment, imports: Imports, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_progress, "SAVE_SECONDS", 0)
    jobs = JobService(MongoJobStore(avenue.database))
    stand_in.files = {each: picture(seed) for seed, each in enumerate("abcde")}
    base = "http://pictures.example/demo/image/upload/v1"
    avenue.add_owner("product", "one", *(f"{base}/{each}.jpg" for each in "abcd"))
    avenue.add_owner("product", "two", f"{base}/e.jpg", f"{base}/gone.jpg")
    job = jobs.enqueue(IMPORT_EXTERNAL, site="default", key="external")

    def work(running: RunningJob) -> Any:
        return MoveJobs(imports.settings, avenue.database, imports.fetcher).bring_external(running)

    def stops(running: RunningJob) -> Any:
        save = running.save

        def saved(**values: Any) -> None:
            if values.get("done") == 2:
                jobs.pause(job.id)
            save(**values)

        running.save = saved  # type: ignore[method-assign]
        return work(running)

    assert JobRunner(jobs, {IMPORT_EXTERNAL: stops}).run_one()
    paused = jobs.get(job.id)
    assert (paused.state, paused.progress.done, paused.progress.total) == ("paused", 2, 6)
    jobs.resume(job.id)
    assert JobRunner(jobs, {IMPORT_EXTERNAL: work}).run_one()
    result = jobs.get(job.id).result
    assert result is not None
    assert [(each["path"], each["code"]) for each in result["refused"]] == [
        (f"{base}/gone.jpg", "source_gone")
    ]
    assert [each["_id"] for each in avenue.assets_of("product", "one")]
    assert avenue.raw["assets"].count_documents({"claim.kind": "product"}) == 5
    assert jobs.get(job.id).state == "done"


def test_pictures_of_a_table_come_in_after_its_rows_and_no_others(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    stand_in.files = {each: picture(seed) for seed, each in enumerate("abcd")}
    base = "http://pictures.example/demo/image/upload/v1"
    avenue.add_owner("product", "other", f"{base}/d.jpg")
    table = (
        "sku,name,image_urls\n"
        f"ZR-1,Luna,{base}/b.jpg {base}/gone.jpg {base}/a.jpg\n"
        f"ZR-2,Sol,{base}/a.jpg\n"
        "ZR-3,Mar,\n"
    )
    jobs = JobService(MongoJobStore(avenue.database))
    actor = command_actor(Sites(avenue.database, imports.settings).named("default"))
    tables = Services(imports.settings, avenue.database).product_imports
    begun, _ = tables.start(
        actor,
        io.BytesIO(table.encode()),
        name="t.csv",
        sha256=hashlib.sha256(table.encode()).hexdigest(),
        dry_run=False,
        key=None,
        fetch_images=True,
    )
    worker = ImportWorker(
        ImportProcessing(avenue.database),
        jobs,
        Services(imports.settings, avenue.database).audit,
        imports.settings,
    )

    def fetch(running: RunningJob) -> Any:
        return MoveJobs(imports.settings, avenue.database, imports.fetcher).bring_external(running)

    runner = JobRunner(jobs, {IMPORT: worker.apply, IMPORT_EXTERNAL: fetch})
    while runner.run_one():
        pass
    told = import_json(tables.get(actor, begun.run.id))["images"]
    assert told is not None
    assert (told["state"], told["stored"], told["progress"]) == (
        "done",
        2,  # one of them for two products
        {"done": 3, "total": 3},
    )
    assert [(each["url"], each["code"]) for each in told["refused"]] == [
        (f"{base}/gone.jpg", "source_gone")
    ]
    products = {
        each["sku"]: each for each in avenue.raw["shop_products"].find({"sku": {"$ne": None}})
    }
    assert [set(each) for each in products["ZR-1"]["images"]] == [{"asset"}, {"url"}, {"asset"}]
    shown = products["ZR-1"]["images"][0]["asset"], products["ZR-2"]["images"][0]["asset"]
    assert [avenue.bytes_of(each) for each in shown] == [picture(1), picture(0)]
    assert avenue.owner("product", "other")["images"] == [{"url": f"{base}/d.jpg"}]


def test_a_job_that_is_cancelled_does_not_wait_for_the_source(
    avenue: Deployment, imports: Imports, stand_in: StandIn
) -> None:
    jobs = JobService(MongoJobStore(avenue.database))
    stand_in.files = {each: picture(seed) for seed, each in enumerate("ab")}
    stand_in.first = {"/image/upload": [limited(429, Retry_After="3600") for _ in "ab"]}
    base = "http://pictures.example/demo/image/upload/v1"
    avenue.add_owner("product", "one", *(f"{base}/{each}.jpg" for each in "ab"))
    job = jobs.enqueue(IMPORT_EXTERNAL, site="default", key="external")

    def work(running: RunningJob) -> Any:
        return MoveJobs(imports.settings, avenue.database, imports.fetcher).bring_external(running)

    with Threads(1) as threads:  # an hour would be too long for it
        over = threads.submit(JobRunner(jobs, {IMPORT_EXTERNAL: work}).run_one)
        wait_until(lambda: stand_in.asked, "the source was asked")
        jobs.cancel(job.id)
        assert over.result(DEADLINE_SECONDS)
    assert jobs.get(job.id).state == "cancelled"


BASE = "http://pictures.example/demo/image/upload/v1"


def fill(avenue: Deployment, count: int) -> None:
    """Products, a group and a page that name pictures elsewhere, some of them several times."""
    for number in range(0, count, 4):
        urls = [f"{BASE}/f{(number + place) % count}.jpg" for place in range(6)]
        avenue.add_owner("group" if number % 16 == 0 else "product", f"o{number}", *urls)
    html = "".join(f'<img src="{BASE}/f{number}.jpg">' for number in range(0, count, 3))
    page = {"_id": "p" * 22, "site": "default", "title": "P", "slug": "p", "revision": 1}
    avenue.raw["page_content"].insert_one({**page, "draft": {"html": html}, "assets": []})


def end_of(avenue: Deployment) -> Any:
    """All that came of an import, with hashes in place of ids."""
    assets = list(avenue.raw["assets"].find({"claim": {"$ne": None}, "state": "live"}))
    hashes = {each["_id"]: each["versions"][0]["sha256"] for each in assets}
    page = avenue.raw["page_content"].find_one() or {"draft": {"html": ""}}
    owners = (each for name in OWNERS.values() for each in avenue.raw[name].find())
    return {
        "assets": sorted(
            (each["claim"]["id"], each["name"], hashes[each["_id"]]) for each in assets
        ),
        "owners": {
            each["_id"]: [hashes[one["asset"]] if "asset" in one else one for one in each["images"]]
            for each in owners
        },
        "old": sorted(
            (each["path"], hashes.get(each["asset"])) for each in avenue.raw["legacy_urls"].find()
        ),
        "page": re.sub(
            "avenue:([A-Za-z0-9_-]{22})", lambda found: hashes[found[1]], page["draft"]["html"]
        ),
    }


@pytest.mark.long
@pytest.mark.parametrize("what", ["external", "supabase"])
def test_a_killed_import_ends_as_one_that_nobody_disturbed(
    mongod: Mongod, commands: Commands, stand_in: StandIn, tmp_path: Path, what: str
) -> None:
    """SIGKILL at five points, then a run to the end."""
    count = 80
    stand_in.files = {f"f{seed}": picture(seed) for seed in range(count)}
    with (
        # What a killed transaction has locked is free after 60 s; the test does not wait for that.
        lifetime_of_transactions(mongod, 3),
        deployment(mongod, commands) as disturbed,
        deployment(mongod, commands) as calm,
    ):
        if what == "external":
            fill(disturbed, count)
            fill(calm, count)
        for killed_at in (1, 10, 25, 45, 70):
            told = (what, disturbed.uri, str(stand_in.port), str(tmp_path), KEY)
            process = forked(
                "tests.migration.killed_source_import", *told, env={"PATH": os.environ["PATH"]}
            )
            adopted = disturbed.raw["adopted"]
            while process.poll() is None and adopted.count_documents({}) < killed_at:
                os.sched_yield()
            assert process.poll() is None, killed_at
            process.kill()
            process.wait(DEADLINE_SECONDS)
        for each in (disturbed, calm):
            settings = settings_of(each.uri, tmp_path, KEY)
            assert bring(what, settings, stand_in.port) == []
        assert end_of(disturbed) == end_of(calm)
        before = disturbed.everything()
        assert bring(what, settings_of(disturbed.uri, tmp_path, KEY), stand_in.port) == []
        assert disturbed.everything() == before


@pytest.mark.long
def test_five_thousand_urls(
    avenue: Deployment, imports: Imports, stand_in: StandIn, tmp_path: Path
) -> None:
    """5 % are gone, 2 % slow, 1 % pages of HTML, 10 lead to private addresses; all others come."""
    imports.seconds = 1
    base = "http://pictures.example/demo/image/upload/v1"
    wanted: dict[str, str] = {}
    urls = [f"{base}/{number}.jpg" for number in range(4990)]
    for number, url in enumerate(urls):
        if number % 20 == 0:
            wanted[url] = "source_gone"
        elif number % 50 == 1:
            stand_in.slow.add(str(number))
            wanted[url] = "fetch_too_slow"
        elif number % 100 == 2:
            stand_in.files[str(number)] = b"<!doctype html><title>moved</title>"
            wanted[url] = "unsupported_media_type"
        else:
            stand_in.files[str(number)] = picture(number)
    inside = [f"http://10.0.0.{number}/a.jpg" for number in range(5)]
    inside += [f"http://{INSIDE}/{number}.jpg" for number in range(5)]
    wanted |= dict.fromkeys(inside, "address_not_allowed")
    place = tmp_path / "many.jsonl"
    place.write_text("".join(json.dumps({"url": url}) + "\n" for url in (*urls, *inside)))
    began = time.monotonic()
    plan = imports.run(str(place), Kind.MEDIA)
    print(f"{time.monotonic() - began:.0f} s", stand_in.most_at_once, "at once")
    assert refused(plan) == wanted
    hashes = avenue.raw["assets"].distinct("versions.source_sha256")
    assert counts(plan) == (len(hashes), 5000 - len(wanted) - len(hashes), 0, len(wanted))
    assert stand_in.most_at_once <= service.THREADS + len(stand_in.slow)
    assert counts(imports.run(str(place), Kind.MEDIA))[2] == 5000 - len(wanted)
