"""An existing frontend against a running server: nothing in it changes but the host."""

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.http.application import a_picture
from tests.mongod import Guard
from tests.receiver import SECRET, Inbox, receiving
from tests.server import Answer, Client, Server, prepare

ALIASES = "/api/core/orders/ image orders,/api/pagos/ comprobante deposit_proofs"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@pytest.fixture
def server(guard: Guard, migrated_uri: str, inbox: Inbox) -> Iterator[Server]:
    prepare(migrated_uri)
    with Server(
        guard,
        migrated_uri,
        AVENUE_JOBS="inline",
        AVENUE_CACHE_SECONDS="0",
        AVENUE_PURGE_URL=inbox.url,
        AVENUE_PURGE_SECRET=SECRET,
        AVENUE_UPLOAD_ALIASES=ALIASES,
    ) as server:
        yield server


def sent(client: Client, path: str, field: str, data: bytes, **more: str) -> Answer:
    """What a browser sends for a form with a file and some fields."""
    boundary, body = secrets.token_hex(16), b""
    for name, value in more.items():
        body += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        ).encode()
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="img.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{boundary}--\r\n".encode()
    return client.request(
        "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )


def at(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def addresses(upload: Any) -> list[str]:
    return [at(upload["url"]), *(at(each["url"]) for each in upload["variants"].values())]


def test_an_order_form_a_list_and_a_change_of_mind(server: Server, inbox: Inbox) -> None:
    who, nobody = server.seller(), server.client
    data, other = a_picture(), a_picture()

    # The order form: its route, its field, its answer, and an <img> that shows at once.
    order = sent(who, "/api/core/orders/", "image", data, customer="Ana", reference="ORD-7")
    assert (order.status, sorted(order.json)) == (201, ["id", "image", "image_url"])
    assert nobody.get(at(order.json["image_url"])).body == data
    assert nobody.get(f"/media/{order.json['image']}").body == data
    proof = sent(who, "/api/pagos/", "comprobante", other)
    assert sorted(proof.json) == ["comprobante", "comprobante_url", "id"]
    assert nobody.get(at(proof.json["comprobante_url"])).body == other
    assert sent(nobody, "/api/core/orders/", "image", data).status == 401

    # Links on upload, list and read.
    stored = who.request(
        "POST", "/api/uploads?sign=60&reference=ORD-7&category=orders", a_picture()
    )
    listed = who.get("/api/uploads?reference=ORD-7&sign=60").json["items"]
    read = who.get(f"/api/uploads/{order.json['id']}?sign=60").json
    assert len(listed) == 2
    for each in (stored.json["file"], *listed, read):
        assert nobody.get(at(each["signed"]["url"])).status == 200
        assert nobody.get(at(each["signed"]["variants"]["thumb"])).status == 200
        assert nobody.get(at(each["url"])).status == 404

    # For everybody, and back: every address changes, and edges are told.
    path = f"/api/uploads/{order.json['id']}"
    shown = who.send_json("PATCH", path, {"visibility": "public"}).json
    old = addresses(shown)
    assert set(old).isdisjoint(addresses(read))
    assert [nobody.get(each).status for each in old] == [200] * len(old)
    inbox.all()
    hidden = who.send_json("PATCH", path, {"visibility": "private"})
    assert (hidden.status, "warning" in hidden.json) == (200, True)
    new = addresses(hidden.json)
    assert set(old).isdisjoint(new)
    assert [nobody.get(each).status for each in (*old, *new)] == [404] * (2 * len(old))
    told = {urlsplit(url).path for url in inbox.next().message["urls"]}
    assert set(old) <= told
    assert nobody.get(at(order.json["image_url"])).status == 404, "of the old address"
    again = who.get(f"{path}?sign=60").json["signed"]
    assert nobody.get(at(again["url"])).body == data
