"""The worker as clients meet it: good ones, slow ones, broken ones, many at once."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.forking import forked
from tests.table import table
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, let_pass, wait_until

ROOT = Path(__file__).parent.parent.parent
MIB = 1024 * 1024


class Server:
    """gunicorn with the repository's configuration, one worker process, on a port of its own."""

    def __init__(self, folder, *args, **env):
        self.log = Path(folder) / "gunicorn.log"
        settings = {"AVENUE_LOCAL": "1", "WEB_CONCURRENCY": "1", "AVENUE_THREADS": "8"}
        kept = {"PATH", "HOME", "LANG"}
        environment = {name: value for name, value in os.environ.items() if name in kept}
        with self.log.open("wb") as log:
            self.process = forked(
                *("gunicorn", "--bind", "127.0.0.1:0", *args, "tests.http.lane_app:app"),
                env={**environment, **settings, **env},
                stderr=log,
            )
        self.port = int(wait_until(self._port))
        self.pid = self.counts()["pid"]

    def _port(self):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_text())
        return found and found[1]

    def counts(self):
        return self.ask("GET", "/counts")[1]

    def ask(self, method, path, body=None, headers=None):
        """Return status and parsed answer of one request on its own connection."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        with contextlib.closing(client):
            client.request(method, path, body, headers or {})
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())

    def connect(self, *sent):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)
        for piece in sent:
            client.sendall(piece)
        return client

    def talk(self, *sent, half_close=False):
        """Send raw bytes, return everything that comes until the server closes."""
        with self.connect(*sent) as client:
            if half_close:
                client.shutdown(socket.SHUT_WR)
            return everything(client)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_SECONDS * 2)


def everything(client):
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            received += piece
    return bytes(received)


def answer(client):
    """Receive one answer and no more."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1) or pytest.fail("closed without an answer")
    length = int(re.search(rb"Content-Length: (\d+)", received)[1])
    body = bytearray()
    while len(body) < length:
        body += client.recv(length - len(body)) or pytest.fail("closed in the middle of an answer")
    return received + bytes(body)


