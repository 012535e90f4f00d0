"""The log of changes while MongoDB refuses to take it: changes go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from avenue.audit.store import WRITE_SECONDS
from tests.faults.deployment import in_time, raw
from tests.mongod import Guard, Mongod, fail_point
from tests.server import Server, prepare

SPARE_SECONDS = 8
"""It ends before the usual 15 s of a write all the same."""
STEPPING_DOWN = 189


@pytest.fixture(scope="module")
def server(mongod: Mongod, shared_uri: str, guard: Guard) -> Iterator[tuple[Server, Mongod]]:
    prepare(shared_uri)
    with Server(guard, shared_uri) as server:
        yield server, mongod


def entries(server: Server, mongod: Mongod, product: str) -> list[dict[str, Any]]:
    return list(raw(mongod.client, server.uri)["audit_logs"].find({"object.id": product}))


@contextmanager
def failing_log(server: tuple[Server, Mongod], times: int | None) -> Iterator[None]:
    """Let the log fail `times` times, None: in the whole block."""
    log = raw(server[1].client, server[0].uri)["audit_logs"]
    with fail_point(
        server[1].client,
        ["update"],
        times,
        STEPPING_DOWN,
        app_name="avenue",
        namespace=log.full_name,
    ) as point:
        yield
    assert point.hits


@pytest.mark.parametrize(
    "times", [3, *(pytest.param(each, marks=pytest.mark.long) for each in (1, 2))]
)
def test_some_errors_in_a_row_lose_no_entry(server, times):
    seller = server[0].seller()
    with failing_log(server, times):
        product = seller.create_product()
    (entry,) = entries(*server, product)
    assert entry["action"] == "product.created"


def test_errors_without_end_lose_the_entry_and_not_the_change(server):
    seller = server[0].seller()
    with failing_log(server, None):
        product = in_time(seller.create_product, WRITE_SECONDS + SPARE_SECONDS)
        assert seller.product(product)["id"] == product
        # Looked at in here: on a busy machine mongod may read the last attempt, which the server
        # has given up, after the block.
        assert entries(*server, product) == []
    assert f"lacks an entry: product.created of {product}" in server[0].log.read_text()
