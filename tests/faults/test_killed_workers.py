"""Workers killed in the middle of uploads: kept or not there, never half, never twice."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.faults.deployment import (
    CLEAN,
    Raw,
    end_leases,
    expire_unclaimed,
    inspect,
    sha256,
    shown,
    sweep,
)
from tests.mongod import Guard, Mongod, lifetime_of_transactions
from tests.pictures import noise_png
from tests.server import BROKEN, Answer, Client, Server, answer_of, images_path
from tests.threads import joined
from tests.waiting import let_pass, wait_until

LONGEST_UPLOAD_SECONDS = 0.15
CHUNKS = 4


@pytest.fixture
def server(guard: Guard, mongod: Mongod, shop_uri: str) -> Iterator[Server]:
    # A worker killed inside its transaction leaves the product locked until MongoDB gives the
    # transaction up, after 60 s; the test does not wait for that.
    with lifetime_of_transactions(mongod, 3), Server(guard, shop_uri) as running:
        yield running


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.long)])
def test_a_worker_killed_at_any_moment_of_an_upload_loses_and_leaves_nothing(
    server: Server, shop_uri: str, shop_database: Raw, kills: int
) -> None:
    random.seed(kills)
    seller = server.seller()
    kept = 0
    for number in range(kills):
        product = seller.create_product()
        picture = noise_png(1100, 1000, seed=number)  # 3.3 MB: `CHUNKS`
        # Most of an upload is receiving and decoding: every other kill waits for the storing.
        moment = any_moment if number % 2 else while_storing(shop_database)

        answer = upload_and_kill(server, seller, product, picture, moment)

        assert answer is None or answer.status == 201, answer
        seen = shown(seller, product)
        assert seen in ([], [sha256(picture)])
        if answer is not None:
            assert seen == [sha256(picture)]
        if number % 4 == 3:  # this client never comes back
            kept += len(seen)
            continue
        upload_until_it_is_kept(seller, shop_database, product, picture)
        assert shown(seller, product) == [sha256(picture)]
        kept += 1

    end_leases(shop_database)
    sweep(shop_uri)
    deployment = inspect(shop_database)
    assert (deployment.claimed, deployment.damage) == (kept, ())
    assert (deployment.stray_files, deployment.stray_chunks) == (0, 0)
    # What is still unclaimed was whole before its worker died, and waits for its 24 hours.
    expire_unclaimed(shop_database)
    sweep(shop_uri)
    deployment = inspect(shop_database)
    assert (deployment.claimed, deployment.unclaimed, deployment.damage) == (kept, 0, ())
    assert (deployment.stray_files, deployment.stray_chunks) == CLEAN[2:]


def upload_and_kill(
    server: Server, seller: Client, product: str, picture: bytes, moment: Callable[[], None]
) -> Answer | None:
    """Upload, and kill the worker when `moment` returns; return the answer if it still came."""
    victim = server.worker_pids()[0]
    headers, body = seller.upload_request(product, picture, "the-key")

    def kill() -> None:
        moment()
        os.kill(victim, signal.SIGKILL)

    with seller.connection() as connection:
        connection.connect()
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        try:
            connection.request("POST", images_path(product), body, seller.headers() | headers)
            return answer_of(connection)
        except BROKEN:
            return None
        finally:
            joined(killer)
            server.wait_until_ready()


def any_moment() -> None:
    let_pass(random.uniform(0, LONGEST_UPLOAD_SECONDS))


def while_storing(database: Raw) -> Callable[[], None]:
    """Some time between the first chunk of the next upload and its end."""
    stored = database["product_images.chunks"].estimated_document_count
    wanted = stored() + random.randrange(CHUNKS + 1)

    def wait() -> None:
        wait_until(lambda: stored() >= wanted, "chunks are stored")
        let_pass(random.uniform(0, 0.01))

    return wait


def upload_until_it_is_kept(seller: Client, database: Raw, product: str, picture: bytes) -> None:
    """Repeat the request with its key, as its hint says, until it is answered with success."""
    answer = seller.upload(product, picture, "the-key")
    if answer.code == "upload_in_progress":
        # The dead worker's lease runs for some 20 s more; the test does not wait for that.
        end_leases(database)
        answer = seller.upload(product, picture, "the-key")
    assert answer.status in {200, 201}, answer
