"""The real server for tests: gunicorn with the repository's configuration over a real MongoDB.

`Server` is one gunicorn and its workers; `Client` speaks to it as a shop's program would.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

from avenue.accounts.errors import EmailTaken
from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from tests.failed_jobs import failed_jobs
from tests.forking import forked
from tests.mongod import Guard, free_port
from tests.prepared import only_once
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parent.parent
SELLER = "seller@example.com"
PASSWORD = "correct horse battery staple"
SECRET_KEY = secrets.token_urlsafe(48)
"""All servers have it, as the instances of a deployment do."""
EXIT_PORT_TAKEN = 1
BROKEN = (OSError, http.client.HTTPException)
"""What a client meets when the process it speaks to dies."""

WITHOUT_LIMITS_OF_FREQUENCY = {
    f"AVENUE_MAX_{kind}_PER_MINUTE": "1000000"
    for kind in ("UPLOADS", "WRITES", "READS", "PAGES", "LOGINS")
}
GUNICORN = ("-c", "gunicorn.conf.py", "wsgi:app")
"""What the Procfile gives to gunicorn."""
SERVING = {"gunicorn": ("gunicorn", *GUNICORN), "serve": ("avenue", "serve")}
"""The two ways to start a web process group: `python -m` with these."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME")


def prepare(uri: str) -> None:
    """Migrate the database of `uri` and give it one seller."""
    settings = Settings(mongodb_uri=uri, local=True)
    database = Database(settings)
    try:
        migrate(database)
        with contextlib.suppress(EmailTaken):
            Services(settings, database).accounts.add_user(
                SELLER, PASSWORD, roles={DEFAULT_SITE: Role.SELLER}
            )
    finally:
        database.close()


def environment(uri: str, port: int, **env: str) -> dict[str, str]:
    """What a web process is started with; `env` is what a test wants otherwise."""
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        "MONGODB_URI": uri,
        "AVENUE_LOCAL": "1",
        "SECRET_KEY": SECRET_KEY,
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "AVENUE_JOBS": "worker",  # the tests sweep when they want to
        "AVENUE_DISK_CACHE_MB": "0",  # or /tmp would hold what is left of each
        **WITHOUT_LIMITS_OF_FREQUENCY,
        **env,
    }


class Server:
    """One gunicorn, forked (tests/forking.py) and never restarted.

    `prepare` has seen its database, `uri`. `ready=False` waits for /healthz only: the database may
    be away. `way` is one of `SERVING`. A job that fails in it ends every `wait_until`
    (tests/failed_jobs.py), but not with `jobs_fail`: for several tests.
    """

    def __init__(
        self,
        guard: Guard,
        uri: str,
        *,
        ready: bool = True,
        jobs_fail: bool = False,
        way: str = "gunicorn",
        **env: str,
    ) -> None:
        self.guard = guard
        self.directory = Path(tempfile.mkdtemp(prefix="avenue-server-"))
        self.log = self.directory / "log"
        self.uri = uri
        self._env = env
        self._command = SERVING[way]
        self._reading = contextlib.ExitStack()
        self._start()
        if not jobs_fail:
            self._reading.enter_context(failed_jobs.reading(self.log))
        try:
            wait_until(lambda: self._answers("/readyz" if ready else "/healthz"), "the server")
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def client(self) -> "Client":
        """A client nobody knows."""
        return Client(self.port)

    def seller(self) -> "Client":
        """A client that has signed in."""
        answer = self.client.send_json(
            "POST", "/api/auth/login", {"email": SELLER, "password": PASSWORD}
        )
        assert answer.status == 200, answer
        return Client(self.port, answer.json["token"])

    def worker_pids(self) -> list[int]:
        """The web processes (and not the decoders they have started)."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        return []

    def kill_worker(self) -> int:
        """SIGKILL one web process; gunicorn starts another one."""
        pid = self.worker_pids()[0]
        only_once(self.uri)
        os.kill(pid, signal.SIGKILL)
        return pid

    def status(self, path: str) -> int:
        """The status of a GET of `path`, 0 when nobody answers."""
        try:
            return self.client.get(path).status
        except BROKEN:
            return 0

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.status("/readyz") == 200, "the server is ready again")

    def stop(self) -> None:
        """SIGTERM, and remove what is left."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DEADLINE_SECONDS)
        finally:
            self.process.kill()
            self._reading.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        self.port = free_port()
        with self.log.open("ab") as log:
            env = environment(self.uri, self.port, **self._env)
            self.process = forked(*self._command, env=env, stdout=log, stderr=log)
        self.guard.watch(self.process.pid, self.directory)

    def _answers(self, path: str) -> bool:
        ended = self.process.poll()
        said = self.log.read_text()
        if ended == EXIT_PORT_TAKEN and "Address already in use" in said:
            self.log.write_text("")
            self._start()
            return False
        assert ended is None, said[-5000:]
        return self.status(path) == 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `body` is all of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code, or nothing."""
        return str(self.json.get("code", "")) if self.body else ""

    def __str__(self) -> str:
        return f"{self.status} {self.body[:500]!r}"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that uses Avenue: one connection for each request, a Bearer token."""

    port: int
    token: str = ""
    timeout_seconds: float = DEADLINE_SECONDS

    def at(self, server: Server) -> "Client":
        """The same person at another server of the same database."""
        return Client(server.port, self.token, self.timeout_seconds)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and read its whole answer; raise one of `BROKEN`."""
        with self.connection() as connection:
            connection.request(method, path, body, {**self.headers(), **(headers or {})})
            return answer_of(connection)

    def connection(self) -> "contextlib.closing[http.client.HTTPConnection]":
        return contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_seconds)
        )

    def headers(self) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Connection": "close", **bearer}

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def send_json(self, method: str, path: str, value: object) -> Answer:
        body = json.dumps(value).encode()
        return self.request(method, path, body, {"Content-Type": "application/json"})

    def create_product(self, name: str = "Zapato") -> str:
        answer = self.send_json("POST", "/api/shop/products", {"name": name, "status": "published"})
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def product(self, product_id: str) -> Any:
        answer = self.get(f"/api/shop/products/{product_id}")
        assert answer.status == 200, answer
        return answer.json

    def upload(self, product_id: str, picture: bytes, key: str | None = None) -> Answer:
        """Add one picture to a product, as a form."""
        head, body = self.upload_request(product_id, picture, key)
        return self.request("POST", images_path(product_id), body, head)

    def upload_request(
        self, product_id: str, picture: bytes, key: str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """The headers and the body of `upload`."""
        boundary = secrets.token_hex(16)
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="foto.png"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        body += picture + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return (headers | {"Idempotency-Key": key} if key else headers), body


def answer_of(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    body = response.read()
    return Answer(status=response.status, headers=dict(response.getheaders()), body=body)


def images_path(product_id: str) -> str:
    return f"/api/shop/products/{product_id}/images"


def path_of(url: str) -> str:
    """The path of a URL Avenue gave, to be asked of any of its servers."""
    return urlsplit(url).path