def statuses(received):
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def post(path, length, *headers):
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def get(path, *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()


CHUNKED_HEAD = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSING = get("/hello", "Connection: close")


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*args, **env):
        started.append(Server(tmp_path, *args, **env))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("lane"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server that waits one second and collects bodies up to 1 MB."""
    server = Server(
        tmp_path_factory.mktemp("strict"),
        AVENUE_MAX_HEADER_SECONDS="1",
        AVENUE_MAX_SLOW_BODY_SECONDS="1",
        AVENUE_MAX_DRAIN_MB="1",
        AVENUE_MAX_DRAIN_SECONDS="2",
    )
    yield server
    server.stop()


# Ordinary clients


def test_a_connection_serves_request_after_request(server):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(client):
        ports = set()
        for name in ("ana", "bea", "eva"):
            client.request("GET", f"/hello?name={name}")
            answer = client.getresponse()
            ports.add(client.sock.getsockname()[1])
            assert json.loads(answer.read()) == {"hello": name}
        assert len(ports) == 1


def test_a_head_that_comes_byte_by_byte_is_answered(server):
    assert statuses(server.talk(*[bytes([each]) for each in CLOSING])) == [200]


def test_one_empty_line_before_a_request_is_allowed(server):
    assert statuses(server.talk(b"\r\n", CLOSING)) == [200]


def test_pipelined_requests_are_answered_in_order(server):
    received = server.talk(
        get("/hello?name=ana") + post("/body", 3) + b"abc" + get("/hello?name=bea") + CLOSING
    )
    assert statuses(received) == [200] * 4
    assert [received.index(each) for each in (b"ana", b'"bytes": 3', b"bea", b"world")] == sorted(
        received.index(each) for each in (b"ana", b'"bytes": 3', b"bea", b"world")
    )


def test_requests_behind_chunked_bodies_are_answered(server):
    chunked = CHUNKED_HEAD + b"3\r\nabc\r\n0\r\n\r\n"
    half = post("/body", 4) + b"ab"
    with server.connect(chunked + chunked + half) as client:
        received = answer(client) + answer(client)
        client.sendall(b"cd" + CLOSING)
        received += everything(client)
    assert statuses(received) == [200] * 4
    assert received.count(b'"bytes": 3') == 2
    assert received.count(b'"bytes": 4') == 1


def test_two_lines_of_codings_are_one_list_however_the_bytes_come(server):
    chunked = b"Transfer-Encoding: chunked\r\n"
    gzip = b"Transfer-Encoding: gzip\r\n"
    whole = CHUNKED_HEAD.replace(chunked, gzip + chunked) + b"3\r\nabc\r\n0\r\n\r\n"
    for at in (whole.index(b"3\r\nabc"), whole.index(b"bc"), len(whole) - 2, len(whole)):
        # What came with the request before is looked at before more is read.
        with server.connect(get("/hello") + whole[:at]) as client:
            assert statuses(answer(client)) == [200]
            client.sendall(whole[at:] + CLOSING)
            received = everything(client)
        assert statuses(received) == [200], at
        assert b'"bytes": 3' in received


def test_a_request_behind_a_body_nobody_read_is_answered(server):
    received = server.talk(post("/refuse", 300_000) + b"x" * 300_000 + CLOSING)
    assert statuses(received) == [413, 200]
    chunked = CHUNKED_HEAD.replace(b"/body", b"/refuse") + b"3\r\nabc\r\n0\r\n\r\n"
    assert statuses(server.talk(chunked + CLOSING)) == [413, 200]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000, 5 * MIB])
def test_bodies_of_every_size_arrive_byte_for_byte(server, size):
    sent = os.urandom(size)
    expected = {"bytes": size, "sha256": hashlib.sha256(sent).hexdigest()}
    assert server.ask("POST", "/body", sent) == (200, expected)


@pytest.mark.parametrize("piece_bytes", [1, 1000, 300_000])
def test_chunked_bodies_arrive_byte_for_byte(server, piece_bytes):
    sent = os.urandom(piece_bytes * 7)
    pieces = (sent[at : at + piece_bytes] for at in range(0, len(sent), piece_bytes))
    expected = {"bytes": len(sent), "sha256": hashlib.sha256(sent).hexdigest()}
    assert server.ask("POST", "/body", pieces) == (200, expected)


def test_chunk_extensions_and_trailers_are_read(server):
    chunked = CHUNKED_HEAD + b"3;a=b\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
    received = server.talk(chunked + CLOSING)
    assert statuses(received) == [200, 200]
    assert b'"bytes": 3' in received


def test_a_body_longer_than_is_collected_is_read_as_it_comes(strict):
    sent = os.urandom(3 * MIB)
    digest = hashlib.sha256(sent).hexdigest()
    assert strict.ask("POST", "/body", sent) == (200, {"bytes": len(sent), "sha256": digest})
    pieces = (sent[at : at + 100_000] for at in range(0, len(sent), 100_000))
    assert strict.ask("POST", "/body", pieces) == (200, {"bytes": len(sent), "sha256": digest})


def test_a_client_that_asks_first_is_told_to_continue_once(server):
    with server.connect(post("/body", 3, "Expect: 100-continue", "Connection: close")) as client:
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert statuses(everything(client)) == [200]


def test_a_client_that_asks_first_is_told_no_before_a_body_that_is_too_long(strict):
    head = post("/refuse", 2 * MIB, "Expect: 100-continue")
    with strict.connect(head) as client:
        assert statuses(answer(client)) == [413]


def test_a_client_that_asks_first_may_send_a_long_body_when_it_is_read(strict):
    head = post("/body", 2 * MIB, "Expect: 100-continue")
    with strict.connect(head) as client:
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x" * 2 * MIB)
        assert statuses(everything(client)) == [200]


def test_http_1_0_clients_are_not_told_to_continue(server):
    head = post("/body", 3, "Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert server.talk(head, b"abc").startswith(b"HTTP/1.0 200 ")


def test_a_file_is_sent_whole(server):
    received = server.talk(get("/file", "Connection: close"))
    assert received.partition(b"\r\n\r\n")[2] == b"a" * 6_553_600


def test_forwarded_headers_reach_the_application_untouched(server):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4", "Script_Name": "/x"}
    assert server.ask("GET", "/scheme", headers=headers)[1] == {
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "127.0.0.1",
        "SCRIPT_NAME": "",
        "HTTP_X_FORWARDED_PROTO": "https",
    }


# Broken requests


@table(
    "status, sent",
    [
        (400, post("/body", 3, "Content-Length: 3") + b"abc"),
        (400, post("/body", 3, "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
        (400, post("/body", -3)),
        (400, post("/body", "0x3")),
        (400, post("/body", "9" * 5000)),
        (400, post("/body", "")),
        (400, b"POST /body HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"),
        (400, b"GET /hello HTTP/1.1\nHost: a\n\n"),
        (400, b"GET /hello HTTP/1.1\r\nHost: a\n"),
        (400, b"nonsense\r\n\r\n"),
        (400, b"\r\n\r\n"),
        (400, CHUNKED_HEAD + b"zz\r\nabc\r\n0\r\n\r\n"),
        (400, CHUNKED_HEAD + b"-3\r\nabc\r\n0\r\n\r\n"),
        (400, CHUNKED_HEAD + b"3\r\nabcdef\r\n0\r\n\r\n"),
        (400, CHUNKED_HEAD + b"1" * 9000),
        (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"),
        (414, b"GET /" + b"a" * 80_000),
        (431, get("/hello", "X-Long: " + "a" * 100_000)),
        (431, get("/hello", *(f"X-{each}: 1" for each in range(200)))),
        (417, post("/body", 3, "Expect: miracles")),
        (400, CHUNKED_HEAD.replace(b"HTTP/1.1", b"HTTP/1.0")),
        (400, CHUNKED_HEAD.replace(b"chunked", b"gzip")),
        (501, CHUNKED_HEAD.replace(b"chunked", b"fancy")),
    ],
)
def test_gunicorns_parser_refuses_what_it_always_refused(server, status, sent):
    received = server.talk(sent)
    assert statuses(received) == [status]
    told = json.loads(received.partition(b"\r\n\r\n")[2])
    assert told["code"] in {"bad_request", "body_cut_off"}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            b"GET /hello?token=private HTPX/1.1\r\nHost: a\r\n\r\n", marks=pytest.mark.long
        ),
        pytest.param(get("/hello?token=private", "Private(1): private"), marks=pytest.mark.long),
        get("/hello?token=private", "Authorization: Bearer private\x01"),
        get("/broken?token=private"),
        pytest.param(b"GET /slow?token=private", marks=pytest.mark.long),
    ],
    ids=["no HTTP", "header name", "header value", "application", "slow"],
)
def test_nothing_of_a_request_that_fails_is_in_the_log(serve, sent):
    server = serve(AVENUE_MAX_HEADER_SECONDS="1")
    server.talk(sent)
    wait_until(lambda: re.search("bad_request|internal_error|too_slow", server.log.read_text()))
    written = server.log.read_text().partition("Booting worker")[2]
    assert not re.search("private|127[.]0[.]0[.]1|token", written)


@pytest.mark.parametrize(
    "sent",
    [
        post("/body", 1000) + b"x" * 999,
        post("/body", 5 * MIB) + b"x" * MIB,
        post("/body", 100 * MIB) + b"x" * MIB,
        CHUNKED_HEAD + b"5\r\nab",
        CHUNKED_HEAD + b"2\r\nab\r\n",
        CHUNKED_HEAD + b"2\r\nab\r\n0\r\n",
    ],
    ids=["short", "in a file", "live", "in a chunk", "between chunks", "before the end"],
)
def test_a_body_cut_short_is_never_taken_for_whole(server, sent):
    before = server.counts()["whole_bodies"]
    received = server.talk(sent, half_close=True)
    assert statuses(received) == [400]
    assert b"body_cut_off" in received
    assert server.counts()["whole_bodies"] == before


def test_a_head_cut_short_is_closed(server):
    assert server.talk(b"GET /hello HTT", half_close=True) == b""


def test_a_refused_body_is_read_on_so_that_the_answer_is_seen(server):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(client):
        client.request("POST", "/refuse", b"x" * 7 * MIB)
        assert client.getresponse().read() == b'{"code": "file_too_large"}'
        client.request("GET", "/hello")
        assert client.getresponse().status == 200


def test_a_refused_body_too_long_to_collect_is_read_on_too(strict):
    client = http.client.HTTPConnection("127.0.0.1", strict.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(client):
        client.request("POST", "/refuse", b"x" * (MIB + 50_000))
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (413, "close")


def test_a_body_there_is_no_room_for_is_answered_with_a_time_to_try_again(serve, tmp_path):
    conf = tmp_path / "full.conf.py"
    conf.write_text(
        f"exec(open({str(ROOT / 'gunicorn.conf.py')!r}).read())\n"
        "def post_worker_init(worker):\n"
        "    import avenue.server.arrival\n"
        "    avenue.server.arrival.SPOOL_FILE_BYTES = 1000\n"
    )
    server = serve("--config", str(conf))
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(client):
        client.request("POST", "/body", b"x" * MIB)
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Retry-After")) == (503, "2")
        assert json.loads(answer.read())["code"] == "spool_unavailable"
    assert server.ask("POST", "/body", b"small")[0] == 200


# Slow clients


def test_a_slow_head_is_answered_with_408(strict):
    started = time.monotonic()
    received = strict.talk(b"GET /hello HTTP/1.1\r\nHost:")
    assert statuses(received) == [408]
    assert json.loads(received.partition(b"\r\n\r\n")[2])["code"] == "request_too_slow"
    assert time.monotonic() - started >= 1


def test_a_head_that_keeps_coming_slowly_is_answered_with_408(strict):
    with strict.connect(b"GET /hello HTTP/1.1\r\n") as client:
        assert statuses(trickle(client, b"X-A: 1\r\n")) == [408]


def test_a_connection_that_says_nothing_is_closed_without_a_word(strict):
    assert strict.talk() == b""


@pytest.mark.parametrize("head", [post("/body", 500_000), CHUNKED_HEAD + b"77777\r\n"])
def test_a_slow_body_is_answered_with_408(strict, head):
    assert statuses(strict.talk(head, b"x" * 5000)) == [408]
    with strict.connect(head) as client:
        assert statuses(trickle(client, b"x" * 500)) == [408]


def test_a_slow_body_read_by_a_thread_is_broken_off(strict):
    received = strict.talk(post("/body", 2 * MIB), b"x" * 5000)
    assert statuses(received) == [400]
    assert b"body_cut_off" in received


def trickle(client, piece):
    """Send `piece` ten times a second until the server answers; return the answer."""
    for _ in range(10 * DEADLINE_SECONDS):
        client.settimeout(0.1)
        try:
            return client.recv(65_536)
        except TimeoutError:
            client.sendall(piece)
    raise AssertionError("the server went on listening")


def test_a_body_faster_than_the_slowest_allowed_is_waited_for(strict):
    # Again when this process had to wait itself: such a body was slower.
    wait_until(lambda: is_waited_for(strict))


def is_waited_for(server):
    """Send 40 KB a second, four times what is asked for; tell whether all of it was taken."""
    sent, longest_pause = 0, 0.0
    with server.connect(post("/body", 100_000, "Connection: close")) as client:
        started = last = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < 100_000:
                client.sendall(b"x" * 2000)
                sent += 2000
                longest_pause, last = max(longest_pause, time.monotonic() - last), time.monotonic()
                let_pass(max(0.0, started + sent / 40_000 - time.monotonic()))
        is_taken = b'"bytes": 100000' in everything(client)
    assert is_taken or longest_pause > 0.5
    return is_taken


def test_a_client_that_does_not_take_its_answer_is_dropped(strict):
    before = strict.counts()["unfinished_answers"]
    with strict.connect(get("/big?mb=64")) as client:
        wait_until(lambda: strict.counts()["unfinished_answers"] == before + 1)
        wait_until(lambda: has_no_connection_to(strict, client.getsockname()[1]))


def has_no_connection_to(server, port):
    connections = psutil.Process(server.pid).net_connections("tcp")
    return all(each.raddr and each.raddr[1] != port for each in connections if each.raddr)


def good_times(server, count=100):
    """Return how many seconds each of `count` good requests took, two at a time."""

    def one(_):
        started = time.monotonic()
        assert server.ask("GET", "/hello")[0] == 200
        return time.monotonic() - started

    with Threads(2) as pool:
        return sorted(pool.map(one, range(count)))


def assert_not_slower(times, calm):
    """95 of 100 take no time worth speaking of; on a busy machine, no more than when it is calm."""
    assert times[94] < max(0.5, 2 * calm[94])


@pytest.mark.alone
def test_two_hundred_slow_connections_keep_nobody_waiting(serve):
    server = serve()
    calm = good_times(server)
    slow_heads = [b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: " for _ in range(100)]
    slow_bodies = [post("/body", 100_000) + b"x" * 2000 for _ in range(50)]
    slow_bodies += [CHUNKED_HEAD + b"9\r\nab\r\n\r\n" for _ in range(50)]
    with contextlib.ExitStack() as stack:
        for sent in slow_heads + slow_bodies:
            stack.enter_context(server.connect(sent))
        times = good_times(server)
    assert_not_slower(times, calm)


def test_slow_bodies_too_long_to_collect_keep_nobody_else_waiting(serve):
    """They have threads of their own, and wait for those; too many are told to come again."""
    server = serve(AVENUE_THREADS="2", AVENUE_MAX_DRAIN_MB="1")
    head = post("/body", 2 * MIB, "Expect: 100-continue", "Connection: close")
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(server.connect(head)) for _ in range(2)]
        for client in slow:
            assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"  # a thread waits for it
        waiting = [stack.enter_context(server.connect(head)) for _ in range(14)]
        assert server.ask("GET", "/hello")[0] == 200
        assert server.ask("POST", "/body", b"x" * MIB)[0] == 200  # of which a part can be made
        with server.connect(head) as late:
            refused = answer(late)
        assert (statuses(refused), b'"too_many_arriving"' in refused) == ([503], True)
        assert b"Retry-After" in refused
        for client in [*slow, *waiting]:
            client.sendall(b"x" * 2 * MIB)
            assert statuses(everything(client))[-1] == 200
        assert server.ask("POST", "/body", b"x" * 2 * MIB)[0] == 200


class Sizes:
    """People who ask for sizes that are made until the test lets them be finished."""

    def __init__(self, server, folder):
        self.server = server
        self.begun, self.finished = folder / "started", folder / "finished"

    def ask(self, name):
        """Ask as `name`, whose first letter stands for an address."""
        path = f"/media/a/b/w640.webp?name={name}&started={self.begun}&path={self.finished}"
        headers = (f"X-Forwarded-For: 192.0.2.{ord(name[0])}", "Connection: close")
        return self.server.connect(get(path, *headers))

    def started(self):
        return self.begun.read_text().split() if self.begun.exists() else []


def test_sizes_are_made_by_half_of_the_threads_for_each_address_in_turn(serve, tmp_path):
    server = serve(AVENUE_THREADS="2", AVENUE_PROXY_HOPS="1")
    sizes = Sizes(server, tmp_path)
    with contextlib.ExitStack() as stack:
        asking = [stack.enter_context(sizes.ask(name)) for name in ("a1", "a2", "a3", "a4")]
        wait_until(sizes.started)
        asking.append(stack.enter_context(sizes.ask("b1")))
        assert [server.ask("GET", "/hello")[0] for _ in range(8)] == [200] * 8
        assert sizes.started() == ["a1"]
        server.process.send_signal(signal.SIGTERM)  # which finishes them all
        wait_until(lambda: "Handling signal: term" in server.log.read_text())
        sizes.finished.touch()
        assert [statuses(everything(each)) for each in asking] == [[200]] * 5
    assert sizes.started() == ["a1", "a2", "b1", "a3", "a4"]


def test_who_waits_for_a_size_makes_room_for_others(serve, tmp_path):
    limit = ("--worker-connections", "9")
    server = serve(*limit, AVENUE_THREADS="2", AVENUE_ADDRESS_SHARE_PERCENT="100")
    sizes = Sizes(server, tmp_path)
    with contextlib.ExitStack() as stack:
        asking = []
        for number in range(12):
            asking.append(stack.enter_context(sizes.ask(f"a{number}")))
            wait_until(lambda: sizes.started() == ["a0"])
            assert server.ask("GET", "/hello")[0] == 200
        assert [each.recv(1) for each in asking[1:3]] == [b"", b""]
        sizes.finished.touch()
        assert statuses(everything(asking[0])) == [200]
        assert statuses(everything(asking[-1])) == [200]


@pytest.mark.long  # SIZE_WAIT_SECONDS
def test_who_waits_long_for_a_size_is_told_to_come_again(serve, tmp_path):
    server = serve(AVENUE_THREADS="2")
    sizes = Sizes(server, tmp_path)
    with sizes.ask("a1") as making, sizes.ask("a2") as waiting:
        wait_until(lambda: sizes.started() == ["a1"])
        waiting.settimeout(2 * DEADLINE_SECONDS)
        told = everything(waiting)
        assert (statuses(told), b'"pictures_busy"' in told) == ([503], True)
        assert b"Retry-After" in told
        sizes.finished.touch()
        assert statuses(everything(making)) == [200]
    assert sizes.started() == ["a1"]


# Answers a client takes slowly


def slow_reader(server, path, version="1.1"):
    """Somebody who begins to get `path` and then takes nothing more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(DEADLINE_SECONDS)
    client.connect(("127.0.0.1", server.port))
    client.sendall(f"GET {path} HTTP/{version}\r\nHost: a\r\n\r\n".encode())
    assert client.recv(9) == f"HTTP/{version} ".encode()
    return client


def rest(reader):
    """Receive all that comes, no longer slowly."""
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
    return everything(reader)


def big(megabytes):
    return b"".join(n.to_bytes(4) * 16_384 for n in range(megabytes * 16))


@pytest.mark.alone
def test_forty_slow_readers_hold_no_thread_and_little_memory(serve):
    server = serve()
    calm = good_times(server)
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(slow_reader(server, "/big?mb=8")) for _ in range(40)]
        wait_until(lambda: server.counts()["unfinished_answers"] == 40)
        times = good_times(server)
        assert process.memory_info().rss - before < 20 * MIB
        for reader in readers[:2]:
            reader.sendall(CLOSING)
            body = rest(reader).partition(b"\r\n\r\n")[2]
            assert body.startswith(big(8))
            assert statuses(body[8 * MIB :]) == [200]
    assert_not_slower(times, calm)
    wait_until(lambda: server.counts()["held_answers"] == 0)


