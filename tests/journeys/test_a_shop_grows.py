"""A season in a shop, on a real server: pictures before products, groups, phones, and a crash."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import pictures
from tests.faults.deployment import CLEAN, Raw, expire_unclaimed, inspect, raw, sweep
from tests.mongod import Guard, Mongod
from tests.server import Answer, Client, Server, path_of, prepare

PRODUCTS, GROUPS, TEMP = "/api/shop/products", "/api/shop/groups", "/api/shop/temp-images"


@pytest.fixture
def server(guard: Guard, migrated_uri: str) -> Iterator[Server]:
    prepare(migrated_uri)
    with Server(guard, migrated_uri, AVENUE_CACHE_SECONDS="0") as running:
        yield running


@pytest.fixture
def database(mongod: Mongod, migrated_uri: str) -> Raw:
    return raw(mongod.client, migrated_uri)


def send(client: Client, method: str, path: str, value: object, status: int) -> Any:
    answer = client.send_json(method, path, value)
    assert answer.status == status, answer
    return answer.json if answer.body else None


def upload(client: Client, path: str, *files: bytes, field: str = "images") -> Answer:
    """Send pictures as Dart's http package does."""
    boundary = "dart-http-boundary-3fXyZ"
    body = b"".join(
        f"--{boundary}\r\ncontent-type: application/octet-stream\r\ncontent-disposition: "
        f'form-data; name="{field}"; filename="foto {n}.jpg"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for n, data in enumerate(files)
    )
    body += f"--{boundary}--\r\n".encode()
    return client.request(
        "POST", path, body, {"content-type": f"multipart/form-data; boundary={boundary}"}
    )


def bytes_at(client: Client, url: str) -> bytes | None:
    answer = client.get(path_of(url))
    return answer.body if answer.status == 200 else None


def test_a_season(server: Server, database: Raw, migrated_uri: str) -> None:
    seller, anybody = server.seller(), server.client
    front, back, sole, model = (pictures.photo(200, 150, seed=n) for n in range(4))

    # Pictures first. The worker dies, and they still wait.
    answer = upload(seller, TEMP, front, back, sole)
    assert answer.status == 201, answer
    first, second, third = (each["id"] for each in answer.json["files"])
    server.kill_worker()
    server.wait_until_ready()
    waiting = seller.get(TEMP).json
    assert {each["id"] for each in waiting["items"]} == {first, second, third}
    assert all(each["expires_at"] > each["created_at"] for each in waiting["items"])

    # Two of them belong to the shoe; the third is forgotten.
    shoe = {"name": "Zapato", "sku": "ZR-1", "status": "published", "temp_images": [second, first]}
    product = send(seller, "POST", PRODUCTS, shoe, 201)
    assert [bytes_at(anybody, url) for url in product["image_urls"]] == [back, front]
    expire_unclaimed(database)
    sweep(migrated_uri)
    late = send(seller, "POST", PRODUCTS, {"name": "Bota", "temp_images": [third]}, 409)
    assert late["code"] == "temp_image_expired"
    assert seller.get(PRODUCTS + "?owner=me").json["total"] == 1

    # A group of one model with a picture of its own; the shoe is its red option.
    group = send(seller, "POST", GROUPS, {"model": "ZR", "product_ids": [product["id"]]}, 201)
    assert upload(seller, f"{GROUPS}/{group['id']}/images", model).status == 201
    shown = anybody.get(f"{GROUPS}/{group['id']}").json
    assert [bytes_at(anybody, url) for url in shown["image_urls"]] == [model]
    picture = shown["images"][0]["id"]
    options = {"options": [{"name": "rojo", "images": [picture]}], "revision": shown["revision"]}
    assert send(seller, "PATCH", f"{GROUPS}/{group['id']}", options, 200)["options"]

    # A picture that stays where it is.
    elsewhere = "https://images.example/zapato.jpg"
    images = f"{PRODUCTS}/{product['id']}/images"
    send(seller, "POST", images, {"image_url": elsewhere}, 201)

    # The old app on a phone adds one and takes one away.
    phone = f"/api/products/{product['id']}"
    added = upload(seller, f"{phone}/upload_images/", sole).json["images"]
    assert added[:3] == [*product["image_urls"], elsewhere]
    left = send(seller, "DELETE", f"{phone}/delete_image", {"image_url": path_of(added[0])}, 200)
    assert left["images"] == added[1:]
    left = send(seller, "DELETE", f"{phone}/delete_image/", {"image_url": elsewhere}, 200)
    assert [bytes_at(anybody, url) for url in left["images"]] == [front, sole]

    # The season is over: the group goes, the shoe stays.
    send(seller, "DELETE", f"{GROUPS}/{group['id']}", {}, 204)
    last = anybody.get(f"{PRODUCTS}/{product['id']}").json
    assert (last["group"], len(last["images"])) == (None, 2)
    assert anybody.get(path_of(shown["image_urls"][0])).status == 404
    deployment = inspect(database)
    assert (deployment.claimed, deployment.trash, deployment.stray, deployment.damage) == (
        2,
        2,
        CLEAN,
        (),
    )
