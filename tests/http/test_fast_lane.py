"""The fast lane through real gunicorn: the same answers as without, and nobody holds it up."""

import contextlib
import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from avenue.config import Settings
from avenue.server.worker import READS_FOR_A_THREAD
from tests import pictures
from tests.http.application import large_picture
from tests.http.lane_app import TRIES_SECONDS, Gallery
from tests.http.test_lane import CLOSING, Server as LaneServer, answer, everything, get, statuses
from tests.mongod import Guard
from tests.server import Server, path_of, prepare
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, let_pass, wait_until

CACHE_SECONDS = 2
GONE_WITHIN_SECONDS = 20
HELD_SECONDS = 3
SOON_SECONDS = 15
"""Well before gunicorn gives up waiting for connections it believes to have (30 s)."""
SLOW_READERS = 40


class Deployment(NamedTuple):
    """The same pictures behind three servers: with the fast lane, with one that has to read all
    it gives, larger ones from its disk cache, and without."""

    fast: Server
    reading: Server
    ordinary: Server
    product: str
    thumb: str
    photo: str
    original: str
    etag: str


class Gated(NamedTuple):
    """A server whose reading waits for the file `gate` to be there."""

    server: LaneServer
    gate: Path

    def begun(self) -> int:
        """How many have begun to read."""
        begun = Path(f"{self.gate}.begun")
        return len(begun.read_text()) if begun.exists() else 0


@pytest.fixture(scope="module")
def deployment(shared_uri: str, guard: Guard, disk_folder: Path) -> Iterator[Deployment]:
    uri = shared_uri
    prepare(uri)
    disk = {"AVENUE_DISK_CACHE_MB": "100", "AVENUE_TMP_DIR": str(disk_folder)}
    with (
        Server(guard, uri) as fast,
        Server(guard, uri, AVENUE_CACHE_MB="0", **disk) as reading,
        Server(guard, uri, AVENUE_FAST_LANE="off") as ordinary,
    ):
        seller = fast.seller()
        product = seller.create_product()
        picture = large_picture(500, 400, seed=3)
        reply = seller.upload(product, picture).json
        assert 400_000 < len(picture) < 1_000_000  # one chunk, and many times a socket's buffer
        thumb = path_of(reply["file"]["variants"]["thumb"]["url"])
        etag = fast.client.get(thumb).headers["ETag"]
        larger = seller.upload(product, large_picture(700, 600, seed=4)).json
        paths = thumb, path_of(reply["url"]), path_of(larger["url"])
        yield Deployment(fast, reading, ordinary, product, *paths, etag)


def warm(server: Server, path: str) -> None:
    assert server.client.get(path).status == 200


