"""What the scanner has found nobody reads, however it came in and by whatever address."""

import base64
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.exports import export as export_to
from avenue.builder.library.service import MediaService
from avenue.clock import utc_now
from avenue.export.models import ExportOrder, Part as ExportPart
from avenue.media.quarantine import walk
from avenue.media.quarantine.walk import SCAN
from avenue.outside.dialling import dial
from avenue.outside.fetching import Fetcher
from avenue.scanning.clamd import Clamd
from avenue.storage.scope import site
from tests import clamd
from tests.clamd import EICAR, NAME, StandIn
from tests.http.application import (
    HOST,
    PRODUCTS,
    Application,
    Caller,
    Part,
    a_picture,
    unique,
    zipped,
)
from tests.http.test_filepond import process
from tests.http.test_picture_imports import IMPORTS, ZIP
from tests.http.test_tickets import made, send as send_with_ticket
from tests.http.test_work_of_every_route import a_clone
from tests.http.tus import begin, begun, send
from tests.mongod import Mongod
from tests.unit.outside.test_fetching import PUBLIC, Origin, whole
from tests.waiting import wait_until

UPLOADS, MEDIA, QUARANTINE = "/api/uploads", "/api/builder/media", "/api/quarantine"
TEXT = b"Some words before it.\n" + EICAR
WITHHELD = {"pending", "quarantined"}


@pytest.fixture(scope="module")
def scanner() -> Iterator[StandIn]:
    with clamd.stand_in() as scanner:
        yield scanner


