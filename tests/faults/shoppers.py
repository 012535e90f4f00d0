"""People of every kind who keep a server busy: each does one thing after the other, at a pace.

What each of them gets is checked, so `failures` says what went wrong for whom.
"""

import contextlib
import http.client
import random
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.deployment import Raw, sha256
from tests.pictures import noise_png, photo
from tests.server import BROKEN, Answer, Client, Server, answer_of, images_path, path_of
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

PRODUCTS, PHOTOS = 3, 4
PIECE_BYTES = 256 * 1024
PART_BYTES = 10_000
MOST_PICTURES = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a stored picture is, and what must come from there."""

    path: str
    bytes: int
    sha256: str
    thumb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What is there for everybody to look at."""

    photos: Sequence[Picture]
    large: Picture
    private: Picture
    product: str


def open_shop(seller: Client, database: Raw) -> Shop:
    """Fill a shop: small photographs, a large picture, one that is for its owner alone."""
    photos = []
    for number in range(PRODUCTS):
        product = seller.create_product()
        photos += [
            uploaded(seller, product, photo(640, 480, quality=90, seed=number * PHOTOS + each))
            for each in range(PHOTOS)
        ]
    product = seller.create_product()
    large = uploaded(seller, product, noise_png(1_700, 1_600))
    private = uploaded(seller, product, photo(320, 240, seed=-1))
    database["assets"].update_one(
        {"_id": private.path.split("/")[2]}, {"$set": {"visibility": "private"}}
    )
    return Shop(photos=photos, large=large, private=private, product=product)


def uploaded(seller: Client, product: str, data: bytes) -> Picture:
    """Store a picture and say where it is."""
    answer = seller.upload(product, data)
    assert answer.status == 201, answer
    return as_told(answer)


def as_told(answer: Answer) -> Picture:
    """The picture an upload was answered with."""
    told = answer.json["file"]
    return Picture(
        path=path_of(told["url"]),
        bytes=told["bytes"],
        sha256=told["sha256"],
        thumb=path_of(told["variants"]["thumb"]["url"]),
    )


class Person:
    """Somebody with one connection that is kept, as a browser keeps it, and things to do on it."""

    def __init__(self, shop: Shop, server: Server, seller: Client, seed: int) -> None:
        self.shop, self.server, self.seller = shop, server, seller
        self.dice = random.Random(seed)
        self.kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.product = seller.create_product()
        self.own: list[str] = []
        self.seeds = iter(range(seed * 1_000_000, (seed + 1) * 1_000_000))

    def go(self) -> None:
        """Close the connection."""
        self.kept.close()

    def ask(
        self, path: str, expected: int = 200, method: str = "GET", **headers: str
    ) -> Mapping[str, str]:
        """Ask over the kept connection; return the headers of the answer."""
        answer = self._answer(method, path, headers)
        assert answer.status == expected, f"{method} {expected}: {answer}"
        self.body = answer.body
        return answer.headers

    def _answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        for is_last in (False, True):
            try:
                self.kept.request(method, path, headers=fields)
                return answer_of(self.kept)
            except BROKEN:  # a kept connection may end between two requests
                self.kept.close()
                if is_last:
                    raise
        raise AssertionError

    def photo(self) -> Picture:
        return self.dice.choice(self.shop.photos)

    # Looking

    def hot_thumb(self) -> None:
        self.ask(self.shop.photos[0].thumb)

    def random_thumb(self) -> None:
        self.ask(self.photo().thumb)

    def whole_photo(self) -> None:
        picture = self.photo()
        self.ask(picture.path)
        assert sha256(self.body) == picture.sha256

    def part(self) -> None:
        picture = self.dice.choice([self.photo(), self.shop.large])
        start = self.dice.randrange(picture.bytes - PART_BYTES)
        end = start + PART_BYTES - 1
        headers = self.ask(picture.path, 206, Range=f"bytes={start}-{end}")
        assert headers["Content-Range"] == f"bytes {start}-{end}/{picture.bytes}"
        assert len(self.body) == PART_BYTES

    def known_already(self) -> None:
        self.ask(self.photo().path, 304, If_None_Match="*")
        assert not self.body

    def head(self) -> None:
        picture = self.dice.choice([self.photo(), self.shop.large])
        headers = self.ask(picture.path, method="HEAD")
        assert int(headers["Content-Length"]) == picture.bytes

    def product_page(self) -> None:
        self.ask(f"/api/shop/products/{self.shop.product}")

    def whole_large(self) -> None:
        self.ask(self.shop.large.path)
        assert sha256(self.body) == self.shop.large.sha256

    def leave_in_the_middle(self) -> None:
        with self.server.client.connection() as connection:
            connection.request("GET", self.shop.large.path)
            response = connection.getresponse()
            assert response.status == 200
            assert response.read(PIECE_BYTES)

    def private(self) -> None:
        assert self.server.client.get(self.shop.private.path).status == 404
        answer = self.seller.get(self.shop.private.path)
        assert answer.status == 200
        assert sha256(answer.body) == self.shop.private.sha256

    # Changing

    def upload(self) -> None:
        if len(self.own) >= MOST_PICTURES:
            self.remove()
        answer = self.seller.upload(self.product, photo(96, 72, seed=next(self.seeds)))
        assert answer.status == 201, answer
        self.own.append(answer.json["id"])

    def replace(self) -> None:
        if not self.own:
            self.upload()
        path = f"{images_path(self.product)}/{self.dice.choice(self.own)}/file"
        picture = photo(100, 72, seed=next(self.seeds))
        headers, body = self.seller.upload_request(self.product, picture)
        answer = self.seller.request("PUT", path, body, headers)
        assert answer.status in {200, 201}, answer

    def remove(self) -> None:
        if not self.own:
            self.upload()
        path = f"{images_path(self.product)}/{self.own.pop(0)}"
        assert self.seller.request("DELETE", path).status == 204

    # Doing it wrong

    def bad_request(self) -> None:
        self.dice.choice(
            [
                lambda: self.ask("/media/nobody-knows/this.jpg", 404),
                lambda: self.ask(self.photo().path, 416, Range="bytes=99999999-"),
                lambda: self.ask("/api/shop/products", 401, method="POST"),
                lambda: self.ask("/api/shop/products", 401, Authorization="Bearer nobodys"),
                lambda: self.ask(self.photo().path, 405, method="DELETE"),
                self.not_a_picture,
                self.no_http,
                self.cut_off,
            ]
        )()

    def not_a_picture(self) -> None:
        assert self.seller.upload(self.product, b"<html>").status == 415

    def no_http(self) -> None:
        assert self.raw(b"GET /\xff HTTP/9.9\r\nHost : x\r\n\r\n").startswith(b"HTTP/1.1 400 ")

    def cut_off(self) -> None:
        headers, body = self.seller.upload_request(self.product, photo(64, 48))
        fields = {**self.seller.headers(), **headers, "Content-Length": str(len(body))}
        host = f"Host: 127.0.0.1:{self.seller.port}"
        lines = [f"POST {images_path(self.product)} HTTP/1.1", host]
        head = "\r\n".join([*lines, *(f"{k}: {v}" for k, v in fields.items()), "", ""])
        assert self.raw(head.encode() + body[:-20]).startswith(b"HTTP/1.1 400 ")

    def raw(self, data: bytes) -> bytes:
        """Send bytes, say that no more come, and read what comes back."""
        with socket.create_connection(("127.0.0.1", self.seller.port), timeout=60) as plain:
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: plain.recv(65_536), b""))


