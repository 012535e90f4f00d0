"""Real mongods for tests: one, three in a replica set, and ways to hurt them.

Every mongod has its own temporary directory and its own port, so several runs of the suite live
side by side, and none survives its run: `Guard` ends them even when pytest is killed.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, PyMongoError

from tests.waiting import DEADLINE_SECONDS, wait_until

SET_NAME = "avenue-test"
EXIT_PORT_TAKEN = 48
OPLOG_MB = 1024
LEAST_MEMORY_BYTES = 8 * 1024**3
# A driver asks a server how it is every 10 s unless an answer says that something changed; errors
# made by a fail point say nothing of the kind, and without this each would cost up to 10 s.
QUICK_HEARTBEAT = "heartbeatFrequencyMS=500"

Client = MongoClient[dict[str, Any]]


def client_of(uri: str, **options: Any) -> Client:
    """A client of a test itself, to look into a database; no answer is waited for without end."""
    patience_ms = DEADLINE_SECONDS * 1000
    return MongoClient(
        uri, **{"socketTimeoutMS": patience_ms, "serverSelectionTimeoutMS": patience_ms, **options}
    )


_GUARD = """
import os, shutil, signal, sys
watched = [line.rstrip("\\n").split(" ", 1) for line in sys.stdin]
for pid, directory in watched:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            if os.fsencode(directory) in command.read():
                os.kill(int(pid), signal.SIGKILL)
    except OSError:
        pass
for pid, directory in watched:
    while os.path.isdir(directory):
        shutil.rmtree(directory, ignore_errors=True)
"""


class Guard:
    """A small process that outlives pytest and then ends every mongod it was told about."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _GUARD], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=DEADLINE_SECONDS)

    def watch(self, pid: int, directory: Path) -> None:
        """End `pid`, if it is still a process of `directory`, and remove the directory later."""
        pipe = self.process.stdin
        assert pipe is not None
        pipe.write(f"{pid} {directory}\n")
        pipe.flush()


@contextlib.contextmanager
def lifetime_of_transactions(mongod: "Mongod", seconds: int) -> Iterator[None]:
    """Let the server give up the transactions of killed processes after `seconds`.

    Whatever waits for that belongs inside the block: with the usual 60 s the server looks for them
    twice a minute (a lock was free after 30 s, in the block after 5), and ours waits 15 s for one.
    """
    name = "transactionLifetimeLimitSeconds"
    before = mongod.client.admin.command("setParameter", 1, **{name: seconds})["was"]
    try:
        yield
    finally:
        mongod.client.admin.command("setParameter", 1, **{name: before})


