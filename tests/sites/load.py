"""People who write a site through several processes all the time, and people who read it.

What was acknowledged is known, and how long each of them waited.
"""

import hashlib
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self

from avenue.accounts.service import AccountService
from avenue.identity import Role, Scope
from tests.http.application import (
    HOST,
    OTHER_HOST,
    OTHER_SITE,
    PASSWORD,
    PRODUCTS,
    Application,
    a_picture,
    unique,
)
from tests.mongod import Guard
from tests.server import Answer, Client, Server, images_path, path_of
from tests.sites.moving import MIB, SPEAKS, TUS
from tests.threads import joined

THIRD_SITE, THIRD_HOST = "third", "third.example"
HOSTS = {"default": HOST, OTHER_SITE: OTHER_HOST, THIRD_SITE: THIRD_HOST}
PAUSE_SECONDS = 0.05
"""Between two requests of the same person."""
PAGES = "/api/builder/pages"
PROCESSES = 3


@contextmanager
def processes_of(
    two: Application, guard: Guard, count: int = PROCESSES, **changes: str
) -> Iterator[list[Server]]:
    """Application processes of an installation, none of which does background work."""
    env = {**two.settings.as_env(), "AVENUE_JOBS": "worker", **changes}
    with ExitStack() as stack:
        yield [
            stack.enter_context(Server(guard, two.settings.mongodb_uri, jobs_fail=True, **env))
            for _ in range(count)
        ]


def token_on(two: Application, site_id: str) -> str:
    """The token of a new administrator of a site."""
    accounts: AccountService = two.accounts
    email = f"{unique('load')}@{HOST}"
    accounts.add_user(email, PASSWORD, roles={site_id: Role.ADMIN})
    made = accounts.add_token(email, site_id, name="tests", scopes=frozenset(Scope), days=1)
    return made.secret