def talk(server: Server, *sent: bytes) -> bytes:
    """Send raw bytes, piece by piece; return all that comes until nothing more does."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as client:
        for piece in sent:
            client.sendall(piece.replace(b"{port}", str(server.port).encode()))
        client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(1 << 20):
            received += piece
    return received


def comparable(received: bytes, server: Server) -> bytes:
    """What came without what is of one request or one server."""
    for pattern in (rb"Date: [^\r]*", rb"X-Request-ID: [^\r]*", rb'"request_id":"[^"]*"'):
        received = re.sub(pattern, b"", received)
    # With the colon: some tag or token of hex digits holds the digits of some port one day.
    return received.replace(f":{server.port}".encode(), b":{port}")


def lane_answers(server: Server, which: str = "fast_lane") -> int:
    """How many pictures the log says the fast lane gave, or how many of them it read."""
    written, _, _ = server.log.read_text().rpartition("\n")  # the last line may be on its way
    lines = [json.loads(each) for each in written.splitlines() if "{" in each]
    of_pictures = [each for each in lines if "fast_lane" in each and each["route"] != "/healthz"]
    return sum(each.get(which, 0) for each in of_pictures)


GET = b"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
TAG = b"If-None-Match: {etag}\r\n"
SINCE = b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
TALKS: dict[str, tuple[bytes, ...]] = {
    "whole": (GET + b"\r\n",),
    "head": (GET.replace(b"GET", b"HEAD") + b"\r\n",),
    "two in turn": (GET + b"\r\n", GET + b"\r\n"),
    "pipelined": (GET + b"\r\n" + GET + b"\r\n" + GET + b"\r\n",),
    "split": (GET[:30], GET[30:] + b"Accept: */*\r\n", b"\r\n"),
    "split in the last line end": (GET + b"\r", b"\n"),
    "then an ordinary one": (GET + b"\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    "after an ordinary one": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", GET + b"\r\n"),
    "304": (GET + b"If-None-Match: {etag}\r\n\r\n",),
    "304 and on": (GET + b"If-None-Match: {etag}\r\n\r\n", GET + b"\r\n"),
    "tag and date": (GET + TAG + SINCE + b"\r\n",),
    "date and tag": (GET + SINCE + TAG.lower() + b"Accept: */*\r\n\r\n",),
    "an old date alone": (GET + SINCE + b"\r\n",),
    "two tags": (GET + TAG + b'If-None-Match: "a"\r\n\r\n',),
    "the same tag twice": (GET + TAG + TAG + b"\r\n",),
    "two dates": (GET + SINCE + TAG + SINCE + b"\r\n",),
    "many tags": (GET + TAG * 120 + b"\r\n",),
    "a folded tag": (GET + TAG + b' , "a"\r\n\r\n',),
    "a tag with a control character": (GET + b"If-None-Match: {etag}\x00\r\n\r\n",),
    "a tag behind the end": (GET + b"\r\n" + TAG,),
    "a tag and an end behind the end": (GET + b"\r\n" + TAG + b"\r\n",),
    "a date behind the end": (GET + TAG + b"\r\n" + SINCE + b"\r\n",),
    "weak tag": (GET + b"If-None-Match: W/{etag}\r\n\r\n",),
    "range": (GET + b"Range: bytes=0-9\r\n\r\n",),
    "range behind the end": (GET + b"Range: bytes=9999999-\r\n\r\n",),
    "close": (GET + b"Connection: close\r\n\r\n",),
    "http/1.0": (GET.replace(b"1.1", b"1.0") + b"\r\n",),
    "post": (GET.replace(b"GET", b"POST") + b"Content-Length: 2\r\n\r\nhi",),
    "a body behind": (GET + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n",),
    "a body nobody announced": (GET + b"\r\nhello\r\n\r\n",),
    "chunked": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\n",),
    "both lengths": (GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
    "two hosts": (GET + b"Host: other.example\r\n\r\n",),
    "another host": (GET.replace(b"127.0.0.1", b"other.example") + b"\r\n",),
    "no host": (b"GET {path} HTTP/1.1\r\nAccept: */*\r\n\r\n",),
    "absolute form": (GET.replace(b"{path}", b"http://127.0.0.1:{port}{path}") + b"\r\n",),
    "bare LF": (GET.replace(b"\r\n", b"\n") + b"\n",),
    "folded": (GET + b"X: a\r\n b\r\n\r\n",),
    "a space before the colon": (GET + b"X : a\r\n\r\n",),
    "a query": (GET.replace(b"{path}", b"{path}?download=1") + b"\r\n",),
    "many fields": (GET + b"X: a\r\n" * 120 + b"\r\n",),
    "a long field": (GET + b"X: " + b"a" * 9000 + b"\r\n\r\n",),
    "a long head": (GET + (b"X: " + b"a" * 8000 + b"\r\n") * 9 + b"\r\n",),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",),
    "expect": (GET + b"Expect: 100-continue\r\n\r\n",),
    "upgrade": (GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",),
}


@table("name", TALKS)
def test_all_answer_the_same(deployment: Deployment, name: str) -> None:
    def filled(piece: bytes) -> bytes:
        return piece.replace(b"{path}", deployment.thumb.encode()).replace(
            b"{etag}", deployment.etag.encode()
        )

    answers = []
    for server in (deployment.fast, deployment.reading, deployment.ordinary):
        warm(server, deployment.thumb)
        answers.append(comparable(talk(server, *map(filled, TALKS[name])), server))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].startswith(b"HTTP/1.")


PARTS = (b"", b"bytes=100000-165535", b"bytes=-70000", b"bytes=0-", b"bytes=9-8", b"bytes=1-2,5-9")


@table("part", PARTS)
def test_a_large_picture_comes_whole_and_in_parts_all_ways(
    deployment: Deployment, part: bytes
) -> None:
    """Of one chunk and of several; from memory, from a file and from the database."""
    for path in (deployment.photo, deployment.original):
        field = b"Range: " + part + b"\r\n" if part else b""
        request = GET.replace(b"{path}", path.encode()) + field + b"\r\n"
        answers = []
        for server in (deployment.fast, deployment.reading, deployment.ordinary):
            warm(server, path)
            answers.append(comparable(talk(server, request), server))
        assert answers[0] == answers[1] == answers[2]
        assert len(answers[0]) > (65_536 if part else 400_000)


def test_browsers_that_come_again_are_answered_by_the_loop(deployment: Deployment) -> None:
    """They send tag and date, which are another pair for each picture."""
    warm(deployment.fast, deployment.thumb)
    before = lane_answers(deployment.fast)
    fields = {
        "If-None-Match": deployment.etag,
        "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT",
    }
    with deployment.fast.client.connection() as connection:
        for _ in range(5):
            connection.request("GET", deployment.thumb, headers=fields)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (304, b"")
    wait_until(lambda: lane_answers(deployment.fast) >= before + 5, "the count is in the log")


def test_the_log_counts_what_the_loop_answered(deployment: Deployment) -> None:
    warm(deployment.fast, deployment.thumb)
    before = lane_answers(deployment.fast)
    with deployment.fast.client.connection() as connection:
        for _ in range(7):
            connection.request("GET", deployment.thumb)
            assert connection.getresponse().read()
    wait_until(lambda: lane_answers(deployment.fast) >= before + 7, "the count is in the log")
    assert lane_answers(deployment.ordinary) == 0


def test_the_log_tells_what_was_read_for_answers_and_how_slowly(deployment: Deployment) -> None:
    warm(deployment.reading, deployment.thumb)
    before, of_the_other = (
        lane_answers(deployment.reading, "read"),
        lane_answers(deployment.fast, "read"),
    )
    with deployment.reading.client.connection() as connection:
        for _ in range(3):
            connection.request("GET", deployment.thumb)
            assert connection.getresponse().read()
    wait_until(
        lambda: lane_answers(deployment.reading, "read") >= before + 3, "the count is in the log"
    )
    assert lane_answers(deployment.reading, "slowest_ms") > 0
    assert lane_answers(deployment.fast, "read") == of_the_other


def test_what_nobody_has_asked_for_is_looked_for_by_the_loop(deployment: Deployment) -> None:
    """And at hand from then on."""
    seller = deployment.ordinary.seller()
    picture = pictures.photo(64, 48, seed=6)
    path = path_of(seller.upload(seller.create_product(), picture).json["url"])
    warm(
        deployment.fast, deployment.thumb
    )  # or the site might be known no more, and the ordinary path asked
    before = lane_answers(deployment.fast), lane_answers(deployment.fast, "read")
    with deployment.fast.client.connection() as connection:
        for _ in range(3):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, picture)
    wait_until(lambda: lane_answers(deployment.fast) >= before[0] + 3, "the count is in the log")
    wait_until(lambda: lane_answers(deployment.fast, "read") > before[1], "that of reads, too")
    assert lane_answers(deployment.fast, "read") == before[1] + 1


@pytest.mark.long
def test_what_is_removed_elsewhere_is_gone_in_time(migrated_uri: str, guard: Guard) -> None:
    uri = migrated_uri
    prepare(uri)
    seconds = str(CACHE_SECONDS)
    with Server(guard, uri, AVENUE_CACHE_SECONDS=seconds) as here, Server(guard, uri) as elsewhere:
        seller = elsewhere.seller()
        product = seller.create_product()
        reply = seller.upload(product, pictures.photo(64, 48, seed=5)).json
        path = path_of(reply["url"])
        warm(here, path)
        image = f"/api/shop/products/{product}/images/{reply['id']}"
        assert seller.request("DELETE", image).status == 204
        # Long before the usual time is up, with room for a busy machine.
        assert Settings(local=True).cache_seconds > GONE_WITHIN_SECONDS > CACHE_SECONDS
        wait_until(lambda: here.status(path) == 404, "the picture is gone", GONE_WITHIN_SECONDS)


# A picture that no socket takes at once


LARGE = get(Gallery.path)
IN_A_FILE = get(Gallery.file_path)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaneServer]:
    """A worker with one large picture at hand; it lets go of who takes less than 1 MB/s for 3 s."""
    server = LaneServer(
        tmp_path_factory.mktemp("gallery"),
        "-k",
        "avenue.server.worker.Worker",
        "--threads",
        "4",
        AVENUE_MAX_SLOW_BODY_SECONDS="3",
        AVENUE_MIN_BODY_KB_PER_SECOND="1000",
    )
    yield server
    server.stop()


# A picture that has to be read first


READ = get(Gallery.read_path)


def test_what_had_to_be_read_comes_whole_and_another_one_behind_it(gallery: LaneServer) -> None:
    for path, body in (
        (Gallery.read_path, Gallery.photo),
        (Gallery.read_large_path, Gallery.body),
        (Gallery.looked_path, Gallery.photo),
    ):
        with gallery.connect() as client:
            for _ in range(3):
                client.sendall(get(path))
                assert statuses_of_pictures(answer(client), body) == [200]
            client.sendall(get(path) * 3)
            client.shutdown(socket.SHUT_WR)
            assert statuses_of_pictures(everything(client), body) == [200] * 3


def statuses_of_pictures(received: bytes, body: bytes) -> list[int]:
    """The statuses of answers that all have `body`."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        assert received.startswith(body)
        received = received[len(body) :]
        found += statuses(head)
    return found


