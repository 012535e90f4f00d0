"""Starting while MongoDB is away, and refusing to start over a database that is not ours."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import WriteConcern

from tests.forking import forked
from tests.mongod import SET_NAME, Guard, Mongod, free_port
from tests.pictures import photo
from tests.server import ROOT, SERVING, Client, Server, environment, prepare
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

READ_SECONDS = 3
AT_ONCE_SECONDS = 2.9
"""For a busy machine; sooner than a read of the database would be given up."""
SPARE_SECONDS = 1.9
"""For a busy machine, too; it ends before the usual 5 s of a read all the same."""
SOON: dict[str, Any] = {"ready": False, "AVENUE_READ_SECONDS": "1"}
"""For a server whose database is away: it starts sooner."""
COMMANDS = {way: [sys.executable, "-m", *command] for way, command in SERVING.items()}


@pytest.mark.alone
def test_a_server_that_starts_before_its_database_serves_as_soon_as_that_is_there(
    guard: Guard, fresh_mongod: Mongod
) -> None:
    uri = fresh_mongod.uri_of("shop")
    prepare(uri)
    fresh_mongod.kill()
    with Server(guard, uri, ready=False, AVENUE_READ_SECONDS=str(READ_SECONDS)) as server:
        processes = server.worker_pids()
        for _ in range(2):
            assert timed_status(server, "/healthz", AT_ONCE_SECONDS) == 200
            assert timed_status(server, "/readyz", AT_ONCE_SECONDS) == 503
        began_at = time.monotonic()
        answer = server.client.get("/api/shop/products")
        assert time.monotonic() - began_at < READ_SECONDS + SPARE_SECONDS
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0

        fresh_mongod.restart()

        server.wait_until_ready()
        seller = server.seller()
        assert seller.upload(seller.create_product(), photo()).status == 201
        assert server.worker_pids() == processes


def test_serve_prepares_a_database_that_comes_later(guard: Guard, fresh_mongod: Mongod) -> None:
    fresh_mongod.kill()
    with Server(guard, fresh_mongod.uri_of("shop"), way="serve", **SOON) as server:
        assert server.status("/readyz") == 503

        fresh_mongod.restart()

        server.wait_until_ready()
        wait_until(lambda: "First administrator: admin@localhost" in server.log.read_text())
        assert server.status("/api/shop/products") == 200


@pytest.mark.parametrize(
    ("code", "ways"),
    [
        ("foreign_database", [*SERVING]),
        pytest.param("not_a_replica_set", ["serve"], marks=pytest.mark.long),
    ],
)
def test_a_database_that_comes_later_and_is_not_fit_is_refused_and_left_alone(
    guard: Guard, mongod_binary: Path, code: str, ways: list[str]
) -> None:
    replica_set = None if code == "not_a_replica_set" else SET_NAME
    with Mongod(mongod_binary, guard, replica_set=replica_set) as mongod, ExitStack() as both:
        theirs = mongod.client.get_database("shop", write_concern=WriteConcern(j=True))
        theirs["users"].insert_one({"email": "somebody@example.com"})
        mongod.kill()
        servers = [
            both.enter_context(Server(guard, mongod.uri_of("shop"), way=way, **SOON))
            for way in ways
        ]
        mongod.restart()
        for server in servers:

            def refusal(client: Client = server.client) -> str:
                return client.get("/api/shop/products").code

            wait_until(lambda asked=refusal: asked() == code)
            (reason,) = server.client.get("/readyz").json["reasons"]
            assert reason.startswith(
                "MongoDB is running standalone"
                if replica_set is None
                else "The database 'shop' already"
            )
        prepares = "The database is not prepared yet: " + reason
        wait_until(lambda: prepares in servers[-1].log.read_text())
        found = mongod.client["shop"]
        assert found.list_collection_names() == ["users"]
        assert list(found["users"].index_information()) == ["_id_"]


def timed_status(server: Server, path: str, most_seconds: float) -> int:
    began_at = time.monotonic()
    status = server.status(path)
    assert time.monotonic() - began_at < most_seconds
    return status


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=way, marks=[] if way == "gunicorn" else pytest.mark.long)
        for way, command in COMMANDS.items()
    ],
)
def test_a_database_of_another_application_is_refused_and_left_alone(
    mongod: Mongod, database_uri: str, command: list[str]
) -> None:
    database = mongod.client.get_database(database_uri.rpartition("/")[2].partition("?")[0])
    before = {"_id": 1, "email": "somebody@example.com"}
    database["users"].insert_one(before)

    code, said = run(command, database_uri)

    assert code != 0
    assert "already holds documents in users that Avenue did not write" in said
    assert "Use another database name in MONGODB_URI" in said
    assert database.list_collection_names() == ["users"]
    assert list(database["users"].find()) == [before]
    assert list(database["users"].index_information()) == ["_id_"]


@table("way", SERVING)
def test_a_standalone_is_refused_with_the_line_that_makes_it_a_replica_set(
    standalone_mongod: Mongod, tmp_path: Path, way: str
) -> None:
    with (tmp_path / "said").open("w+b") as output:
        process = forked(
            *SERVING[way],
            env=refusing(standalone_mongod.uri_of("shop")),
            stdout=output,
            stderr=output,
        )
        code = process.wait(DEADLINE_SECONDS)
        said = (tmp_path / "said").read_text()

    assert code != 0
    assert "MongoDB is running standalone; Avenue needs a replica set" in said
    assert "rs.initiate(" in said
    assert "shop" not in standalone_mongod.client.list_database_names()


def refusing(uri: str) -> dict[str, str]:
    """What is set: `serve` without --local wants what a deployment has."""
    env = {"AVENUE_LOCAL": "0", "PUBLIC_BASE_URL": "https://shop.example"}
    return environment(uri, free_port(), **env)


def run(command: list[str], uri: str) -> tuple[int, str]:
    """Run `command` until it ends by itself; return its exit code and all it said."""
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=refusing(uri),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr
