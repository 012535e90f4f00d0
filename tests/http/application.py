"""The whole application on a real database, and people of every kind to call it."""

import atexit
import functools
import io
import itertools
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from avenue.accounts.passwords import Passwords
from avenue.accounts.service import AccountService
from avenue.app import create_app
from avenue.app.background import Background
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Actor, Role, Scope, Site
from avenue.media.pictures.decoding import DecodePool
from avenue.storage.connection import Database
from avenue.web.auth import COOKIE_NAME
from avenue.web.pages import SAID_COOKIE
from avenue.web.request_kinds import WITHOUT_SITE
from tests import pictures
from tests.http.contract import Contract, unconnected_app
from tests.http.watch import Watch
from tests.http.web_app import Counter
from tests.listening import listening
from tests.mongod import Mongod, ReplicaSet
from tests.prepared import counts, prepared_uri

HOST, OTHER_HOST = "shop.example", "other.example"
OTHER_SITE = "other"
SITES = {HOST: DEFAULT_SITE, OTHER_HOST: OTHER_SITE}
PRODUCTS = "/api/shop/products"
GROUPS = "/api/shop/groups"
PASSWORD = "grey-teapot-ladder-92"
OFTEN = 10**6
TAKING_TOKENS = ("/api/", "/mcp", "/media/", "/uploads/", *WITHOUT_SITE)
"""Whatever begins otherwise is a page."""
VERSIONS_KEEP = 3
BOUNDARY = "frontera-77"
FORM = f"multipart/form-data; boundary={BOUNDARY}"

# Hundreds of people come in, each of whom would cost 20 ms. How passwords are kept is looked at in
# tests/unit/accounts/test_passwords.py.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_numbers = itertools.count(1)


def unique(stem: str) -> str:
    """A name no other test has: everybody shares one database."""
    return f"{stem}{next(_numbers):04d}"


def a_picture(**options: Any) -> bytes:
    """A small photograph that no other test has."""
    return pictures.photo(64, 48, noise=False, seed=next(_numbers), **options)