def test_what_cannot_be_read_goes_the_ordinary_way_with_the_time_it_took(
    gallery: LaneServer,
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gallery.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(connection):
        for path in Gallery.unreadable_paths * 2:
            connection.request("GET", path)
            told = json.loads(connection.getresponse().read())
            assert TRIES_SECONDS <= told["tried_seconds"] < DEADLINE_SECONDS
            connection.request("GET", Gallery.read_path)  # and that is the end of it
            assert connection.getresponse().read() == Gallery.photo
    said = gallery.log.read_text()
    assert said.count("\nKeyError: ") == 2
    assert "Unavailable" not in said


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Gated]:
    """A worker with one thread; what is read stays until the gate is open."""
    gate = tmp_path / "gate"
    server = LaneServer(
        tmp_path, "-k", "avenue.server.worker.Worker", "--threads", "1", GATE=str(gate)
    )
    yield Gated(server, gate)
    gate.touch()
    server.stop()


def test_who_leaves_while_it_is_read_is_forgotten(gated: Gated) -> None:
    with gated.server.connect(get(Gallery.waited_path)):
        wait_until(lambda: gated.begun() == 1)
    gated.gate.touch()
    wait_until(lambda: connections_of(gated.server) == 0)
    assert gated.server.ask("GET", "/hello")[0] == 200


