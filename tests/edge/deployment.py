"""What is asked of the edge and of Avenue itself, and how answers are compared."""

import itertools
import re
import socket
from dataclasses import dataclass, field
from typing import Any, Self

from tests.nginx import Nginx
from tests.server import Client, Server, path_of
from tests.waiting import DEADLINE_SECONDS

MIB = 1024 * 1024

_numbers = itertools.count(1)
_OF_ONE_ANSWER = re.compile(rb"^(Date|X-Request-ID): [^\r]*\r\n", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A shop with one picture; `thumb` and `original` are its paths, `data` what was uploaded."""

    app: Server
    edge: Nginx
    seller: Client
    product: str
    image: dict[str, Any]
    data: bytes = field(repr=False)

    @classmethod
    def filled(cls, app: Server, edge: Nginx, picture: bytes) -> Self:
        seller = app.seller()
        product = seller.create_product()
        reply = seller.upload(product, picture)
        assert reply.status == 201, reply
        return cls(
            app=app,
            edge=edge,
            seller=seller,
            product=product,
            image=reply.json["file"],
            data=picture,
        )

    @property
    def thumb(self) -> str:
        return path_of(self.image["variants"]["thumb"]["url"])

    @property
    def original(self) -> str:
        return path_of(self.image["url"])

    @property
    def at_the_edge(self) -> Client:
        return Client(self.edge.port)


def new_host() -> str:
    """A name of this shop nobody has used: nothing is kept under it yet, anywhere."""
    return f"localhost:{next(_numbers)}"


def plain(path: str, host: str) -> bytes:
    """The plainest request."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def plainest(path: str, host: str) -> bytes:
    """The same for the fast lane, which is for connections that stay."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def talk(port: int, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send raw bytes; return everything that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS) as client:
        client.sendall(sent)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(1 << 20):
            received += piece
    return received


def comparable(answer: bytes) -> bytes:
    """An answer without what is of one answer only."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return _OF_ONE_ANSWER.sub(b"", head + b"\r\n") + end + body
