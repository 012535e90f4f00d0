"""Uploads in the panel without JavaScript: found, shown, shared, deleted, brought in."""

import html
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from avenue.identity import Role
from avenue.uploads.kinds import Kind, kind_of, preview_of, types_of
from tests import pictures
from tests.http.application import Application, Caller, Part, a_picture, unique
from tests.table import table

API, PAGE = "/api/uploads", "/admin/uploads"
BULK, NEW, ZIP = f"{PAGE}/bulk", f"{PAGE}/new", f"{PAGE}/zip"
IN_ENGLISH = {"Accept-Language": "en", "Accept": "text/html"}
NAME = re.compile(r'<a class="name" href="/admin/uploads/[^"]*">([^<]*)</a>')
TEXT = b"just some text"


@pytest.fixture
def someone(application: Application) -> Caller:
    """A client whose uploads are the only ones they see."""
    return application.new_person(unique("archivo"), role=Role.CLIENT)


@pytest.fixture
def orders_for_sellers(as_admin: Caller) -> Any:
    """Sellers read what is filed as an order, as long as a test lasts."""
    readers = {"upload_categories": {"orders": {"readers": ["seller"]}}}
    assert as_admin.patch("/api/site", json=readers).status_code == 200
    yield
    as_admin.patch("/api/site", json={"upload_categories": {"orders": None}})


def upload(caller: Caller, data: bytes, **query: object) -> Any:
    answer = caller.post(API, query_string=query, data=data)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json


