"""A worker that goes: nothing that was asked of it is lost, and nobody waits for it in vain."""

import contextlib
import hashlib
import json
import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER

from tests.http.lane_app import Gallery
from tests.http.test_lane import (
    CLOSING,
    Server,
    answer,
    big,
    everything,
    get,
    post,
    statuses,
)
from tests.waiting import DEADLINE_SECONDS, let_pass, wait_until


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*args, **env):
        started.append(Server(tmp_path, *args, **env))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def told_to_stop(server):
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "Handling signal: term" in server.log.read_text())


def test_who_waits_to_be_let_in_is_served_by_a_worker_that_is_told_to_stop(serve):
    server = serve()
    os.kill(server.pid, signal.SIGSTOP)
    # Not before it stands still: of two signals that wait, a process takes SIGTERM first.
    wait_until(lambda: psutil.Process(server.pid).status() == psutil.STATUS_STOPPED)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect(get("/hello"))) for _ in range(20)]
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_waiting(server.pid, signal.SIGTERM))
        os.kill(server.pid, signal.SIGCONT)
        received = [everything(each) for each in clients]
    assert [statuses(each) for each in received] == [[200]] * 20
    assert all(b"\r\nConnection: close\r\n" in each for each in received)


def is_waiting(pid, number):
    """Whether the signal `number` waits for the process `pid`, which stands still."""
    said = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^ShdPnd:\s*(\w+)", said, re.MULTILINE)[1], 16) >> (number - 1) & 1


def test_who_comes_while_the_last_request_is_served_is_refused_at_once(serve, tmp_path):
    server = serve()
    started, path = tmp_path / "started", tmp_path / "go"
    with server.connect(get(f"/until?started={started}&path={path}")) as running:
        wait_until(started.exists)
        told_to_stop(server)
        wait_until(lambda: refused(server))
        path.touch()
        assert statuses(everything(running)) == [200]
    assert server.process.wait(DEADLINE_SECONDS) == 0


def refused(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_connection_of_the_fast_lane_is_told_before_it_is_closed(serve):
    server = serve()
    head_only = get(Gallery.photo_path).replace(b"GET", b"HEAD", 1)
    with server.connect() as client:
        for _ in range(2):  # the second wakes nobody
            client.sendall(head_only)
            assert b"\r\nConnection: keep-alive\r\n" in head_of(client)
        told_to_stop(server)
        wait_until(lambda: refused(server))
        client.sendall(get("/hello"))
        received = everything(client)
    assert statuses(received) == [200]
    assert b"\r\nConnection: close\r\n" in received


def head_of(client):
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1) or pytest.fail("closed without an answer")
    return received


def test_a_connection_of_the_fast_lane_does_not_delay_a_stop(serve):
    server = serve("--graceful-timeout", str(DEADLINE_SECONDS))
    head_only = get(Gallery.photo_path).replace(b"GET", b"HEAD", 1)
    with server.connect() as client:
        for _ in range(2):
            client.sendall(head_only)
            head_of(client)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE_SECONDS / 2) == 0


def test_a_request_that_came_while_the_loop_was_busy_is_answered_before_the_door_is_shut(serve):
    server = serve("--keep-alive", "1")
    with server.connect(get("/hello")) as client:
        assert statuses(answer(client)) == [200]
        os.kill(server.pid, signal.SIGSTOP)
        # Its time passes while nobody looks; the request is in time, the worker is late.
        client.sendall(CLOSING)
        passes(server, 1.5)
        os.kill(server.pid, signal.SIGCONT)
        assert statuses(everything(client)) == [200]


def passes(server, seconds):
    """Let `seconds` go by while the worker stands still."""
    let_pass(seconds)
    assert psutil.Process(server.pid).status() == psutil.STATUS_STOPPED


# Under load


