"""A receiver of webhooks of our own: keeps what it is told, and misbehaves when a test wants it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from tests.mongod import free_port
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS

SECRET = "planted-s3cret-of-the-receiver-0123456789"
PATH = "/purge?token=planted-t0ken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message as it came."""

    path: str
    method: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)


@dataclass
class Inbox:
    """What a receiver was told, and the statuses it gives next; 200 when there are none left.

    A status of 0 is no answer at all: until `go_on` is set, when it is the test's last word.
    `answers` are the bodies it gives next; empty ones when there are none left.
    """

    port: int
    statuses: list[int] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    told: "Queue[Told]" = field(default_factory=Queue)
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def next(self) -> Told:
        """The message that came next, waited for."""
        return self.told.get(timeout=DEADLINE_SECONDS)

    def all(self) -> list[Told]:
        """Everything that came since."""
        return [self.told.get_nowait() for _ in range(self.told.qsize())]


@contextlib.contextmanager
def receiving() -> Iterator[Inbox]:
    """Yield the inbox of a receiver that listens on loopback."""
    while True:
        inbox = Inbox(port=free_port())
        with contextlib.suppress(OSError):
            server = ThreadingHTTPServer(("127.0.0.1", inbox.port), _handler(inbox))
            break
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        inbox.go_on.set()
        server.shutdown()
        joined(thread)
        server.server_close()


def _handler(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = inbox.statuses.pop(0) if inbox.statuses else 200
            told = Told(path=self.path, method=self.command, headers=dict(self.headers), body=body)
            inbox.told.put(told)
            if not status:
                inbox.go_on.wait(DEADLINE_SECONDS)
                self.close_connection = True
                return
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("Location", f"http://127.0.0.1:{inbox.port}/elsewhere")
            answer = inbox.answers.pop(0) if inbox.answers else b""
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_HEAD(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
