"""The gunicorn worker: a request gets a thread when it is complete, not when it begins.

`Worker` is gunicorn's thread worker except that its event loop collects head and body first
(`arrival.py`). Stock gthread gives a thread to every connection that sent one byte; eight slow ones
then stop a site. Here slow heads and bodies wait in the loop and are closed if they are too slow,
refused bodies are read on in the loop so that the answer is seen, and threads wait for a peer only
within a `Pace`.

A request for a picture in a size that the fast lane cannot answer will probably generate it, which
takes a thread for as long as the decode processes need. Half of the threads do that, so that the
others answer everyone else; further requests wait in the loop, each address in turn.

A body too long to be collected is read by a thread as it arrives, which may take an hour. There are
as many separate threads for such bodies, each of which holds less than 6 MiB
(`tests/faults/test_memory.py`). Others wait, unread, for one of those, as do the 20 files a client
of tus sends at once.

Plain HTTP/1 only: TLS and HTTP/2 end at the proxy in front. It relies on internals of gunicorn 27
(`ThreadWorker`, `TConn`, `Parser`, `Unreader`), so any other major version is refused.
"""

import contextlib
import contextvars
import ctypes
import errno
import json
import math
import os
import resource
import select
import selectors
import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import Any, Self
from wsgiref.handlers import format_date_time

import gunicorn
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import Unreader
from gunicorn.http.wsgi import create
from gunicorn.workers.base import Worker as Base
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from avenue.config import ConfigError, Settings
from avenue.errors import AvenueError, Unavailable
from avenue.identity import network_of
from avenue.server.arrival import (
    HEAD_BYTES,
    NO_BODY,
    READ_BYTES,
    SPOOL_FILE_BYTES,
    SPOOL_MEMORY_BYTES,
    Arrival,
    Framing,
    Pace,
    Spool,
    forwarded_for,
)
from avenue.server.departure import (
    MOST_WAITING_FILE_BYTES,
    Departure,
    Outgoing,
    Waiting,
    send_at_once,
)
from avenue.server.fast_lane import (
    AT_HAND,
    PICTURE_ROUTE,
    FastLane,
    Given,
    KnownAnswer,
    Read,
    wants_size,
)
from avenue.server.file_body import Body
from avenue.server.request_fields import Reader
from avenue.server.round_robin import RoundRobin
from avenue.server.shares import NOBODY, Shares
from avenue.web import metrics
from avenue.web.errors import (
    KB,
    MB,
    BadRequest,
    BodyCutOff,
    PicturesBusy,
    RequestTooSlow,
    SpoolUnavailable,
    TooManyArriving,
)
from avenue.web.health import ALIVE
from avenue.web.requestlog import TRIED_SECONDS, write_facts

Found = tuple[KnownAnswer, Body] | None
"""The result of reads for requests that could not be answered at once."""

GUNICORN_MAJOR = 27
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

LIVE_READ_BYTES = 64 * KB
"""Most a thread reads from a connection at a time."""

WAITING_FOR_A_THREAD = 8
"""Number of long bodies that may wait for each thread that reads them."""

SIZE_WAIT_SECONDS = 30.0
"""How long a request for a picture in a size may wait for a thread. Browsers wait longer, but with
so many before it there is no end in sight."""

READS_FOR_A_THREAD = 4
"""Bodies that are being read, or wait for the loop afterwards, per thread. Bodies above 1 MiB are
in files."""

SWEEP_SECONDS = 0.25
"""Interval of checking deadlines, and of reporting to the master that we live."""

CLIENTS_AT_ONCE = 16
ACCEPTED_AT_ONCE = 16
SENT_AT_ONCE = 8
"""How many connections one iteration of the loop handles, accepts, and sends what a thread read.
Each costs up to 0.5 ms, so a new client is handled within 50 ms, whatever others do. When an
iteration handled all that were ready and accepted one, `/healthz` waited for up to 0.7 s beside
1,000 readers of one file."""

SWITCH_SECONDS = 0.001
"""How long a computing thread may keep the interpreter from the loop, which needs it back after
every system call. With Python's default of 5 ms it waited seven times as long while uploads were
processed (docs/performance.md)."""

COUNT_SECONDS = 1.0
GOODBYE_SECONDS = 2.0
GOODBYE_BYTES = 64 * KB
"""How long, and how much, is read from a client that was answered and should close."""

STATUS_OF = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
"""More specific statuses than 400 for requests that the parser refused."""

ANSWER_FAULTS = (InvalidResponseHeader, InvalidResponseHeaderName)
"""Exceptions that gunicorn raises like the parser's refusals, though the application is at fault.
"""

OUT_OF_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
WARNING_SECONDS = 60.0
"""A worker without space logs it at most this often."""


KERNEL_BYTES = 256 * KB
"""How much of an answer the kernel may hold for a client; Linux doubles it. By default it is up to
4 MB, and a thousand slow readers used up the kernel's memory for all connections of the machine:
answers then took 20 s, however idle the worker was."""

ROOM_IS_SHORT_PERCENT = 90
"""How full connections and spool may be before those who have waited longest are dropped. If no one
can be dropped, further requests are refused or wait."""

FILES_FOR_A_CONNECTION = 4
"""Descriptors that a connection may need: its own, a body's, an answer's, the database's."""


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # glibc, malloc.h


