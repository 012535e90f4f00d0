"""Pictures by SKU over HTTP, and the job behind it: planned, applied, twice, killed."""

import io
import itertools
import os
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from avenue.shop.service import picture_archives
from tests import pictures
from tests.forking import forked
from tests.http.application import PRODUCTS, Application, Caller, Part, a_picture, unique, zipped
from tests.mongod import Mongod, lifetime_of_transactions
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

IMPORTS = "/api/shop/pictures/import"
IMPORT_KEYS = {
    *("id", "state", "error", "name", "progress", "found", "counts", "by"),
    *("created_at", "expires_at", "finished_at"),
}
FILE_KEYS = {
    *("number", "path", "finding", "sku", "product", "position", "by_hand", "candidates"),
    *("reason", "outcome", "error"),
}


def planned(caller: Caller, archive: bytes, **options: Any) -> Any:
    answer = caller.post(f"{IMPORTS}?name=fotos.zip", data=archive, **{**ZIP, **options})
    assert answer.status_code == 201, answer.text
    return answer.json


ZIP = {"content_type": "application/zip"}


def applied(application: Application, caller: Caller, plan: Any) -> Any:
    """Apply a plan, do the work of its job, and return how it stands then."""
    answer = caller.post(f"{IMPORTS}/{plan['id']}")
    assert answer.status_code == 202, answer.text
    work(application, plan)
    return caller.get(f"{IMPORTS}/{plan['id']}").json


def work(application: Application, plan: Any) -> None:
    run = application.raw["shop_picture_imports"].find_one({"_id": plan["id"]})
    assert run is not None
    application.work(run["job"])


def files_of(caller: Caller, plan: Any, query: str = "") -> Any:
    return caller.get(f"{IMPORTS}/{plan['id']}/files{query}").json["items"]


def pictures_of(caller: Caller, product: Any) -> Any:
    return caller.get(f"{PRODUCTS}/{product['id']}").json["images"]


def archives(application: Application) -> int:
    return application.raw["assets"].count_documents(
        {"bucket": "uploads", "versions.media_type": "application/zip"}
    )


def test_pictures_find_their_products(application: Application) -> None:
    seller = application.new_person(unique("fotos"))
    one, two = unique("FA-"), unique("FB-")
    first, second = seller.a_product(a_picture(), sku=one), seller.a_product(sku=two)
    before = archives(application)
    plan = planned(
        seller,
        zipped(
            {
                f"todo/{one}-3.jpg": a_picture(),
                f"todo/{one}-2.jpg": a_picture(),
                f"todo/{two}/1.jpg": a_picture(),
                "todo/nadie.jpg": a_picture(),
                "todo/lista.txt": b"x",
                f"__MACOSX/todo/._{one}.jpg": b"x",
            }
        ),
    )
    assert set(plan) == IMPORT_KEYS
    assert (plan["state"], plan["name"]) == ("planned", "fotos.zip")
    assert plan["found"] == {"matched": 3, "unmatched": 1, "ambiguous": 0, "left_out": 2}
    assert [len(pictures_of(seller, each)) for each in (first, second)] == [1, 0]
    assert archives(application) == before + 1
    files = files_of(seller, plan)
    assert all(set(each) == FILE_KEYS for each in files)
    assert [(each["path"], each["sku"], each["position"]) for each in files[:3]] == [
        (f"todo/{one}-2.jpg", one, 2),
        (f"todo/{one}-3.jpg", one, 3),
        (f"todo/{two}/1.jpg", two, 1),
    ]
    assert {each["reason"] for each in files_of(seller, plan, "?finding=left_out")} == {
        *("not_a_picture", "hidden_file")
    }

    done = applied(application, seller, plan)
    assert (done["state"], done["counts"]) == ("done", {"added": 3, "present": 0, "refused": 0})
    assert done["progress"] == {"done": 3, "total": 3}
    names = [each["name"] for each in pictures_of(seller, first)]
    assert names == ["foto.jpg", f"{one}-2.jpg", f"{one}-3.jpg"]
    assert len(pictures_of(seller, second)) == 1
    assert archives(application) == before
    finished = {"action": "picture_import.finished", "object.id": plan["id"]}
    (entry,) = application.raw["audit_logs"].find(finished)
    assert entry["details"] == {"by": seller.id, "added": 3}

    # A job that is killed after its entry, or right before it, is resumed.
    unfinished = [{"$set": {"state": "queued", "run_at": "$$NOW"}}]
    for lost in (None, entry["_id"]):
        application.raw["audit_logs"].delete_one({"_id": lost})
        application.raw["jobs"].update_one({"_id": entry["actor"]["id"]}, unfinished)
        work(application, plan)
        (again,) = application.raw["audit_logs"].find(finished)
        assert again["details"] == entry["details"]


