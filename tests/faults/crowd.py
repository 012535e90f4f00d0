"""People at a shop while something happens to its database: they upload, look and download.

Everybody keeps what they were answered and how long it took, to be judged afterwards.
"""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from tests.faults.deployment import sha256
from tests.pictures import noise_png, photo
from tests.server import BROKEN, Answer, Client, answer_of, images_path, path_of
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

ENOUGH_UPLOADS = 8
ENOUGH_DOWNLOADS = 2
PIECE_BYTES = 64 * 1024
MIDDLE_BYTES = 3_000_000
STEADY_PIECE_SECONDS = 0.01
LOOK_SECONDS = 0.005
REST_SECONDS = 0.2
"""Between two downloads or uploads of one person: the machine is there for the others, too."""
LONGEST_WAIT_SECONDS = 60
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: what for, what came, after how long, and how long it might have taken."""

    what: str
    status: int
    seconds: float
    deadline_seconds: float
    retry_after: str | None
    intact: bool = True

    @property
    def share(self) -> float:
        """How much of its deadline it took."""
        return self.seconds / self.deadline_seconds


@dataclass(slots=True)
class Sent:
    """A picture somebody wants to have up; the product is its Idempotency-Key, too."""

    product: str
    picture: bytes
    raw: bool
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """How the download of a large picture ended."""

    whole: bool
    intact: bool
    longest_pause_seconds: float


@dataclass(slots=True)
class Crowd:
    """Several of each kind, until `stop`."""

    seller: Client
    read_seconds: float
    write_seconds: float
    large: bytes
    large_path: str
    cached: dict[str, str]
    """The hash of what is at each path; asked for before, so that the worker has it."""
    stop: threading.Event = field(default_factory=threading.Event)
    event: threading.Event = field(default_factory=threading.Event)
    in_the_middle: threading.Event = field(default_factory=threading.Event)
    seeds: Iterator[int] = field(default_factory=itertools.count)
    sent: list[Sent] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Sent]:
        """What was answered with 201 or 200."""
        return [each for each in self.sent if each.acknowledged]

    @property
    def people(self) -> list[Callable[[], None]]:
        """One thread each."""
        return [
            partial(self.upload_on, raw=False, large=False),
            partial(self.upload_on, raw=True, large=False),
            partial(self.upload_on, raw=True, large=True),
            self.look_at_cached,
            self.look_at_cached,
            self.look_at_others,
            self.look_at_products,
            self.download_fast,
            self.download_slowly,
            self.download_and_pause,
        ]

    def upload_on(self, *, raw: bool, large: bool) -> None:
        """Make a product and give it a picture, again and again, each until it is acknowledged."""
        while not self.stop.wait(REST_SECONDS):
            seed = next(self.seeds)
            picture = noise_png(700, 700, seed=seed) if large else photo(96, 72, seed=seed)
            answer = self.patiently("product", self.write_seconds, self.create_product)
            if answer is None or answer.status != 201:
                continue
            sent = Sent(answer.json["id"], picture, raw)
            self.sent.append(sent)
            self.upload(sent)

    def create_product(self) -> Answer:
        body = {"name": "Zapato", "status": "published"}
        return self.seller.send_json("POST", "/api/shop/products", body)

    def upload(self, sent: Sent) -> None:
        """Send a picture, and the same again as long as that is what the answer says."""
        deadline = self.write_seconds + len(sent.picture) / MB
        answer = self.patiently("upload", deadline, lambda: upload(self.seller, sent))
        if answer is not None and answer.status in {200, 201}:
            sent.acknowledged = True
            path = path_of(answer.json["url"])
            self.keep("new picture", self.read_seconds, lambda: self.seller.get(path))

    def patiently(self, what: str, deadline: float, ask: Callable[[], Answer]) -> Answer | None:
        """Ask, and again after `Retry-After`, until it is done or everybody goes home."""
        answer = self.keep(what, deadline, ask)
        while answer.status in {409, 503} and not self.stop.is_set():
            self.stop.wait(float(answer.headers.get("Retry-After", 1)))
            answer = self.keep(what, deadline, ask)
        return answer

    def look_at_cached(self) -> None:
        """Look at what the worker has at hand, on one connection, as browsers do."""
        with self.seller.connection() as connection:
            for path, digest in itertools.cycle(self.cached.items()):
                if self.stop.wait(LOOK_SECONDS):
                    return
                self.keep(
                    "cached", self.read_seconds, partial(kept_alive, connection, path), digest
                )

    def look_at_others(self) -> None:
        """Look at what the worker has not at hand: a part of an original."""
        for seed in itertools.count():
            if self.stop.wait(LOOK_SECONDS):
                return
            start = seed * 7_919_000 % (len(self.large) - 1_000)
            part = self.large[start : start + 1_000]
            headers = {"Range": f"bytes={start}-{start + len(part) - 1}"}
            ask = partial(self.seller.request, "GET", self.large_path, headers=headers)
            self.keep("uncached", self.read_seconds, ask, sha256(part))

    def look_at_products(self) -> None:
        """Ask the API."""
        while not self.stop.wait(LOOK_SECONDS):
            self.keep(
                "api", self.read_seconds, lambda: self.seller.get("/api/shop/products?limit=5")
            )

    def download_fast(self) -> None:
        """Download one after the other, as fast as it comes."""
        while not self.stop.wait(REST_SECONDS):
            self.download(lambda: None)

    def download_slowly(self) -> None:
        """Download one after the other, a little at a time."""
        while not self.stop.is_set():
            self.download(lambda: None, pause_seconds=STEADY_PIECE_SECONDS)

    def download_and_pause(self) -> None:
        """Be in the middle of a body when it happens, and read on at once."""

        self.download(self.wait_in_the_middle)
        self.download_slowly()

    def wait_in_the_middle(self) -> None:
        """Read on when it happens."""
        self.in_the_middle.set()
        self.event.wait(LONGEST_WAIT_SECONDS)

    def download(self, gate: Callable[[], object], *, pause_seconds: float = 0) -> None:
        """Read the large picture to its end or to where it is cut."""
        with self.seller.connection() as connection:
            connection.request("GET", self.large_path, headers=self.seller.headers())
            began_at = time.monotonic()
            response = connection.getresponse()
            seconds, retry_after = time.monotonic() - began_at, response.headers.get("Retry-After")
            self.asked.append(
                Asked("download", response.status, seconds, self.read_seconds, retry_after)
            )
            if response.status == 200:
                self.bodies.append(self.read(response, gate, pause_seconds))
            else:
                self.stop.wait(float(retry_after or 1))

    def read(
        self, response: http.client.HTTPResponse, gate: Callable[[], object], pause_seconds: float
    ) -> Body:
        """Read a body; `gate` is called once, in the middle of it."""
        came, longest, is_open = bytearray(), 0.0, True
        asked_at = time.monotonic()
        with suppress(*BROKEN):
            while piece := response.read(PIECE_BYTES):
                longest = max(longest, time.monotonic() - asked_at)
                came += piece
                if is_open and len(came) > MIDDLE_BYTES:
                    is_open = False
                    gate()
                if pause_seconds:
                    self.stop.wait(pause_seconds)
                asked_at = time.monotonic()
        return Body(
            whole=len(came) == int(response.headers["Content-Length"]) == len(self.large),
            intact=self.large.startswith(came),
            longest_pause_seconds=longest,
        )

    def keep(
        self, what: str, deadline: float, ask: Callable[[], Answer], digest: str | None = None
    ) -> Answer:
        """Ask once and note how that went."""
        began_at = time.monotonic()
        answer = ask()
        self.asked.append(
            Asked(
                what,
                answer.status,
                time.monotonic() - began_at,
                deadline,
                answer.headers.get("Retry-After"),
                intact=not digest or answer.status >= 300 or sha256(answer.body) == digest,
            )
        )
        return answer


def upload(seller: Client, sent: Sent) -> Answer:
    """Send a picture as it was meant to be sent: as a form, or as the body."""
    if not sent.raw:
        return seller.upload(sent.product, sent.picture, sent.product)
    head = {"Content-Type": "image/png", "Idempotency-Key": sent.product}
    return seller.request("POST", images_path(sent.product) + "?name=foto", sent.picture, head)


def kept_alive(connection: http.client.HTTPConnection, path: str) -> Answer:
    """Ask on a connection that stays open."""
    connection.request("GET", path)
    return answer_of(connection)


@contextmanager
def crowd_around(crowd: Crowd) -> Iterator[Crowd]:
    """People come and go before, while and after what happens inside."""
    with Threads(len(crowd.people)) as threads:
        running = [threads.submit(each) for each in crowd.people]
        try:
            wait_for_more(crowd, running)
            assert crowd.in_the_middle.wait(LONGEST_WAIT_SECONDS)
            yield crowd
            wait_for_more(crowd, running)
        finally:
            crowd.event.set()
            crowd.stop.set()
    for each in running:
        each.result(DEADLINE_SECONDS)


def wait_for_more(crowd: Crowd, running: list[Future[None]]) -> None:
    """Wait until uploads are acknowledged and bodies end."""
    uploads = len(crowd.acknowledged) + ENOUGH_UPLOADS
    bodies = len(crowd.bodies) + ENOUGH_DOWNLOADS
    wait_until(
        lambda: (
            (len(crowd.acknowledged) >= uploads and len(crowd.bodies) >= bodies)
            or any(each.done() for each in running)
        ),
        "uploads are acknowledged, and downloads end",
    )