def read(caller: Caller, url: str, status: int = 200) -> str:
    answer = caller.get(url, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def send(caller: Caller, url: str, status: int = 303, **form: Any) -> Any:
    answer = caller.post(url, data=form, headers=IN_ENGLISH)
    assert answer.status_code == status, answer.text
    return answer


def names(caller: Caller, query: str = "") -> list[str]:
    return NAME.findall(read(caller, f"{PAGE}?{query}"))


def told(answer: Any) -> str:
    """What the page says that a form leads to."""
    return urlsplit(answer.headers["Location"]).query


# The list


def test_people_see_what_they_may_read(
    application: Application, someone: Caller, as_admin: Caller, orders_for_sellers: Any
) -> None:
    word, seller = unique("palabra"), application.caller("seller")
    upload(someone, a_picture(), name=f"{word}a.jpg", category="orders")
    upload(someone, TEXT, name=f"{word}b.txt")
    assert names(someone, f"search={word}") == [f"{word}b.txt", f"{word}a.jpg"]
    assert names(as_admin, f"search={word}") == [f"{word}b.txt", f"{word}a.jpg"]
    assert names(seller, f"search={word}") == [f"{word}a.jpg"]
    assert names(application.caller("other_client"), f"search={word}") == []
    assert f"{someone.id}" not in read(seller, f"{PAGE}?search={word}")
    shown = read(as_admin, f"{PAGE}?search={word}")
    assert application.raw["users"].find_one({"_id": someone.id})["email"] in shown


@pytest.mark.long
def test_filters_narrow_the_list_down(someone: Caller) -> None:
    reference = unique("ORD-")
    upload(someone, a_picture(), name="foto.jpg", category="orders", reference=reference)
    upload(someone, pictures.pdf(), name="factura.pdf", category="orders")
    upload(someone, TEXT, name="nota.txt", reference=reference)
    gone = upload(someone, TEXT + b"!", name="viejo.txt")["id"]
    someone.delete(f"{API}/{gone}")
    lists = {
        "": ["nota.txt", "factura.pdf", "foto.jpg"],
        "category=orders": ["factura.pdf", "foto.jpg"],
        f"reference={reference}": ["nota.txt", "foto.jpg"],
        f"reference=+{reference}+&category=orders": ["foto.jpg"],
        "type=picture": ["foto.jpg"],
        "type=pdf": ["factura.pdf"],
        "type=text": ["nota.txt"],
        "type=video": [],
        "type=nonsense": ["nota.txt", "factura.pdf", "foto.jpg"],
        "search=fact": ["factura.pdf"],
        "owner=me": ["nota.txt", "factura.pdf", "foto.jpg"],
        f"owner={someone.id}": ["nota.txt", "factura.pdf", "foto.jpg"],
        "state=trash": ["viejo.txt"],
    }
    for query, found in lists.items():
        assert names(someone, query) == found, query
    assert "No files match" in read(someone, f"{PAGE}?type=video")


@pytest.mark.long
def test_one_can_page_on_and_back(someone: Caller) -> None:
    for number in range(7):
        upload(someone, TEXT + b"%d" % number, name=f"{number}.txt")
    whole = [f"{number}.txt" for number in reversed(range(7))]

    def link(page: str, rel: str) -> str:
        found = re.search(rf'href="([^"]*)" rel="{rel}"', page)
        return found[1] if found else ""

    pages = [read(someone, f"{PAGE}?limit=3&category=general")]
    while url := link(pages[-1], "next"):
        assert "category=general" in url
        pages.append(read(someone, url))
    assert [NAME.findall(page) for page in pages] == [whole[:3], whole[3:6], whole[6:]]
    second = read(someone, link(pages[-1], "prev"))
    assert NAME.findall(second) == whole[3:6]
    first = read(someone, link(second, "prev"))
    assert NAME.findall(first) == whole[:3]
    assert not link(first, "prev")
    assert NAME.findall(read(someone, link(first, "next"))) == whole[3:6]


def test_nobody_who_is_not_signed_in_sees_anything(nobody: Caller, someone: Caller) -> None:
    there = upload(someone, TEXT)["id"]
    for url in (PAGE, NEW, f"{PAGE}/{there}", f"{PAGE}/{there}/links"):
        assert nobody.get(url, headers={"Accept": "application/json"}).status_code == 401


# One upload


@table(
    "data, name, shown",
    [
        (a_picture(), "foto.jpg", r'<img src="/media/[^"]+/gallery\.webp"'),
        (pictures.pdf(), "a.pdf", r'<iframe class="shown page" src="/media/[^"]+original\.pdf"'),
        (TEXT, "a.txt", r'<iframe class="shown page" sandbox src="/media/[^"]+original\.txt"'),
        (b"\0\0\0\x18ftypmp42" + bytes(64), "a.mp4", r'<video class="shown" src="/media/[^"]+mp4"'),
        (b"ID3\x04" + bytes(64), "a.mp3", r'<audio class="shown" src="/media/[^"]+mp3"'),
        (
            b"<!doctype html><script>alert(1)</script>",
            "a.html",
            "This file cannot be previewed here",
        ),
        (b"<?xml version='1.0'?><a/>", "a.xml", "This file cannot be previewed here"),
        (b"\x1f\x8b" + bytes(64), "a.gz", "This file cannot be previewed here"),
    ],
)
def test_a_file_is_shown_as_far_as_nothing_of_it_can_run(
    someone: Caller, data: bytes, name: str, shown: str
) -> None:
    there = upload(someone, data, name=name)
    answer = someone.get(f"{PAGE}/{there['id']}", headers=IN_ENGLISH)
    page = html.unescape(answer.text)
    assert re.search(shown, page)
    assert ("<iframe" in page) == ("iframe" in shown)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-src 'self'; media-src 'self'" in policy
    assert re.search(r'href="/media/[^"]*\?download=1"', page)


@pytest.mark.long
def test_the_facts_and_what_may_be_done_are_shown(
    application: Application, someone: Caller, as_admin: Caller, orders_for_sellers: Any
) -> None:
    reference = unique("ORD-")
    there = upload(someone, pictures.pdf(), name="a.pdf", category="orders", reference=reference)
    url = f"{PAGE}/{there['id']}"
    mine, theirs = read(someone, url), read(application.caller("seller"), url)
    for page in (mine, theirs):
        assert reference in page
        assert there["file"]["sha256"] in page
        assert f'href="{url}/links"' in page
    assert f'action="{url}/remove"' in mine
    assert f'action="{url}/remove"' not in theirs
    assert f'action="{url}/revoke"' not in theirs
    assert 'name="hold"' not in mine
    assert 'name="hold"' in read(as_admin, url)


def test_name_and_reference_are_changed_and_only_what_is_other(someone: Caller) -> None:
    there = upload(someone, TEXT, name="nota.txt")["id"]
    answer = send(someone, f"{PAGE}/{there}", name="  factura.txt ", reference=" ORD-7 ", hold="on")
    assert "said=saved" in told(answer)
    now = someone.get(f"{API}/{there}").json
    assert (now["name"], now["reference"], now["hold"]) == ("factura.txt", "ORD-7", False)
    send(someone, f"{PAGE}/{there}", name="factura.txt", reference="")
    assert someone.get(f"{API}/{there}").json["reference"] is None
    refused = send(someone, f"{PAGE}/{there}", 400, name="otro.txt", reference="a\x00b")
    assert "printable characters" in refused.text
    assert someone.get(f"{API}/{there}").json["name"] == "factura.txt"


def test_a_hold_keeps_a_file(as_admin: Caller, someone: Caller) -> None:
    there = upload(someone, TEXT)["id"]
    url = f"{PAGE}/{there}"
    send(as_admin, url, may_hold="1", hold="on")
    assert someone.get(f"{API}/{there}").json["hold"] is True
    assert "locked and cannot be deleted" in send(someone, f"{url}/remove", 409).text
    answer = send(someone, BULK, action="remove", id=[there])
    assert {"kept": ["1"], "why": ["upload_held"]}.items() <= parse_qs(told(answer)).items()
    assert "1 file is locked and was kept." in read(someone, f"{PAGE}?{told(answer)}")
    send(as_admin, url, may_hold="1")
    assert someone.get(f"{API}/{there}").json["hold"] is False


# Deleting and taking it back


def test_what_was_deleted_can_be_taken_back(someone: Caller) -> None:
    there = upload(someone, TEXT, name="nota.txt")["id"]
    url = f"{PAGE}/{there}"
    after = told(send(someone, f"{url}/remove"))
    page = read(someone, f"{PAGE}?{after}")
    assert "1 file moved to the trash." in page
    assert re.search(rf'name="id" value="{there}">\s*<button class="small" name="action"', page)
    assert names(someone) == []
    trashed = read(someone, url)
    assert "This file is in the trash." in trashed
    assert "/media/" not in trashed
    send(someone, f"{url}/restore")
    assert names(someone) == ["nota.txt"]


def test_many_are_deleted_and_restored(application: Application, someone: Caller) -> None:
    ids = [upload(someone, TEXT + b"%d" % n, name=f"{n}.txt")["id"] for n in range(3)]
    other = upload(application.caller("other_client"), TEXT)["id"]
    back = f"{PAGE}?category=general"
    answer = send(someone, BULK, action="remove", id=[*ids[:2], other, "x"], back=back)
    asked = parse_qs(told(answer))
    assert (asked["count"], asked["category"]) == (["2"], ["general"])
    page = read(someone, f"{PAGE}?{told(answer)}")
    assert "1 file belongs to someone else or no longer exists, and was skipped." in page
    assert asked["undo"] == [".".join(ids[:2])]
    assert names(someone) == ["2.txt"]
    assert application.caller("other_client").get(f"{API}/{other}").status_code == 200
    written = application.raw["audit_logs"].find({"action": "upload.removed"})
    assert {*ids[:2]} == {each["object"]["id"] for each in written} & {*ids, other}
    send(someone, BULK, action="restore", id=asked["undo"][0].split("."))
    assert names(someone) == ["2.txt", "1.txt", "0.txt"]
    assert "nothing_checked" in told(send(someone, BULK, action="remove"))
    send(someone, BULK, 400, action="purge", id=ids)
    send(someone, BULK, 400, action="remove", id=[f"{n:022}" for n in range(101)])


def test_what_one_may_read_is_downloaded_together(
    application: Application, someone: Caller, orders_for_sellers: Any
) -> None:
    word = unique("palabra")
    ids = [
        upload(someone, a_picture(), name=f"{word}.jpg", category="orders")["id"],
        upload(someone, TEXT, name=f"{word}.txt")["id"],
    ]
    page = read(someone, f"{PAGE}?search={word}")
    assert 'formaction="/admin/uploads/zip"' in page
    assert 'value="remove" data-delete' in page
    answer = send(someone, ZIP, 200, id=ids)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as made:
        assert made.namelist() == [f"{word}.jpg", f"{word}.txt"]
        assert made.read(f"{word}.txt") == TEXT
    assert answer.headers["Content-Disposition"].startswith("attachment")
    seller = application.caller("seller")
    theirs = read(seller, f"{PAGE}?search={word}")
    assert f'value="{ids[0]}" data-name="{word}.jpg" data-theirs' in theirs
    assert "data-delete" not in theirs
    assert send(seller, ZIP, 200, id=ids[:1]).data.startswith(b"PK")
    for caller, sent, why in (
        (seller, ids, "One of these files no longer exists."),
        (someone, [], "Select files first."),
    ):
        answer = send(caller, ZIP, id=sent, back=f"{PAGE}?category=orders")
        assert "category=orders" in told(answer)
        assert why in read(caller, f"{PAGE}?{told(answer)}")
    app = application.with_settings(max_zip_mb=1)
    small = Caller(application, app, someone.host, token=someone.token, id=someone.id)
    large = upload(someone, bytes(1024 * 1024), name="large.bin")["id"]
    answer = send(small, ZIP, id=[large])
    assert "the limit for one ZIP (1 MB)" in read(small, f"{PAGE}?{told(answer)}")
    send(someone, ZIP, 400, id=[f"{n:022}" for n in range(101)])
    logged = application.raw["audit_logs"].find({"details.assets": ids[0]})
    taken = [each["details"]["assets"] for each in logged if each["action"] == "upload.zip_made"]
    assert sorted(taken, key=len) == [ids[:1], sorted(ids)]


@pytest.mark.long
def test_the_trash_is_for_those_who_may_take_things_out(
    application: Application, someone: Caller, as_admin: Caller, orders_for_sellers: Any
) -> None:
    word = unique("palabra")
    there = upload(someone, a_picture(), name=f"{word}.jpg", category="orders")["id"]
    send(someone, f"{PAGE}/{there}/remove")
    query = f"state=trash&search={word}"
    assert names(someone, query) == names(as_admin, query) == [f"{word}.jpg"]
    assert names(application.caller("seller"), query) == []
    read(application.caller("seller"), f"{PAGE}/{there}", 404)


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("other_client", marks=pytest.mark.long),
        pytest.param("seller", marks=pytest.mark.long),
        pytest.param("ops", marks=pytest.mark.long),
        "admin_on_other_site",
    ],
)
def test_what_is_somebody_elses_is_not_there(
    application: Application, someone: Caller, who: str
) -> None:
    there, stranger = upload(someone, TEXT)["id"], application.caller(who)
    before = application.counts()
    for path in ("", "/links"):
        read(stranger, f"{PAGE}/{there}{path}", 404)
    for path in ("", "/remove", "/restore", "/links", "/revoke"):
        send(stranger, f"{PAGE}/{there}{path}", 404, name="x")
    assert application.counts() == before
    assert someone.get(f"{API}/{there}").json["name"] != "x"