def add_third_site(two: Application, cluster: str) -> None:
    about = {"name": "Third", "hosts": [THIRD_HOST], "base_url": f"https://{THIRD_HOST}"}
    two.raw["sites"].insert_one({"_id": THIRD_SITE, "cluster": cluster, **about})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; of a write all that were sent till it was acknowledged."""

    what: str
    began_at: float
    seconds: float
    tries: int = 1


def p95(asked: Sequence[Asked]) -> float:
    """Of the seconds, the one that a twentieth lies above."""
    seconds = sorted(each.seconds for each in asked)
    return seconds[len(seconds) * 95 // 100] if seconds else 0.0


class Load:
    """Whoever works on one site, from when the block begins to its end."""

    def __init__(self, servers: Sequence[Server], site_id: str, token: str) -> None:
        self.site = site_id
        clients = [Client(each.port, token) for each in servers]
        self._clients = itertools.cycle(clients)
        self.asked: list[Asked] = []
        self.refused: list[str] = []
        self.wrong: list[str] = []
        self.products: dict[str, str] = {}
        self.pictures: dict[str, str] = {}  # sha256 by path, of products that are there
        self._owner: dict[str, str] = {}  # the product of each of them
        self.uploads: dict[str, str] = {}
        self.deleted: set[str] = set()
        self._over = threading.Event()
        product = self._written("product", "POST", PRODUCTS, {"name": "Uno"}).json["id"]
        self.products[product] = "Uno"
        self._read_path = self._pictured(product)[1]
        self._page = self._written("page", "POST", PAGES, {"title": "Uno"}).json["id"]
        self._title = "Uno"
        works = (self._write, self._send_in_parts, self._read)
        self._threads = [
            threading.Thread(target=self._work, args=(each,), daemon=True) for each in works
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        joined(*self._threads, seconds=180)

    @property
    def writes(self) -> list[Asked]:
        return [each for each in self.asked if each.what != "read"]

    @property
    def reads(self) -> list[Asked]:
        return [each for each in self.asked if each.what == "read"]

    def between(self, begin: float, end: float) -> list[Asked]:
        return [each for each in self.asked if begin <= each.began_at < end]

    def longest_wait(self) -> float:
        return max(each.seconds for each in self.writes)

    def judge(self, raw: Any) -> None:
        """Compare what is there with what was acknowledged: all of it, and nothing twice."""
        assert self.wrong == []
        found = list(raw["shop_products"].find({"site": self.site}))
        assert {each["_id"]: each["name"] for each in found} == self.products
        assert len({each["name"] for each in found}) == len(found)
        assert {len(each["images"]) for each in found} == {1}
        assert not self.deleted & {each["_id"] for each in found}
        shown = {path: hashed(self._get(path).body) for path in self.pictures}
        assert shown == self.pictures
        for upload, sha256 in self.uploads.items():
            location = self._get(upload).headers["Location"]
            assert hashed(self._get(path_of(location)).body) == sha256
        done = {"site": self.site, "is_done": True}
        assert raw["tus_uploads"].count_documents(done) == len(self.uploads)
        assert self._get(f"{PAGES}/{self._page}").json["title"] == self._title

    def summary(self) -> str:
        """What it was like, in figures."""
        return (
            f"{self.site}: {len(self.writes)} writes, {len(self.reads)} reads, "
            f"{len(self.refused)} told to come again {sorted(set(self.refused))}; longest write "
            f"{self.longest_wait():.2f} s, read {max(each.seconds for each in self.reads):.2f} s; "
            f"{len(self.products)} products, {len(self.deleted)} deleted, "
            f"{len(self.uploads)} uploads in parts, {len(self.wrong)} wrong"
        )

    def _work(self, work: Any) -> None:
        try:
            number = 0
            while not self._over.is_set():
                number += 1
                work(number)
        except BaseException as error:
            self.wrong.append(repr(error))
            raise

    def _write(self, number: int) -> None:
        name = f"Bota {number}"
        product = self._written("product", "POST", PRODUCTS, {"name": f"Z {number}"}).json["id"]
        self.products[product] = f"Z {number}"
        asset, path = self._pictured(product)
        if number % 2:
            self._replaced(product, asset, path)
        url = f"{PRODUCTS}/{product}"
        self._written("change", "PATCH", url, {"name": name})
        self.products[product] = name
        page = f"{PAGES}/{self._page}"
        body = {"title": name, "revision": self._get(page).json["revision"]}
        self._written("page", "PUT", page, body)
        self._title = name
        if number % 3 == 0:
            self._written("delete", "DELETE", url)
            del self.products[product]
            self.deleted.add(product)
            self.pictures = {
                path: sha for path, sha in self.pictures.items() if self._owner[path] != product
            }

    def _pictured(self, product: str) -> tuple[str, str]:
        data = a_picture()
        made = self._uploaded("POST", images_path(product), data).json
        path = path_of(made["url"])
        self._owner[path] = product
        self.pictures[path] = hashed(data)
        return made["id"], path

    def _replaced(self, product: str, asset: str, path: str) -> None:
        data = a_picture()
        made = self._uploaded("PUT", f"{images_path(product)}/{asset}/file", data).json
        del self.pictures[path]
        new_path = path_of(made["url"])
        self._owner[new_path] = product
        self.pictures[new_path] = hashed(data)

    def _uploaded(self, method: str, path: str, data: bytes) -> Answer:
        head, body = next(self._clients).upload_request("", data, unique("key-"))
        return self._sent("picture", method, path, body, head)

    def _send_in_parts(self, number: int) -> None:
        data = b"%PDF-1.7\n" + os.urandom(MIB + 1000)
        about = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data))}
        about["Upload-Metadata"] = "filename aW5mb3JtZS5wZGY="
        upload = path_of(self._sent("begin", "POST", TUS, b"", about).headers["Location"])
        at = 0
        while at < len(data):
            head = {**SPEAKS, "Upload-Offset": str(at)}
            answer = self._sent("part", "PATCH", upload, data[at : at + MIB * 2 // 3], head)
            at = int(answer.headers["Upload-Offset"])
        self.uploads[upload] = hashed(data)
        self._over.wait(1 + number % 3)

    def _read(self, _: int) -> None:
        for path in (self._read_path, f"{PRODUCTS}?limit=5", f"{PAGES}/{self._page}"):
            began_at = time.monotonic()
            answer = self._get(path)
            self.asked.append(Asked("read", began_at, time.monotonic() - began_at))
            if answer.status != 200:
                self.wrong.append(f"read {answer}")
            self._over.wait(PAUSE_SECONDS)

    def _get(self, path: str) -> Answer:
        return next(self._clients).request("GET", path, headers=self._host())

    def _written(self, what: str, method: str, path: str, body: Any = None) -> Answer:
        head = {"Content-Type": "application/json"} if body is not None else {}
        return self._sent(what, method, path, json.dumps(body).encode() if head else b"", head)

    def _sent(self, what: str, method: str, path: str, body: bytes, head: Any) -> Answer:
        """Send a request till it is not told to come again, and note how long that took."""
        began_at, tries = time.monotonic(), 0
        while True:
            tries += 1
            answer = self._asked(method, path, body, {**head, **self._host()})
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) > 0
                self.refused.append(answer.code)
            elif not (answer.status in {409, 423} and tries > 1):  # it is being given up
                break
            self._over.wait(0.1)
            if method == "PATCH" and path.startswith(TUS):
                return self._where(path, what, began_at, tries)
        self._note(what, began_at, tries)
        if answer.status not in {200, 201, 204}:
            raise AssertionError(f"{what} {method} {path}: {answer}")
        return answer

    def _where(self, path: str, what: str, began_at: float, tries: int) -> Answer:
        """Ask where an upload in parts stands, as its clients do after an error."""
        while True:
            head = {"Tus-Resumable": "1.0.0", **self._host()}
            answer = self._asked("HEAD", path, b"", head)
            if answer.status == 200:
                self._note(what, began_at, tries)
                return answer
            self._over.wait(0.1)

    def _asked(self, method: str, path: str, body: bytes, head: Any) -> Answer:
        return next(self._clients).request(method, path, body, head)

    def _note(self, what: str, began_at: float, tries: int) -> None:
        self.asked.append(Asked(what, began_at, time.monotonic() - began_at, tries))
        self._over.wait(PAUSE_SECONDS)

    def _host(self) -> dict[str, str]:
        return {"Host": HOSTS[self.site]}


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