def test_an_answer_without_a_length_comes_whole_however_slowly_it_is_taken(server):
    with slow_reader(server, "/chunks?mb=8") as reader:
        reader.sendall(CLOSING)
        chunks, _, behind = rest(reader).partition(b"\r\n\r\n")[2].partition(b"\r\n0\r\n\r\n")
    size = len(b"10000\r\n")
    step = size + 65_536 + len(b"\r\n")
    chunks += b"\r\n"
    assert b"".join(chunks[at + size : at + step - 2] for at in range(0, len(chunks), step)) == big(
        8
    )
    assert statuses(behind) == [200]


def test_a_slow_reader_who_leaves_frees_everything(server):
    before = server.counts()
    with slow_reader(server, "/big?mb=8"):
        wait_until(lambda: server.counts()["held_answers"] == before["held_answers"] + 1)
    wait_until(lambda: server.counts()["held_answers"] == before["held_answers"])


def test_an_answer_that_breaks_off_is_cut_and_never_looks_whole(server):
    with slow_reader(server, "/fails") as reader:
        received = rest(reader)
    assert received.startswith(b"200 OK")
    assert len(received.partition(b"\r\n\r\n")[2]) == 100 * 65_536
    assert server.ask("GET", "/hello")[0] == 200


def test_slow_readers_are_finished_when_the_worker_is_told_to_stop(serve):
    server = serve()
    with slow_reader(server, "/big?mb=8") as reader:
        wait_until(lambda: server.counts()["held_answers"] == 1)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "Handling signal: term" in server.log.read_text())
        assert rest(reader).partition(b"\r\n\r\n")[2] == big(8)
    assert server.process.wait(DEADLINE_SECONDS) == 0


