"""Files are fetched from a server of our own, which public addresses are made to lead to."""

import contextlib
import functools
import hashlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from avenue.errors import AvenueError
from avenue.outside import fetching
from avenue.outside.dialling import dial
from avenue.outside.errors import (
    AddressNotAllowed,
    BadUrl,
    FetchersBusy,
    FetchFailed,
    FetchTooSlow,
    TooLargeToFetch,
)
from avenue.outside.fetching import MAX_REDIRECTS, Fetcher
from tests.table import table
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

PUBLIC, OTHER = "93.184.216.34", "2606:4700:4700::1111"
HOST = "pictures.example"
PICTURE = b"\x89PNG" + bytes(range(256)) * 40
OK = b"HTTP/1.1 200 OK\r\n"

Serve = Callable[[socket.socket, bytes], None]


def reply(head: bytes, body: bytes = b"") -> Serve:
    return lambda client, _request: client.sendall(head + b"\r\n" + body)


def whole(body: bytes = PICTURE, *headers: str) -> Serve:
    lines = "".join(f"{each}\r\n" for each in headers)
    return reply(OK + f"Content-Length: {len(body)}\r\n{lines}".encode(), body)


def redirect(url: str, status: int = 302) -> Serve:
    return reply(
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: {url}\r\nContent-Length: 0\r\n".encode()
    )


class Origin:
    """A server that answers each connection with the next of its answers."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.answers: list[Serve] = []
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.closing.is_set():
                client.close()
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            client = held.enter_context(plain)
            if self._tls:
                client = held.enter_context(self._tls.wrap_socket(client, server_side=True))
            request = b""
            while b"\r\n\r\n" not in request:
                block = client.recv(65536)
                if not block:
                    return
                request += block
            self.requests.append(request)
            self.answers.pop(0)(client, request)

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS).close()
        joined(self._accepting)
        self._listener.close()
        joined(*self._threads)


@functools.cache
def usual_tls() -> ssl.SSLContext:
    """What trusts whom this machine trusts; to read that takes longer than most tests here."""
    return ssl.create_default_context()


class Deployment:
    """A fetcher for which every public address is the origin; names are as `names` says."""

    def __init__(self, origin: Origin, tmp_dir: Path, tls: ssl.SSLContext | None) -> None:
        self.origin = origin
        self.names: dict[str, list[list[str]]] = {HOST: [[PUBLIC]]}
        self.asked: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.tmp_dir = tmp_dir
        self.tls = tls or usual_tls()
        self.fetcher = self.new_fetcher(seconds=30)

    def new_fetcher(self, seconds: float) -> Fetcher:
        return Fetcher(
            seconds=seconds,
            tmp_dir=self.tmp_dir,
            resolve=self.resolve,
            connect=self.connect,
            tls=lambda: self.tls,
        )

    def resolve(self, name: str, _seconds: float) -> list[str]:
        """Each question gets the next answer there is; the last one stays."""
        self.asked.append(name)
        answers = self.names.get(name, [[]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append((address, port))
        return dial("127.0.0.1", self.origin.port, seconds)

    def fetch(self, url: str = f"http://{HOST}/a/shoe.png", max_bytes: int = 10**6):
        with self.fetcher.fetched(url, max_bytes=max_bytes) as fetched:
            assert os.fstat(fetched.file.fileno()).st_nlink == 0
            body = fetched.file.read()
        assert fetched.file.closed
        assert (fetched.length, fetched.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        return fetched.name, body


@pytest.fixture
def deployment(tmp_path) -> Iterator[Deployment]:
    origin = Origin(None)
    yield Deployment(origin, tmp_path, None)
    origin.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(tmp_path, authority) -> Iterator[Deployment]:
    """The same over TLS; the certificate is for `HOST`."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    origin = Origin(served)
    yield Deployment(origin, tmp_path, trusting)
    origin.close()


def test_a_file_is_fetched_with_its_name_and_hash(deployment):
    deployment.origin.answers = [whole()]
    assert deployment.fetch(f"http://{HOST}/a/sho%C3%A9.png?x=1") == ("shoé.png", PICTURE)
    assert deployment.dialled == [(PUBLIC, 80)]
    request = deployment.origin.requests[0].decode()
    assert request.startswith(f"GET /a/sho%C3%A9.png?x=1 HTTP/1.1\r\nHost: {HOST}\r\n")
    assert "Accept-Encoding: identity" in request
    assert not {"cookie", "authorization", "referer"} & {
        line.partition(":")[0].lower() for line in request.splitlines()
    }


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('Content-Disposition: attachment; filename="zapato.jpg"', "zapato.jpg"),
        ("Content-Disposition: inline; filename*=UTF-8''zapat%C3%B3n.jpg", "zapatón.jpg"),
        ('Content-Disposition: inline; filename="zapatón.jpg"', "zapatón.jpg"),
        ("Content-Disposition: inline; filename*=nothing''x%FF", "x%FF"),
        ("Content-Disposition: inline", "shoe.png"),
    ],
)
def test_the_server_may_name_the_file(deployment, header, name):
    deployment.origin.answers = [whole(PICTURE, header)]
    got, _ = deployment.fetch()
    assert got == name or header.endswith("%FF")