def tune_malloc() -> None:
    """Make glibc release the memory of large bodies; other C libraries are not changed.

    Measured with 19 MB bodies, 10 at once on 8 threads: read in one piece, the process keeps 190
    MiB by default and 33 to 45 MiB with this; read in pieces of 64 KiB, a body takes 16 to 18 ms of
    CPU instead of 35 to 40. A mapping threshold of 256 KiB would save hardly more and take twice
    the CPU: every chunk would be mapped and cleared again.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_ARENA_MAX, 2)
    mallopt(M_MMAP_THRESHOLD, 2 * MB)
    mallopt(M_TRIM_THRESHOLD, 8 * MB)


def raise_file_limit(connections: int) -> None:
    """Raise the limit of file descriptors for so many connections, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * FILES_FOR_A_CONNECTION
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if resource.RLIM_INFINITY != soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class PacedSocket(socket.socket):
    """A non-blocking connection that waits for its peer only within `pace`.

    Sending and `receive` are for request threads; a peer that is too slow raises
    `ConnectionResetError`, which gunicorn treats as a disconnected client.
    """

    __slots__ = ("pace",)
    pace: Pace

    @classmethod
    def over(cls, plain: socket.socket, pace: Pace) -> Self:
        """Take over the descriptor of `plain`."""
        paced = cls(plain.family, plain.type, plain.proto, plain.detach())
        paced.pace = pace
        super().setblocking(paced, False)
        return paced

    def setblocking(self, flag: bool, /) -> None:
        """Do nothing: gunicorn switches for its threads, which here wait in `_wait`."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all of `data`, waiting within the pace."""
        rest = memoryview(data)
        while rest:
            try:
                sent = self.send(rest, flags)
            except BlockingIOError:
                self._wait(select.POLLOUT)
                continue
            self.pace.moved(sent)
            rest = rest[sent:]

    def receive(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end, waiting within the pace."""
        while True:
            try:
                piece = self.recv(min(size, LIVE_READ_BYTES))
            except BlockingIOError:
                self._wait(select.POLLIN)
                continue
            self.pace.moved(len(piece))
            return piece

    def _wait(self, event: int) -> None:
        poll = select.poll()
        poll.register(self, event)
        self.pace.start(time.monotonic())
        poll.poll(max(0.0, self.pace.left_seconds) * 1000)
        if self.pace.passed(time.monotonic()):
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow")


class CollectedBytes(Unreader):  # type: ignore[misc]  # gunicorn is not typed
    """Input of gunicorn's parser: the collected bytes, then the connection if allowed."""

    def __init__(self, arrival: Arrival, peer: PacedSocket) -> None:
        super().__init__()
        self._arrival = arrival
        self._peer = peer
        self._position = 0
        self._in_file_bytes = arrival.file_bytes
        if arrival.file is not None:
            arrival.file.seek(0)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next piece, none at the end."""
        arrival = self._arrival
        size = min(max(size_hint or 0, 8 * KB), READ_BYTES)
        if self._position < len(arrival.data):
            piece = bytes(memoryview(arrival.data)[self._position : self._position + size])
            self._position += len(piece)
            return piece
        if self._in_file_bytes and arrival.file is not None:
            piece = arrival.file.read(min(size, self._in_file_bytes))
            self._in_file_bytes -= len(piece)
            return piece
        if arrival.over:
            raise LimitRequestHeaders("the head is too long")
        return b"" if arrival.whole else self._peer.receive(size)

    def skip(self, count: int) -> bool:
        """Skip `count` bytes; return False if they were not collected."""
        buffered = self.take_buffered()
        self.unread(buffered[count:])
        count -= min(count, len(buffered))
        step = min(count, len(self._arrival.data) - self._position)
        self._position += step
        count -= step
        if not count:
            return True
        step = min(count, self._in_file_bytes)
        self._in_file_bytes -= step
        return step == count

    def leftover(self) -> bytes | None:
        """Return the bytes after the request, None if they are too many to keep."""
        if self._in_file_bytes:
            return None
        buffered = bytes(self.take_buffered())
        return buffered + bytes(memoryview(self._arrival.data)[self._position :])


class WholeBody:
    """A body reader under gunicorn's `Body` that raises `BodyCutOff` instead of ending early.

    gunicorn passes a truncated body to the application as if it were complete.
    """

    def __init__(self, reader: Any, ask: PacedSocket | None) -> None:
        """Before the first byte is read, `ask` (if given) is sent `100 Continue`."""
        self._reader = reader
        self._ask = ask

    @property
    def left_bytes(self) -> int | None:
        """Return how much of a declared length was not read yet; None for a chunked body."""
        return self._reader.length if isinstance(self._reader, LengthReader) else None

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the true end."""
        if self._ask is not None:
            asked, self._ask = self._ask, None
            asked.sendall(CONTINUE)
        left = self.left_bytes
        try:
            piece: bytes = self._reader.read(size)
        except (ParseException, OSError) as error:
            raise BodyCutOff from error
        if left is not None and len(piece) < min(size, left):
            raise BodyCutOff
        return piece


class LaneParser(RequestParser):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's parser for collected requests."""

    mesg: Any
    unreader: Any
    _arrival: Arrival

    def __init__(self, cfg: Any, peer: PacedSocket, address: Any) -> None:
        super().__init__(cfg, (), address)
        self._peer = peer

    def begin(self, arrival: Arrival) -> None:
        """Read `arrival` next."""
        self._arrival = arrival
        self.mesg = None
        self.unreader = CollectedBytes(arrival, self._peer)

    def forget(self) -> None:
        """Drop the request and its bytes."""
        self.mesg = self.unreader = None

    def __next__(self) -> Any:
        """Parse the request; make truncated bodies raise (`WholeBody`)."""
        request = super().__next__()
        # gunicorn sends `100 Continue` before the application can refuse; here the loop or the
        # first read of the body sends it.
        expects, request._expected_100_continue = request._expected_100_continue, False  # noqa: SLF001
        if self._arrival.framing == NO_BODY:
            return request
        live = not self._arrival.whole
        request.body.reader = WholeBody(
            request.body.reader, self._peer if expects and live else None
        )
        if live:
            request.force_close()
        return request

    def skip_body(self) -> bool:
        """Skip what the application left of the body.

        Return False if it was not collected completely: where the next request starts is then
        unknown, and the connection must be closed.
        """
        body = self.mesg.body
        if body.failed or not self._arrival.whole:
            return False
        if not isinstance(body.reader, WholeBody):
            return True
        left = body.reader.left_bytes
        try:
            if left is None:
                return bool(self.finish_body(deadline=time.monotonic() + GOODBYE_SECONDS))
            return bool(self.unreader.skip(left))
        except BodyCutOff:
            return False


class Connection(TConn):  # type: ignore[misc]  # gunicorn is not typed
    """A client's connection and the request being collected or answered on it.

    `outgoing` is what the loop sends: an answer the fast lane has `given` or a thread's, of which
    `departure` is the rest; `context` is where that request's threads know its id. `given_at` is
    when the fast lane answered last, without waking it; `reader` parses its requests there;
    `tried_seconds` is how long an answer was looked for without success, which makes it a request
    for a thread. `address` is whose share it counts toward. `idle` is a connection between two
    requests; `watched` says whether the poller knows the socket, which is never while a thread has
    it; `timeout` is when the loop gives up (monotonic seconds; an arriving body has the socket's
    pace instead). `handled_in` is the last of the iterations that had too many to handle.
    """

    sock: PacedSocket
    timeout: float
    arrival: Arrival
    context: contextvars.Context

    def __init__(self, cfg: Any, sock: PacedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.parser = LaneParser(cfg, sock, client)
        # What gunicorn would do in the thread, TLS and waiting for the first byte, does not apply.
        self.initialized = self.data_ready = True
        self.idle = False
        self.watched = False
        self.goodbye_bytes = 0
        self.address = NOBODY
        self.outgoing = Outgoing()
        self.waiting: list[bytes] = []
        self.departure: Departure | None = None
        self.given: Given | None = None
        self.given_at = 0.0
        self.reader = Reader()
        self.tried_seconds: float | None = None
        self.handled_in = 0

    def is_late(self, now: float) -> bool:
        """Return whether the head is overdue or the body too slow."""
        if self.arrival.framing is None:
            return now >= self.timeout
        return self.sock.pace.passed(now)


STOPS = {signal.SIGTERM, signal.SIGQUIT, signal.SIGINT}


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """gunicorn's thread worker with a loop that collects requests.

    A connection is at any time in one of `keepalived_conns` (idle), `_arriving` (its request is
    being collected), a thread, `_sending` (there is more than the client accepts at once),
    `_leaving` (answered; read until the client closes), or `_wanting_size` (collected, and waiting
    for one of the threads that may be `_making_size`). All but the threads belong to the loop, so
    nothing here needs a lock. A connection whose bytes are being read belongs to that thread, too,
    which does not touch its socket.
    """

    alive: bool
    _limits: Settings
    _spool: Spool
    _connections: Shares[Connection]
    _arriving_memory: Shares[Connection]
    _arriving_files: Shares[Connection]
    _waiting_files: Shares[Connection]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: set[Connection] = set()
        self._leaving: set[Connection] = set()
        self._landing = memoryview(bytearray(READ_BYTES))
        self._next_sweep = 0.0
        self._next_notice = 0.0
        self._fast_lane: FastLane | None = None
        self._sending: set[Connection] = set()
        self._waiting = Waiting()
        self._next_count = 0.0
        self._live: set[Connection] = set()
        self._wanting_size: RoundRobin[Connection] = RoundRobin()
        self._making_size: set[Connection] = set()
        self._reads = 0
        self._reading: dict[str, list[tuple[Connection, Given, bytes]]] = {}
        self._to_give: deque[Callable[[], None]] = deque()
        self._iterations = 0
        self.heard_before: Callable[[], list[int]] = list
        """Tells which signals arrived before there were handlers (gunicorn.conf.py)."""

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raise `RuntimeError` for configurations that this worker cannot run with.

        gunicorn calls it before it forks and shows the message only, no traceback.
        """
        if gunicorn.version_info[0] != GUNICORN_MAJOR:
            raise RuntimeError(
                f"{__name__} knows the inside of gunicorn {GUNICORN_MAJOR} only and this is "
                f"{gunicorn.__version__}: install what requirements.txt pins"
            )
        if cfg.is_ssl:
            raise RuntimeError(f"{__name__} speaks no TLS: end it at the proxy in front")
        try:
            Spool(Settings.from_env().tmp_dir).open().close()
        except ConfigError as error:
            raise RuntimeError(str(error)) from None
        except OSError as error:
            raise RuntimeError(f"AVENUE_TMP_DIR must be a folder to write to: {error}") from None
        super().check_config(cfg, log)

    def init_signals(self) -> None:
        """Leave a terminal's Ctrl-C to the master, which then tells its workers to stop.

        The signal reaches the whole group. Handled here as well, two stops met inside one another
        and the second waited for the first one's lock (seen once in about 20 stops under load).
        """
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if STOPS.intersection(self.heard_before()):
            sys.exit(0)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Finish the running requests and stop; stop at once while still loading."""
        self._end_while_loading()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once; takes no lock, because a signal may arrive while one is held."""
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        self._end_while_loading()
        Base.handle_quit(self, sig, frame)

    def _end_while_loading(self) -> None:
        """End the process if it does not serve yet.

        Not with `SystemExit`: the handler runs inside whatever is being imported, and up to Python
        3.11 `__set_name__` raises `RuntimeError` instead, which the master takes for a worker that
        cannot start and ends with a traceback.
        """
        if not self.booted:
            os._exit(0)

    def load_wsgi(self) -> None:
        """Load the application, and the fast lane if it provides cached answers."""
        super().load_wsgi()
        extensions = getattr(self.wsgi, "extensions", {})
        at_hand = extensions.get(AT_HAND) if self._limits.fast_lane == "on" else None
        alive = extensions.get(ALIVE)
        if at_hand is not None or alive is not None:
            self._fast_lane = FastLane(at_hand, gunicorn.SERVER, alive and alive())
            sys.setswitchinterval(SWITCH_SECONDS)

    def init_process(self) -> None:
        """Read the limits and run."""
        tune_malloc()
        self._remember_settings()
        self._limits = Settings.from_env()
        self._spool = Spool(self._limits.tmp_dir)
        self._make_shares(self._limits.address_share_percent)
        raise_file_limit(self.worker_connections)
        self._most_connections: int = self.cfg.worker_connections
        self._next_warning = 0.0
        super().init_process()

    def _make_shares(self, percent: int) -> None:
        def but_a_rest(most: int) -> Shares[Connection]:
            return Shares(most * ROOM_IS_SHORT_PERCENT // 100, percent)

        self._connections = but_a_rest(self.worker_connections)
        self._arriving_memory = but_a_rest(SPOOL_MEMORY_BYTES)
        self._arriving_files = but_a_rest(SPOOL_FILE_BYTES)
        self._waiting_files = Shares(MOST_WAITING_FILE_BYTES, percent)

    def _remember_settings(self) -> None:
        """Store gunicorn's settings as plain attributes; they do not change any more.

        `Config` looks each of them up again, some thirty times per request: 8 % of a worker's time.
        """
        for name, setting in self.cfg.settings.items():
            self.cfg.__dict__[name] = setting.get()

    def notify(self) -> None:
        """Report to the master that we live, but not in every iteration, as it is a system call.

        Also restore the limit of connections, which `_not_accepted` may have lowered.
        """
        now = time.monotonic()
        if now >= self._next_notice:
            self._next_notice = now + SWEEP_SECONDS
            self.worker_connections = self._most_connections
            super().notify()

    def run(self) -> None:
        """Run until told to stop; then write the last counts."""
        self._live_threads = ThreadPoolExecutor(self.cfg.threads)
        super().run()
        self._live_threads.shutdown(wait=False, cancel_futures=True)
        self._write_counts(math.inf)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events and handle them, one client of each address before a second of any.

        Those beyond `CLIENTS_AT_ONCE` are still ready in the next iteration, and come first then.
        """
        ready = [key for key, _ in self.poller.select(0 if self._to_give else timeout)]
        if len(ready) > CLIENTS_AT_ONCE:
            ready = round_robin_by_address(ready)[:CLIENTS_AT_ONCE]
            self._iterations += 1
            for key in ready:
                if isinstance(key.data, partial):
                    key.data.args[0].handled_in = self._iterations
        for key in ready:
            key.data(key.fileobj)
        for _ in range(min(SENT_AT_ONCE, len(self._to_give))):
            self._to_give.popleft()()

    # Collecting

    def accept(self, listener: Any) -> None:
        """Accept new connections, and read what they have sent."""
        for _ in range(min(ACCEPTED_AT_ONCE, self.worker_connections - self.nr_conns)):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: Any) -> bool:
        """Accept one new connection; return whether there was one."""
        try:
            plain, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._not_accepted(error)
            return False
        self.nr_conns += 1
        window_seconds = self._limits.max_slow_body_seconds
        pace = Pace(window_seconds, window_seconds * self._limits.min_body_kb_per_second * KB)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        sock = PacedSocket.over(plain, pace)
        conn = Connection(self.cfg, sock, client, listener.getsockname())
        if not self._limits.proxy_hops and isinstance(client, tuple):
            conn.address = network_of(client[0])
        self._connections.hold(conn, 1)
        self._begin(conn)
        self._make_room(self._connections, conn.address)
        if self._connections.is_over(conn.address):
            self._drop(conn)  # all of its address are in threads, or wait for one
        else:
            self._collect(conn)
        return True

    def _not_accepted(self, error: OSError) -> None:
        if error.errno not in OUT_OF_ROOM or not self.nr_conns:
            raise error
        now = time.monotonic()
        if now >= self._next_warning:
            self._next_warning = now + WARNING_SECONDS
            self.log.warning("No room for more than %d connections: %s", self.nr_conns, error)
        # gunicorn's loop accepts again as soon as one of these connections is gone, or `notify` has
        # restored the limit: the descriptors may be used by something other than connections.
        self.worker_connections = self.nr_conns

    def _begin(self, conn: Connection) -> None:
        conn.arrival = Arrival(self._spool, self._limits.max_drain_mb * MB)
        conn.timeout = time.monotonic() + self._limits.max_header_seconds
        if self._limits.proxy_hops:
            self._count_for(conn, NOBODY)

    def _learn_address(self, conn: Connection, head: bytes) -> None:
        """Count a proxy's connection for the address in its head."""
        if self._limits.proxy_hops:
            address = forwarded_for(head, self._limits.proxy_hops)
            self._count_for(conn, network_of(address) if address else NOBODY)

    def _count_for(self, conn: Connection, address: str) -> None:
        if address == conn.address:
            return
        for shares in (self._connections, self._arriving_memory, self._arriving_files):
            shares.hold(conn, 0)
        conn.address = address
        self._connections.hold(conn, 1)

    def on_client_socket_readable(self, conn: Connection, client: PacedSocket) -> None:
        """Collect the received bytes, or answer the request at once."""
        if not conn.idle:
            self._collect(conn)
            return
        try:
            piece = client.recv(HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece and self._answer_at_once(conn, piece):
            return
        self._wake(conn)
        if piece:
            self._take(conn, memoryview(piece))
        else:
            self._end(conn)

    def _wake(self, conn: Connection) -> None:
        """Start to collect another request."""
        conn.idle = False
        self.keepalived_conns.remove(conn)
        self._begin(conn)

    def _collect(self, conn: Connection) -> None:
        try:
            count = conn.sock.recv_into(self._landing, conn.arrival.wants())
        except BlockingIOError:
            self._await(conn)
        except OSError:
            self._drop(conn)
        else:
            if count:
                self._take(conn, self._landing[:count])
            else:
                self._end(conn)

    def _end(self, conn: Connection) -> None:
        """Have a truncated body answered; without one there is nothing to answer."""
        if conn.arrival.framing is None:
            self._drop(conn)
            return
        conn.arrival.end()
        self._hand_over(conn)

    def _take(self, conn: Connection, piece: memoryview) -> None:
        arrival, pace, now = conn.arrival, conn.sock.pace, time.monotonic()
        head_was_here = arrival.framing is not None
        try:
            ready = arrival.add(piece)
        except SpoolUnavailable as error:
            self._answer(conn, error)
            return
        if arrival.framing is not None and not head_was_here:
            self._learn_address(conn, bytes(arrival.data[: arrival.head_bytes]))
        if ready:
            self._hand_over(conn)
            return
        if head_was_here:
            pace.passed(now)
            pace.moved(len(piece))
        elif arrival.framing is not None:
            pace.renew()
            pace.start(now)
            self._continue(conn, arrival.framing)
        self._await(conn)
        self._arriving_memory.hold(conn, len(arrival.data))
        self._arriving_files.hold(conn, arrival.file_bytes)
        self._make_room(self._arriving_memory, conn.address)
        self._make_room(self._arriving_files, conn.address)
        self._make_room(self._connections, conn.address)

    def _continue(self, conn: Connection, framing: Framing) -> None:
        if framing.expects:
            # A connection that cannot take 25 bytes now is found out by its pace.
            with contextlib.suppress(OSError):
                conn.sock.send(CONTINUE)

    def _await(self, conn: Connection) -> None:
        self._arriving.add(conn)
        if not conn.watched:
            self._watch(conn, self.on_client_socket_readable)

    def _watch(
        self,
        conn: Connection,
        callback: Callable[[Connection, PacedSocket], None],
        event: int = selectors.EVENT_READ,
    ) -> None:
        self.poller.register(conn.sock, event, partial(callback, conn))
        conn.watched = True

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = False

    # The fast lane

    def _answer_at_once(self, conn: Connection, request: bytes) -> bool:
        """Answer `request` from the caches; return False if it needs a thread."""
        lane = self._fast_lane
        if lane is None or not self.alive or conn.tried_seconds is not None:
            return False
        self._learn_address(conn, request)
        given = lane.answer(request, conn.reader)
        if given is None:
            return False
        if given.read is None:
            self._give(conn, given)
        elif given.key in self._reading or self._reads < self.cfg.threads * READS_FOR_A_THREAD:
            self._read_first(lane, conn, given, given.read, request)
        else:
            return False
        return True

    def _read_first(
        self, lane: FastLane, conn: Connection, given: Given, read: Read, request: bytes
    ) -> None:
        """Have a thread read an answer, which is then sent, also to others who requested the same.

        If it cannot be read, a thread handles the request normally.
        """
        self._stop_waiting(conn)
        wanting = self._reading.get(given.key)
        if wanting is not None:
            wanting.append((conn, given, request))
            return
        self._reading[given.key] = [(conn, given, request)]
        self._reads += 1
        began = time.monotonic()

        def take_back(reading: Future[tuple[Found, float]]) -> None:
            self._reads -= 1
            found, tried_seconds = reading.result()
            for each in self._reading.pop(given.key):
                self._to_give.append(partial(give, found, tried_seconds, *each))

        def give(
            found: Found, tried_seconds: float, conn: Connection, given: Given, request: bytes
        ) -> None:
            if found:
                lane.complete(given, *found)
                given.read_seconds = time.monotonic() - began
                self._give(conn, given)
            else:
                conn.tried_seconds = tried_seconds
                self._begin(conn)
                self._take(conn, memoryview(request))

        future = self.tpool.submit(self._read, read)
        future.add_done_callback(lambda done: self.method_queue.defer(take_back, done))

    def _read(self, read: Read) -> tuple[Found, float]:
        """Return (in a thread) the result of `read`, None if it fails, and the seconds it took."""
        since = time.monotonic()
        try:
            found = read()
        except AvenueError:
            found = None
        except Exception:
            self.log.exception("a picture could not be read")
            found = None
        return found, time.monotonic() - since

    def _give(self, conn: Connection, given: Given) -> None:
        """Send an answer.

        Nearly always the client accepts all of it, and nothing has to be kept.
        """
        try:
            left = send_at_once(conn.sock, given.head, given.body)
        except OSError:
            self._drop(conn)
            return
        if left is None:
            self._given(conn, given)
            return
        conn.given, conn.outgoing = given, left
        self._wait_to_send(conn)

    def _given(self, conn: Connection, given: Given) -> None:
        """Count an answer that was sent completely, and make the connection idle."""
        conn.given = None
        if self._fast_lane:
            self._fast_lane.count(given)
        if given.closes:
            self._stop_waiting(conn)
            self._leave(conn, drain=False)
            return
        if given.read:
            metrics.time_reading(PICTURE_ROUTE, given.read_seconds)
        if conn.idle:
            conn.given_at = time.monotonic()  # and keeps its place among the idle ones
        else:
            self._stop_waiting(conn)
            self._rest(conn)

    def _write_counts(self, now: float) -> None:
        """Write one line a second for all answers of the fast lane, instead of one for each."""
        if self._fast_lane is None or now < self._next_count:
            return
        self._next_count = now + COUNT_SECONDS
        for site, answers in self._fast_lane.counted_sites().items():
            if site:
                metrics.count_site(site, answers)
        for method, route, status, tally in self._fast_lane.counted():
            metrics.count_fast_lane(method, route, status, tally.answers, tally.bytes)
            facts: dict[str, object] = {
                "fast_lane": tally.answers,
                "method": method,
                "route": route,
                "status": status,
                "bytes": tally.bytes,
            }
            if tally.read:
                facts |= {"read": tally.read, "slowest_ms": round(tally.slowest_seconds * 1000, 1)}
            write_facts(facts)

    # Sending what a client does not accept at once

    def _send_on(self, conn: Connection, client: PacedSocket) -> None:
        """Send what the connection accepts; then it is idle, waits to accept more, or is closed."""
        try:
            client.pace.moved(conn.outgoing.send(client))
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)
            return
        if conn.outgoing.left_bytes:
            self._wait_to_send(conn)
        elif conn.given:
            self._given(conn, conn.given)
        else:
            self._stop_waiting(conn)
            self.enqueue_req(conn)

    def _wait_to_send(self, conn: Connection) -> None:
        now = time.monotonic()
        if conn in self._sending:
            conn.sock.pace.passed(now)
            return
        self._stop_waiting(conn)
        self._sending.add(conn)
        conn.sock.pace.renew()
        conn.sock.pace.start(now)
        self._watch(conn, self._send_on, selectors.EVENT_WRITE)
        self._count_waiting(conn)

    def _count_waiting(self, conn: Connection) -> None:
        outgoing = conn.outgoing
        if not self._may_wait(outgoing):
            self._drop(conn)
            return
        conn.waiting = self._waiting.add(outgoing)
        if outgoing.file_bytes:
            self._waiting_files.hold(conn, outgoing.file_bytes)
            self._make_room(self._waiting_files, conn.address)

    def _may_wait(self, outgoing: Outgoing) -> bool:
        """Return whether there is space for an answer, which is moved to a file if needed.

        Threads call it, too, so that the loop has no large file to write.
        """
        if outgoing.is_in_file or self._waiting.has_room_for(outgoing):
            return True
        try:
            outgoing.put_down(self._spool.open())
        except OSError as error:
            self.log.warning("No file for an answer that is taken slowly: %s", error)
            return False
        return True

    def _make_room(self, shares: Shares[Connection], address: str) -> None:
        """Drop the longest waiting until `address` and all together are within their limits.

        A connection in a thread cannot be dropped, and is soon done.
        """
        while (each := next(filter(self._may_go, shares.excess(address)), None)) is not None:
            metrics.count_refusal(RequestTooSlow.code)
            if each in self._arriving and each.arrival.received_bytes:
                with contextlib.suppress(OSError):
                    each.sock.send(response_to(RequestTooSlow()))
            self._drop(each)

    def _may_go(self, conn: Connection) -> bool:
        return conn.watched or conn in self._wanting_size

    def _stop_waiting(self, conn: Connection) -> None:
        """Remove a connection from the lists of those that wait."""
        self._unwatch(conn)
        if conn.idle:
            conn.idle = False
            self.keepalived_conns.remove(conn)
        self._waiting.remove(conn.waiting)
        conn.waiting = []
        self._sending.discard(conn)
        self._waiting_files.hold(conn, 0)
        self._arriving.discard(conn)
        if conn in self._wanting_size:
            self._wanting_size.remove(conn)
        self._release(conn)

    def _release(self, conn: Connection) -> None:
        """Release the resources of a request."""
        conn.arrival.release()
        self._arriving_memory.hold(conn, 0)
        self._arriving_files.hold(conn, 0)

    # Answering

    def handle(self, conn: Connection) -> bool | None:
        """Answer in a thread, or continue; return whether another request can follow.

        None: there is more than the client accepts now, the loop should send that first.
        """
        if conn.departure is not None:
            keepalive = conn.context.run(self._go_on, conn, conn.departure)
            return self._keepalive_after(conn, keepalive)
        conn.context = contextvars.copy_context()
        answered: bool | None = conn.context.run(super().handle, conn)
        return answered

    def handle_request(self, req: Any, conn: Connection) -> bool | None:
        """Call the application, and write its answer."""
        conn.outgoing = Outgoing()
        response, environ = create(req, conn.outgoing, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        if conn.tried_seconds is not None:
            environ[TRIED_SECONDS], conn.tried_seconds = conn.tried_seconds, None
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        is_full = len(self.keepalived_conns) >= self.max_keepalived
        if not self.alive or not self.cfg.keepalive or is_full:
            response.force_close()
        body = self.wsgi(environ, response.start_response)
        return self._go_on(conn, Departure(response, body, conn.outgoing))

    def _go_on(self, conn: Connection, departure: Departure) -> bool | None:
        conn.departure = None
        is_sent = False
        try:
            is_sent = departure.go_on(conn.sock)
            if not is_sent:
                if not self._may_wait(departure.outgoing):
                    return False
                conn.departure = departure
                return None
        except OSError:
            return False  # the client is gone, or too slow
        except Exception:
            if departure.response.headers_sent:
                # the log of requests has the reason; the client knows that the answer is truncated
                return False
            raise
        finally:
            if conn.departure is None:
                departure.close()
        return not departure.response.should_close()

    def _hand_over(self, conn: Connection) -> None:
        arrival = conn.arrival
        plain = arrival.framing == NO_BODY and not arrival.ended
        if plain and self._answer_at_once(conn, bytes(arrival.data)):
            return
        if not arrival.whole and len(self._live) >= self.cfg.threads * WAITING_FOR_A_THREAD:
            self._answer(conn, TooManyArriving())
            return
        self._unwatch(conn)
        self._arriving.discard(conn)
        conn.sock.pace.renew()
        conn.parser.begin(conn.arrival)
        if not arrival.whole:
            self._read_as_it_comes(conn)
        elif wants_size(arrival.data):
            conn.timeout = time.monotonic() + SIZE_WAIT_SECONDS
            self._wanting_size.add(conn)
            self._make_sizes()
        else:
            self.enqueue_req(conn)

    def _make_sizes(self) -> None:
        """Hand over requests for sizes, as long as fewer than half of the threads generate any."""
        while len(self._making_size) < max(1, self.cfg.threads // 2):
            conn = self._wanting_size.next()
            if conn is None:
                return
            self._making_size.add(conn)
            self.enqueue_req(conn)

    def _read_as_it_comes(self, conn: Connection) -> None:
        """Have a request answered whose body is still arriving, by a thread that may wait."""

        def take_back(future: Future[Any]) -> None:
            self._live.discard(conn)
            self.finish_request(conn, future)

        self._live.add(conn)
        future = self._live_threads.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(take_back, done))

    def _keepalive_after(self, conn: Connection, keepalive: bool | None) -> bool | None:
        """Return (in the thread) whether another request can follow; gunicorn drains here."""
        return keepalive and bool(conn.parser.skip_body())

    def finish_request(self, conn: Connection, future: Future[Any]) -> None:
        """Take a connection back from its thread."""
        if conn in self._making_size:
            self._making_size.remove(conn)
            self._make_sizes()
        kept = future.exception() is None and future.result()
        if kept is None:
            self._wait_to_send(conn)
            return
        leftover = conn.parser.unreader.leftover() if kept else None
        conn.parser.forget()
        if leftover is None:
            self._leave(conn, drain=conn.arrival.is_open)
            return
        self._release(conn)
        if leftover:
            self._begin(conn)
            self._take(conn, memoryview(leftover))
        else:
            self._rest(conn)

    def _rest(self, conn: Connection) -> None:
        conn.idle = True
        conn.set_timeout()
        self._connections.hold(conn, 0)
        self._connections.hold(conn, 1)  # it waits from now on
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self._watch(conn, self.on_client_socket_readable)

    def _answer(self, conn: Connection, error: AvenueError) -> None:
        """Answer from the loop and close."""
        metrics.count_refusal(error.code)
        self.log.info("%d %s", error.status, error.code)
        with contextlib.suppress(OSError):
            conn.sock.send(response_to(error))
        self._leave(conn, drain=isinstance(error, Unavailable))

    def handle_error(self, req: Any, client: PacedSocket, addr: Any, exc: Exception) -> None:
        """Answer invalid HTTP, or an answer that failed before its first byte.

        gunicorn's own lines about it would contain the client's address, or the URL with its query.
        """
        if isinstance(exc, ParseException) and not isinstance(exc, ANSWER_FAULTS):
            status = STATUS_OF.get(type(exc), HTTPStatus.BAD_REQUEST)
            error: AvenueError = BadRequest()
            self.log.info("%d %s (%s)", status, error.code, type(exc).__name__)
        else:
            status, error = HTTPStatus.INTERNAL_SERVER_ERROR, AvenueError()
            self.log.error("%d %s", status, error.code, exc_info=exc)
        metrics.count_refusal(error.code)
        with contextlib.suppress(OSError):
            client.sendall(response_to(error, status))

    # Leaving

    def _leave(self, conn: Connection, *, drain: bool) -> None:
        """Send the end of our data, then read on so that the answer is not lost.

        Closing with unread bytes makes the kernel send a reset, which destroys an answer the client
        has not read yet (RFC 9112 section 9.6). `drain` is for a body still being sent.
        """
        self._unwatch(conn)
        self._arriving.discard(conn)
        self._release(conn)
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        seconds = self._limits.max_drain_seconds if drain else GOODBYE_SECONDS
        conn.timeout = time.monotonic() + seconds
        conn.goodbye_bytes = self._limits.max_drain_mb * MB if drain else GOODBYE_BYTES
        self._leaving.add(conn)
        self._watch(conn, self._on_leaving_readable)

    def _on_leaving_readable(self, conn: Connection, client: PacedSocket) -> None:
        try:
            count = client.recv_into(self._landing)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        conn.goodbye_bytes -= count
        if not count or conn.goodbye_bytes < 0:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        if conn.sock.fileno() < 0:
            return  # closed to make room, after the poller had reported it
        self._stop_waiting(conn)
        conn.outgoing.close()
        self._connections.hold(conn, 0)
        self._leaving.discard(conn)
        if conn.departure is not None:
            self.tpool.submit(conn.context.run, conn.departure.close)
            conn.departure = None
        self.nr_conns -= 1
        conn.close()

    # Deadlines

    def murder_pending(self) -> None:
        """Close overdue connections; gunicorn's loop calls this in every iteration."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_SECONDS
        for conn in [each for each in self._arriving if each.is_late(now)]:
            if conn.arrival.received_bytes:
                self._answer(conn, RequestTooSlow())
            else:  # a browser's spare connection
                self._drop(conn)
        for conn in [each for each in self._wanting_size if now >= each.timeout]:
            self._wanting_size.remove(conn)
            self._answer(conn, PicturesBusy())
        for conn in [each for each in self._leaving if now >= each.timeout]:
            self._drop(conn)
        for conn in [each for each in self._sending if each.sock.pace.passed(now)]:
            self._drop(conn)
        self._write_counts(now)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections that are idle for too long; answers of the fast lane count as requests.

        Each is read once more before: a request that arrived meanwhile is answered, not reset.
        """
        now = time.monotonic()
        for _ in range(len(self.keepalived_conns)):
            if not self.keepalived_conns:
                break  # answering one of them has made room
            conn = self.keepalived_conns[0]
            if now < conn.timeout and not force:
                break
            rests_until = conn.given_at + self.cfg.keepalive
            if self.alive and now < rests_until:
                conn.timeout = rests_until
                self.keepalived_conns.rotate(-1)
                continue
            if not force:
                self.on_client_socket_readable(conn, conn.sock)
            if conn.idle and conn.given_at < now:
                self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """Close connections without a request by `deadline`; called once, when stopping."""
        self._shut_the_door()
        for conn in self.keepalived_conns:
            conn.timeout = max(conn.timeout, conn.given_at + self.cfg.keepalive)
        super()._cap_keepalive(deadline)
        for conn in self._arriving:
            if not conn.arrival.received_bytes:
                conn.timeout = min(conn.timeout, deadline)

    def _shut_the_door(self) -> None:
        """Accept those already waiting, and let the kernel refuse later ones.

        gunicorn stops accepting here and closes at the end: clients that connect meanwhile wait for
        as long as the last request takes, and are reset. A client that is refused at once asks
        another server. If other workers have the same listener, they get the new connections.
        """
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and self._accept_one(listener):
                pass
            listener.close()


def round_robin_by_address(ready: list[selectors.SelectorKey]) -> list[selectors.SelectorKey]:
    """Sort `ready`: what is no client's, then one client of each address, a second of each, ….

    Of the clients of an address, the one handled least recently is first.
    """
    clients = [key for key in ready if isinstance(key.data, partial)]
    clients.sort(key=lambda key: key.data.args[0].handled_in)
    seen: Counter[str] = Counter()

    def rank(key: selectors.SelectorKey) -> int:
        address = key.data.args[0].address
        seen[address] += 1
        return seen[address]

    others = [key for key in ready if not isinstance(key.data, partial)]
    return others + sorted(clients, key=rank)


def response_to(error: AvenueError, status: int | None = None) -> bytes:
    """Return the whole response for an error found before the application was called.

    `status` is more specific than the error's own.
    """
    status = status or error.status
    body = json.dumps(
        {
            "success": 0,
            "error": error.message,
            "message": error.message,
            "code": error.code,
            "status": status,
            "hint": error.hint,
            **error.facts,
        }
    ).encode()
    headers = {
        "Date": format_date_time(time.time()),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **error.headers,
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