def large_picture(width: int = 640, height: int = 560, *, seed: int = 1) -> bytes:
    """A PNG of three bytes for each pixel, of which soft shapes are quick to make and to read."""
    return pictures.photo(width, height, format="PNG", compress_level=0, noise=False, seed=seed)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of files by path."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for path, data in files.items():
            writer.writestr(zipfile.ZipInfo(path), data)
    return archive.getvalue()


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a form."""

    data: bytes
    name: str = "foto.jpg"
    field: str = "file"
    media_type: str = "image/jpeg"

    def encoded(self, boundary: str) -> bytes:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{self.field}"; '
        head += f'filename="{self.name}"\r\nContent-Type: {self.media_type}\r\n\r\n'
        return head.encode("utf-8", "surrogatepass") + self.data + b"\r\n"


def form(*parts: Part, boundary: str = BOUNDARY) -> bytes:
    """A multipart body of `parts` (RFC 7578), names in UTF-8 as browsers send them."""
    return b"".join(each.encoded(boundary) for each in parts) + f"--{boundary}--\r\n".encode()


@functools.cache
def decoders(processes: int) -> DecodePool:
    """Decode processes for all applications: one takes 0.15 s of processor time to start."""
    pool = DecodePool(processes)
    atexit.register(pool.close)
    return pool


@functools.cache
def described() -> Contract:
    """The description of the application, which is the same for all of them."""
    return Contract(unconnected_app())


class Application:
    """One application on one migrated database with two sites and their people."""

    def __init__(self, mongod: Mongod | ReplicaSet, **changes: Any) -> None:
        """`changes` are settings."""
        self.mongod = mongod
        self.watch = Watch()
        self._open = ExitStack()
        self._open.enter_context(listening(self.watch.started))
        self.settings = Settings(
            mongodb_uri=self._open.enter_context(prepared_uri(mongod)),
            secret_key="K8-fjWq2_zPd0vLr5Tn7yXbGh3Sm6Ca9Qe1U",
            public_base_url=f"https://{HOST}",
            cache_seconds=0,
            versions_keep=VERSIONS_KEEP,
            max_uploads_per_minute=OFTEN,
            max_client_uploads_per_minute=OFTEN,
            max_writes_per_minute=OFTEN,
            max_reads_per_minute=OFTEN,
            max_pages_per_minute=OFTEN,
            workers=1,
            **changes,
        )
        self.database = Database(self.settings)
        self.raw = mongod.client[self.database.raw.name]
        self.watch.database = self.raw.name
        self.raw["sites"].insert_one(
            {
                "_id": OTHER_SITE,
                "name": "Other",
                "hosts": [OTHER_HOST],
                "base_url": f"https://{OTHER_HOST}",
            }
        )
        self.counter = Counter()
        self.apps: list[Flask] = []
        self.app = self.made(self.settings)
        self.contract = described()
        self.accounts: AccountService = self.app.extensions["avenue"][AccountService]
        self._people: dict[str, Caller] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self._open.close()

    def made(self, settings: Settings) -> Flask:
        """Another application like this one, on the same database.

        Requests are counted in memory: counting in MongoDB took a twelfth of the tests' own time.
        `create_app` itself makes one that counts as people's requests are counted.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("avenue.app.services.stores.RateLimits", lambda *_: self.counter)
            patch.setattr("avenue.app.services.stores.DecodePool", decoders)
            quick = functools.partial(Passwords, hasher=QUICK_HASHER)
            patch.setattr("avenue.app.services.people.Passwords", quick)
            app = create_app(settings, self.database)
        self.apps.append(app)
        return app

    def with_settings(self, **changes: Any) -> Flask:
        """The same with some settings changed."""
        return self.made(replace(self.settings, **changes))

    def caller(self, who: str) -> "Caller":
        """`nobody`, or somebody by role; `other_…` is a second person of that role."""
        if who not in self._people:
            self._people[who] = self._new_caller(who)
        return self._people[who]

    def _new_caller(self, who: str) -> "Caller":
        host = OTHER_HOST if who.endswith("_on_other_site") else HOST
        kind = who.removesuffix("_on_other_site")
        if kind == "nobody":
            return Caller(self, self.app, host)
        return self.new_person(who, role=Role(kind.removeprefix("other_")), host=host)

    def new_person(
        self, name: str, *, role: Role = Role.SELLER, host: str = HOST, app: Flask | None = None
    ) -> "Caller":
        """Somebody nobody else is, who calls `app`."""
        email, site = f"{name}@{HOST}", SITES[host]
        user = self.accounts.add_user(email, PASSWORD, roles={site: role}).user
        made = self.accounts.add_token(email, site, name="tests", scopes=frozenset(Scope), days=1)
        return Caller(self, app or self.app, host, token=made.secret, id=user.id)

    def with_scopes(self, caller: "Caller", *scopes: str) -> "Caller":
        """The same person with a token that may do less."""
        user = self.raw["users"].find_one({"_id": caller.id})
        assert user is not None
        made = self.accounts.add_token(
            user["email"],
            SITES[caller.host],
            name="tests",
            scopes=frozenset(map(Scope, scopes)),
            days=1,
        )
        return replace(caller, token=made.secret)

    def forget_jobs(self, *, but: str = "") -> None:
        """Take from the queue what other tests left there: whoever works does all that is due."""
        self.raw["jobs"].delete_many({"_id": {"$ne": but}})

    def work(self, job_id: str) -> None:
        """Do one background job to its end."""
        self.forget_jobs(but=job_id)
        Background(self.settings, self.database).finish(job_id)

    def counts(self) -> dict[str, int]:
        """How many documents each collection has; those that count are left out."""
        found = counts(self.raw)
        return {name: found[name] for name in found.keys() - {"rate_limits", "quotas"}}


