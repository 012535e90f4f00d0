"""Pictures made to do harm, sent to a real server: refused or made harmless."""

import re
from collections.abc import Iterator

import pytest

from tests import pictures
from tests.faults.deployment import CLEAN, Raw, inspect
from tests.faults.test_memory import MIB, Peak
from tests.media.test_decode_pool import ATTACKS
from tests.mongod import Guard
from tests.server import Answer, Client, Server, images_path, path_of
from tests.table import table

MOST_BYTES = 20 * MIB


@pytest.fixture
def server(guard: Guard, shop_uri: str) -> Iterator[Server]:
    with Server(guard, shop_uri) as running:
        yield running


def send(seller: Client, product: str, data: bytes) -> Answer:
    headers = {"Content-Type": "application/octet-stream"}
    return seller.request("POST", f"{images_path(product)}?name=foto.jpg", data, headers)


def counts(database: Raw) -> dict[str, int]:
    names = set(database.list_collection_names()) - {"rate_limits"}
    return {name: database[name].count_documents({}) for name in sorted(names)}


@pytest.mark.long
def test_no_attack_is_stored_or_felt(server: Server, shop_database: Raw) -> None:
    seller = server.seller()
    product = seller.create_product()
    assert send(seller, product, pictures.photo(seed=1)).status == 201
    (worker,) = server.worker_pids()
    peak, before = Peak(worker), counts(shop_database)
    held = peak.reset()
    for name, (_, make, code) in ATTACKS.items():
        answer = send(seller, product, make())
        assert answer.status in {415, 422}, name
        assert answer.code in {code, "unsupported_media_type"}, name
    assert peak.bytes() - held < MOST_BYTES
    assert counts(shop_database) == before
    assert send(seller, product, pictures.photo(seed=2)).status == 201
    assert server.worker_pids() == [worker]
    deployment = inspect(shop_database)
    assert (deployment.claimed, deployment.stray, deployment.damage) == (2, CLEAN, ())


STOWAWAY = re.compile(rb"<script|PK\x03\x04")
TWO_THINGS = [
    ("JPEG and HTML", "comment"),
    ("JPEG and ZIP", "tail"),
    ("PNG and ZIP", "tail"),
    ("WEBP and ZIP", "tail"),
]


@table("what, removed", TWO_THINGS)
def test_what_is_two_things_is_only_a_picture_afterwards(
    server: Server, shop_database: Raw, what: str, removed: str
) -> None:
    seller = server.seller()
    product = seller.create_product()
    kind, _, other = what.split(" ")
    two = pictures.with_comment() if other == "HTML" else zip_behind(kind)
    answer = send(seller, product, two)
    assert answer.status == 201, answer
    file = answer.json["file"]
    assert removed in file["removed"]
    shown = [file["url"], *(each["url"] for each in file["variants"].values())]
    for url in shown:
        public = server.client.get(path_of(url))
        assert public.status == 200
        assert not STOWAWAY.search(public.body), url
        assert public.headers["X-Content-Type-Options"] == "nosniff"
    deployment = inspect(shop_database)
    assert (deployment.stray, deployment.damage) == (CLEAN, ())


def zip_behind(kind: str) -> bytes:
    return pictures.zip_tail(pictures.photo(format=kind))