def test_files_without_a_product_are_assigned_by_hand(application: Application) -> None:
    seller, stranger = (application.new_person(unique("fotos")) for _ in range(2))
    base = unique("FH-")
    word = unique("bota")
    one = seller.a_product(sku=base, name=f"{word} alta")
    two = seller.a_product(sku=f"{base}-2", name=f"{word} baja")
    foreign = stranger.a_product(sku=unique("FI-"))
    files = {"nadie.jpg": a_picture(), f"{base}-2.jpg": a_picture(), "lista.txt": b"x"}
    plan = planned(seller, zipped({**files, "rota.jpg": a_picture()[:200]}))
    assert plan["found"] == {"matched": 0, "unmatched": 2, "ambiguous": 1, "left_out": 1}
    here, numbers = f"{IMPORTS}/{plan['id']}", {}
    for each in files_of(seller, plan):
        numbers[each["path"]] = each["number"]

    seen = seller.get(f"{here}/files/{numbers['nadie.jpg']}/thumbnail")
    assert (seen.status_code, seen.headers["Content-Type"]) == (200, "image/webp")
    assert seen.headers["Cache-Control"] == "private, max-age=3600"
    assert len(seen.data) < 10_000
    for name in ("lista.txt", "rota.jpg"):
        refused = seller.get(f"{here}/files/{numbers[name]}/thumbnail")
        assert (refused.status_code, refused.json["code"]) == (404, "picture_import_file_not_found")
    assert stranger.get(f"{here}/files/{numbers['nadie.jpg']}/thumbnail").status_code == 404

    def said(caller: Caller, **products: str | None) -> Any:
        wanted = [
            {"number": numbers[f"{name}"], "product": each} for name, each in products.items()
        ]
        return caller.patch(f"{here}/files", json={"files": wanted})

    unknown = said(seller, **{"nadie.jpg": one["id"], f"{base}-2.jpg": foreign["id"]})
    assert (unknown.status_code, unknown.json["code"]) == (404, "product_not_found")
    assert said(stranger, **{"nadie.jpg": foreign["id"]}).status_code == 404
    assert said(seller, **{"lista.txt": one["id"]}).json["code"] == "picture_import_file_not_found"
    assert seller.get(here).json["found"] == plan["found"]
    both = said(seller, **{"nadie.jpg": one["id"], f"{base}-2.jpg": two["id"]})
    assert both.json["found"] == {"matched": 2, "unmatched": 1, "ambiguous": 0, "left_out": 1}
    assert said(seller, **{f"{base}-2.jpg": None}).json["found"]["ambiguous"] == 1

    # The same by the page, by words, by the choice among several, and by SKU.
    panel = f"/admin/imports/pictures/{plan['id']}"
    asked = seller.post(
        f"{panel}/files",
        data={f"file-{numbers['rota.jpg']}": word, f"file-{numbers['nadie.jpg']}": one["id"]},
    )
    assert asked.status_code == 422  # it could be both, and they are offered
    assert f'<option value="{two["id"]}">' in asked.text
    named = {f"file-{numbers[f'{base}-2.jpg']}": f"{word} baja"}
    assert seller.post(f"{panel}/files", data=named).status_code == 303
    nothing = seller.post(f"{panel}/files", data={f"file-{numbers['rota.jpg']}": unique("nada")})
    assert nothing.status_code == 422
    assert 'aria-invalid="true"' in nothing.text
    matched = files_of(seller, plan, "?finding=matched")
    assert {each["path"]: (each["sku"], each["by_hand"]) for each in matched} == {
        "nadie.jpg": (base, True),
        f"{base}-2.jpg": (f"{base}-2", True),
    }

    done = applied(application, seller, plan)
    assert done["counts"]["added"] == 2
    assert [each["name"] for each in pictures_of(seller, one)][:1] == ["nadie.jpg"]
    assert said(seller, **{"nadie.jpg": None}).json["code"] == "picture_import_begun"
    assert seller.get(f"{here}/files/{numbers['nadie.jpg']}/thumbnail").status_code == 410
    assert f'href="/admin/products/{one["id"]}"' in seller.get(panel).text