@dataclass(frozen=True)
class Caller:
    """Somebody who calls the application; what it asks and answers is watched."""

    application: Application
    app: Flask
    host: str
    token: str | None = None
    id: str | None = None

    @property
    def site(self) -> Site:
        return Site(id=SITES[self.host], hosts=(), base_url=f"https://{self.host}", name=self.host)

    def client(self) -> Client:
        """What sends a request."""
        return FlaskClient(self.app, use_cookies=False)

    def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send one request; `url` is a path, or an absolute URL of this host."""
        client = self.client()
        base = f"https://{self.host}"
        own = dict(headers or {})
        known = self._proof(url.removeprefix(base))
        if "Cookie" in known and "Cookie" in own:
            own["Cookie"] = f"{known['Cookie']}; {own['Cookie']}"
        site = None if url.partition("?")[0] in WITHOUT_SITE else SITES.get(self.host, "")
        with self.application.watch.over(site):
            answer = client.open(
                url.removeprefix(base),
                method=method,
                base_url=base,
                headers={**known, **own},
                buffered=True,
                **options,
            )
        self.application.contract.check(self.app, method, answer.request.path, answer)
        return answer

    def _proof(self, path: str) -> dict[str, str]:
        """What shows who asks: a token, or to a page and its forms the session of a browser."""
        if not self.token:
            return {}
        if self.id is None or path.startswith(TAKING_TOKENS):
            return {"Authorization": f"Bearer {self.token}"}
        # As if a form had just been sent: what an address has to say is news.
        cookies = f"{self.session()}; {SAID_COOKIE}=1"
        return {"Cookie": cookies, "Origin": f"https://{self.host}"}

    def session(self) -> str:
        """The cookie of a browser of this person; made here, for signing in checks a password."""
        accounts: AccountService = self.app.extensions["avenue"][AccountService]
        assert self.id is not None
        user = accounts.user_of(Actor(site=self.site, id=self.id))
        here = [each for each in user.sessions if each.site == self.site.id]
        good = [each.id for each in here if each.epoch == user.session_epoch]
        own = good[-1] if good else accounts.begin_session(user, self.site)
        session = {"_permanent": True, "_user_id": f"{self.id}.{own}.{self.site.id}"}
        signer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert signer is not None
        return f"{COOKIE_NAME}={signer.dumps(session)}"

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.ask("GET", url, **options)

    def post(self, url: str, **options: Any) -> TestResponse:
        return self.ask("POST", url, **options)

    def put(self, url: str, **options: Any) -> TestResponse:
        return self.ask("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> TestResponse:
        return self.ask("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> TestResponse:
        return self.ask("DELETE", url, **options)

    def upload(
        self, url: str, *files: bytes | Part, method: str = "POST", **options: Any
    ) -> TestResponse:
        """Send a form with `files`."""
        parts = [each if isinstance(each, Part) else Part(each) for each in files]
        return self.ask(method, url, data=form(*parts), content_type=FORM, **options)

    def a_group(self, *images: bytes, **fields: Any) -> dict[str, Any]:
        """Create a group of this caller, with pictures."""
        return self._pictured(GROUPS, {"name": unique("Modelo "), **fields}, images)

    def a_product(self, *images: bytes, **fields: Any) -> dict[str, Any]:
        """Create a product of this caller, with pictures."""
        return self._pictured(PRODUCTS, {"name": unique("Zapato "), **fields}, images)

    def _pictured(self, shelf: str, body: dict[str, Any], images: tuple[bytes, ...]) -> Any:
        answer = self.post(shelf, json=body)
        assert answer.status_code == 201, answer.text
        url = f"{shelf}/{answer.json['id']}"
        if not images:
            return answer.json
        answer = self.upload(f"{url}/images", *images)
        assert answer.status_code == 201, answer.text
        return self.get(url).json