def test_chunks_are_put_together(deployment):
    chunks = b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
    deployment.origin.answers = [reply(OK + b"Transfer-Encoding: chunked\r\n", chunks)]
    assert deployment.fetch() == ("shoe.png", b"abcdefg")


def test_a_body_may_end_with_the_connection(deployment):
    deployment.origin.answers = [reply(OK, PICTURE)]
    assert deployment.fetch() == ("shoe.png", PICTURE)


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (301, "/b/other.png"),
        (302, f"http://{HOST}/b/other.png"),
        (303, "../b/other.png"),
        (307, "/b/other.png"),
        (308, "/b/other.png"),
    ],
)
def test_a_redirect_is_followed(deployment, status, location):
    deployment.origin.answers = [redirect(location, status), whole()]
    assert deployment.fetch() == ("other.png", PICTURE)
    assert deployment.origin.requests[1].startswith(b"GET /b/other.png ")
    assert deployment.asked == [HOST, HOST]


def test_so_many_redirects_and_no_more(deployment):
    deployment.origin.answers = [redirect("/again.png")] * MAX_REDIRECTS + [whole()]
    assert deployment.fetch() == ("again.png", PICTURE)
    deployment.origin.answers = [redirect("/again.png")] * (MAX_REDIRECTS + 1)
    with pytest.raises(FetchFailed):
        deployment.fetch()


PRIVATE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"]


@table("address", PRIVATE)
def test_a_name_of_a_private_address_is_as_unknown_as_any(deployment, address):
    deployment.names |= {"db.example": [[address]], "mixed.example": [[PUBLIC, address]]}
    told = set()
    for name in ("db.example", "mixed.example", "nobody.example", "db", "localhost"):
        with pytest.raises(AddressNotAllowed) as refused:
            deployment.fetch(f"http://{name}/x")
        told.add((str(refused.value), str(refused.value.facts), refused.value.status))
    assert len(told) == 1
    assert deployment.dialled == []


@table("address", PRIVATE)
def test_a_private_address_itself_is_refused(deployment, address):
    with pytest.raises(AddressNotAllowed):
        deployment.fetch(f"http://[{address}]/x" if ":" in address else f"http://{address}/x")
    assert deployment.dialled == []


@table("address", PRIVATE)
def test_a_redirect_to_a_private_address_is_refused(deployment, address):
    host = f"[{address}]" if ":" in address else address
    deployment.names["inside.example"] = [[address]]
    for url in (f"http://{host}/x", f"//{host}/x", "http://inside.example/x"):
        deployment.origin.answers = [redirect(url)]
        with pytest.raises(AddressNotAllowed):
            deployment.fetch()
    assert set(deployment.dialled) == {(PUBLIC, 80)}


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "http://a.example:22/",
        "http://u@a.example/",
        "//[",
    ],
)
def test_a_redirect_to_what_is_no_plain_url_is_refused(deployment, url):
    deployment.origin.answers = [redirect(url)]
    with pytest.raises((BadUrl, FetchFailed)):
        deployment.fetch()
    assert len(deployment.dialled) == 1


def test_a_name_that_changes_its_mind_gains_nothing(deployment):
    """Each hop asks once, and connects to the very address that was checked."""
    deployment.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
    deployment.origin.answers = [whole()]
    assert deployment.fetch()[1] == PICTURE
    assert (deployment.asked, deployment.dialled) == ([HOST], [(PUBLIC, 80)])


def test_a_name_that_changes_its_mind_before_a_redirect_is_refused(deployment):
    deployment.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
    deployment.origin.answers = [redirect("/again.png")]
    with pytest.raises(AddressNotAllowed):
        deployment.fetch()
    assert deployment.dialled == [(PUBLIC, 80)]


def test_the_next_address_is_tried_when_one_does_not_answer(deployment):
    deployment.names[HOST] = [[OTHER, PUBLIC]]
    working = deployment.connect

    def connect(address: str, port: int, seconds: float) -> socket.socket:
        if address == OTHER:
            deployment.dialled.append((address, port))
            raise ConnectionRefusedError
        return working(address, port, seconds)

    deployment.connect = connect
    deployment.fetcher = deployment.new_fetcher(seconds=30)
    deployment.origin.answers = [whole()]
    assert deployment.fetch()[1] == PICTURE
    assert deployment.dialled == [(OTHER, 80), (PUBLIC, 80)]


