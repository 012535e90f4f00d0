"""The replica set of compose.yaml, of real mongods that know each other by a key file."""

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from avenue.storage.status import DeploymentStatus
from tests.deploy.reading import DEPLOY
from tests.mongod import Guard, client_of, free_port
from tests.waiting import DEADLINE_SECONDS


class KeyedSet:
    """Mongods started as compose.yaml starts them, of which nobody has made a set yet."""

    def __init__(self, binary: Path, guard: Guard, members: int) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="avenue-keyed-"))
        key = self.directory / "key"
        key.write_text(secrets.token_hex(300))
        key.chmod(0o400)
        self.hosts = [f"127.0.0.1:{free_port()}" for _ in range(members)]
        self.processes = [self._start(binary, guard, key, host) for host in self.hosts]

    def _start(self, binary: Path, guard: Guard, key: Path, host: str) -> subprocess.Popen[bytes]:
        data = self.directory / host.rpartition(":")[2]
        data.mkdir()
        with (data / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(binary, "--dbpath", data, "--port", host.rpartition(":")[2]),
                    *("--replSet", "rs0", "--keyFile", key, "--bind_ip", "127.0.0.1"),
                    *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--nounixsocket"),
                    *("--wiredTigerEngineConfigString", "log=(prealloc=false)"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        guard.watch(process.pid, self.directory)
        return process

    def uri(self, password: str) -> str:
        return (
            f"mongodb://avenue:{password}@{','.join(self.hosts)}/avenue"
            "?replicaSet=rs0&authSource=admin"
        )

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(DEADLINE_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)


# Three members need ten seconds for their first election, however fast the machine is.
@pytest.fixture(params=[1, pytest.param(3, marks=pytest.mark.long)])
def keyed_set(
    mongod_binary: Path, guard: Guard, request: pytest.FixtureRequest
) -> Iterator[KeyedSet]:
    running = KeyedSet(mongod_binary, guard, request.param)
    yield running
    running.close()


def initiate(keyed_set: KeyedSet, avenue_password: str) -> str:
    ended = subprocess.run(
        [sys.executable, DEPLOY / "initiate_set.py", *keyed_set.hosts],
        env={"MONGO_ADMIN_PASSWORD": "of the admin", "MONGO_PASSWORD": avenue_password},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_set_is_made_once_and_avenue_may_do_in_it_what_it_needs(keyed_set: KeyedSet) -> None:
    assert "is ready" in initiate(keyed_set, "first")
    database = Database(Settings(mongodb_uri=keyed_set.uri("first"), local=True))
    try:
        migrate(database)
        status = DeploymentStatus(database)
        told = asdict(status.mongodb()) | asdict(status.database())
    finally:
        database.close()
    assert [name for name, fact in told.items() if fact is None] == []
    assert told["data_members"] == len(keyed_set.hosts)
    nobody_gets_in_without_a_password(keyed_set)
    first = config_of(keyed_set, "first")
    assert [each["host"] for each in first["members"]] == keyed_set.hosts

    assert "is ready" in initiate(keyed_set, "second")

    with pytest.raises(OperationFailure, match="Authentication failed"):
        config_of(keyed_set, "first")
    again = config_of(keyed_set, "second")
    assert (again["version"], again["members"]) == (first["version"], first["members"])


def config_of(keyed_set: KeyedSet, password: str) -> dict[str, Any]:
    client: MongoClient[dict[str, Any]] = client_of(keyed_set.uri(password))
    with client:
        config: dict[str, Any] = client.local["system.replset"].find_one() or {}
        return config


def nobody_gets_in_without_a_password(keyed_set: KeyedSet) -> None:
    stranger: MongoClient[dict[str, Any]] = client_of(
        f"mongodb://{keyed_set.hosts[0]}/?directConnection=true"
    )
    with stranger, pytest.raises(OperationFailure, match="requires authentication"):
        stranger.avenue.assets.find_one()