def in_memory() -> Path | None:
    """Return a folder in memory where one has room for the databases of a run; else None.

    Making the indexes of an empty database takes a quarter of the time there (0.45 s, on a disk
    1.6 s). What a killed mongod leaves behind is the same: the kernel keeps both.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
    with contextlib.suppress(OSError):
        if shutil.disk_usage(memory).free >= LEAST_MEMORY_BYTES and os.access(memory, os.W_OK):
            return memory
    return None


def free_port() -> int:
    """Return a port nobody listens on, from below those the system gives to outgoing connections.

    So no client of another test run gets it while a killed mongod waits for its restart.
    """
    lowest_outgoing = 32768
    with contextlib.suppress(OSError):
        said = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
        lowest_outgoing = int(said.split()[0])
    while True:
        # Not by `random`, which tests and Hypothesis begin at the same number everywhere.
        port = 10_000 + secrets.randbelow(max(lowest_outgoing, 20_000) - 10_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


ENGINE = (
    "log=(prealloc=false),"  # without 200 MB of empty journal files written at every start
    "eviction=(threads_min=1,threads_max=1),eviction_dirty_target=60,eviction_dirty_trigger=80"
)


class Mongod:
    """One mongod with fail points, in a directory of its own. `close()` leaves nothing behind.

    `replica_set=None` makes a standalone, `role` a `configsvr` or a `shardsvr`. `client` is for the
    test itself and carries the name `avenue-tests`, so that `fail_point(..., app_name="avenue")`
    does not hit it.
    """

    def __init__(
        self,
        binary: Path,
        guard: Guard,
        *,
        replica_set: str | None = SET_NAME,
        alone: bool = True,
        folder: Path | None = None,
        role: str | None = None,
    ) -> None:
        self.binary = binary
        self.guard = guard
        self.replica_set = replica_set
        self.role = role
        self.alone = alone
        self.prepared: list[str] = []  # the URIs of databases nobody uses (tests/prepared.py)
        self.directory = Path(tempfile.mkdtemp(prefix="avenue-mongod-", dir=folder or in_memory()))
        self.port = free_port()
        self.frozen = False
        self.terminated = False
        self.has_run = False
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Client] = {}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        return self.uri_of("")

    def uri_of(self, database: str) -> str:
        """The URI whose default database is `database`."""
        named_set = f"replicaSet={self.replica_set}&" if self.replica_set else ""
        return f"mongodb://{self.host}/{database}?{named_set}{QUICK_HEARTBEAT}"

    @property
    def client(self) -> Client:
        return self._client("client", self.uri, serverSelectionTimeoutMS=20_000)

    @property
    def direct(self) -> Client:
        """A client that talks to this member whatever its state is, and gives up quickly."""
        address = f"mongodb://{self.host}/?directConnection=true&{QUICK_HEARTBEAT}"
        return self._client("direct", address, timeoutMS=5_000)

    def _client(self, kind: str, uri: str, **options: Any) -> Client:
        if kind not in self._clients:
            self._clients[kind] = client_of(uri, appname="avenue-tests", **options)
        return self._clients[kind]

    @property
    def pid(self) -> int:
        assert self.process is not None, "this mongod was killed"
        return self.process.pid

    @property
    def is_up(self) -> bool:
        return self.process is not None and not self.frozen and not self.terminated

    def kill(self) -> None:
        """SIGKILL, and return when the process is gone with everything it held."""
        if self.process is not None:
            if not self.terminated:
                self.process.kill()
            self.process.wait(DEADLINE_SECONDS)
        self.process = None
        self.frozen = self.terminated = False

    def terminate(self) -> None:
        """SIGTERM, as who runs it ends it: a primary hands over first, which takes a while."""
        assert self.process is not None
        self.process.terminate()
        self.terminated = True

    def step_down(self, seconds: int = 5) -> None:
        """Make this primary a secondary that stands for no election for `seconds`."""

        def is_done() -> bool:
            # Refused as long as the others are further behind than they may be.
            with contextlib.suppress(PyMongoError):
                self.direct.admin.command(
                    "replSetStepDown", seconds, secondaryCatchUpPeriodSecs=seconds - 1
                )
            return bool(self.hello().get("secondary"))

        wait_until(is_done, f"{self.host} has stepped down")

    def restart(self) -> None:
        """Start again with the same data on the same port, after a SIGKILL if it still runs."""
        self.kill()
        self._start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nobody answers, as behind a broken network."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)  # until the last of its threads has stopped
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)
        self.frozen = False

    def close(self) -> None:
        """End it and remove what it stored."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def hello(self) -> dict[str, Any]:
        """What this member says of itself; empty while it says nothing."""
        if not self.is_up:
            return {}
        try:
            return self.direct.admin.command("hello")
        except PyMongoError:
            return {}

    def _start(self) -> None:
        is_new = not self.has_run
        self._spawn()
        wait_until(self._answers, f"mongod answers at {self.host}")
        if self.alone:
            if self.replica_set is not None and is_new:
                self.initiate([self])
            wait_until(lambda: self.hello().get("isWritablePrimary"), f"{self.host} takes writes")

    def initiate(self, members: Sequence["Mongod"], **settings: int) -> None:
        """Make a replica set of `members`; an answer lost on the way does no harm."""
        hosts = [{"_id": n, "host": member.host} for n, member in enumerate(members)]
        config = {"_id": self.replica_set, "members": hosts, "settings": settings}
        if self.role == "configsvr":
            config["configsvr"] = True

        def is_initiated() -> bool:
            with contextlib.suppress(PyMongoError):
                self.direct.admin.command("replSetInitiate", config)
            return bool(self.hello().get("setName"))

        wait_until(is_initiated, f"{self.host} is a replica set")

    def _answers(self) -> bool:
        assert self.process is not None
        ended = self.process.poll()
        if ended == EXIT_PORT_TAKEN and not self.has_run:
            self.port = free_port()  # somebody took the first one since we had looked
            self._spawn()
        else:
            assert ended is None, (self.directory / "log").read_text()[-5000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        self.has_run = self.has_run or self._is_ours()
        return self.has_run

    def _is_ours(self) -> bool:
        """Whether it is this mongod that has the port, and not one of another test run."""
        address = f"mongodb://{self.host}/?directConnection=true"
        client: Client = MongoClient(address, serverSelectionTimeoutMS=2_000, timeoutMS=5_000)
        with client, contextlib.suppress(PyMongoError):
            options = client.admin.command("getCmdLineOpts")["parsed"]
            return bool(options["storage"].get("dbPath") == str(self.directory))
        return False

    def _spawn(self) -> None:
        of_a_set = [f"--replSet={self.replica_set}"] if self.replica_set else []
        of_a_set += [f"--{self.role}"] if self.role else []
        command = [
            *(str(self.binary), f"--dbpath={self.directory}", f"--port={self.port}", *of_a_set),
            *("--bind_ip=127.0.0.1", "--nounixsocket", "--quiet"),
            # Room for what tests write, and checkpoints seldom: else a third of its processor time
            # goes into writing to disk what is in memory anyway. The journal has all of it.
            *("--wiredTigerCacheSizeGB=1", "--syncdelay=600", f"--oplogSize={OPLOG_MB}"),
            f"--wiredTigerEngineConfigString={ENGINE}",
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "enableTestCommands=1"),
        ]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.guard.watch(self.process.pid, self.directory)