Act = Callable[[Person], None]
GOOD: Mapping[Act, int] = {
    Person.hot_thumb: 60,
    Person.random_thumb: 40,
    Person.whole_photo: 20,
    Person.part: 16,
    Person.known_already: 20,
    Person.head: 10,
    Person.product_page: 20,
    Person.private: 6,
    Person.upload: 2,
    Person.replace: 1,
    Person.remove: 1,
}
"""What people do, and how often; changes are so rare that 95 of 100 requests are none."""
EVERYTHING: Mapping[Act, int] = {
    **GOOD,
    Person.upload: 5,
    Person.replace: 3,
    Person.remove: 3,
    Person.whole_large: 2,
    Person.leave_in_the_middle: 4,
    Person.bad_request: 16,
}


@dataclass(slots=True)
class Crowd:
    """`people` who each do `acts_per_second` of `acts`; `took` are the seconds of each."""

    people: Sequence[Person]
    acts: Mapping[Act, int]
    acts_per_second: float
    took: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def around(self) -> Iterator[None]:
        """Keep them at it for as long as the block lasts."""
        stop = threading.Event()
        with Threads(len(self.people)) as threads:
            busy = [threads.submit(self._keep_busy, each, stop) for each in self.people]
            try:
                yield
            finally:
                stop.set()
            for each in busy:
                each.result(DEADLINE_SECONDS)

    def p95(self) -> float:
        """The seconds that 95 of 100 requests took at most."""
        return statistics.quantiles(self.took, n=20)[-1]

    def _keep_busy(self, person: Person, stop: threading.Event) -> None:
        acts, weights = list(self.acts), list(self.acts.values())
        next_at = time.monotonic() + person.dice.random() / self.acts_per_second
        while not stop.wait(max(0.0, next_at - time.monotonic())):
            next_at = max(next_at + 1 / self.acts_per_second, time.monotonic())
            (act,) = person.dice.choices(acts, weights)
            began_at = time.monotonic()
            try:
                act(person)
            except (AssertionError, *BROKEN) as error:
                self.failures.append(f"{act.__name__}: {error!r}")
            self.took.append(time.monotonic() - began_at)