# What a worker holds and how it ends


def rss_while(process, server, path, sent):
    """Upload `sent` ten times at once; return the most memory seen meanwhile."""
    with Threads(10) as pool:
        uploads = [pool.submit(server.ask, "POST", path, sent) for _ in range(10)]
        seen = [0]

        def all_are_done():
            seen.append(process.memory_info().rss)
            return all(each.done() for each in uploads)

        wait_until(all_are_done, every=0.005)
    assert all(each.result(DEADLINE_SECONDS)[1]["bytes"] == len(sent) for each in uploads)
    return max(seen)


def test_ten_large_uploads_at_once_need_little_memory(serve):
    server = serve()
    process, sent = psutil.Process(server.pid), b"x" * 19 * MIB
    server.ask("POST", "/body", sent)
    before = process.memory_info().rss
    assert rss_while(process, server, "/body", sent) - before < 40 * MIB


@pytest.mark.long
def test_large_bodies_read_in_one_piece_leave_no_memory_behind(serve):
    server = serve()
    process, sent = psutil.Process(server.pid), b"x" * 19 * MIB
    before = process.memory_info().rss
    for _ in range(3):
        rss_while(process, server, "/whole", sent)
    assert process.memory_info().rss - before < 60 * MIB


def test_nothing_stays_open_after_many_connections(strict):
    sent = [
        get("/hello"),
        CLOSING,
        b"GET /hel",
        b"",
        post("/refuse", 5000),
        post("/body", 200_000) + b"x" * 150_000,
        post("/body", 2 * MIB) + b"x" * 1000,
        CHUNKED_HEAD + b"9\r\nab",
        get("/big?mb=8"),
        b"nonsense\r\n\r\n",
    ]
    process = psutil.Process(strict.pid)
    for each in sent:  # what is opened once and for all, as the file of refusals that are counted
        strict.connect(each).close()
    before = wait_until(lambda: process.num_fds() if not others_of(process) else None)
    for _ in range(30):
        for each in sent:
            strict.connect(each).close()
    wait_until(lambda: not others_of(process) and process.num_fds() <= before)