class ReplicaSet:
    """Three mongods, one of them primary."""

    def __init__(self, binary: Path, guard: Guard, *, election_timeout_millis: int) -> None:
        self.members: list[Mongod] = []
        self.prepared: list[str] = []  # as those of one mongod
        self._client: Client | None = None
        try:
            for _ in range(3):
                self.members.append(Mongod(binary, guard, alone=False))
            self.members[0].initiate(
                self.members,
                electionTimeoutMillis=election_timeout_millis,
                # In MongoDB's own proportions: with heartbeats as rare as the timeout is short, a
                # new primary does not hear of the others in time and gives up again.
                heartbeatIntervalMillis=election_timeout_millis // 5,
                heartbeatTimeoutSecs=max(1, election_timeout_millis // 1000),
                # Else a secondary may turn to one that a test has cut off, and stay for 30 s.
                chainingAllowed=False,
            )
            self.wait_until_healthy()
            wait_until(
                self._can_roll_back,
                "every member knows what a majority has",
                despite=(PyMongoError,),
            )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _can_roll_back(self) -> bool:
        """Whether no member would abort on its return from a failure.

        A former primary goes back to what a majority had; one that has never heard of anything that
        a majority has ends itself ("No stable timestamp available to recover to").
        """
        told = [member.direct.admin.command("replSetGetStatus") for member in self.members]
        return all(each["optimes"]["lastCommittedOpTime"]["t"] > 0 for each in told)

    @property
    def uri(self) -> str:
        return self.uri_of("")

    def uri_of(self, database: str) -> str:
        """The URI of the whole set whose default database is `database`."""
        hosts = ",".join(member.host for member in self.members)
        return f"mongodb://{hosts}/{database}?replicaSet={SET_NAME}&{QUICK_HEARTBEAT}"

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = client_of(self.uri, appname="avenue-tests")
        return self._client

    def _primary(self) -> Mongod | None:
        """The primary of the newest election among those that are up."""
        said = [(member.hello(), member) for member in self.members if member.is_up]
        claims = [(hello, member) for hello, member in said if hello.get("isWritablePrimary")]
        # A member that was frozen still believes in its old election for a moment.
        newest = max(claims, key=lambda claim: claim[0]["electionId"], default=None)
        return newest[1] if newest else None

    def wait_for_primary(self, *, other_than: Mongod | None = None) -> Mongod:
        """Return the primary once there is one (and it is not `other_than`)."""
        found: list[Mongod] = []

        def is_there() -> bool:
            primary = self._primary()
            if primary is not None and primary is not other_than:
                found.append(primary)
            return bool(found)

        wait_until(is_there, "there is a primary")
        return found[0]

    def wait_until_healthy(self) -> Mongod:
        """Return the primary once all three members are up and in step."""

        def is_healthy() -> bool:
            hellos = [member.hello() for member in self.members]
            return sum(bool(each.get("isWritablePrimary")) for each in hellos) == 1 and all(
                each.get("isWritablePrimary") or each.get("secondary") for each in hellos
            )

        wait_until(is_healthy, "one primary and two secondaries")
        return self.wait_for_primary()

    def kill_primary(self) -> Mongod:
        """SIGKILL the primary and return it; the others have an election to hold."""
        primary = self.wait_for_primary()
        primary.kill()
        return primary

    def step_down(self, seconds: int = 5) -> Mongod:
        """Make the primary a secondary that stands for no election for `seconds`; return it."""
        primary = self.wait_for_primary()
        primary.step_down(seconds)
        return primary

    def thaw(self) -> None:
        """Wake whoever is frozen; one that was primary believes for a moment that it is."""
        for member in self.members:
            if member.frozen:
                member.thaw()

    def heal(self) -> Mongod:
        """Thaw and restart whoever needs it and return the primary of the whole set."""
        self.thaw()
        for member in self.members:
            if not member.is_up:
                member.restart()
        return self.wait_until_healthy()

    def close(self) -> None:
        """End all of them and remove what they stored."""
        if self._client is not None:
            self._client.close()
        for member in self.members:
            member.close()


@dataclass(slots=True)
class FailPoint:
    """`hits` counts the commands hit: known after the block; None if the server died in it."""

    hits: int | None = None


@contextlib.contextmanager
def fail_point(
    client: Client,
    commands: Sequence[str],
    times: int | None,
    error_code: int | None = None,
    write_concern_error: int | None = None,
    *,
    close_connection: bool = False,
    block_ms: int | None = None,
    app_name: str | None = None,
    namespace: str | None = None,
) -> Iterator[FailPoint]:
    """Make the primary of `client` fail the next `times` `commands` (None: all inside the block).

    `error_code`: the command does nothing and answers this error. `write_concern_error`: it does
    its work and answers this error. `close_connection`: it does nothing and hangs up.
    `block_ms`: it waits so long first. `app_name`: only clients of this name are hit.
    `namespace`: only commands to this collection (`database.collection`) are.
    """
    data: dict[str, Any] = {"failCommands": list(commands), "closeConnection": close_connection}
    if error_code is not None:
        data["errorCode"] = error_code
    if write_concern_error is not None:
        data["writeConcernError"] = {"code": write_concern_error, "errmsg": "made by a test"}
    if block_ms is not None:
        data |= {"blockConnection": True, "blockTimeMS": block_ms}
    if app_name is not None:
        data["appName"] = app_name
    if namespace is not None:
        data["namespace"] = namespace
    client.admin.command("ping")
    address = client.address
    assert address is not None
    point = FailPoint()
    # Off again on the same server, whoever is primary by then.
    own: Client = MongoClient(
        *address,
        directConnection=True,
        appname="fail-point",
        serverSelectionTimeoutMS=1_000,  # closing it waits as long for a server that was killed
        socketTimeoutMS=10_000,
    )
    with own:
        switch = {"configureFailPoint": "failCommand"}
        mode = "alwaysOn" if times is None else {"times": times}
        before = _count_of(own, address, {**switch, "mode": mode, "data": data})
        assert before is not None, f"nobody listens at {address}"
        try:
            yield point
        finally:
            after = _count_of(own, address, {**switch, "mode": "off"})
            point.hits = None if after is None else after - before


def _count_of(client: Client, address: tuple[str, int], switch: dict[str, Any]) -> int | None:
    """Return how many hits the server has counted; one that was killed took its count along.

    A server that is only busy is asked again: what it was told before is not told twice.
    """

    def asked() -> list[int | None]:
        try:
            socket.create_connection(address, DEADLINE_SECONDS).close()
            return [int(client.admin.command(switch)["count"])]
        except ConnectionRefusedError:
            return [None]

    return wait_until(asked, f"an answer of {address}", despite=(ConnectionFailure,))[0]


def database_name() -> str:
    """A name no other test has."""
    return f"test_{secrets.token_hex(8)}"
