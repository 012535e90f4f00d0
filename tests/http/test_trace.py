"""The trace of one asset: who may ask, what it tells, and one line for each link that is broken."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from avenue.app.uses import EveryUse
from avenue.health.checks.trace.service import TraceService
from avenue.identity import Actor, Role, new_id
from avenue.media.store.legacy_urls import LegacyUrls
from tests import pictures
from tests.commands import Commands
from tests.http.application import HOST, OTHER_HOST, Application, Caller, Part, a_picture, unique
from tests.http.debug_app import CHUNKS, Hand, add_entries
from tests.http.test_products import assert_refused
from tests.table import table

TRACES = "/api/ops/assets"
ID = r"[A-Za-z0-9_-]{22}"


@pytest.fixture(scope="module")
def ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture(scope="module")
def seller(application: Application) -> Caller:
    return application.caller("seller")


def traced(caller: Caller, asset: str) -> Any:
    answer = caller.get(f"{TRACES}/{asset}")
    assert answer.status_code == 200, answer.text
    return answer.json


@dataclass
class Scene:
    """A product with one picture, and a hand that breaks things."""

    application: Application
    product: str
    asset: str
    hand: Hand

    def set_product(self, **fields: Any) -> None:
        self.application.raw["shop_products"].update_one({"_id": self.product}, {"$set": fields})


@pytest.fixture
def scene(application: Application, seller: Caller) -> Scene:
    product = seller.a_product(a_picture())
    asset = product["images"][0]["id"]
    return Scene(application, product["id"], asset, Hand(application, asset))


# Who may ask


@pytest.mark.long
@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("nobody", 401),
        ("seller", 403),
        ("client", 403),
        ("editor", 403),
        ("ops", 200),
        ("admin", 200),
    ],
)
def test_ops_and_administrators_may_ask(application, scene, who, code):
    caller = application.caller(who)
    assert caller.get(f"{TRACES}/{scene.asset}").status_code == code
    assert caller.get(TRACES, query_string={"url": scene.asset}).status_code == code


def test_an_asset_of_another_site_is_not_there(application, scene, ops):
    stranger = application.caller("ops_on_other_site")
    for url in (
        f"{TRACES}/{scene.asset}",
        f"{TRACES}?url=https://{HOST}/media/{scene.asset}/thumb",
    ):
        assert_refused(stranger.get(url), 404, "no_such_asset")
    visitor = replace(ops, host=OTHER_HOST)
    assert_refused(visitor.get(f"{TRACES}/{scene.asset}"), 401, "invalid_token")


@table("which", ["A" * 22, "x", "-" * 5000, "%00", "favicon.ico"])
def test_what_nobody_knows_is_not_there(ops, which):
    assert_refused(ops.get(f"{TRACES}/{which}"), 404, "no_such_asset")


@table("query", ["", "?url=", f"?url={'x' * 2049}"])
def test_an_address_is_asked_for(ops, query):
    assert_refused(ops.get(TRACES + query), 400, "invalid_request")


@pytest.mark.parametrize(
    "url",
    [
        "\ud800",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("https://[", "file:///etc/passwd", "https://other.example/nothing.jpg")
        ),
    ],
)
def test_an_address_that_leads_nowhere_here_is_not_there(ops, url):
    sent = url.encode("utf-8", "surrogatepass")
    assert_refused(ops.get(TRACES, query_string={"url": sent}), 404, "no_such_asset")


# What it tells


def test_a_whole_picture_is_told_of_from_its_record_to_its_last_use(
    application, scene, seller, ops
):
    group = seller.a_group(a_picture())
    entry = {"url": f"https://old.example/media/{scene.asset}/original"}
    add_entries(application, "group", group["id"], [entry])
    scene.application.raw["shop_products_grouped"].update_one(
        {"_id": group["id"]}, {"$pull": {"images": entry}}
    )
    found = traced(ops, scene.asset)
    assert (found["verdict"], found["broken"]) == ("whole", [])
    assert found["asset"]["claim"] == {"kind": "product", "id": scene.product}
    (version,) = found["versions"]
    assert version["hash"] == "right"
    assert version["chunks"] == version["chunks_expected"] == 1
    assert version["bytes"] == version["document_bytes"] == version["stored_bytes"]
    (use,) = found["uses"]
    assert (use["kind"], use["id"]) == ("product", scene.product)
    assert use["url"] == f"https://{HOST}/admin/products/{scene.product}"
    made = {each["name"]: each["state"] for each in found["renditions"]}
    assert made["thumb.webp"] == "kept"
    assert made["w1920.avif"] == "to_be_made"
    assert found["rights"]["everybody"] is True
    assert f"/{found['token']}/" in found["answers"][0]["url"]


@pytest.mark.long
def test_who_names_it_by_a_url_of_the_site_is_a_use(application, scene, seller, ops):
    LegacyUrls(application.database).put("default", "/fotos/uno.jpg", scene.asset)
    named = [
        f"/media/{scene.asset}/original",
        f"https://{HOST}/media/{scene.asset}/0123456789ab/thumb.webp",
        f"//{HOST}/fotos/uno.jpg?v=2",
    ]
    others = [f"https://old.example/media/{scene.asset}/original", "/fotos/uno.jpg.png"]
    groups = {each: seller.a_group()["id"] for each in (*named, *others)}
    for url, group in groups.items():
        add_entries(application, "group", group, [{"url": url}])
    uses = {each["id"] for each in traced(ops, scene.asset)["uses"]}
    assert uses == {scene.product, *(groups[each] for each in named)}


def test_every_form_of_an_address_leads_to_its_asset(application, scene, seller, ops):
    LegacyUrls(application.database).put("default", "/uploads/viejo.jpg", scene.asset)
    image = seller.get(f"/api/shop/products/{scene.product}").json["images"][0]
    forms = (
        scene.asset,
        image["url"],
        image["variants"]["thumb"]["url"],
        f"/media/{scene.asset}/original",
        f"//localhost:8000/media/{scene.asset}/thumb?x=1#y",
        f"http://old.example/media/{scene.asset}/{'0' * 12}/card.webp",
        f"avenue:{scene.asset}/w640",
        "http://localhost:3000/uploads/viejo.jpg",
        "/uploads/viejo.jpg",
    )
    for form in forms:
        answer = ops.get(TRACES, query_string={"url": form})
        assert answer.status_code == 200, form
        assert answer.json["id"] == scene.asset, form
    assert answer.json["old_addresses"] == ["/uploads/viejo.jpg"]


@pytest.mark.long
def test_what_caches_are_told_is_what_it_says(application, scene, ops):
    proof = Part(b"%PDF-1.4 x", name="prueba.pdf", media_type="application/pdf")
    private = application.caller("client").upload("/api/uploads", proof).json["id"]
    nobody = application.caller("nobody")
    for each in traced(ops, scene.asset)["answers"]:
        assert_told(each, nobody.get(each["url"]))
    told = {each["whom"]: each for each in traced(ops, private)["answers"]}
    assert_told(
        told["those who may read it"], application.caller("client").get(told["all others"]["url"])
    )
    assert nobody.get(told["all others"]["url"]).status_code == told["all others"]["status"] == 404
    link = application.caller("client").post(
        f"/api/uploads/{private}/sign", json={"expires_in": 3600}
    )
    by_link = told["those with a link that is valid for an hour"]["headers"]["Cache-Control"]
    without_seconds = re.compile("max-age=[0-9]+")
    sent = nobody.get(link.json["url"]).headers["Cache-Control"]
    assert without_seconds.sub("", sent) == without_seconds.sub("", by_link)


def assert_told(told: dict[str, Any], answer: Any) -> None:
    assert answer.status_code == told["status"]
    for name, value in told["headers"].items():
        assert answer.headers[name] == value, name


def test_a_private_upload_says_who_may_see_it(application, ops):
    client = application.caller("client")
    proof = Part(b"%PDF-1.4 y", name="prueba.pdf", media_type="application/pdf")
    upload = client.upload("/api/uploads", proof, query_string={"category": "orders"}).json["id"]
    found = traced(ops, upload)
    assert found["rights"]["everybody"] is False
    assert (found["rights"]["roles"], found["rights"]["owner"]) == (["admin"], client.id)
    assert found["asset"]["category"] == "orders"
    assert found["renditions"] == []
    assert "@" not in json.dumps(found)


@pytest.mark.long
def test_pages_and_the_logo_are_uses(application, ops):
    editor, admin = application.caller("editor"), application.caller("admin")
    media = editor.upload("/api/builder/media", a_picture()).json["id"]
    html = f'<img src="avenue:{media}/original">'
    page = editor.post("/api/builder/pages", json={"title": unique("Inicio "), "html": html}).json
    admin.put("/api/site/logo", json={"asset": media})
    uses = {(each["kind"], each["id"]) for each in traced(ops, media)["uses"]}
    assert ("page", page["id"]) in uses
    admin.delete("/api/site/logo")


@pytest.mark.long
def test_lines_for_a_terminal(ops, scene):
    scene.hand.chunk_gone()
    answer = ops.get(f"{TRACES}/{scene.asset}", headers={"Accept": "text/plain"})
    assert answer.mimetype == "text/plain"
    assert "verdict: broken" in answer.text
    assert re.search(r"(?m)^  - The file .* in product_images: Of 1 chunks", answer.text)
    assert "Cache-Control: " in answer.text


def test_no_time_is_said_as_such(ops, scene, monkeypatch):
    monkeypatch.setattr("avenue.health.views.trace.routes.READING_SHARE", -1)
    found = traced(ops, scene.asset)
    assert found["versions"][0]["hash"] == "unread"
    assert found["versions"][0]["chunks"] is None
    assert found["broken"] == []


# Each broken link


def unreadable(scene: Scene) -> None:
    scene.application.raw["assets"].update_one({"_id": scene.asset}, {"$unset": {"bucket": ""}})


def nonsense(scene: Scene) -> None:
    scene.hand.set(versions="none")


def nobody_owns_it(scene: Scene) -> None:
    scene.hand.set(claim=None)


def no_longer_named(scene: Scene) -> None:
    scene.set_product(images=[])


def owner_gone(scene: Scene) -> None:
    scene.application.raw["shop_products"].delete_one({"_id": scene.product})


def record_and_owner_gone(scene: Scene) -> None:
    scene.hand.asset_gone()
    owner_gone(scene)


def only_an_old_address(scene: Scene) -> None:
    LegacyUrls(scene.application.database).put("default", "/uploads/perdido.jpg", scene.asset)
    record_and_owner_gone(scene)
    scene.application.raw["renditions"].delete_many({"asset": scene.asset})


def rendition_changed(scene: Scene) -> None:
    of_it = {"asset": scene.asset, "variant": "thumb"}
    scene.application.raw["renditions"].update_one(of_it, {"$set": {"data": b"other bytes"}})


HAND = {
    name: (lambda scene, name=name: getattr(scene.hand, name)())
    for name, each in vars(Hand).items()
    if not name.startswith("_") and callable(each)
}
FILE = f"The file {ID} in product_images: "
BROKEN: list[tuple[Callable[[Scene], None], str]] = [
    (HAND["asset_gone"], f"The product {ID} names it, but there is no record of it."),
    (record_and_owner_gone, f"Renditions made of the file {ID} are left, but there is no record"),
    (only_an_old_address, "The old address /uploads/perdido.jpg leads to it, but there is no rec"),
    (unreadable, "The record of this asset cannot be read: it lacks the field 'bucket'."),
    (nonsense, "The record of this asset cannot be read: a field does not hold what it should."),
    (lambda scene: scene.hand.set(bucket="cellar"), "The record .* no bucket is called cellar"),
    (lambda scene: scene.hand.set(versions=[]), "The record names no file."),
    (HAND["in_trash"], f"The product {ID} names it, but it is in the trash"),
    (HAND["purging"], f"The product {ID} names it, but it is being deleted"),
    (HAND["file_gone"], FILE + "The file document is gone; 1 chunks are left."),
    (HAND["all_bytes_gone"], FILE + "The file document is gone; 0 chunks are left."),
    (HAND["wrong_length"], FILE + "The file document says [0-9]+ bytes, the asset [0-9]+."),
    (HAND["chunk_gone"], FILE + "Of 1 chunks these are gone: 0."),
    (HAND["chunk_cut"], FILE + "Chunk 0 has [0-9]+ bytes instead of [0-9]+."),
    (HAND["chunk_emptied"], FILE + "Chunk 0 has 0 bytes instead of [0-9]+."),
    (HAND["chunk_lengthened"], FILE + "Chunk 0 has [0-9]+ bytes instead of [0-9]+."),
    (HAND["chunk_too_many"], FILE + "Chunks beyond the file's end: 7."),
    (HAND["bit_flipped"], FILE + "its bytes do not have the sha-256 [0-9a-f]{12}… any more."),
    (HAND["given_away"], f"The product {ID} names it, but the claim is of product somebody-else."),
    (nobody_owns_it, f"The product {ID} names it, but nobody owns it"),
    (no_longer_named, f"The claim is of product {ID}, which does not name it."),
    (owner_gone, f"The claim is of product {ID}, which is not there."),
    (rendition_changed, "The rendition thumb.webp has other bytes than it was made with."),
]


SOME_BROKEN = (0, 2, 4, 7, 13, 18, 22)
"""One of each kind: no record, an old address, a malformed one, trash, a chunk, a claim, a size."""


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        pytest.param(*each, id=each[1], marks=[] if at in SOME_BROKEN else pytest.mark.long)
        for at, each in enumerate(BROKEN)
    ],
)
def test_a_broken_link_is_named_in_the_first_line(ops, scene, broken, line):
    broken(scene)
    found = traced(ops, scene.asset)
    assert found["verdict"] == "broken"
    assert re.match(line, found["broken"][0]), found["broken"]


@pytest.mark.long
def test_the_chunk_that_lacks_is_named_of_a_large_file(application, ops, monkeypatch):
    monkeypatch.setattr("avenue.health.checks.trace.store.CHUNKS_AT_ONCE", 2)
    large = Part(b"%PDF-" + bytes(5 * 1024 * 1024), name="plano.pdf", media_type="application/pdf")
    upload = application.caller("client").upload("/api/uploads", large).json["id"]
    assert traced(ops, upload)["versions"][0]["chunks"] == 6
    file = Hand(application, upload).file
    application.raw[CHUNKS.replace("product_images", "uploads")].delete_one(
        {"files_id": file, "n": 3}
    )
    assert "Of 6 chunks these are gone: 3." in traced(ops, upload)["broken"][0]


@pytest.mark.long
def test_an_older_version_that_is_broken_is_told_as_such(application, scene, seller, ops):
    url = f"/api/shop/products/{scene.product}/images/{scene.asset}/file"
    seller.upload(url, a_picture(), method="PUT")
    scene.hand.file_gone()
    (line,) = traced(ops, scene.asset)["broken"]
    assert re.match(rf"The file {ID} in product_images \(its older version", line)


def test_what_is_being_changed_just_now_is_no_fault(application, scene, ops, monkeypatch):
    """The trace reads the asset, then somebody removes it, then the trace asks who names it."""
    asked = EveryUse.of

    def uses(self: EveryUse, *args: Any) -> Any:
        scene.set_product(images=[])
        scene.hand.in_trash()
        return asked(self, *args)

    monkeypatch.setattr(EveryUse, "of", uses)
    actor = Actor(site=application.caller("ops").site, id=ops.id, role=Role.OPS)
    found = application.app.extensions["avenue"][TraceService].trace(actor, scene.asset)
    assert found.broken == ()


# The command


def test_the_command_tells_the_same(application, commands: Commands, scene, ops):
    env = application.settings.as_env()
    done = commands.run("trace", scene.asset, "--json", env=env)
    assert done.returncode == 0, done.stderr
    told, asked = json.loads(done.stdout), traced(ops, scene.asset)
    assert {**told, "generated_at": ""} == {**asked, "generated_at": ""}
    scene.hand.chunk_gone()
    done = commands.run("trace", f"http://localhost/media/{scene.asset}/thumb", env=env)
    assert done.returncode == 1
    assert b"Of 1 chunks these are gone: 0." in done.stdout
    assert commands.run("trace", new_id(), env=env).returncode == 2
    done = commands.run("trace", scene.asset, "--site", "other", env=env)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.long
def test_pictures_without_other_sizes_have_none(application, ops, seller):
    small = seller.a_product(pictures.photo(1, 1, format="PNG"))["images"][0]["id"]
    assert traced(ops, small)["verdict"] == "whole"