def test_who_is_read_for_gets_it_from_a_worker_that_is_told_to_stop(gated: Gated) -> None:
    with gated.server.connect(get(Gallery.waited_path)) as client:
        wait_until(lambda: gated.begun() == 1)
        gated.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(gated.server))
        gated.gate.touch()
        assert statuses_of_pictures(everything(client), Gallery.photo) == [200]
    assert gated.server.process.wait(SOON_SECONDS) == 0  # and nobody else was waited for


def test_a_thread_has_few_to_read_and_the_others_go_the_ordinary_way(gated: Gated) -> None:
    """What is read is held until it is sent, so it must not become more and more."""
    with ExitStack() as leaving:
        clients = [
            leaving.enter_context(gated.server.connect(get(path)))
            for path in Gallery.waited_paths[: READS_FOR_A_THREAD + 3]
        ]
        wait_until(lambda: gated.begun() == 1)
        with gated.server.connect() as last:  # the second turn of the loop has seen all before it
            for _ in range(2):
                last.sendall(get(Gallery.photo_path))
                assert statuses_of_pictures(answer(last), Gallery.photo) == [200]
        gated.gate.touch()
        answers = [answer(each) for each in clients]
    assert [statuses_of_pictures(each, Gallery.photo) for each in answers] == [[200]] * len(clients)
    by_the_lane = [b"X-Request-ID" in each.partition(b"\r\n\r\n")[0] for each in answers]
    assert sum(by_the_lane) >= READS_FOR_A_THREAD > gated.begun() - 1


def test_many_who_ask_for_the_same_meanwhile_get_what_is_read_once(gated: Gated) -> None:
    """Else the second to come would already wait for a thread, and hold up everybody."""
    with ExitStack() as leaving:
        clients = [
            leaving.enter_context(gated.server.connect(get(Gallery.waited_path)))
            for _ in range(3 * READS_FOR_A_THREAD)
        ]
        part = get(Gallery.waited_path, "Range: bytes=0-9")
        ranging = leaving.enter_context(gated.server.connect(part))
        wait_until(lambda: gated.begun() == 1)
        with gated.server.connect() as last:  # the second turn of the loop has seen all before it
            for _ in range(2):
                last.sendall(get(Gallery.photo_path))
                assert statuses_of_pictures(answer(last), Gallery.photo) == [200]
        gated.gate.touch()
        answers = [answer(each) for each in clients]
        ranged = answer(ranging)
    assert [statuses_of_pictures(each, Gallery.photo) for each in answers] == [[200]] * len(clients)
    assert (statuses(ranged), ranged.endswith(Gallery.photo[:10])) == ([206], True)
    assert gated.begun() == 1


