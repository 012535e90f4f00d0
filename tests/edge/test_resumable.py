"""Resumable uploads through nginx: what comes reaches Avenue while the rest is on its way."""

import socket
from collections.abc import Iterator

import pymongo
import pytest

from tests.mongod import Guard, Mongod
from tests.nginx import Nginx
from tests.server import Answer, Client, Server, prepare
from tests.waiting import DEADLINE_SECONDS, wait_until

MIB = 1024 * 1024
TUS = "/api/uploads/tus"
SPEAKS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def app(guard: Guard, migrated_uri: str) -> Iterator[Server]:
    prepare(migrated_uri)
    # So that a small part is already one that is kept as it comes.
    with Server(guard, migrated_uri, AVENUE_PROXY_HOPS="1", AVENUE_MAX_DRAIN_MB="1") as running:
        yield running


def test_a_part_is_kept_while_it_comes(guard: Guard, mongod: Mongod, app: Server) -> None:
    uri = pymongo.uri_parser.parse_uri(app.uri)
    uploads = mongod.client[str(uri["database"])]["tus_uploads"]
    seller = app.seller()
    file = b"%PDF-1.7\n" + bytes(8 * MIB)
    length = {**SPEAKS, "Upload-Length": str(len(file))}
    with Nginx(guard, [app.port]) as edge:
        at_the_edge = Client(edge.port, seller.token)
        location = at_the_edge.request("POST", TUS, headers=length).headers["Location"]
        head = {
            **at_the_edge.headers(),
            **SPEAKS,
            "Host": f"127.0.0.1:{edge.port}",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(file)),
        }
        lines = [f"PATCH {location} HTTP/1.1", *(f"{k}: {v}" for k, v in head.items()), "", ""]
        with socket.create_connection(("127.0.0.1", edge.port), DEADLINE_SECONDS) as line:
            line.sendall("\r\n".join(lines).encode() + file[: 4 * MIB])
            wait_until(lambda: uploads.find_one()["offset"] >= 3 * MIB, "what came is kept")
        # The line broke. Avenue keeps what nginx had passed on.
        part = {**SPEAKS, "Content-Type": "application/offset+octet-stream"}

        def resumed() -> Answer | None:
            asked = at_the_edge.request("HEAD", location, headers=SPEAKS)
            kept = int(asked.headers["Upload-Offset"])
            assert 3 * MIB <= kept <= 4 * MIB
            sent = {**part, "Upload-Offset": str(kept)}
            done = at_the_edge.request("PATCH", location, file[kept:], sent)
            return done if done.status == 204 else None

        done = wait_until(resumed, "the upload is resumed from what was kept")
        assert done
        assert done.headers["Upload-Offset"] == str(len(file))
        assert at_the_edge.get(location).status == 302
