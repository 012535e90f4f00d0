"""The MongoDB of `serve --local`: a real mongod with its data in `./var`.

It is a replica set of one member, on loopback only, and outlives a killed Avenue: the next start
finds it again by its process id and data directory instead of starting a second one.

Everyone who may read the data directory has access, and no one else on the machine: `mongod.key`
there is mongod's key file, by which we sign in as its own `__system` user to set it up, and the
password of Avenue's user. A mongod that was started without one, by an earlier version, is used as
it is until it is stopped.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from avenue.storage.mongod_data_dir import (
    KEY_FILE,
    POLL_SECONDS,
    DataDir,
    command_of,
    set_log_aside,
)
from avenue.storage.mongod_errors import LocalMongodError, NoLocalDatabase

NAME = "avenue"  # of the replica set, of the database, and of the user
REPLICA_SET = f"--replSet={NAME}"
ROLES = ("root", {"role": "read", "db": "local"})
"""Full access, as before there was a user: `adopt` reads other databases, `doctor` the oplog."""
START_SECONDS = 30
TERM_SECONDS = 20  # a clean shutdown takes about 1 s when idle
KILL_SECONDS = 10
START_TRIES = 5
PORT_SECONDS = 2  # a killed mongod may hold its port a moment longer than its command line
# mongod's exit codes if the port was taken meanwhile, and if the data directory is locked, as it is
# while a killed mongod is still being cleaned up.
EXITS_THAT_PASS = (48, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMongod:
    """A mongod that runs on `port` of loopback and keeps its data below `data_dir`.

    `found`: it ran before `start` was called: it was left by a kill, or another process started it.
    A short command may leave such a one running; a server stops it like its own. `key` is its
    password; None if it requires none.
    """

    data_dir: Path
    pid: int
    port: int
    found: bool
    key: str | None = field(default=None, repr=False)
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def uri(self) -> str:
        """The MONGODB_URI of this mongod."""
        uri = f"127.0.0.1:{self.port}/{NAME}?replicaSet={NAME}"
        if self.key is None:
            return f"mongodb://{uri}"
        return f"mongodb://{NAME}:{self.key}@{uri}&authSource=admin"

    @classmethod
    def start(cls, data_dir: Path, binary: Path, *, makes: bool = True) -> Self:
        """Find the mongod of `data_dir` or start it, and return when it accepts writes.

        Processes that call this at the same moment end up with one mongod. It keeps its port from
        start to start unless another program has taken it. Raise `LocalMongodError`, with the end
        of mongod's log if it has one, if that takes more than `START_SECONDS`; `NoLocalDatabase` if
        there is none yet, unless this `makes` it.
        """
        place = DataDir(data_dir.resolve())
        if not makes and not place.holds_data():
            raise NoLocalDatabase(f"There is no local database in {place.root}.")
        try:
            place.dbpath.mkdir(parents=True, exist_ok=True, mode=0o700)
            with place.alone():
                return cls._find(place) or cls._launch(place, binary)
        except OSError as error:
            raise LocalMongodError(
                f"The local database cannot be kept in {data_dir}: {error}"
            ) from error

    @classmethod
    def _find(cls, place: DataDir) -> Self | None:
        running = place.running()
        if running is None:
            return None
        pid, port = running
        command = command_of(pid)
        has_key = f" {KEY_FILE} " in command
        key = place.key() if has_key and place.key_file.exists() else None
        found = cls(data_dir=place.root, pid=pid, port=port, found=True, key=key)
        if REPLICA_SET not in command or has_key != bool(key):
            _end(found)  # we were killed during `_move`, or its key is lost
            return None
        try:
            _wait_until_primary(place, port, key, found.is_alive, log_from=0)
        except _EndedError:
            return None  # it was shutting down
        place.remember(pid, port)
        return found

    @classmethod
    def _launch(cls, place: DataDir, binary: Path) -> Self:
        set_log_aside(place.log)
        tries_left = START_TRIES
        while True:
            tries_left -= 1
            known = place.remembered_port()
            port = _port_like(known)
            try:
                if port != known and place.holds_data():
                    cls._move(place, binary, port)
                return cls._run(place, binary, port, REPLICA_SET)
            except _EndedError as ended:
                if ended.status in EXITS_THAT_PASS and tries_left:
                    continue
                raise LocalMongodError(str(ended)) from None

    @classmethod
    def _move(cls, place: DataDir, binary: Path, port: int) -> None:
        """Write a new address into the configuration of the stopped set.

        MongoDB's procedure for members that are all offline. Changed while it runs, a set first
        asks its old address, and waits more than 30 s if that does not answer.
        """
        place.notes.unlink(missing_ok=True)  # if killed here, the next start repeats it
        bare = cls._run(
            place, binary, port, "--setParameter=disableLogicalSessionCacheRefresh=true"
        )
        try:
            with _client(port, place.key()) as client:
                client["local"]["system.replset"].update_one(
                    {"_id": NAME}, {"$set": {"members.0.host": f"127.0.0.1:{port}"}}
                )
        except PyMongoError as error:
            raise LocalMongodError(f"mongod could not be moved to port {port}: {error}") from error
        finally:
            _end(bare)
        place.remember(None, port)

    @classmethod
    def _run(cls, place: DataDir, binary: Path, port: int, option: str) -> Self:
        log_from = place.log_bytes()
        key = place.key()
        process = place.spawn(binary, port, option)
        started = cls(
            data_dir=place.root, pid=process.pid, port=port, found=False, key=key, process=process
        )
        try:
            if option == REPLICA_SET:
                place.remember(process.pid, port)
            _wait_until_primary(place, port, key, started.is_alive, log_from)
        except _EndedError:
            raise _EndedError(process.returncode, place.end_of_log(log_from)) from None
        except BaseException:
            _end(started)
            raise
        return started

    def is_alive(self) -> bool:
        """Return whether this mongod still runs."""
        if self.process is not None:
            return self.process.poll() is None
        return DataDir(self.data_dir).runs(self.pid)

    def stop(self) -> None:
        """Shut mongod down cleanly and wait for its end; kill it if it does not stop."""
        place = DataDir(self.data_dir)
        with place.alone():
            _end(self)
            if place.running() is None:
                place.remember(None, self.port)


class _EndedError(Exception):
    """The mongod that was waited for has ended, with `status` if it was our child."""

    def __init__(self, status: int | None = None, log: str = "") -> None:
        self.status = status
        super().__init__(f"mongod ended with exit status {status}. {log}")


def _end(mongod: LocalMongod) -> None:
    """Ask for a clean shutdown and wait for it; kill a process that does not stop."""
    for sign, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        if mongod.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(mongod.pid, sign)
        while mongod.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _port_like(port: int | None) -> int:
    """Return `port` if it is or soon becomes free, so that the address stays; otherwise another."""
    deadline = time.monotonic() + PORT_SECONDS
    while port is not None and time.monotonic() < deadline:
        if _is_free(port):
            return port
        time.sleep(POLL_SECONDS)
    return _free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_primary(
    place: DataDir, port: int, key: str | None, is_alive: Callable[[], bool], log_from: int
) -> None:
    """Return when the mongod accepts writes. Raise `_EndedError` if it ends meanwhile."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not is_alive():
            raise _EndedError
        if _listens(port) and _is_primary(place, port, key):
            return
        time.sleep(POLL_SECONDS)
    raise LocalMongodError(
        f"The mongod of {place.root} takes no writes after {START_SECONDS} s; if it hangs, kill it "
        f"and start again. {place.end_of_log(log_from)}"
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_primary(place: DataDir, port: int, key: str | None) -> bool:
    """Return whether our mongod accepts writes; set and user are created if they are missing."""
    try:
        with _client(port, key) as client:
            # Another program that took the port a moment before ours must not learn the key. It
            # cannot sign in without knowing it either (SCRAM proves both sides).
            options = client["admin"].command("getCmdLineOpts")["parsed"]
            if options.get("storage", {}).get("dbPath") != str(place.dbpath):
                return False
            if client["admin"].command("hello").get("isWritablePrimary"):
                if key:
                    _let_in(client, port, key)
                return True
            # A set that is still reading its configuration denies having one, and an initiation
            # would hang; the stored configuration can be read at any time.
            if client["local"]["system.replset"].find_one() is None:
                member = {"_id": 0, "host": f"127.0.0.1:{port}"}
                client["admin"].command("replSetInitiate", {"_id": NAME, "members": [member]})
    except PyMongoError:
        pass  # not ready yet; `_wait_until_primary` asks again
    return False


def _let_in(client: MongoClient[dict[str, Any]], port: int, key: str) -> None:
    """Make sure that Avenue's user exists and has `key` as its password."""
    try:
        with _client(port, key, NAME, "admin") as signing_in:
            signing_in["admin"].command("ping")
    except OperationFailure:  # data from before there was a user, or with another key
        is_known = client["admin"].command("usersInfo", NAME)["users"]
        change = "updateUser" if is_known else "createUser"
        client["admin"].command(change, NAME, pwd=key, roles=ROLES)


def _client(
    port: int, key: str | None, user: str = "__system", of: str = "local"
) -> MongoClient[dict[str, Any]]:
    login: dict[str, Any] = {"username": user, "password": key, "authSource": of} if key else {}
    return MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=2_000,
        timeoutMS=5_000,
        **login,
    )
