"""Workers killed while a ticket is used: one file or none, and no room that stays reserved."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from avenue.clock import utc_now
from tests.faults.deployment import Raw, end_leases, expire_unclaimed, sweep
from tests.mongod import Guard, Mongod, fail_point, lifetime_of_transactions
from tests.server import BROKEN, Client, Server, path_of
from tests.threads import joined
from tests.waiting import wait_until

DATA = b"a proof of payment\n" * 1000
HELD_MS = 4_000
STORED = ("insert", "uploads.chunks")
USED = ("update", "upload_tickets")
KEPT = ("commitTransaction", "")
"""The moments: a command to the database, and the collection it is about."""

Moment = tuple[str, str]


@pytest.fixture
def server(guard: Guard, mongod: Mongod, shop_uri: str) -> Iterator[Server]:
    # What a killed worker has locked in its transaction, MongoDB frees after 60 s by itself.
    quota = {"AVENUE_MAX_USER_FILES": "100"}
    with lifetime_of_transactions(mongod, 3), Server(guard, shop_uri, **quota) as running:
        yield running


@pytest.mark.parametrize(
    "moments", [[KEPT], pytest.param([STORED, USED, KEPT], marks=pytest.mark.long)], ids=len
)
def test_a_worker_killed_while_a_ticket_is_used_leaves_one_file_or_none(
    server: Server,
    mongod: Mongod,
    shop_uri: str,
    shop_database: Raw,
    moments: Sequence[Moment],
) -> None:
    seller = server.seller()
    references: list[str] = []

    def is_killed_in(moment: Moment) -> bool:
        references.append(f"ORD-{len(references)}")
        asked = {"reference": references[-1]}
        made = seller.send_json("POST", "/api/uploads/tickets", asked).json
        is_killed = use_and_kill(server, mongod, shop_database, made, moment)
        use_until_it_is_used(server, made)
        listed = seller.get(f"/api/uploads?reference={references[-1]}").json
        assert listed["total"] == 1
        assert seller.get(path_of(listed["items"][0]["url"])).body == DATA
        assert use(server, made, b"another") == 409
        return is_killed

    for moment in moments:
        wait_until(partial(is_killed_in, moment), "a worker is killed while its command is held")

    # The dead have room reserved for an hour; what they had stored waits for its 24 hours.
    [ledger] = shop_database["quotas"].find()
    assert 1 <= len(ledger["held"]) <= len(moments)
    past = {"held.$[].until": utc_now() - timedelta(seconds=1), "counted_at": None}
    shop_database["quotas"].update_one({"_id": ledger["_id"]}, {"$set": past})
    expire_unclaimed(shop_database)
    end_leases(shop_database)
    sweep(shop_uri)
    for name in ("assets", "uploads.files", "uploads.chunks"):
        assert shop_database[name].count_documents({}) == len(references), name
    assert seller.request("POST", "/api/uploads?name=a.txt", b"one more").status == 201
    [ledger] = shop_database["quotas"].find()
    assert (ledger["files"], ledger["held"]) == (len(references) + 1, [])


def use_and_kill(
    server: Server, mongod: Mongod, database: Raw, made: dict[str, str], moment: Moment
) -> bool:
    """Use a ticket, and kill the worker while the database holds that command of it.

    Return whether it was still held: a busy machine may look too late.
    """
    command, collection = moment
    namespace = f"{database.name}.{collection}" if collection else None
    with fail_point(mongod.client, [command], 1, block_ms=HELD_MS, namespace=namespace):
        sender = threading.Thread(target=use, args=[server, made], daemon=True)
        sender.start()
        wait_until(
            lambda: is_held(mongod, database, moment) or not sender.is_alive(),
            f"{command} is held",
        )
        if is_in_time := sender.is_alive():
            os.kill(server.worker_pids()[0], signal.SIGKILL)
        joined(sender)
    server.wait_until_ready()
    return is_in_time


def use_until_it_is_used(server: Server, made: dict[str, str]) -> None:
    """Use a ticket again until MongoDB has given up what the dead worker had begun."""
    wait_until(lambda: use(server, made) in {200, 201}, "the ticket is used", every=0.25)


def use(server: Server, made: dict[str, str], data: bytes = DATA) -> int | None:
    """Use a ticket; return the status, None when no answer came."""
    path, head = f"{path_of(made['url'])}?name=a.txt", {"Upload-Ticket": made["ticket"]}
    with suppress(*BROKEN):
        return Client(server.port).request("POST", path, data, head).status
    return None


def is_held(mongod: Mongod, database: Raw, moment: Moment) -> bool:
    """Tell whether the server has such a command in hand; of commits it does not say whose."""
    command, collection = moment
    wanted = {command: collection, "$db": database.name} if collection else {command: 1}
    found = mongod.client.admin.aggregate([{"$currentOp": {"localOps": True}}])
    return any(wanted.items() <= each.get("command", {}).items() for each in found)