def others_of(process):
    return [each for each in process.net_connections("tcp") if each.raddr]


def test_a_running_request_and_an_arriving_one_are_finished_when_told_to_stop(serve, tmp_path):
    server = serve()
    started, path = tmp_path / "started", tmp_path / "go"
    running = server.connect(get(f"/until?started={started}&path={path}"))
    arriving = server.connect(post("/body", 6) + b"abc")
    with running, arriving:
        wait_until(started.exists)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "Handling signal: term" in server.log.read_text())
        arriving.sendall(b"def")
        assert b'"bytes": 6' in everything(arriving)
        path.touch()
        received = everything(running)
    assert statuses(received) == [200]
    assert server.process.wait(DEADLINE_SECONDS) == 0


def test_connections_that_say_nothing_do_not_delay_a_stop(serve):
    server = serve()
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(server.connect(get("/hello")))
        assert statuses(answer(idle)) == [200]
        for _ in range(5):
            stack.enter_context(server.connect())
        wait_until(lambda: len(others_of(psutil.Process(server.pid))) == 6)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE_SECONDS) == 0


def test_an_idle_connection_is_closed_after_the_keepalive_time(serve):
    server = serve("--keep-alive", "1")
    with server.connect(get("/hello")) as client:
        assert statuses(everything(client)) == [200]