@dataclass(frozen=True, slots=True)
class Kind:
    """What a caller asks for again and again."""

    name: str
    request: bytes
    body: bytes | None = None  # of the answer, where it is always the same
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request whose connection was closed before a byte of its answer came.

    `in_time`: it was sent so soon that no idle connection may have been closed; `fresh`: it was
    the first one on its connection.
    """

    name: str
    in_time: bool
    fresh: bool


class Caller(threading.Thread):
    """Asks without a pause, each answer checked, until `over` or until it is refused."""

    def __init__(self, server, kind, number, over):
        super().__init__(name=f"{kind.name}-{number}", daemon=True)
        self.server, self.kind, self.over = server, kind, over
        self.answered, self.unanswered, self.wrong = [], [], []
        self.refusals = 0
        self.last_pid = None
        self._connection, self._since = None, 0.0

    def run(self):
        while not self.over.is_set():
            try:
                self._ask(f"{self.name}-{len(self.answered) + len(self.unanswered)}")
            except ConnectionRefusedError:
                self.refusals += 1
                return
            except Exception as error:
                self.wrong.append(f"{self.name}: {error!r}")
                break
        self._leave()

    def _ask(self, name):
        fresh = self._connection is None
        if fresh:
            self._since = time.monotonic()
            self._connection = self.server.connect()
            self._connection.settimeout(DEADLINE_SECONDS)
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            self._connection.sendall(self.kind.request.replace(b"{id}", name.encode()))
        idle_seconds = time.monotonic() - self._since  # at most: the server saw us later than that
        self._since = began
        received, whole = self._receive()
        if whole:
            self._check(name, received)
            self.answered.append(name)
        elif received:
            self.wrong.append(f"{name}: {len(received)} bytes of an answer")
        else:
            in_time = idle_seconds < STOP_KEEPALIVE_LINGER * 0.75
            self.unanswered.append(Unanswered(name, in_time, fresh))
        told_to_leave = b"\r\nconnection: close\r\n" in received[:1000].lower()
        if not whole or told_to_leave or not self.kind.keeps:
            self._leave()

    def _receive(self):
        """Return what came of one answer, and whether that is all of it."""
        received, length = bytearray(), None
        while length is None or len(received) < length:
            try:
                piece = self._connection.recv(262_144)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return bytes(received), False
            received += piece
            end = received.find(b"\r\n\r\n")
            if length is None and end >= 0:
                declared = re.search(rb"content-length: (\d+)", received[:end].lower())
                length = end + 4 + int(declared[1])
        return bytes(received), len(received) == length

    def _check(self, name, received):
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        if self.kind.body is not None:
            assert body == self.kind.body
            return
        told = json.loads(body)
        sent = self.kind.request.partition(b"\r\n\r\n")[2]
        assert (told["id"], told["sha256"]) == (name, hashlib.sha256(sent).hexdigest())
        self.last_pid = told["pid"]

    def _leave(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class Crowd:
    """Everybody who calls at once; `notes` holds the requests that were processed."""

    def __init__(self, server, notes):
        photo = os.urandom(300_000)
        note = f"/note?path={notes}&id={{id}}"
        kinds = [
            Kind("upload", post(note, len(photo)) + photo),
            Kind("small-upload", post(note, 3) + b"abc"),
            Kind("download", get("/big?mb=1"), big(1)),
            Kind("picture", get(Gallery.photo_path), Gallery.photo),
            Kind("new-upload", post(note, 3) + b"abc", keeps=False),
            Kind("new-picture", get(Gallery.photo_path), Gallery.photo, keeps=False),
        ]
        self.over = threading.Event()
        self.notes = notes
        self.callers = [Caller(server, kind, n, self.over) for kind in kinds for n in range(2)]
        for each in self.callers:
            each.start()

    def wait_for_more(self, count=10):
        """Wait until each of them got `count` answers more."""
        before = {each: len(each.answered) for each in self.callers}
        wait_until(
            lambda: all(
                len(each.answered) >= before[each] + count or not each.is_alive()
                for each in self.callers
            ),
            seconds=DEADLINE_SECONDS,
        )

    def pids(self):
        """Who answered last, as far as callers heard."""
        return {each.last_pid for each in self.callers} - {None}

    def end(self):
        for each in self.callers:
            each.join(DEADLINE_SECONDS)
        assert not any(each.is_alive() for each in self.callers)

    def told_lies(self):
        """Answers that were wrong or cut, and requests processed without an answer."""
        processed = self.notes.read_text().split()
        unanswered = {each.name for caller in self.callers for each in caller.unanswered}
        return [
            *(wrong for caller in self.callers for wrong in caller.wrong),
            *(f"{name}: processed, not answered" for name in processed if name in unanswered),
            *(
                f"{name}: processed twice"
                for name in {n for n in processed if processed.count(n) > 1}
            ),
        ]

    def let_down(self):
        """Those who had no answer though they had asked in time."""
        return [each for caller in self.callers for each in caller.unanswered if each.in_time]

    def refusals(self):
        return sum(caller.refusals for caller in self.callers)


ROUNDS = pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.long)])


@ROUNDS
def test_nothing_is_lost_when_the_server_is_told_to_stop(serve, tmp_path, rounds):
    for number in range(rounds):
        server = serve(WEB_CONCURRENCY="2")
        crowd = Crowd(server, tmp_path / f"notes-{number}")
        crowd.wait_for_more()
        server.process.send_signal(signal.SIGTERM)
        crowd.end()
        assert server.process.wait(DEADLINE_SECONDS) == 0
        assert crowd.told_lies() == []
        # Between the last look for somebody and the closing of the door one may still come in.
        assert [each for each in crowd.let_down() if not each.fresh] == []
        assert crowd.refusals() == len(crowd.callers)


@ROUNDS
def test_nothing_is_lost_and_nobody_refused_when_workers_are_replaced(serve, tmp_path, rounds):
    server = serve(WEB_CONCURRENCY="2")
    crowd = Crowd(server, tmp_path / "notes")
    for _ in range(rounds):
        crowd.wait_for_more()
        before = crowd.pids()
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not crowd.pids() & before, seconds=DEADLINE_SECONDS)  # noqa: B023
    crowd.over.set()
    crowd.end()
    assert (crowd.told_lies(), crowd.let_down(), crowd.refusals()) == ([], [], 0)


@pytest.mark.long
@ROUNDS
def test_nothing_is_lost_and_nobody_refused_when_workers_served_their_share(
    serve, tmp_path, rounds
):
    server = serve("--max-requests", "60", "--max-requests-jitter", "20", WEB_CONCURRENCY="2")
    crowd = Crowd(server, tmp_path / "notes")
    wait_until(
        lambda: server.log.read_text().count("Autorestarting worker") >= 3 * rounds,
        seconds=DEADLINE_SECONDS * rounds,
    )
    crowd.wait_for_more()
    crowd.over.set()
    crowd.end()
    assert (crowd.told_lies(), crowd.let_down(), crowd.refusals()) == ([], [], 0)
