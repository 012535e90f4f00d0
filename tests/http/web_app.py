"""A small application over `avenue.web`, for the tests beside it and for gunicorn."""

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from flask import Flask, Response, g, request
from pydantic import BaseModel, ConfigDict

from avenue.config import Settings
from avenue.identity import Actor, Site
from avenue.sealing import Sealing
from avenue.storage.rate_limits import Window
from avenue.web import (
    assets,
    cors,
    headers,
    hosts,
    language,
    limits,
    parsing,
    problems,
    requestlog,
    site_frame,
    stylesheet,
)
from avenue.web.limits import upload_route
from avenue.web.services import provide
from tests.http import STOCK
from tests.waiting import DEADLINE_SECONDS, wait_until

HOST = "shop.example"
SITE = Site(id="shop", hosts=(HOST,), base_url="https://shop.example", name="Zapatos")
OTHER = Site(id="b", hosts=("b.example",), base_url="https://b.example", name="B", locale="en")
MAX_FILE_BYTES = 100_000
SEALING = Sealing("k" * 40)
STREAMED_BLOCKS = 400
STREAMED_BLOCK = b"x" * 65536


class OneSite:
    def by_host(self, host: str) -> Site | None:
        return {HOST: SITE, "b.example": OTHER}.get(host.lower())


@dataclass
class Counter:
    """Counts in memory; `wait_seconds` is what is left of everybody's minute."""

    seen: dict[str, int] = field(default_factory=dict)
    wait_seconds: int = 42

    def count(
        self, key: str, *, within_seconds: float | None = None, window_seconds: int = 60
    ) -> Window:
        self.seen[key] = self.seen.get(key, 0) + 1
        return Window(tries=self.seen[key], seconds_left=self.wait_seconds)

    def running(self, keys: Sequence[str]) -> list[Window]:
        seen = [self.seen[each] for each in keys if each in self.seen]
        return [Window(tries=each, seconds_left=self.wait_seconds) for each in seen]

    def mark(self, text: str) -> str:
        return SEALING.mark(text)

    def hit(self, key: str, limit: int) -> int:
        window = self.count(key)
        return window.seconds_left if window.tries > limit else 0


class Thing(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    price: Decimal = Decimal(0)
    tags: list[str] = []
    extra: dict[str, object] = {}


def bare_app(settings: Settings | None = None) -> Flask:
    """An app with problems and parsing only; the server-side half is added by each test."""
    settings = settings or Settings(local=True)
    app = Flask("small", static_folder=None)
    provide(app, settings)
    language.install(app)
    assets.install(app)
    problems.install(app)
    site_frame.install(app)
    stylesheet.install(app)
    parsing.install(app)
    add_routes(app)
    return app


def whole_app(
    settings: Settings | None = None, counter: Counter | None = None, actor: Actor | None = None
) -> Flask:
    """An app with every room of `avenue.web`, in the order its docstring gives."""
    settings = settings or Settings(local=True)
    app = bare_app(settings)
    headers.install(app, settings)
    hosts.install(app, OneSite(), settings)
    cors.install(app, settings)
    limits.install(
        app, counter or Counter(), settings, lambda: actor or Actor(site=hosts.current_site())
    )
    requestlog.install(app)
    return app


def add_routes(app: Flask) -> None:
    @app.post("/api/files")
    @upload_route
    def files() -> dict[str, object]:
        incoming = parsing.incoming_files(max_bytes=MAX_FILE_BYTES)
        return {
            "files": [
                {
                    "name": each.name,
                    "type": each.declared_type,
                    "field": each.field,
                    "length": each.length,
                    "sha256": each.sha256,
                    "read": hashlib.sha256(each.file.read()).hexdigest(),
                    "links": os.fstat(each.file.fileno()).st_nlink,
                }
                for each in incoming.files
            ],
            "refused": [
                {"name": each.name, "field": each.field, "code": each.error.code}
                for each in incoming.refused
            ],
            "fields": dict(incoming.fields),
        }

    @app.post("/api/things")
    def things() -> dict[str, object]:
        return parsing.body_as(Thing).model_dump(mode="json")

    @app.get("/api/things")
    def list_things() -> dict[str, object]:
        page = parsing.page_asked_for()
        return {"limit": page.limit, "after": page.after}

    @app.get("/api/shared")
    def shared() -> Response:
        return Response("x", headers={"Cache-Control": "public, max-age=60"})

    @app.get("/api/stream")
    def stream() -> Response:
        return Response(iter([STREAMED_BLOCK] * STREAMED_BLOCKS), mimetype="text/plain")

    @app.get("/api/secret/<name>")
    def secret(name: str) -> str:
        raise RuntimeError(f"nobody may read {name}")

    @app.post("/form")
    def form() -> dict[str, str]:
        return dict(request.form)

    @app.get("/page")
    def page() -> str:
        return f"<p>{g.site.name if 'site' in g else ''}</p>"

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"


def served() -> Flask:
    """What gunicorn serves: every room, and the process's log as JSON lines."""
    requestlog.configure_logging()
    return whole_app()


@dataclass(frozen=True)
class Server:
    port: int
    log: Path

    def say(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Send `sent` and return everything that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as peer:
            peer.sendall(sent)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(65536), b""))


@contextlib.contextmanager
def gunicorn(log: Path) -> Iterator[Server]:
    """Run gunicorn with one worker and two threads on a free port; its output goes to `log`."""
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            *STOCK,
            "--threads",
            "2",
            "--no-control-socket",
        ]
        command += ["--bind", f"fd://{listener.fileno()}", "tests.http.web_app:served()"]
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": ".", "GUNICORN_CMD_ARGS": ""},
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            server = Server(port=listener.getsockname()[1], log=log)
            # The socket listens already: the answer comes when the worker is up.
            assert b" 200 " in server.say(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            yield server
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_SECONDS)


def eventually_line(log: Path, wanted: str) -> str:
    """Return the line of `log` that holds `wanted`, as soon as it is there."""

    def line() -> str:
        return next((each for each in log.read_text().splitlines() if wanted in each), "")

    return wait_until(line, f"a line with {wanted!r}")