# Links


def shown_link(page: str, *, there: bool = True) -> str:
    found = re.search(r'id="link" value="([^"]*)"', html.unescape(page))
    assert found, page
    assert bool(found[1]) == there
    return found[1]


def test_a_link_is_made_and_ended_without_javascript(someone: Caller, nobody: Caller) -> None:
    data = a_picture()
    there = upload(someone, data, name="foto.jpg")["id"]
    url = f"{PAGE}/{there}/links"
    assert 'id="variant"' in read(someone, url)
    made = send(someone, url, 200, expires_in="3600", variant="original", download="on")
    assert made.headers["Cache-Control"] == "no-store"
    link = shown_link(made.text)
    opened = nobody.get(link)
    assert (opened.status_code, opened.data) == (200, data)
    assert opened.headers["Content-Disposition"].startswith("attachment")
    small = shown_link(send(someone, url, 200, expires_in="86400", variant="thumb").text)
    assert "thumb.webp" in small
    assert nobody.get(small).status_code == 200
    refused = send(someone, url, 400, variant="nonsense")
    assert 'role="alert"' in refused.text
    assert shown_link(refused.text, there=False) == ""
    send(someone, f"{PAGE}/{there}/revoke")
    for ended in (link, small):
        assert nobody.get(ended).status_code == 404