@pytest.fixture(autouse=True)
def _scanner_is_well(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "scanner" in request.fixturenames:
        scanner = request.getfixturevalue("scanner")
        scanner.refuses = scanner.hangs = False


@pytest.fixture(scope="module")
def application(mongod: Mongod, scanner: StandIn) -> Iterator[Application]:
    with Application(mongod, scanner=scanner.url) as application:
        yield application


@pytest.fixture
def scans(application: Application) -> Callable[[], Any]:
    """The job that scans, to its end."""

    def run() -> Any:
        application.forget_jobs()
        return Background(application.settings, application.database).run_now(SCAN).result

    return run


def with_policy(application: Application, policy: str, caller: Caller) -> Caller:
    """The same person where the scanner may be away in another way; it never was there before."""
    return replace(caller, app=application.with_settings(scanner_away=policy))


def a_text(seed: str = "") -> bytes:
    return f"Nothing but words: {seed or unique('texto')}.\n".encode()


def a_bad_picture() -> bytes:
    return a_picture(comment=EICAR)


def addresses_of(file: Any) -> set[str]:
    """Every address the JSON of a file names, and those anybody can guess."""
    told = {file["url"], file["display_url"]}
    told |= {each["url"] for each in file.get("variants", {}).values()}
    base = f"https://{HOST}/media/{file['id']}"
    token = file["url"].split("/")[5]
    guessed = {"original", "thumb", "card.webp", "w320", "gallery.jpg"}
    return told | {f"{base}/{each}" for each in guessed} | {f"{base}/{token}/thumb.webp"}


def assert_unreadable(application: Application, file_id: str, code: str = "in_quarantine") -> None:
    """Neither its owner nor an administrator is given a byte of it where it is shown."""
    record = application.raw["assets"].find_one({"_id": file_id})
    assert record is not None
    admin, nobody = application.caller("admin"), application.caller("nobody")
    told = told_of(admin, record)
    assert told["scan"] in WITHHELD
    assert not told.get("placeholder")
    assert not told.get("variants")
    refused = admin.get(told["url"])
    assert (refused.status_code, refused.json["code"]) == (404, code)
    for who, way in ((owner_of(application, record), "original"), (nobody, "thumb")):
        assert who.get(f"/media/{file_id}/{way}").status_code == 404
    made = {"asset": file_id, "file": record["versions"][0]["file"]}
    assert application.raw["renditions"].count_documents(made) == 0


def assert_unreadable_by_any_address(application: Application, file_id: str) -> None:
    """By no way out: addresses that are told and those that can be guessed, links, versions."""
    record = application.raw["assets"].find_one({"_id": file_id})
    assert record is not None
    admin, nobody = application.caller("admin"), application.caller("nobody")
    told = told_of(admin, record)
    ways, kind = addresses_of(told), record["claim"]["kind"]
    version = record["versions"][0]["sha256"][:12]
    ways |= {f"{MEDIA}/{file_id}/versions/{version}/file", f"/media/{file_id}/original?download=1"}
    if kind == "product":
        images = f"{PRODUCTS}/{record['claim']['id']}/images"
        ways |= {f"{images}/{file_id}/versions/{version}/file", f"{images}.zip"}
    if kind == "upload":
        ways |= {f"{UPLOADS}/filepond?load={file_id}", told["signed"]["url"]}
        ways.add(admin.post(f"{UPLOADS}/{file_id}/sign", json={}).json["url"])
        assert nobody.get(told["signed"]["url"]).status_code == 404
        assert admin.post(f"{UPLOADS}/zip", json={"ids": [file_id]}).status_code == 404
    for way in ways:
        answer = admin.get(way, headers={"Range": "bytes=0-9"} if "original" in way else {})
        assert answer.status_code == 404, way
        assert b"EICAR" not in answer.data


def owner_of(application: Application, record: Any) -> Caller:
    people = application._people.values()
    return next(each for each in people if each.id == record["owner"])


def told_of(admin: Caller, record: Any) -> Any:
    """The JSON of a file where it belongs."""
    file_id, claim = record["_id"], record["claim"]
    if claim["kind"] == "upload":
        return admin.get(f"{UPLOADS}/{file_id}?sign=600").json
    if claim["kind"] == "library":
        return admin.get(f"{MEDIA}/{file_id}").json
    images = admin.get(f"{PRODUCTS}/{claim['id']}").json["images"]
    return next(each for each in images if each["id"] == file_id)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The application, somebody of each kind, and a public address that is ours."""

    application: Application
    origin: Origin

    def person(self, role: str) -> Caller:
        return self.application.caller(role)

    def editor(self) -> Caller:
        caller = self.person("editor")
        service: MediaService = caller.app.extensions["avenue"][MediaService]
        service._fetcher = Fetcher(
            seconds=5,
            tmp_dir=self.application.settings.tmp_dir,
            resolve=lambda _host, _seconds: [PUBLIC],
            connect=self._connect,
        )
        return caller

    def _connect(self, _address: str, _port: int, seconds: float) -> socket.socket:
        return dial("127.0.0.1", self.origin.port, seconds)


def id_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def by_form(deployment: Deployment, data: bytes) -> str:
    client = deployment.person("client")
    return id_of(client.upload(UPLOADS, Part(data, "a.txt", media_type="text/plain")))


def by_raw_body(deployment: Deployment, data: bytes) -> str:
    return id_of(deployment.person("client").post(f"{UPLOADS}?name=a.txt", data=data))


def by_tus(deployment: Deployment, data: bytes) -> str:
    client = deployment.person("client")
    upload = begun(client, len(data), upload_metadata="filename YS50eHQ=")
    half = len(data) // 2
    assert send(client, upload, 0, data[:half]).status_code == 204
    assert send(client, upload, half, data[half:]).status_code == 204
    return upload


def by_tus_at_once(deployment: Deployment, data: bytes) -> str:
    answer = begin(
        deployment.person("client"), len(data), data, upload_metadata="filename YS50eHQ="
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"].rpartition("/")[2])


def by_filepond(deployment: Deployment, data: bytes) -> str:
    answer = process(deployment.person("client"), data, name="a.txt")
    assert answer.status_code in {200, 201}, answer.text
    return answer.text


def by_ticket(deployment: Deployment, data: bytes) -> str:
    given = made(deployment.person("client"))
    return id_of(send_with_ticket(deployment.person("nobody"), given, data))


def by_zip(deployment: Deployment, data: bytes) -> str:
    """As one file: clamd looks into it."""
    archive = zipped({"dentro/a.txt": data})
    return id_of(deployment.person("client").post(f"{UPLOADS}?name=a.zip", data=archive))


def by_url(deployment: Deployment, _: bytes) -> str:
    deployment.origin.answers = [whole(a_bad_picture())]
    return id_of(deployment.editor().post(MEDIA, json={"url": "http://pictures.example/a.jpg"}))


def by_the_library(deployment: Deployment, _: bytes) -> str:
    return id_of(deployment.person("editor").upload(MEDIA, a_bad_picture()))


def by_another_version(deployment: Deployment, _: bytes) -> str:
    editor = deployment.person("editor")
    media = id_of(editor.upload(MEDIA, a_picture()))
    return id_of(editor.upload(f"{MEDIA}/{media}/file", a_bad_picture(), method="PUT"))


def by_a_product(deployment: Deployment, _: bytes) -> str:
    seller = deployment.person("seller")
    product = seller.a_product(status="published")
    return id_of(seller.upload(f"{PRODUCTS}/{product['id']}/images", a_bad_picture()))


def by_a_page(deployment: Deployment, _: bytes) -> str:
    editor = deployment.person("editor")
    data = base64.b64encode(a_bad_picture()).decode()
    html = f'<p><img src="data:image/jpeg;base64,{data}" alt=""></p>'
    page = editor.post("/api/builder/pages", json={"title": unique("Página "), "html": html})
    assert page.status_code == 201, page.text
    found = deployment.application.raw["page_content"].find_one({"_id": page.json["id"]})
    assert found is not None
    return str(found["assets"][0])


WAYS = [
    *(by_form, by_raw_body, by_tus, by_tus_at_once, by_filepond, by_ticket, by_zip, by_url),
    *(by_the_library, by_another_version, by_a_product, by_a_page),
]


@pytest.fixture
def deployment(application: Application) -> Iterator[Deployment]:
    origin = Origin(None)
    yield Deployment(application, origin)
    origin.close()


def test_what_is_found_by_whatever_way_it_came_nobody_reads(deployment, application):
    came = {way: way(deployment, TEXT) for way in WAYS}
    for each in came.values():
        assert_unreadable(application, each)
    for way in (by_form, by_the_library, by_a_product):
        assert_unreadable_by_any_address(application, came[way])
    listed = application.caller("admin").get(f"{QUARANTINE}?limit=100").json["items"]
    found = {each["id"]: each["findings"][0]["signature"] for each in listed}
    assert {found.get(each) for each in came.values()} == {NAME}


def test_pictures_in_an_archive_are_scanned_and_so_is_the_archive(deployment, application, scanner):
    seller, sku = application.caller("seller"), unique("ZQ-")
    seller.a_product(sku=sku)
    answer = seller.post(IMPORTS, data=zipped({f"{sku}.jpg": a_bad_picture()}), **ZIP)
    assert (answer.status_code, answer.json["code"]) == (422, "infected_file")
    assert application.raw["shop_picture_imports"].count_documents({}) == 0
    # A scanner that does not look into archives finds it in the picture itself.
    thinks = scanner.thinks
    scanner.thinks = lambda data: "" if data.startswith(b"PK") else thinks(data)
    try:
        plan = seller.post(IMPORTS, data=zipped({f"{sku}.jpg": a_bad_picture()}), **ZIP).json
        seller.post(f"{IMPORTS}/{plan['id']}")
        run = application.raw["shop_picture_imports"].find_one({"_id": plan["id"]})
        application.work(run["job"])
    finally:
        del scanner.thinks
    product = application.raw["shop_products"].find_one({"sku": sku})
    [image] = product["images"]
    assert_unreadable(application, image["asset"])


def test_what_is_clean_is_read_at_once_and_says_so(application, nobody):
    client, seller = application.caller("client"), application.caller("seller")
    text = a_text()
    file = client.post(f"{UPLOADS}?name=a.txt", data=text).json["file"]
    assert file["scan"] == "clean"
    assert client.get(file["url"]).data == text
    [image] = seller.a_product(a_picture(), status="published")["images"]
    assert image["scan"] == "clean"
    assert {nobody.get(each["url"]).status_code for each in image["variants"].values()} == {200}
    [version] = application.raw["assets"].find_one({"_id": file["id"]})["versions"]
    assert version["scan"].keys() == {"state", "at", "database"}
    assert version["scan"]["database"].startswith("ClamAV 1.4.3/27")


def test_visitors_are_shown_no_picture_that_they_cannot_read(deployment, application, nobody):
    picture = by_a_product(deployment, b"")
    product = application.raw["assets"].find_one({"_id": picture})["claim"]["id"]
    assert nobody.get(f"{PRODUCTS}/{product}").json["images"] == []
    assert picture not in nobody.get(f"/products/{product}").text
    shown = application.caller("admin").get(f"/admin/products/{product}").text
    assert picture in shown
    assert f'<img src="/media/{picture}/' not in shown
    assert 'class="withheld"' in shown


def test_while_the_scanner_is_away_what_comes_in_is_held_and_scanned_later(
    application, scanner, scans, as_client
):
    client = with_policy(application, "hold", as_client)
    scanner.refuses = True
    good, bad = (
        client.post(f"{UPLOADS}?name=a.txt", data=each).json["file"] for each in (a_text(), TEXT)
    )
    with_ticket = send_with_ticket(client, made(client), a_text())
    assert {each["scan"] for each in (good, bad, with_ticket.json)} == {"pending"}
    for each in (good, bad):
        assert_unreadable(application, each["id"], "not_scanned")
    assert scans()["away"] == 1
    scanner.refuses = False
    assert scans()["quarantined"] == 1
    assert client.get(f"{UPLOADS}/{good['id']}").json["scan"] == "clean"
    assert client.get(good["url"]).status_code == 200
    assert_unreadable(application, bad["id"])
    entries = application.raw["audit_logs"].find({"object.id": bad["id"]})
    actions = {each["action"]: each["details"] for each in entries}
    assert actions["quarantine.entered"]["signature"] == NAME


def test_it_can_be_accepted_or_refused_meanwhile(application, scanner, scans, as_client):
    scanner.refuses, before = True, application.counts()
    refusing = with_policy(application, "refuse", as_client)
    answer = refusing.post(f"{UPLOADS}?name=a.txt", data=a_text())
    assert (answer.status_code, answer.json["code"]) == (503, "scanner_away")
    assert answer.headers["Retry-After"] == "30"
    assert application.counts() == before
    accepting = with_policy(application, "accept", as_client)
    file = accepting.post(f"{UPLOADS}?name=a.txt", data=TEXT).json["file"]
    assert file["scan"] == "unscanned"
    assert as_client.get(file["url"]).status_code == 200
    scanner.refuses = False
    scans()
    assert_unreadable(application, file["id"])


def test_new_signatures_find_what_came_in_before_them(
    application, scanner, scans, nobody, monkeypatch
):
    monkeypatch.setattr(application.database, "purges_caches", True)
    seller, word = application.caller("seller"), unique("palabra").encode()
    scans()
    product = seller.a_product(a_picture(), status="published")
    [image] = product["images"]
    never = application.raw["assets"].find_one_and_update(
        {"_id": image["id"]}, {"$unset": {"versions.0.scan": ""}}
    )
    version = never["versions"][0]
    data = b"".join(
        site(application.database, "default")
        .files("product_images")
        .read(version["file"], 0, version["bytes"], length=version["bytes"])
    )
    assert nobody.get(image["url"]).status_code == 200
    others = [a_text(word.decode()), a_text()]
    remembering = replace(nobody, app=application.with_settings(cache_seconds=1))
    # From what the process remembers, ahead of Flask the second time.
    assert {remembering.get(image["url"]).status_code for _ in range(2)} == {200}
    texts = [seller.post(f"{UPLOADS}?name=a.txt", data=each).json["file"] for each in others]
    assert scans()["files"] == 0  # nothing is new
    scanner.learn(data[-40:], "Own.Picture")
    scanner.learn(word, "Own.Word")
    found = scans()
    assert found["quarantined"] == 2
    clean = {"versions.0.scan.state": "clean", "state": "live"}
    assert found["files"] >= application.raw["assets"].count_documents(clean) > 0
    assert scans()["files"] == 0
    for file_id in (image["id"], texts[0]["id"]):
        assert_unreadable(application, file_id)
    wait_until(lambda: remembering.get(image["url"]).status_code == 404)
    assert seller.get(texts[1]["url"]).status_code == 200
    told = application.raw["notifications"].find({"channel": "purge", "about": image["id"]})
    assert len(list(told)) == 1


def test_a_walk_goes_on_where_a_run_has_ended(application, scanner, scans, monkeypatch):
    client = application.caller("client")
    for _ in range(3):
        client.post(f"{UPLOADS}?name=a.txt", data=a_text())
    monkeypatch.setattr(walk, "ASSETS_AT_ONCE", 1)
    monkeypatch.setattr(walk.Scanned, "is_over", property(lambda done: done.files >= 1))
    scanner.learn(unique("otra").encode(), "Own.Other")
    first = scans()
    assert (first["files"], first["behind"]) == (1, 1)
    place = application.raw["avenue_meta"].find_one({"_id": "scanned"})["place"]
    assert (place["is_over"], place["database"]) == (False, scanner.version)
    monkeypatch.undo()
    assert scans()["behind"] == 0
    assert application.raw["avenue_meta"].find_one({"_id": "scanned"})["place"]["is_over"]


def test_an_administrator_releases_with_a_reason(deployment, application, scanner, scans, as_admin):
    file = by_raw_body(deployment, TEXT + unique("x").encode())
    path = f"{QUARANTINE}/{file}/release"
    for body in ({}, {"reason": "  "}, {"reason": "x" * 301}):
        assert as_admin.post(path, json=body).status_code == 400
    other = application.caller("admin_on_other_site")
    assert other.post(path, json={"reason": "mine"}).status_code == 404
    assert file not in {each["id"] for each in other.get(QUARANTINE).json["items"]}
    released = as_admin.post(path, json={"reason": "The tests of the shop."})
    [finding] = released.json["findings"]
    assert (finding["state"], finding["by"]) == ("released", as_admin.id)
    upload = as_admin.get(f"{UPLOADS}/{file}").json
    assert upload["scan"] == "released"
    assert EICAR in as_admin.get(upload["url"]).data
    again = as_admin.post(path, json={"reason": "Once more."})
    assert (again.status_code, again.json["code"]) == (409, "not_in_quarantine")
    entry = application.raw["audit_logs"].find_one(
        {"action": "quarantine.released", "object.id": file}
    )
    assert entry["details"] == {"reason": "The tests of the shop."}
    # What is known does not bring it back, something else does.
    scanner.learn(unique("nueva").encode(), "Own.New")
    scans()
    assert as_admin.get(upload["url"]).status_code == 200
    del scanner.signatures[EICAR]
    scanner.learn(EICAR, "Worse")
    scans()
    scanner.signatures[EICAR] = NAME
    assert_unreadable(application, file)


def test_the_page_shows_what_was_found_and_releases_it(deployment, application, as_admin):
    file, name = by_raw_body(deployment, TEXT + unique("y").encode()), "/admin/quarantine"
    page = as_admin.get(f"{name}?limit=100").text
    assert file in page
    assert NAME in page
    assert f'href="/admin/uploads/{file}"' in page
    assert 'href="/admin/quarantine"' in as_admin.get("/admin/uploads").text
    assert '<li><a href="/admin/quarantine"><b>' in as_admin.get("/admin").text
    unsaid = as_admin.post(f"{name}/{file}/release", data={"reason": " "})
    assert unsaid.status_code == 422
    assert_unreadable(application, file)
    done = as_admin.post(f"{name}/{file}/release", data={"reason": "Es una prueba."})
    assert (done.status_code, done.headers["Location"]) == (303, f"{name}?said=released")
    again = as_admin.post(f"{name}/{file}/release", data={"reason": "Es una prueba."})
    assert again.headers["Location"] == f"{name}?said=gone"
    assert as_admin.get(f"{UPLOADS}/{file}").json["scan"] == "released"


def test_a_file_too_large_to_be_scanned_is_not_clean(application, scanner, as_client, as_admin):
    scanner.most_bytes = 1000
    try:
        file = id_of(as_client.post(f"{UPLOADS}?name=a.txt", data=a_text() * 100))
    finally:
        scanner.most_bytes = 100 * clamd.MIB
    assert_unreadable(application, file)
    [item] = [
        each for each in as_admin.get(f"{QUARANTINE}?limit=100").json["items"] if each["id"] == file
    ]
    assert item["findings"][0]["signature"] is None
    assert (
        as_admin.post(f"{QUARANTINE}/{file}/release", json={"reason": "Ours."}).status_code == 200
    )
    assert as_client.get(f"{UPLOADS}/{file}").json["scan"] == "released"


def test_a_record_whose_scan_cannot_be_read_is_not_shown(application, nobody):
    seller = application.caller("seller")
    [image] = seller.a_product(a_picture(), status="published")["images"]
    assert nobody.get(image["url"]).status_code == 200
    change = {"$set": {"versions.0.scan": {"state": "whatever"}}}
    application.raw["assets"].update_one({"_id": image["id"]}, change)
    assert nobody.get(image["url"]).status_code == 404
    application.raw["assets"].delete_one({"_id": image["id"]})


def test_readiness_tells_of_the_scanner_and_stays_ready(application, scanner):
    told = {}
    for is_away in (False, True):
        scanner.refuses = is_away
        caller = replace(application.caller("nobody"), app=application.with_settings())
        answer = caller.get("/readyz")
        assert answer.status_code == 200
        told[is_away] = {each["name"]: each["state"] for each in answer.json["checks"]}["scanner"]
    assert told == {False: "ok", True: "unknown"}


def test_the_state_tells_for_how_long_the_scanner_is_away(application):
    def component() -> Any:
        answer = application.caller("ops").get("/api/ops/state")
        return {each["key"]: each for each in answer.json["components"]}["scanner"]

    # What other tests have left in quarantine is in the trash: else that is a warning, too.
    held = {"versions.scan.state": "quarantined", "state": "live"}
    application.raw["assets"].update_many(held, {"$set": {"state": "trash"}})
    assert (component()["state"], component()["value"]) == ("ok", 0)
    known = {"_id": "scanned"}
    since = {"$dateSubtract": {"startDate": "$$NOW", "unit": "minute", "amount": 20}}
    application.raw["avenue_meta"].update_one(known, [{"$set": {"away_since": since}}], upsert=True)
    told = component()
    application.raw["avenue_meta"].update_one(known, {"$set": {"away_since": None}})
    assert told["state"] == "warning"
    assert 20 <= told["value"] < 30
    assert "clamd" in told["action"]


@pytest.mark.long
def test_copies_keep_what_is_known_and_exports_leave_out_what_nobody_reads(
    mongod, scanner, tmp_path
):
    with Application(mongod, scanner=scanner.url) as application:
        seller = application.caller("seller")
        [good, bad] = seller.a_product(a_picture(), a_bad_picture(), status="published")["images"]
        application.work(a_clone(application))
        copies = application.raw["assets"].find({"site": "clone"})
        states = sorted(each["versions"][0]["scan"]["state"] for each in copies)
        assert states == ["clean", "quarantined"]
        order = ExportOrder(parts=frozenset(ExportPart), has_private=True)
        made = export_to(
            *(application.settings, application.database, "default", str(tmp_path / "out")),
            *(order, lambda _: None),
        )
        assert [(each.id, each.code) for each in made.left] == [(bad["id"], "in_quarantine")]
        hashes = {sha256(each.read_bytes()).hexdigest() for each in tmp_path.rglob("*.jpg")}
        assert hashes == {good["sha256"]}


@pytest.mark.long
@pytest.mark.needs("clamd")
def test_with_the_clamd_of_debian(mongod):
    with contextlib.ExitStack() as stack:
        url, signatures = stack.enter_context(clamd.real())
        application = stack.enter_context(Application(mongod, scanner=url))
        origin = Origin(None)
        stack.callback(origin.close)
        deployment = Deployment(application, origin)
        for way in WAYS:
            assert_unreadable(application, way(deployment, TEXT))
        client, word = application.caller("client"), unique("palabra").encode()
        file = client.post(f"{UPLOADS}?name=a.txt", data=a_text(word.decode())).json["file"]
        assert file["scan"] == "clean"
        assert client.get(file["url"]).status_code == 200
        assert rescanned(application, signatures, word)
        assert_unreadable(application, file["id"])


def rescanned(application: Application, signatures: Path, word: bytes) -> bool:
    """Whether new signatures were noticed, and found one file more."""
    background = Background(application.settings, application.database)
    background.run_now(SCAN)
    clamd.know(signatures, word, "Own.Word")
    scanner = Clamd(application.settings.scanner, seconds=60, most_bytes=clamd.MIB)
    wait_until(lambda: scanner.scan([word], len(word)).signature is not None)
    # Of signatures of one's own clamd tells no version: they count when a week is over.
    long_ago = utc_now() - 2 * walk.AT_LEAST_EVERY
    application.raw["avenue_meta"].update_one(
        {"_id": "scanned"}, {"$set": {"place.began_at": long_ago}}
    )
    application.forget_jobs()
    return bool(background.run_now(SCAN).result["quarantined"] == 1)
