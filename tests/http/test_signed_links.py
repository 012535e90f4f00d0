"""Signed links through the whole application: what opens a private file, and what never does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.identity import Scope, new_id
from avenue.media.models import Asset, State
from avenue.media.signing.service import KEY_LIFE, SignedLinks
from avenue.media.signing.signatures import WINDOWS
from avenue.media.signing.store import LinkKeys
from avenue.media.store.assets import AssetStore
from avenue.media.urls import form_path
from avenue.sites.service import SiteService
from tests import pictures
from tests.http.application import (
    HOST,
    OTHER_HOST,
    OTHER_SITE,
    Application,
    Caller,
    a_picture,
    large_picture,
    unique,
    zipped,
)
from tests.table import table

UPLOADS = "/api/uploads"
HOUR = 3600
QUERY = re.compile(r"(?:download=1&)?e=([0-9]+)&k=([0-9]+)&s=([\w-]{43})")


class File(NamedTuple):
    asset: Asset
    data: bytes

    @property
    def id(self) -> str:
        return self.asset.id


def a_file(
    application: Application, owner: Caller, data: bytes | None = None, **query: str
) -> File:
    """An upload of `owner`, private unless its category says otherwise."""
    data = data or a_picture()
    answer = owner.post(UPLOADS, query_string={"reference": unique("ORD-"), **query}, data=data)
    assert answer.status_code == 201, answer.text
    asset = AssetStore(application.database).get(owner.site.id, answer.json["id"])
    assert asset is not None
    return File(asset, data)


@pytest.fixture(scope="module", autouse=True)
def categories(application: Application) -> Iterator[None]:
    """Categories of the default site, for the time of these tests."""
    own = {
        "at_edges": {"edge": True},
        "with_thumbs": {"public_thumbs": True},
        "for_sellers": {"readers": ["seller"]},
        "for_all": {"visibility": "public"},
    }
    sites = application.raw["sites"]
    sites.update_one({"_id": "default"}, {"$set": {"upload_categories": own}})
    forget_sites(application)
    yield
    sites.update_one({"_id": "default"}, {"$unset": {"upload_categories": ""}})
    forget_sites(application)


def forget_sites(application: Application) -> None:
    """What processes go by is read again."""
    for app in application.apps:
        app.extensions["avenue"][SiteService]._known.forget()


@pytest.fixture(scope="module")
def proof(application: Application, as_client: Caller) -> File:
    """A private picture of a client."""
    return a_file(application, as_client)


def link(caller: Caller, file: File, **wanted) -> str:
    """The path of a link that the API gives."""
    answer = caller.post(f"{UPLOADS}/{file.id}/sign", json=wanted)
    assert answer.status_code == 200, answer.text
    parts = urlsplit(answer.json["url"])
    assert f"{parts.scheme}://{parts.netloc}" == f"https://{caller.host}"
    assert QUERY.fullmatch(parts.query)
    return f"{parts.path}?{parts.query}"


def signed(application: Application, file: File, *, ago: timedelta, form: str = "original") -> str:
    """A link for a minute as it was given some time ago."""
    site = application.caller("nobody").site
    links = SignedLinks(
        LinkKeys(application.database),
        AssetStore(application.database),
        application.settings,
        now=lambda: utc_now() - ago,
    )
    path = form_path(site, file.asset, form)
    return links.signer(site.id).sign(file.asset, path, download=False, seconds=60).path


# What it opens


def test_whoever_has_the_link_has_the_file(nobody, as_client, proof):
    path = link(as_client, proof)
    answer = nobody.get(path)
    assert (answer.status_code, answer.data) == (200, proof.data)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert nobody.get(path.partition("?")[0]).status_code == 404


@pytest.mark.long
def test_head_tells_what_get_would(nobody, as_client, proof):
    path = link(as_client, proof)
    get, head = nobody.get(path), nobody.ask("HEAD", path)
    assert (head.status_code, head.data) == (200, b"")
    for answer in (get, head):
        answer.headers.remove("X-Request-ID")
        assert 0 < max_age(answer) <= HOUR + HOUR // WINDOWS
        answer.headers.remove("Cache-Control")  # a second may have passed
    assert dict(head.headers) == dict(get.headers)


def max_age(answer) -> int:
    found = re.fullmatch(
        r"private, max-age=([0-9]+), must-revalidate", answer.headers["Cache-Control"]
    )
    assert found, answer.headers["Cache-Control"]
    return int(found[1])


@pytest.mark.parametrize(
    "form",
    [
        "thumb.jpg",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("thumb", "gallery", "w320", "gallery.avif")
        ),
    ],
)
def test_a_link_may_be_to_a_size(nobody, as_client, proof, form):
    path = link(as_client, proof, variant=form)
    name, _, extension = form.partition(".")
    assert path.partition("?")[0].endswith(f"/{name}.{extension or 'webp'}")
    answer = nobody.get(path)
    assert answer.status_code == 200
    assert (
        answer.headers["Content-Type"]
        == f"image/{ {'jpg': 'jpeg'}.get(extension) or extension or 'webp' }"
    )
    assert answer.data != proof.data


@pytest.mark.long
def test_a_link_may_be_a_download(nobody, as_client, proof):
    answer = nobody.get(link(as_client, proof, download=True))
    assert (answer.status_code, answer.data) == (200, proof.data)
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("data", "media_type", "shown"),
    [
        pytest.param(pictures.pdf(), "application/pdf", "inline", marks=pytest.mark.long),
        pytest.param(
            zipped({"a.txt": b"a"}), "application/zip", "attachment", marks=pytest.mark.long
        ),
        (b"<html><script>1</script>", "text/plain; charset=utf-8", "attachment"),
    ],
    ids=["pdf", "zip", "html"],
)
def test_any_file_has_links(application, nobody, as_client, data, media_type, shown):
    file = a_file(application, as_client, data)
    path = link(as_client, file)
    answer = nobody.get(path)
    assert answer.headers["Content-Type"] == media_type
    assert (answer.status_code, answer.data) == (200, file.data)
    assert answer.headers["Content-Disposition"].startswith(shown)


@pytest.mark.long
def test_ranges_and_conditions_are_answered(application, nobody, as_client):
    data = large_picture(1000, 800, seed=77)
    file = a_file(application, as_client, data)
    path, chunk = link(as_client, file), 1024 * 1024
    assert len(data) > 2 * chunk
    whole = nobody.get(path)
    assert whole.headers["Accept-Ranges"] == "bytes"
    across = nobody.get(path, headers={"Range": f"bytes={chunk - 5}-{chunk + 5}"})
    assert (across.status_code, across.data) == (206, data[chunk - 5 : chunk + 6])
    rest = nobody.get(path, headers={"Range": f"bytes={2 * chunk}-"})
    assert (rest.status_code, rest.data) == (206, data[2 * chunk :])
    assert nobody.get(path, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    known = nobody.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    for answer in (whole, across, rest, known):
        assert max_age(answer) > 0
    assert nobody.get(path, headers={"If-Match": '"other"'}).status_code == 412


def test_pages_of_any_origin_may_show_it_and_nobody_in_between_keeps_it(nobody, as_client, proof):
    answer = nobody.get(link(as_client, proof, expires_in=1000))
    assert 900 < max_age(answer) <= 1250
    assert "Vary" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_bad_token_or_cookie_beside_a_link_changes_nothing(application, as_client, proof):
    path = link(as_client, proof)
    for headers in ({"Cookie": "avenue_session=rubbish"}, {"Authorization": "Bearer rubbish"}):
        answer = application.caller("nobody").get(path, headers=headers)
        assert (answer.status_code, answer.data) == (200, proof.data)
        assert "Vary" not in answer.headers


def test_only_reading_is_opened(nobody, as_client, proof):
    path = link(as_client, proof)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert nobody.ask(method, path).status_code == 405


# When it ends


def test_who_asks_again_is_given_the_same_link(as_client, as_admin, proof):
    """At most one window can end between the first of these and the last."""
    links = {link(who, proof, expires_in=7 * 86400) for who in (as_client, as_admin) * 3}
    assert len(links) <= 2


@pytest.mark.parametrize(
    "seconds", [HOUR, *(pytest.param(each, marks=pytest.mark.long) for each in (60, 86400))]
)
def test_it_lives_as_long_as_was_asked_and_at_most_a_quarter_longer(as_client, proof, seconds):
    before = datetime.now(UTC).timestamp()
    answer = as_client.post(f"{UPLOADS}/{proof.id}/sign", json={"expires_in": seconds}).json
    after = datetime.now(UTC).timestamp()
    ends = datetime.fromisoformat(answer["expires_at"]).timestamp()
    assert before + seconds <= ends <= after + seconds + seconds // WINDOWS
    assert f"e={int(ends)}&" in answer["url"]


def test_an_expired_link_says_so_and_opens_nothing(application, nobody, proof):
    path = signed(application, proof, ago=timedelta(hours=1))
    answer = nobody.get(path)
    assert (answer.status_code, answer.json["code"]) == (410, "link_expired")
    assert answer.headers["Cache-Control"] == "no-store"
    assert nobody.ask("HEAD", path).status_code == 410
    for headers in ({"Range": "bytes=0-0"}, {"If-None-Match": "*"}):
        assert nobody.get(path, headers=headers).status_code == 410


def test_who_follows_a_link_in_vain_is_told_so_on_a_page(application, as_client, proof):
    """A browser that goes there; not one that wants it for an `<img>`, and no program."""
    expired = signed(application, proof, ago=timedelta(hours=1))
    cut_off = link(as_client, proof)[:-1]
    page = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    picture = {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"}
    browser = application.app.test_client()
    for path, status, words in (
        (expired, 410, b"Ask for a new link."),
        (cut_off, 404, b"Page not found"),
    ):
        asked = {"base_url": f"https://{HOST}", "headers": {"Accept-Language": "en", **page}}
        answer = browser.get(path, **asked)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert words in answer.data
        assert answer.headers["Cache-Control"] == "no-store"
        assert path.rpartition("s=")[2].encode() not in answer.data
        for headers in (picture, {"Accept": "*/*"}, {}):
            answer = browser.get(path, base_url=f"https://{HOST}", headers=headers)
            assert (answer.status_code, answer.mimetype) == (status, "application/json")
    plain = browser.get(expired.partition("?")[0], base_url=f"https://{HOST}", headers=page)
    assert (plain.status_code, plain.mimetype) == (404, "application/json")


def test_who_may_read_the_file_anyway_needs_no_link(application, as_client, as_admin, proof):
    expired = signed(application, proof, ago=timedelta(hours=1))
    for who in (as_client, as_admin):
        answer = who.get(expired)
        assert (answer.status_code, answer.data) == (200, proof.data)
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_the_signature_is_looked_at_before_the_time(application, nobody, proof):
    """An expired link that was altered tells nothing: not even that it was one."""
    path = signed(application, proof, ago=timedelta(hours=1))
    assert nobody.get(path).status_code == 410
    for altered in altered_by_a_character(path, every=8):
        assert nobody.get(altered).status_code == 404, altered


# What is signed: everything


def altered_by_a_character(path: str, *, every: int) -> Iterator[str]:
    """`path` with characters behind `/media/` replaced by another, and taken out."""
    for at in range(len("/media/"), len(path), every):
        other = {"A": "B", "0": "1", "1": "0"}.get(path[at], "0" if path[at].isdigit() else "A")
        yield path[:at] + other + path[at + 1 :]
        yield path[:at] + path[at + 1 :]


@pytest.mark.parametrize(
    ("download", "every"),
    [
        (False, 4),
        *(pytest.param(each, 1, marks=pytest.mark.long) for each in (False, True)),
    ],
)
def test_a_link_with_one_character_altered_opens_nothing(nobody, as_client, proof, download, every):
    path = link(as_client, proof, variant="thumb", download=download)
    assert nobody.get(path).status_code == 200
    statuses = {
        altered: nobody.get(altered).status_code
        for altered in altered_by_a_character(path, every=every)
    }
    assert {altered: each for altered, each in statuses.items() if each != 404} == {}
    assert len(statuses) > 150 // every


class Parts(NamedTuple):
    """A link, taken apart."""

    asset: str
    token: str
    file: str
    e: str
    k: str
    s: str
    download: bool = False
    host: str = HOST

    @classmethod
    def of(cls, path: str) -> "Parts":
        where, _, query = path.partition("?")
        _, _, asset, token, file = where.split("/")
        found = QUERY.fullmatch(query)
        assert found
        return cls(asset, token, file, *found.groups(), query.startswith("download=1&"))

    def __str__(self) -> str:
        download = "download=1&" if self.download else ""
        query = f"{download}e={self.e}&k={self.k}&s={self.s}"
        return f"/media/{self.asset}/{self.token}/{self.file}?{query}"


@pytest.fixture
def altered(application: Application, as_client: Caller, proof: File) -> dict[str, Parts]:
    """The signature table: each field of a good link altered, to something that is there."""
    good = Parts.of(link(as_client, proof, variant="thumb"))
    another = a_file(application, as_client, proof.data)
    assert another.id != proof.id
    gallery = Parts.of(link(as_client, proof, variant="gallery"))
    original = Parts.of(link(as_client, proof))
    assert Parts.of(link(as_client, another, variant="thumb")).token == good.token
    Services(application.settings, application.database).signed_links.rotate("default")
    new_key = Parts.of(link(as_client, proof, variant="thumb")).k
    assert new_key != good.k
    return {
        "good": good,
        "asset": good._replace(asset=another.id),
        "no such asset": good._replace(asset=new_id()),
        "token": good._replace(token=gallery.token),
        "no such token": good._replace(token="0" * 12),
        "variant": good._replace(file="gallery.webp", token=gallery.token),
        "variant and its signature": gallery._replace(file=good.file, token=good.token),
        "original": original._replace(s=good.s),
        "extension": good._replace(file="thumb.jpg"),
        "no such variant": good._replace(file="huge.webp"),
        "disposition": good._replace(download=True),
        "later": good._replace(e=str(int(good.e) + 1)),
        "earlier": good._replace(e=str(int(good.e) - 1)),
        "for ever": good._replace(e="9" * 12),
        "expired": good._replace(e="1"),
        "key": good._replace(k=new_key),
        "no such key": good._replace(k="999999999"),
        "signature": good._replace(s="A" * 43),
        "signature of another": good._replace(s=gallery.s),
        "site": good._replace(host=OTHER_HOST),
    }


def test_every_field_is_signed(application, altered):
    found = {}
    for name, parts in altered.items():
        who = "nobody" if parts.host == HOST else "nobody_on_other_site"
        found[name] = application.caller(who).get(str(parts)).status_code
    assert found.pop("good") == 200
    assert found == dict.fromkeys(found, 404)


def test_a_download_is_no_link_to_look_at(nobody, as_client, proof):
    path = link(as_client, proof, download=True)
    assert nobody.get(path.replace("download=1&", "")).status_code == 404
    assert nobody.get(path.replace("download=1", "download=0")).status_code == 404


@table(
    "query",
    [
        "k={k}&e={e}&s={s}",
        "e={e}&k={k}&s={s}&download=1",
        "e={e}&k={k}&s={s}&",
        "e={e}&k={k}&s={s}&utm_source=letter",
        "e={e}&e={e}&k={k}&s={s}",
        "e=1&k={k}&s={s}&e={e}",
        "e=0{e}&k={k}&s={s}",
        "%65={e}&k={k}&s={s}",
        "e={e}&k={k}&s={s}%00",
        "e={e}&k={k}&s={s}=",
        "E={e}&K={k}&S={s}",
    ],
)
def test_a_link_is_good_as_it_was_written_and_not_otherwise(nobody, as_client, proof, query):
    path = link(as_client, proof)
    parts = Parts.of(path)
    where = path.partition("?")[0]
    written = query.format(e=parts.e, k=parts.k, s=parts.s)
    assert nobody.get(f"{where}?{written}").status_code == 404
    assert nobody.get(f"{where}?e={parts.e}&k={parts.k}&s={parts.s}").status_code == 200


def test_the_same_path_of_another_site_is_another_file(application, proof):
    """Even with the very same id, token and key number."""
    elsewhere = application.caller("nobody_on_other_site")
    admin = application.caller("admin_on_other_site")
    theirs = a_file(application, admin)
    here, there = (
        Services(application.settings, application.database).signed_links.signer(site)
        for site in ("default", OTHER_SITE)
    )
    path = form_path(admin.site, theirs.asset, "original")
    good = there.sign(theirs.asset, path, download=False, seconds=60).path
    forged = here.sign(theirs.asset, path, download=False, seconds=60).path
    assert elsewhere.get(good).status_code == 200
    assert elsewhere.get(forged).status_code == 404
    assert application.caller("nobody").get(good).status_code == 404


def test_links_need_the_secret_of_the_deployment(application, nobody, proof):
    """Who has a copy of the database cannot sign."""
    settings = application.settings.__class__(
        mongodb_uri=application.settings.mongodb_uri, secret_key="another-secret-key-of-somebody"
    )
    thief = Services(settings, application.database).signed_links
    path = form_path(nobody.site, proof.asset, "original")
    forged = thief.signer("default").sign(proof.asset, path, download=False, seconds=60).path
    assert nobody.get(forged).status_code == 404


# Revoking and rotating


def test_the_links_to_one_upload_are_ended_at_once(application, nobody, as_client):
    file, other = a_file(application, as_client), a_file(application, as_client)
    paths = [link(as_client, file), link(as_client, file, variant="thumb", download=True)]
    untouched = link(as_client, other)
    expired = signed(application, file, ago=timedelta(hours=1))
    assert {nobody.get(each).status_code for each in (*paths, untouched)} == {200}
    assert as_client.post(f"{UPLOADS}/{file.id}/revoke").status_code == 204
    assert {nobody.get(each).status_code for each in (*paths, expired)} == {404}
    assert nobody.get(untouched).status_code == 200
    fresh = link(as_client, file)
    assert fresh not in paths
    assert nobody.get(fresh).data == file.data


def test_the_links_of_a_site_are_ended_at_once(application, as_admin, as_client, nobody):
    away = application.caller("admin_on_other_site")
    file = a_file(application, as_client)
    theirs = a_file(application, away)
    here, there = link(as_client, file), link(away, theirs)
    elsewhere = application.caller("nobody_on_other_site")
    assert as_admin.post(f"{UPLOADS}/revoke").status_code == 204
    assert nobody.get(here).status_code == 404
    assert elsewhere.get(there).status_code == 200
    fresh = link(as_client, file)
    assert Parts.of(fresh).k != Parts.of(here).k
    assert nobody.get(fresh).status_code == 200
    assert nobody.get(here).status_code == 404


def test_a_worker_remembers_neither_keys_nor_private_files(application, as_client):
    """One that may believe what it knows for an hour has forgotten them at once, too."""
    app = application.with_settings(cache_seconds=HOUR)
    nobody = Caller(application, app, HOST)
    file = a_file(application, as_client)
    for end in (f"{UPLOADS}/{file.id}/revoke", f"{UPLOADS}/revoke"):
        path = link(as_client, file, variant="thumb")
        assert {nobody.get(path).status_code for _ in range(3)} == {200}
        assert application.caller("admin").post(end).status_code == 204  # in another process
        assert nobody.get(path).status_code == 404


def test_links_live_on_when_the_key_rotates(application, nobody, as_client, proof):
    links = Services(application.settings, application.database).signed_links
    before = link(as_client, proof)
    links.rotate("default")
    after = link(as_client, proof)
    assert Parts.of(after).k != Parts.of(before).k
    assert {nobody.get(each).status_code for each in (before, after)} == {200}


@contextmanager
def key_made(application: Application, ago: timedelta) -> Iterator[None]:
    """The newest key of the site looks as old as that."""
    application.raw["link_keys"].update_one(
        {"_id": "default"}, {"$set": {"keys.0.made_at": utc_now() - ago}}
    )
    yield


def test_a_key_signs_for_a_month_and_opens_for_as_long_as_its_links_live(
    application, nobody, as_client, proof
):
    first = Parts.of(link(as_client, proof))
    with key_made(application, KEY_LIFE - timedelta(minutes=5)):
        assert Parts.of(link(as_client, proof)).k == first.k
    with key_made(application, KEY_LIFE + timedelta(minutes=5)):
        second = Parts.of(link(as_client, proof))
    assert second.k != first.k
    assert nobody.get(str(first)).status_code == 200


@pytest.mark.long
def test_what_is_taken_back_from_the_trash_has_its_links_again(application, nobody, as_client):
    file, url = a_file(application, as_client), f"{UPLOADS}/"
    path = link(as_client, file)
    for status in (200, 404):
        assert as_client.delete(url + file.id).status_code == 204
        assert nobody.get(path).status_code == 404
        assert as_client.post(f"{url}{file.id}/restore").status_code == 200
        assert nobody.get(path).status_code == status
        as_client.post(f"{url}{file.id}/revoke")


def test_what_is_trashed_or_gone_has_no_links(application, nobody, as_client):
    file = a_file(application, as_client)
    path = link(as_client, file)
    for state in (State.TRASH, State.PURGING):
        application.raw["assets"].update_one({"_id": file.id}, {"$set": {"state": state}})
        assert nobody.get(path).status_code == 404
        assert as_client.post(f"{UPLOADS}/{file.id}/sign", json={}).status_code == 404
        assert as_client.post(f"{UPLOADS}/{file.id}/revoke").status_code == 404


# Who may make and end them

MAY = ("client", "admin")
MAY_NOT = ("other_client", "seller", "editor", "ops", "client_on_other_site", "admin_on_other_site")


@table("who", [*MAY, *MAY_NOT])
def test_links_are_made_and_ended_by_owner_and_administrators(application, as_client, who):
    file, caller = a_file(application, as_client), application.caller(who)
    expected = (200, 204) if who in MAY else (404, 404)
    made = caller.post(f"{UPLOADS}/{file.id}/sign", json={})
    ended = caller.post(f"{UPLOADS}/{file.id}/revoke")
    assert (made.status_code, ended.status_code) == expected
    many = caller.post(f"{UPLOADS}/sign", json={"items": [{"id": file.id}]})
    assert (many.json["items"][0]["url"] is not None) is (who in MAY)


def test_a_token_for_reading_makes_links_and_ends_none(application, as_client, proof):
    reader = application.with_scopes(as_client, Scope.READ)
    assert reader.post(f"{UPLOADS}/{proof.id}/sign", json={}).status_code == 200
    assert reader.post(f"{UPLOADS}/{proof.id}/revoke").status_code == 403


def test_only_uploads_have_links(application, as_admin, as_seller):
    product = as_seller.a_product(a_picture())
    image = product["images"][0]["id"]
    for action in ("sign", "revoke"):
        answer = as_admin.post(f"{UPLOADS}/{image}/{action}", json={})
        assert (answer.status_code, answer.json["code"]) == (404, "upload_not_found")


def test_a_public_upload_needs_no_signature(application, as_client, nobody):
    file = a_file(application, as_client, category="for_all")
    answer = as_client.post(f"{UPLOADS}/{file.id}/sign", json={"download": True}).json
    assert answer["expires_at"] is None
    assert answer["url"].endswith(".jpg?download=1")
    opened = nobody.get(answer["url"])
    assert opened.data == file.data
    assert opened.headers["Content-Disposition"].startswith("attachment")


@table(
    "wanted, code",
    [
        ({"expires_in": 0}, "invalid_body"),
        ({"expires_in": -1}, "invalid_body"),
        ({"expires_in": "3600"}, "invalid_body"),
        ({"expires_in": 7 * 86400 + 1}, "link_too_long"),
        ({"expires_in": 2**40}, "invalid_body"),
        ({"variant": "huge"}, "unknown_variant"),
        ({"variant": "original.exe"}, "unknown_variant"),
        ({"variant": "thumb.png"}, "unknown_variant"),
        ({"variant": "../thumb"}, "invalid_body"),
        ({"variant": None}, "invalid_body"),
        ({"download": "yes"}, "invalid_body"),
        ({"forever": True}, "invalid_body"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(as_client, proof, wanted, code):
    answer = as_client.post(f"{UPLOADS}/{proof.id}/sign", json=wanted)
    assert (answer.status_code, answer.json["code"]) == (400, code)
    if code == "link_too_long":
        assert answer.json["limit_seconds"] == 7 * 86400


@pytest.mark.long
def test_what_is_no_picture_has_no_sizes(application, as_client):
    file = a_file(application, as_client, pictures.pdf())
    answer = as_client.post(f"{UPLOADS}/{file.id}/sign", json={"variant": "thumb"})
    assert answer.json["code"] == "unknown_variant"


# What a category says


def test_roles_a_category_names_make_links_and_end_none(application, as_client, as_seller, nobody):
    file = a_file(application, as_client, category="for_sellers")
    path = link(as_seller, file)
    assert nobody.get(path).data == file.data
    assert as_seller.post(f"{UPLOADS}/{file.id}/revoke").status_code == 404
    assert nobody.get(path).status_code == 200


@pytest.mark.parametrize(
    "cache_seconds", [30, *(pytest.param(each, marks=pytest.mark.long) for each in (0, HOUR))]
)
def test_shared_caches_keep_it_only_where_the_category_says_so(
    application, as_client, cache_seconds
):
    """And they ask again as often as a worker of our own would, so that revoking reaches them."""
    nobody = Caller(application, application.with_settings(cache_seconds=cache_seconds), HOST)
    file = a_file(application, as_client, category="at_edges")
    path = link(as_client, file, expires_in=1000)
    known = {"If-None-Match": nobody.get(path).headers["ETag"]}
    for answer in (nobody.get(path), nobody.ask("HEAD", path), nobody.get(path, headers=known)):
        found = re.fullmatch(
            r"public, max-age=([0-9]+), s-maxage=([0-9]+), must-revalidate",
            answer.headers["Cache-Control"],
        )
        assert found
        seconds, at_edges = map(int, found.groups())
        assert 900 < seconds <= 1250
        assert at_edges == min(seconds, cache_seconds)
        assert "Vary" not in answer.headers
    as_client.post(f"{UPLOADS}/{file.id}/revoke")
    assert nobody.get(path, headers=known).status_code == 404
    assert as_client.get(path.partition("?")[0]).headers["Cache-Control"] == "private, no-store"


@pytest.mark.long
def test_thumbs_of_private_pictures_are_public_where_the_category_says_so(
    application, as_client, nobody
):
    file = a_file(application, as_client, category="with_thumbs")
    other = a_file(application, as_client, category="orders")
    for found, status in ((file, 200), (other, 404)):
        path = form_path(nobody.site, found.asset, "thumb")
        answers = [nobody.get(path) for _ in range(2)]
        assert {each.status_code for each in answers} == {status}
        for extension in ("jpg", "avif"):
            assert nobody.get(path.replace("webp", extension)).status_code == status
    shown = nobody.get(form_path(nobody.site, file.asset, "thumb"))
    assert shown.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert shown.headers["Access-Control-Allow-Origin"] == "*"
    chosen = nobody.get(f"/media/{file.id}/thumb")
    assert (chosen.status_code, chosen.headers["Cache-Control"]) == (302, "private, max-age=60")
    assert nobody.get(chosen.headers["Location"]).data == shown.data


@pytest.mark.long
def test_a_thumb_for_everybody_does_not_tell_what_the_picture_is_called(
    application, as_client, nobody
):
    file = a_file(application, as_client, category="with_thumbs", name="dni de Ana.jpg")
    thumb = form_path(nobody.site, file.asset, "thumb")
    for path in (thumb, f"{thumb}?download=1", thumb.replace("webp", "jpg")):
        for method in ("GET", "HEAD"):
            answer = nobody.ask(method, path)
            assert answer.status_code == 200
            assert "dni" not in str(answer.headers)
            assert re.search(r'filename="picture\.(webp|jpg)"', str(answer.headers))
    by_link = nobody.get(link(as_client, file))
    assert 'filename="dni de Ana.jpg"' in by_link.headers["Content-Disposition"]


@pytest.mark.parametrize("method", ["GET", pytest.param("HEAD", marks=pytest.mark.long)])
def test_only_thumbs_are_public_then(application, as_client, nobody, method):
    file = a_file(application, as_client, category="with_thumbs")
    forms = ("original", "gallery", "card", "og", "w320")
    paths = [form_path(nobody.site, file.asset, each) for each in forms]
    paths += [f"/media/{file.id}/{each}" for each in forms]
    thumb = form_path(nobody.site, file.asset, "thumb")
    gallery = form_path(nobody.site, file.asset, "gallery")
    token = gallery.split("/")[3]
    paths += [thumb.replace(thumb.split("/")[3], each) for each in (token, "0" * 12)]
    assert {path: nobody.ask(method, path).status_code for path in paths} == dict.fromkeys(
        paths, 404
    )
    application.raw["assets"].update_one({"_id": file.id}, {"$set": {"state": State.TRASH}})
    assert nobody.ask(method, thumb).status_code == 404


# Many at once


@pytest.mark.long
def test_many_links_at_once_stand_as_they_were_asked_for(application, as_client, nobody, proof):
    other = a_file(application, as_client)
    strangers = a_file(application, application.caller("other_client"))
    wanted = [
        {"id": proof.id, "variant": "thumb"},
        {"id": strangers.id},
        {"id": other.id, "download": True, "expires_in": 60},
        {"id": new_id()},
        {"id": proof.id, "variant": "huge"},
        {"id": proof.id, "variant": "thumb"},
    ]
    answer = as_client.post(f"{UPLOADS}/sign", json={"items": wanted})
    assert answer.status_code == 200
    items = answer.json["items"]
    assert [each["id"] for each in items] == [each["id"] for each in wanted]
    assert [each.get("code") for each in items] == [
        None,
        "upload_not_found",
        None,
        "upload_not_found",
        "unknown_variant",
        None,
    ]
    assert items[0] == items[5]
    assert nobody.get(items[2]["url"]).data == other.data


def test_a_hundred_links_cost_as_many_queries_as_one(application, as_client, proof):
    def queries(count: int) -> int:
        before = sum(application.watch.seen.values())
        items = [{"id": proof.id, "variant": "thumb"}] * count
        answer = as_client.post(f"{UPLOADS}/sign", json={"items": items})
        assert len(answer.json["items"]) == count
        return sum(application.watch.seen.values()) - before

    def fewest(count: int) -> int:
        """Without what is looked up once in a while."""
        return min(queries(count) for _ in range(3))

    assert fewest(1) == fewest(100)
    answer = as_client.post(f"{UPLOADS}/sign", json={"items": [{"id": proof.id}] * 101})
    assert answer.json["code"] == "invalid_body"
    assert as_client.post(f"{UPLOADS}/sign", json={"items": []}).status_code == 400


# What is written down


def test_links_are_told_in_the_log_of_changes_without_themselves(application, as_admin, as_client):
    file = a_file(application, as_client)
    path = link(as_client, file, variant="thumb")
    as_client.post(f"{UPLOADS}/sign", json={"items": [{"id": file.id}, {"id": new_id()}]})
    as_client.post(f"{UPLOADS}/{file.id}/revoke")
    as_admin.post(f"{UPLOADS}/revoke")
    entries = as_admin.get("/api/audit?limit=4").json["items"]
    assert [each["action"] for each in entries] == [
        "site.links_revoked",
        "upload.links_revoked",
        "upload.links_made",
        "upload.link_made",
    ]
    made = entries[-1]
    assert (made["object"]["id"], made["actor"]["id"]) == (file.id, as_client.id)
    assert made["details"]["variant"] == "thumb"
    assert entries[2]["details"] == {"assets": [file.id]}
    stored = str(list(application.raw["audit_logs"].find({})))
    assert Parts.of(path).s not in stored