@pytest.mark.long
def test_to_wait_for_a_thread_is_not_to_read_in_vain(gated: Gated, tmp_path: Path) -> None:
    """The ordinary way has what is left of the time: of that of reading, not of all others."""
    held, started = tmp_path / "held", tmp_path / "started"
    with (
        gated.server.connect(get(f"/until?path={held}&started={started}")) as holding,
        gated.server.connect(get(Gallery.unreadable_paths[1])) as client,
    ):
        wait_until(started.exists)
        let_pass(HELD_SECONDS)
        held.touch()
        assert statuses(answer(holding)) == [200]
        told = json.loads(answer(client).partition(b"\r\n\r\n")[2])
    assert TRIES_SECONDS <= told["tried_seconds"] < HELD_SECONDS


def is_refused(server: LaneServer) -> bool:
    """Whether nobody is let in any more."""
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_large_answer_comes_whole_and_another_one_behind_it(gallery: LaneServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gallery.port, timeout=DEADLINE_SECONDS)
    with contextlib.closing(connection):
        for path in (Gallery.path, Gallery.file_path) * 2:
            connection.request("GET", path, headers={"Host": "a"})
            assert connection.getresponse().read() == Gallery.body
        connection.request(
            "GET", Gallery.file_path, headers={"Host": "a", "Range": "bytes=5000000-"}
        )
        assert connection.getresponse().read() == Gallery.body[5_000_000:]


def test_what_is_asked_for_meanwhile_is_answered_afterwards(gallery: LaneServer) -> None:
    with gallery.connect(LARGE) as client:
        assert client.recv(9) == b"HTTP/1.1 "
        client.sendall(CLOSING)
        with client.makefile("rb") as rest:
            received = rest.read()
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"200 OK")
    assert body.startswith(Gallery.body)
    behind = body[len(Gallery.body) :]
    assert statuses(behind) == [200]
    assert behind.endswith(b'{"hello": "world"}')


def test_slow_readers_hold_nobody_up_and_are_let_go(gallery: LaneServer) -> None:
    """Ten times as many as there are threads; none of them costs a copy of the picture."""
    before = psutil.Process(gallery.pid).memory_info().rss
    with ExitStack() as leaving:
        readers = [
            leaving.enter_context(slow_reader(gallery, (LARGE, IN_A_FILE)[number % 2]))
            for number in range(SLOW_READERS)
        ]
        for _ in range(50):
            assert gallery.ask("GET", "/hello")[0] == 200
        assert psutil.Process(gallery.pid).memory_info().rss - before < len(Gallery.body)
        wait_until(lambda: connections_of(gallery) == 0)
        for reader in readers:
            assert len(everything(reader)) < len(Gallery.body) / 2


def slow_reader(server: LaneServer, request: bytes) -> socket.socket:
    """Somebody who asks for the picture, begins to get it, and then takes nothing more."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(DEADLINE_SECONDS)
    client.connect(("127.0.0.1", server.port))
    client.sendall(request)
    assert client.recv(9) == b"HTTP/1.1 "
    return client


def connections_of(server: LaneServer) -> int:
    """How many connections of clients the worker has, but for our own."""
    found = psutil.Process(server.pid).net_connections("tcp")
    return sum(each.status == psutil.CONN_ESTABLISHED for each in found)


def test_a_reader_who_leaves_is_forgotten(gallery: LaneServer) -> None:
    with gallery.connect(LARGE) as client:
        client.recv(9)
    wait_until(lambda: connections_of(gallery) == 0)
    assert gallery.ask("GET", "/hello")[0] == 200


@pytest.mark.long
def test_a_connection_in_use_is_not_at_rest(tmp_path: Path) -> None:
    """gunicorn closes connections at rest; the answers of the fast lane keep one awake."""
    server = LaneServer(tmp_path, "-k", "avenue.server.worker.Worker", "--keep-alive", "1")
    try:
        # Again when this process had to wait itself: such a connection tells nothing.
        wait_until(lambda: was_in_use(server, seconds=3))
    finally:
        server.stop()


def was_in_use(server: LaneServer, seconds: float) -> bool:
    """Use a connection for `seconds`; tell whether it was never at rest for half a second."""
    head = LARGE.replace(b"GET", b"HEAD")
    with server.connect() as client:
        began = used = time.monotonic()
        while used - began < seconds:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                client.sendall(head)
            received = b""
            while b"\r\n\r\n" not in received:
                piece = b""
                with contextlib.suppress(ConnectionResetError):
                    piece = client.recv(4096)
                if not piece and time.monotonic() - used > 0.5:
                    return False
                assert piece, "closed while in use"
                received += piece
            used = time.monotonic()
        assert client.recv(1) == b""  # and is closed when it is not
    return True