def test_a_worker_that_served_its_share_is_replaced_and_nothing_is_lost(serve):
    server = serve("--max-requests", "10", "--max-requests-jitter", "0")
    pids = {server.counts()["pid"] for _ in range(25)}
    assert len(pids) > 1


def test_at_the_limit_of_connections_who_has_waited_longest_makes_room(serve):
    server = serve("--worker-connections", "9", AVENUE_ADDRESS_SHARE_PERCENT="100")
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(20):
            clients.append(stack.enter_context(server.connect(get("/hello"))))
            assert statuses(answer(clients[-1])) == [200]
        assert clients[0].recv(1) == b""


def test_a_worker_out_of_descriptors_goes_on_with_the_connections_it_has(serve):
    server = serve()
    process = psutil.Process(server.pid)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.connect(get("/hello")))
        assert statuses(answer(first)) == [200]
        room = process.num_fds() + 5
        _, most = process.rlimit(psutil.RLIMIT_NOFILE)
        process.rlimit(psutil.RLIMIT_NOFILE, (room, most))
        others = [stack.enter_context(server.connect(get("/hello"))) for _ in range(10)]
        wait_until(lambda: "No room for more than" in server.log.read_text())
        first.sendall(get("/hello"))
        assert statuses(answer(first)) == [200]
        for each in others[:5]:
            each.close()
        assert statuses(answer(others[-1])) == [200]
        process.rlimit(psutil.RLIMIT_NOFILE, (most, most))
        others += [stack.enter_context(server.connect(get("/hello"))) for _ in range(10)]
        assert all(statuses(answer(each)) == [200] for each in others[-10:])
    assert server.counts()["pid"] == server.pid


@pytest.mark.parametrize(("fast_lane", "seconds"), [("on", 0.001), ("off", 0.005)])
def test_threads_keep_the_interpreter_from_a_loop_that_answers_for_less_long(
    serve, fast_lane, seconds
):
    server = serve(AVENUE_FAST_LANE=fast_lane)
    assert server.counts()["switch_seconds"] == pytest.approx(seconds)