def test_twice_is_nothing_twice(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FC-")
    product = seller.a_product(sku=sku)
    archive = zipped({f"{sku}.jpg": a_picture(), f"{sku}-2.jpg": a_picture()})
    applied(application, seller, planned(seller, archive))
    images = pictures_of(seller, product)
    again = applied(application, seller, planned(seller, archive))
    assert again["counts"] == {"added": 0, "present": 2, "refused": 0}
    assert pictures_of(seller, product) == images
    # The same import once more does nothing at all.
    assert seller.post(f"{IMPORTS}/{again['id']}").json["state"] == "done"


def test_one_bad_picture_is_refused_alone(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FD-")
    product = seller.a_product(sku=sku)
    broken = a_picture()[:200]
    plan = planned(seller, zipped({f"{sku}-1.jpg": broken, f"{sku}-2.jpg": a_picture()}))
    done = applied(application, seller, plan)
    assert done["counts"] == {"added": 1, "present": 0, "refused": 1}
    [refused] = files_of(seller, plan, "?outcome=refused")
    assert refused["error"]["code"] == "broken_image"
    assert len(pictures_of(seller, product)) == 1


@pytest.mark.failing_jobs
def test_without_space_it_stops_and_is_continued_later(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FI-")
    product, admin = seller.a_product(sku=sku), application.caller("admin")
    plan = planned(seller, zipped({f"{sku}-1.jpg": a_picture(), f"{sku}-2.jpg": a_picture()}))

    def limit(files: int) -> None:  # the ZIP is one of them
        answer = admin.patch("/api/site", json={"limits": {"user_quota_files": files}})
        assert answer.status_code == 200, answer.text

    limit(2)
    try:
        stopped = applied(application, seller, plan)
        shown = seller.get(f"/admin/imports/pictures/{plan['id']}").text
    finally:
        limit(0)
    assert (stopped["state"], stopped["progress"]) == ("failed", {"done": 1, "total": 2})
    assert stopped["counts"] == {"added": 1, "present": 0, "refused": 0}
    assert stopped["error"] in shown
    done = applied(application, seller, plan)
    assert (done["state"], done["counts"]["added"]) == ("done", 2)
    assert len(pictures_of(seller, product)) == 2


@pytest.mark.long
def test_too_large_photographs_are_shrunk(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FL-")
    product = seller.a_product(sku=sku)
    moving = bytearray(pictures.animated_webp(3))
    moving += b"JUNK" + (6_000_000).to_bytes(4, "little") + bytes(6_000_000)
    moving[4:8] = (len(moving) - 8).to_bytes(4, "little")
    large = pictures.noise_png(2000, 1000)
    assert len(large) > 5 * 1024 * 1024
    plan = planned(seller, zipped({f"{sku}.png": large, f"{sku}-2.webp": bytes(moving)}))
    assert plan["found"]["matched"] == 2
    done = applied(application, seller, plan)
    assert done["counts"] == {"added": 1, "present": 0, "refused": 1}
    [refused] = files_of(seller, plan, "?outcome=refused")
    assert refused["error"]["code"] == "file_too_large"
    [kept] = pictures_of(seller, product)
    assert (kept["width"], kept["height"]) == (1920, 960)
    asset = application.raw["assets"].find_one({"_id": kept["id"]})
    assert asset is not None
    assert asset["versions"][-1]["bytes"] < 5 * 1024 * 1024
    again = applied(application, seller, planned(seller, zipped({f"{sku}.png": large})))
    assert again["counts"]["present"] == 1


def test_the_dry_run_tells_what_is_no_picture(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FK-")
    seller.a_product(sku=sku)
    files = {f"{sku}.jpg": b"no picture", f"{sku} (2).jpg": a_picture(), f"{sku}-3.jpg": b"damaged"}
    plan = planned(seller, zipped(files).replace(b"damaged", b"DAMAGED", 1))
    left_out = files_of(seller, plan, "?finding=left_out")
    assert {each["path"]: each["reason"] for each in left_out} == {
        f"{sku}.jpg": "unsupported_media_type",
        f"{sku}-3.jpg": "damaged_entry",
    }
    [matched] = files_of(seller, plan, "?finding=matched")
    assert (matched["sku"], matched["position"]) == (sku, 2)


def test_sellers_reach_their_own_products_only(application: Application) -> None:
    sku = unique("FE-")
    application.new_person(unique("fotos")).a_product(sku=sku)
    stranger = application.new_person(unique("fotos"))
    plan = planned(stranger, zipped({f"{sku}.jpg": a_picture()}))
    assert plan["found"]["unmatched"] == 1
    refused = stranger.post(f"{IMPORTS}/{plan['id']}")
    assert (refused.status_code, refused.json["code"]) == (409, "nothing_to_bring")
    panel = "/admin/imports/pictures"
    shown = stranger.post(f"{panel}/{plan['id']}")
    assert shown.headers["Location"].endswith("?problem=nothing_to_bring")
    assert stranger.post(f"{panel}/together", data={"id": plan["id"]}).status_code == 303
    begun = {"action": "picture_import.begun", "object.id": plan["id"]}
    assert application.raw["audit_logs"].count_documents(begun) == 0
    as_admin = planned(application.caller("admin"), zipped({f"{sku}.jpg": a_picture()}))
    assert as_admin["found"]["matched"] == 1


def test_the_same_request_is_the_same_import(application: Application) -> None:
    seller, archive = application.new_person(unique("fotos")), zipped({"x.jpg": a_picture()})
    keyed = {"headers": {"Idempotency-Key": unique("key")}, **ZIP}
    before = archives(application)
    first = seller.post(IMPORTS, data=archive, **keyed)
    again = seller.post(IMPORTS, data=archive, **keyed)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = seller.post(IMPORTS, data=zipped({"y.jpg": b"y"}), **keyed)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert archives(application) == before + 1
    assert seller.get(IMPORTS).json["total"] == 1
    of_a_form = seller.upload(IMPORTS, Part(archive, name="a.zip", media_type="application/zip"))
    assert of_a_form.json["name"] == "a.zip"


def a_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("bomb.jpg", bytes(1024 * 1024))
    return packed.getvalue()


def too_many_files() -> bytes:
    return zipped({f"{number}.jpg": b"" for number in range(21)})


@table(
    "body, status, code",
    [
        (a_picture, 415, "unsupported_media_type"),
        (a_bomb, 400, "unsafe_archive"),
        (too_many_files, 413, "too_many_files"),
        (lambda: b"PK\x03\x04 and then nothing", 400, "unsafe_archive"),
    ],
)
def test_what_is_no_zip_leaves_nothing(
    application: Application,
    as_seller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    body: Callable[[], bytes],
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr(picture_archives, "MOST_FILES", 20)
    before = application.counts()
    answer = as_seller.post(IMPORTS, data=body(), **ZIP)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert application.counts() == before


def test_what_is_not_safe_in_a_zip_is_left_out(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FH-")
    seller.a_product(sku=sku)
    archive = zipped({f"../{sku}.jpg": a_picture(), f"/{sku}-2.jpg": a_picture()})
    secret = bytearray(zipped({f"{sku}-3.jpg": a_picture()}))
    secret[6] |= 1  # "encrypted", in the file's own head and in the directory
    secret[secret.rindex(b"PK\x01\x02") + 8] |= 1
    for body, reasons in ((archive, ["unsafe_name"] * 2), (bytes(secret), ["encrypted"])):
        plan = planned(seller, body)
        assert [each["reason"] for each in files_of(seller, plan)] == reasons


def test_a_zip_nobody_applied_in_time_is_gone(application: Application) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FF-")
    seller.a_product(sku=sku)
    plan = planned(seller, zipped({f"{sku}.jpg": a_picture()}))
    run = application.raw["shop_picture_imports"].find_one({"_id": plan["id"]})
    assert run is not None
    earlier = [{"$set": {"expires_at": {"$subtract": ["$$NOW", 1000]}}}]
    application.raw["assets"].update_one({"_id": run["archive"]}, earlier)
    application.raw["shop_picture_imports"].update_one({"_id": plan["id"]}, earlier)
    assert seller.get(f"{IMPORTS}/{plan['id']}").json["state"] == "expired"
    answer = seller.post(f"{IMPORTS}/{plan['id']}")
    assert (answer.status_code, answer.json["code"]) == (410, "archive_expired")


def test_a_killed_job_goes_on_and_ends_the_same(application: Application, mongod: Mongod) -> None:
    seller, sku = application.new_person(unique("fotos")), unique("FG-")
    product = seller.a_product(sku=sku)
    others = [seller.a_product(sku=f"{sku}{letter}") for letter in "AB"]
    skus = [sku, *(f"{sku}{letter}" for letter in "AB")]
    archive = {
        f"{each}-{number}.jpg": a_picture() for each, number in itertools.product(skus, range(1, 5))
    }
    plan = planned(seller, zipped(archive))
    assert seller.post(f"{IMPORTS}/{plan['id']}").status_code == 202
    imports = application.raw["shop_picture_imports"]

    def run() -> Any:
        return imports.find_one({"_id": plan["id"]})

    application.forget_jobs(but=run()["job"])
    uri = application.settings.mongodb_uri
    with lifetime_of_transactions(mongod, 3):  # the killed one's, which would hold what it locked
        process = forked("tests.http.killed_pictures", uri, run()["job"], env=os.environ)
        wait_until(lambda: run()["done"] > 2, "some pictures are in")
        process.kill()
        process.wait(DEADLINE_SECONDS)
        assert 2 < run()["done"] < len(archive)
        # What time would do: the leases of the killed process end.
        ended = [{"$set": {"run_at": {"$subtract": ["$$NOW", 1000]}}}]
        application.raw["jobs"].update_one({"_id": run()["job"]}, ended)
        open_write = [{"$set": {"lease_until": {"$subtract": ["$$NOW", 1000]}}}]
        application.raw["writes"].update_many({"state": "open"}, open_write)
        work(application, plan)
    done = seller.get(f"{IMPORTS}/{plan['id']}").json
    assert done["counts"] == {"added": len(archive), "present": 0, "refused": 0}
    for each in (product, *others):
        names = [picture["name"] for picture in pictures_of(seller, each)]
        stem = seller.get(f"{PRODUCTS}/{each['id']}").json["sku"]
        assert names == [f"{stem}-{number}.jpg" for number in range(1, 5)]
