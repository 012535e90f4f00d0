"""Messages are posted where whoever runs the deployment wants them, and nowhere else."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from avenue.outside.dialling import Dialler, dial
from avenue.outside.errors import AddressNotAllowed, NoAnswer
from avenue.outside.posting import Poster
from tests.table import table
from tests.unit.outside.test_fetching import HOST, PUBLIC, Origin, Serve, reply
from tests.waiting import DEADLINE_SECONDS

HEADERS = {"Content-Type": "application/json"}


def answer(head: str) -> Serve:
    """Answer once the body has come, too: what is unread when a line is closed breaks it."""

    def serve(client: socket.socket, request: bytes) -> None:
        while not request.endswith(b"{}"):
            request += client.recv(100)
        client.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())

    return serve


class Line:
    """What a name leads to, and where connections were made to: to the origin, each of them."""

    def __init__(self, origin: Origin, *answers: list[str], tls: ssl.SSLContext) -> None:
        self.origin = origin
        self.answers = list(answers)
        self.dialled: list[tuple[str, int]] = []
        self.dialler = Dialler(self.resolve, self.connect, lambda: tls)

    def resolve(self, _name: str, _seconds: float) -> list[str]:
        return self.answers.pop(0)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append((address, port))
        return dial("127.0.0.1", self.origin.port, seconds)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def origin(authority: trustme.CA) -> Iterator[Origin]:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(served)
    with contextlib.closing(Origin(served)) as origin:
        yield origin


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("200 OK", 200),
        ("204 No Content", 204),
        ("500 No", 500),
        ("302 Found\r\nLocation: https://127.0.0.1/", 302),
    ],
)
def test_the_status_is_told_and_no_redirect_followed(origin, trusting, first, status):
    origin.answers = [answer(first)]
    line = Line(origin, [PUBLIC], tls=trusting)
    poster = Poster(f"https://{HOST}:8443/avenue?token=x", dialler=line.dialler)
    assert poster.post(b"{}", HEADERS) == status
    assert line.dialled == [(PUBLIC, 8443)]
    (request,) = origin.requests
    head = request.decode()
    assert head.startswith(f"POST /avenue?token=x HTTP/1.1\r\nHost: {HOST}:8443\r\n")
    assert "Content-Length: 2\r\n" in head


@table(
    "answers",
    [["127.0.0.1"], ["10.0.0.5"], ["169.254.169.254"], ["::1"], [PUBLIC, "192.168.1.1"], []],
)
def test_a_public_name_that_leads_to_a_private_address_is_refused(origin, trusting, answers):
    line = Line(origin, answers, tls=trusting)
    with pytest.raises(AddressNotAllowed):
        Poster(f"https://{HOST}/", dialler=line.dialler).post(b"{}", HEADERS)
    assert line.dialled == []


def test_a_name_is_looked_up_each_time(origin, trusting):
    origin.answers = [answer("200 OK")]
    line = Line(origin, [PUBLIC], ["127.0.0.1"], tls=trusting)
    poster = Poster(f"https://{HOST}/", dialler=line.dialler)
    assert poster.post(b"{}", HEADERS) == 200
    with pytest.raises(AddressNotAllowed):
        poster.post(b"{}", HEADERS)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_written_as_a_private_one_is_meant(host):
    with contextlib.closing(Origin(None)) as origin:
        origin.answers = [answer("200 OK")]
        assert Poster(f"http://{host}:{origin.port}/").post(b"{}", HEADERS) == 200


def test_a_certificate_of_somebody_else_is_no_answer(origin):
    line = Line(origin, [PUBLIC], tls=ssl.create_default_context())
    with pytest.raises(NoAnswer) as error:
        Poster(f"https://{HOST}/", dialler=line.dialler).post(b"{}", HEADERS)
    assert error.value.facts == {"reason": "unreachable"}
    assert HOST not in f"{error.value} {error.value.__cause__}"


def test_who_does_not_answer_is_not_waited_for():
    with contextlib.closing(Origin(None)) as origin:
        origin.answers = [lambda _client, _request: origin.closing.wait(DEADLINE_SECONDS)]
        with pytest.raises(NoAnswer) as error:
            Poster(f"http://127.0.0.1:{origin.port}/", seconds=0.1).post(b"{}", HEADERS)
        assert error.value.facts == {"reason": "too_slow"}


def test_who_answers_a_byte_at_a_time_is_waited_for_no_longer():
    def drip(client: socket.socket, _request: bytes) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not origin.closing.wait(0.02):
            client.sendall(b"x")

    with contextlib.closing(Origin(None)) as origin:
        origin.answers = [drip]
        with pytest.raises(NoAnswer):
            Poster(f"http://127.0.0.1:{origin.port}/", seconds=0.2).post(b"{}", HEADERS)


def test_who_speaks_no_http_is_no_answer():
    with contextlib.closing(Origin(None)) as origin:
        origin.answers = [reply(b"SSH-2.0-OpenSSH\r\n\r\n")]
        with pytest.raises(NoAnswer):
            Poster(f"http://127.0.0.1:{origin.port}/").post(b"{}", HEADERS)
