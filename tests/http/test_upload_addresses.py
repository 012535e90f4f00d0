"""Addresses of uploads: links that come along, visibility that changes them, and old clients."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from avenue.media.announcing.models import PURGES
from avenue.media.announcing.presenting import paths_of
from avenue.media.store.documents import from_document
from avenue.notifications.store import OutboxStore
from avenue.sites.service import SiteService
from tests.http.application import HOST, Application, Caller, Part, a_picture, unique
from tests.table import table

UPLOADS = "/api/uploads"
ORDERS = "/api/core/orders/"
DAY = 24 * 60 * 60


@pytest.fixture(scope="module", autouse=True)
def public_category(application: Application) -> Iterator[None]:
    """A category whose uploads everybody sees."""
    change = {"$set": {"upload_categories": {"for_all": {"visibility": "public"}}}}
    application.raw["sites"].update_one({"_id": "default"}, change)
    for app in application.apps:
        app.extensions["avenue"][SiteService]._known.forget()
    yield
    change = {"$unset": {"upload_categories": ""}}
    application.raw["sites"].update_one({"_id": "default"}, change)


def added(caller: Caller, data: bytes | None = None, **query: object) -> dict[str, Any]:
    answer = caller.post(UPLOADS, query_string=query, data=data or a_picture())
    assert answer.status_code == 201, answer.text
    return answer.json


def path_of(url: str) -> str:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == f"https://{HOST}"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def addresses_of(upload: dict[str, Any]) -> list[str]:
    """All addresses an upload is shown at."""
    sizes = [each["url"] for each in upload["variants"].values()]
    return [path_of(each) for each in (upload["url"], *sizes)]


# Links that come along


def test_an_upload_comes_with_links_an_img_can_show(as_client: Caller, nobody: Caller) -> None:
    reference = unique("ORD-")
    stored = added(as_client, reference=reference, sign=3600)["file"]
    listed = as_client.get(f"{UPLOADS}?reference={reference}&sign=3600").json["items"][0]
    read = as_client.get(f"{UPLOADS}/{stored['id']}?sign=3600").json
    for each in (stored, listed, read):
        assert each["signed"]["expires_at"]
        assert set(each["signed"]["variants"]) == set(each["variants"])
        for url in (each["signed"]["url"], each["signed"]["variants"]["thumb"]):
            assert nobody.get(path_of(url)).status_code == 200
        assert nobody.get(path_of(each["url"])).status_code == 404
    assert "signed" not in as_client.get(f"{UPLOADS}/{stored['id']}").json


def test_links_to_what_everybody_sees_never_end(as_client: Caller) -> None:
    signed = added(as_client, category="for_all", sign=60)["file"]["signed"]
    assert signed["expires_at"] is None
    assert not urlsplit(signed["url"]).query


@table(
    "sign, code",
    [
        (7 * DAY + 1, "link_too_long"),
        *((each, "invalid_query") for each in ("0", "-1", "1e3", "٣")),
    ],
)
def test_a_wrong_time_is_refused_and_nothing_stored(
    application: Application, as_client: Caller, sign: object, code: str
) -> None:
    before = application.raw["assets"].count_documents({})
    for answer in (
        as_client.post(UPLOADS, query_string={"sign": sign}, data=a_picture()),
        as_client.get(UPLOADS, query_string={"sign": sign}),
    ):
        assert (answer.status_code, answer.json["code"]) == (400, code)
    assert application.raw["assets"].count_documents({}) == before


# Visibility


def test_what_becomes_private_is_gone_from_each_address(
    application: Application, as_client: Caller, nobody: Caller
) -> None:
    application.database.purges_caches = True
    shown = added(as_client, category="for_all")["file"]
    path, before = f"{UPLOADS}/{shown['id']}", addresses_of(shown)
    assert [nobody.get(each).status_code for each in before] == [200] * len(before)

    answer = as_client.patch(path, json={"visibility": "private"})
    application.database.purges_caches = False

    assert answer.status_code == 200
    assert "navegadores" in answer.json["warning"]
    after = addresses_of(answer.json)
    assert set(after).isdisjoint(before)
    assert [nobody.get(each).status_code for each in (*before, *after)] == [404] * 2 * len(after)
    assert [as_client.get(each).status_code for each in after] == [200] * len(after)
    application.raw["notifications"].update_many({}, [{"$set": {"due_at": "$$NOW"}}])
    [message] = OutboxStore(application.database).take(PURGES, 60, 100)
    assert set(before) <= set(paths_of(from_document(dict(message.content))))

    link = path_of(as_client.post(f"{path}/sign", json={}).json["url"])
    again = as_client.patch(path, json={"visibility": "public"}).json
    assert "warning" not in again
    assert set(addresses_of(again)).isdisjoint({*before, *after})
    assert [nobody.get(each).status_code for each in addresses_of(again)] == [200] * len(after)
    assert nobody.get(link).status_code == 308  # everybody may see it, at its address of today
    same = as_client.patch(path, json={"visibility": "public", "name": "nuevo.jpg"}).json
    assert addresses_of(same) == addresses_of(again)


def test_nobody_else_changes_who_sees_it(as_client: Caller, application: Application) -> None:
    stored = added(as_client)
    path = f"{UPLOADS}/{stored['id']}"
    for who, status in (("other_client", 404), ("nobody", 401)):
        answer = application.caller(who).patch(path, json={"visibility": "public"})
        assert answer.status_code == status
    wrong = as_client.patch(path, json={"visibility": "secret"})
    assert wrong.status_code == 400
    assert as_client.get(path).json["visibility"] == "private"


# Existing clients


def test_an_order_form_uploads_as_it_always_did(as_client: Caller, nobody: Caller) -> None:
    data = a_picture()
    answer = as_client.upload(ORDERS, Part(data, field="image", name="img.jpg"))
    assert answer.status_code == 201
    assert set(answer.json) == {"id", "image", "image_url"}
    assert nobody.get(path_of(answer.json["image_url"])).data == data
    assert nobody.get(f"/media/{answer.json['image']}").data == data
    assert as_client.get(f"{UPLOADS}/{answer.json['id']}").json["category"] == "orders"
    assert as_client.upload(ORDERS.rstrip("/"), Part(a_picture())).status_code == 201


def test_what_an_order_form_may_not_send_is_refused(as_client: Caller, nobody: Caller) -> None:
    assert nobody.upload(ORDERS, a_picture()).status_code == 401
    refused = as_client.upload(ORDERS, Part(b"just text", name="a.txt"))
    assert (refused.status_code, refused.json["code"]) == (415, "unsupported_media_type")
    other = as_client.post(f"{ORDERS}?category=general", data=b"just text")
    assert other.status_code == 415