@pytest.mark.long
def test_a_file_that_is_no_picture_has_no_sizes_to_choose(someone: Caller, nobody: Caller) -> None:
    there = upload(someone, pictures.pdf(), name="a.pdf")["id"]
    assert 'id="variant"' not in read(someone, f"{PAGE}/{there}/links")
    link = shown_link(send(someone, f"{PAGE}/{there}/links", 200, expires_in="x").text)
    assert nobody.get(link).data == pictures.pdf()


# Bringing files in


@pytest.fixture
def form(someone: Caller) -> Callable[..., Any]:
    def send_files(*parts: Part, **query: str) -> Any:
        return someone.upload(NEW, *parts, query_string=query, headers=IN_ENGLISH)

    return send_files


def test_a_form_brings_files_in(someone: Caller, form: Callable[..., Any]) -> None:
    page = read(someone, f"{NEW}?category=orders&reference=ORD-9")
    assert '<option value="orders" selected>Orders</option>' in page
    assert 'value="ORD-9"' in page
    parts = [Part(a_picture()), Part(pictures.pdf(), name="b.pdf")]
    answer = form(*parts, category="orders", reference="ORD-9")
    assert (answer.status_code, told(answer)) == (303, "said=added&count=2")
    assert "2 files uploaded." in read(someone, f"{PAGE}?{told(answer)}")
    assert names(someone, "category=orders&reference=ORD-9") == ["b.pdf", "foto.jpg"]