def test_no_proxy_of_the_environment_is_asked(deployment, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    deployment.origin.answers = [whole()]
    assert deployment.fetch()[1] == PICTURE


def test_a_secure_server_is_known_by_the_name_in_the_url(secure):
    secure.origin.answers = [whole()]
    assert secure.fetch(f"https://{HOST}/x.png") == ("x.png", PICTURE)
    assert secure.dialled == [(PUBLIC, 443)]
    assert f"Host: {HOST}\r\n".encode() in secure.origin.requests[0]


def test_a_certificate_for_another_name_is_refused(secure):
    secure.names["other.example"] = [[PUBLIC]]
    with pytest.raises(FetchFailed):
        secure.fetch("https://other.example/x.png")
    assert secure.origin.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure):
    secure.tls = usual_tls()
    with pytest.raises(FetchFailed):
        secure.fetch(f"https://{HOST}/x.png")
    assert secure.origin.requests == []


def test_what_was_secure_stays_so(secure):
    secure.origin.answers = [redirect(f"http://{HOST}/x.png"), whole()]
    with pytest.raises(FetchFailed):
        secure.fetch(f"https://{HOST}/x.png")


@table(
    "answer",
    [
        reply(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"),
        reply(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n"),
        reply(b"HTTP/1.1 204 Nothing\r\n"),
        reply(b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n", b"x"),
        reply(b"HTTP/1.1 304 Same\r\n"),
        reply(b"HTTP/1.1 302 Nowhere\r\nContent-Length: 0\r\n"),
        reply(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"\x1f\x8b"),
        reply(OK + b"Content-Length: 10\r\n", b"short"),
        reply(OK + b"Transfer-Encoding: chunked\r\n", b"4\r\nab"),
        reply(OK + b"Transfer-Encoding: chunked\r\n", b"zz\r\nab"),
        reply(OK + b"X: " + b"x" * 100_000 + b"\r\n"),
        reply(OK + b"X: x\r\n" * 500),
        reply(b"SSH-2.0-OpenSSH\r\n"),
        lambda _client, _request: None,
    ],
)
def test_an_answer_that_is_no_file_is_refused(deployment, answer):
    deployment.origin.answers = [answer]
    with pytest.raises(FetchFailed) as refused:
        deployment.fetch()
    assert PUBLIC not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_is_not_read_to_its_end(deployment, announced):
    def endless(client: socket.socket, _request: bytes) -> None:
        client.sendall(OK + (b"Content-Length: 99999999999\r\n" if announced else b"") + b"\r\n")
        while not deployment.origin.closing.is_set():
            client.sendall(bytes(65536))

    deployment.origin.answers = [endless]
    with pytest.raises(TooLargeToFetch) as refused:
        deployment.fetch(max_bytes=1000)
    assert (refused.value.status, refused.value.code) == (413, "file_too_large")


def trickle(deployment: Deployment, start: bytes, piece: bytes) -> Serve:
    def serve(client: socket.socket, _request: bytes) -> None:
        client.sendall(start)
        while not deployment.origin.closing.wait(0.01):
            client.sendall(piece)

    return serve


TRICKLES = {
    "a head without end": (OK, b"X: y\r\n"),
    "one line of it": (OK, b"x"),
    "an answer that is always about to come": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": (OK + b"\r\n", b"x"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(*each, id=name, marks=[] if name.startswith("a ") else pytest.mark.long)
        for name, each in TRICKLES.items()
    ],
)
def test_bytes_that_come_one_by_one_do_not_hold_anybody(deployment, start, piece):
    deployment.origin.answers = [trickle(deployment, start, piece)]
    deployment.fetcher = deployment.new_fetcher(seconds=0.3)
    # A head of so many lines is refused for that, which may be sooner.
    with pytest.raises((FetchTooSlow, FetchFailed)):
        deployment.fetch()


@pytest.mark.parametrize("start", [b"", OK, OK + b"\r\nx"])
def test_silence_is_not_waited_for(deployment, monkeypatch, start):
    monkeypatch.setattr(fetching, "IDLE_SECONDS", 0.1)
    deployment.origin.answers = [
        lambda client, _request: (
            client.sendall(start),
            deployment.origin.closing.wait(DEADLINE_SECONDS),
        )
    ]
    with pytest.raises(FetchTooSlow):
        deployment.fetch()


def test_only_so_many_at_once(deployment):
    deployment.origin.answers = [whole()]

    def resolve(name: str, seconds: float) -> list[str]:
        with pytest.raises(FetchersBusy):
            deployment.fetch()
        return [PUBLIC]

    fetcher = Fetcher(
        seconds=30, tmp_dir=deployment.tmp_dir, resolve=resolve, connect=deployment.connect
    )
    fetcher._turns = threading.BoundedSemaphore(1)
    deployment.fetcher = fetcher
    assert deployment.fetch()[1] == PICTURE
    deployment.origin.answers = [whole()]
    deployment.fetcher = deployment.new_fetcher(seconds=30)
    assert deployment.fetch()[1] == PICTURE


def test_the_real_dial_and_lookup_reach_nothing_private(tmp_path):
    fetcher = Fetcher(seconds=5, tmp_dir=tmp_path)
    for url in ("http://localhost/", "http://localhost./", "http://127.0.0.1/", "http://[::1]/"):
        with pytest.raises(AvenueError) as refused, fetcher.fetched(url, max_bytes=10):
            pass
        assert refused.value.code == "address_not_allowed"
