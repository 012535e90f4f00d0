"""Clients that ask for a large file and do not read it: the others are answered as ever."""

import contextlib
import http.client
import re
import select
import socket

import pytest

from tests.faults.deployment import sha256
from tests.mongod import Guard
from tests.pictures import noise_png
from tests.server import Server, path_of

ONE_PROCESS = {"AVENUE_THREADS": "2", "AVENUE_MAX_SLOW_BODY_SECONDS": "3600"}
"""Nobody is closed for being slow while a test runs."""
MOST_OF_ONE = 18
"""Two in a hundred of 900 connections, of which a process may have a thousand."""
READERS = 80
"""Each makes 1 MB wait; 64 MB may wait in memory, and there are two threads."""


def reader_of(path: str, port: int, address: str = "127.0.0.1") -> socket.socket:
    """A client at `address` that has asked for a file and takes what its small window takes."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def body_of(port: int, address: str, forwarded: str) -> socket.socket:
    """A client at `address`, or the proxy there, of whose body not all comes."""
    client = socket.create_connection(("127.0.0.1", port), 60, (address, 0))
    lines = ["POST /login HTTP/1.1", "Host: 127.0.0.1", f"X-Forwarded-For: 10.9.9.9, {forwarded}"]
    client.sendall("\r\n".join([*lines, "Content-Length: 9", "", "email="]).encode())
    return client


def is_open(client: socket.socket) -> bool:
    """Whether the server still waits for more; what it has closed before says so at once."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False
    return False


@pytest.mark.parametrize("hops", ["1", pytest.param("0", marks=pytest.mark.long)])
def test_an_address_beyond_its_share_loses_its_own_connections(
    guard: Guard, shop_uri: str, hops: str
) -> None:
    """Behind a proxy the forwarded address counts, and without one what a client says does not."""
    greedy, other = "127.0.0.2", "127.0.0.3"
    here = "127.0.0.1"

    def opened_by(address: str, count: int) -> list[socket.socket]:
        at, said = (address, here) if hops == "0" else (here, address)
        return [stack.enter_context(body_of(server.port, at, said)) for _ in range(count)]

    share = {"AVENUE_ADDRESS_SHARE_PERCENT": "2", "AVENUE_PROXY_HOPS": hops}
    with (
        Server(guard, shop_uri, **ONE_PROCESS, **share) as server,
        contextlib.ExitStack() as stack,
    ):
        before = opened_by(other, MOST_OF_ONE)
        held = opened_by(greedy, MOST_OF_ONE)
        first, gone = {*held}, []
        for _ in range(
            2 * MOST_OF_ONE
        ):  # one by one: of several at once the server takes any first
            held += opened_by(greedy, 1)
            (ended,), _, _ = select.select(held, [], [], 60)  # an answer, or the end
            held.remove(ended)
            gone.append(ended)
        assert {*gone[:MOST_OF_ONE]} == first  # those that have waited longest
        assert all(map(is_open, [*held, *before]))


def test_readers_who_do_not_read_hold_no_thread(guard: Guard, shop_uri: str) -> None:
    picture = noise_png(1150, 1050)  # 3.6 MB
    with Server(guard, shop_uri, **ONE_PROCESS) as server, contextlib.ExitStack() as opened:
        seller = server.seller()
        url = path_of(seller.upload(seller.create_product(), picture).json["url"])
        readers = [opened.enter_context(reader_of(url, server.port)) for _ in range(READERS)]
        for reader in readers:
            assert reader.recv(15, socket.MSG_PEEK) == b"HTTP/1.1 200 OK"
        assert server.status("/healthz") == 200
        assert server.status("/login") == 200
        for reader in (readers[0], readers[-1]):  # from memory, and from a file
            answer = http.client.HTTPResponse(reader)
            answer.begin()
            assert sha256(answer.read()) == sha256(picture)


def test_the_event_loop_says_what_a_thread_would_say(guard: Guard, shop_uri: str) -> None:
    """Is the process alive? With an empty query it is a thread that says so."""

    def asked(path: str, connection: str) -> list[bytes]:
        head = f"GET {path} HTTP/1.1\r\nHost: any\r\nConnection: {connection}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), 60) as client:
            client.sendall(head.encode())
            came = b""
            while not came.endswith(b"}\n"):
                came += client.recv(9000)
            if connection == "close":
                assert client.recv(1) == b""
        return sorted(re.sub(rb"(?<=X-Request-ID: ).*|(?<=Date: ).*", b"", came).splitlines())

    with Server(guard, shop_uri) as server:
        for connection in ("close", "keep-alive"):
            assert asked("/healthz", connection) == asked("/healthz?", connection)
        server.process.terminate()
        server.process.wait(60)
        told = server.log.read_text()
    assert re.search(r'"fast_lane": [1-9].*"route": "/healthz"', told)