def test_what_is_refused_is_said_beside_what_was_taken(form: Callable[..., Any]) -> None:
    filing = {"category": "orders", "reference": "ORD-9"}
    answer = form(Part(a_picture()), Part(TEXT, name="nota.txt"), **filing)
    assert answer.status_code == 200
    assert "1 file rejected" in answer.text
    assert re.search(r"<strong>nota.txt</strong>: .{10,}</li>", answer.text)
    assert re.search(r'<a href="/admin/uploads/[^"]{22}">foto.jpg</a>', answer.text)
    assert 'href="/admin/uploads/new?category=orders&amp;reference=ORD-9"' in answer.text


def test_a_form_that_was_refused_is_as_it_was(someone: Caller) -> None:
    sent = {"category": "orders", "reference": "ORD-9", "files": (io.BytesIO(TEXT), "nota.txt")}
    answer = someone.post(NEW, data=sent, headers=IN_ENGLISH)
    assert answer.status_code == 415
    assert 'role="alert"' in answer.text
    assert '<option value="orders" selected>' in answer.text
    assert 'name="reference" value="ORD-9"' in answer.text


def test_everybody_is_led_there(application: Application, someone: Caller) -> None:
    for who in ("client", "seller", "editor", "ops", "admin"):
        assert f'href="{PAGE}"' in read(application.caller(who), PAGE)
    assert someone.get("/admin").headers["Location"] == PAGE


# Storage


@pytest.fixture(scope="module")
def small(application: Application) -> Flask:
    """Where one person may have a megabyte in three files, and the site ten thousand files."""
    return application.with_settings(max_user_mb=1, max_user_files=3, max_site_files=10_000)


def stored(page: str, whose: str = "own") -> tuple[str, int | None]:
    """What a page says is stored, and what its meter shows."""
    found = re.search(
        rf'<p id="stored-{whose}"><strong>[^<]*</strong> ([^<]*)</p>\s(<meter.*)?', page
    )
    assert found, page
    shown = re.search(r' value="(\d+)"', found[2] or "")
    return found[1], int(shown[1]) if shown else None


def test_pages_show_how_much_is_stored_and_say_when_it_is_full(
    application: Application, small: Flask
) -> None:
    page = read(application.new_person(unique("somebody"), role=Role.CLIENT, app=small), PAGE)
    assert stored(page) == ("0 B of 1 MB · 0 of 3 files", 0)
    assert "stored-site" not in page
    # Each of them asks once: what took long to count may be shown again.
    for others, size, shown, said in (
        (b"", 600_000, ("586 kB of 1 MB · 1 of 3 files", 57), ""),
        (b"", 1_040_000, ("1 MB of 1 MB · 1 of 3 files", 99), "Nearly full"),
        (b"", 960_000, ("938 kB of 1 MB · 1 of 3 files", 91), "Nearly full"),
        (b"1", 10, ("11 B of 1 MB · 2 of 3 files", 66), ""),
        (b"12", 10, ("12 B of 1 MB · 3 of 3 files", 100), "Full: no more files can be uploaded."),
    ):
        person = application.new_person(unique("somebody"), role=Role.CLIENT, app=small)
        for each in (*(bytes([each]) for each in others), bytes(size)):
            upload(person, each)
        page = read(person, NEW)
        assert stored(page) == shown
        assert said in page
        assert ("until they are permanently deleted, after 7 days" in page) == bool(said)


@pytest.mark.long
def test_administrators_see_the_whole_site_and_have_no_bound(
    application: Application, small: Flask, as_admin: Caller
) -> None:
    admin = Caller(application, small, as_admin.host, token=as_admin.token, id=as_admin.id)
    page = read(admin, PAGE)
    own, of_the_site = stored(page), stored(page, "site")
    assert own[1] is None
    assert " of " not in own[0]
    assert re.fullmatch(r"[\d.]+ \w?B · [\d,]+ of 10,000 files", of_the_site[0])
    assert of_the_site[1] is not None


@pytest.mark.long
def test_a_form_says_what_does_not_fit(application: Application, small: Flask) -> None:
    person = application.new_person(unique("somebody"), role=Role.CLIENT, app=small)
    for parts, said in (
        ([bytes(1_100_000)], "you use 0 of 1 MB, and this needs 2 MB more."),
        ([b"1", b"2", b"3", b"4"], "you use 0 of 3 files, and this would add 4."),
    ):
        sent = [Part(each, f"{number}.bin") for number, each in enumerate(parts)]
        answer = person.upload(NEW, *sent, headers=IN_ENGLISH)
        assert answer.status_code == 507
        assert 'role="alert"' in answer.text
        assert said in answer.text


# Kinds


def test_every_type_has_one_kind() -> None:
    assert [kind_of(name) for name in ("image/heic", "application/pdf", "text/html")] == [
        *(Kind.PICTURE, Kind.PDF, Kind.TEXT)
    ]
    assert {kind_of(name) for kind in Kind for name in types_of(kind)} == {*Kind}
    every = [name for kind in Kind for name in types_of(kind)]
    assert len(every) == len(set(every))


def test_no_type_that_runs_is_shown_and_long_text_is_not() -> None:
    for name in ("text/html", "application/xml", "image/svg+xml"):
        assert preview_of(name, 10, is_picture=False) is None
    assert preview_of("text/plain", 1024 * 1024, is_picture=False) is Kind.TEXT
    assert preview_of("text/plain", 1024 * 1024 + 1, is_picture=False) is None
    assert preview_of("image/heic", 10, is_picture=False) is None
    assert preview_of("video/x-msvideo", 10, is_picture=False) is None
