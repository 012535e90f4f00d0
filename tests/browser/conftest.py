"""A browser, a server, and people who look at its pages."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.deployment import (
    PATIENCE_MS,
    Desk,
    Visitor,
    check_accessible,
    people,
    session_of,
    visiting,
)
from tests.mongod import Guard as Watchdog
from tests.server import Server

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def server(shared_uri: str, guard: Watchdog) -> Iterator[Server]:
    """One gunicorn for the tests of a module; jobs run in it at once."""
    people(shared_uri)
    with Server(guard, shared_uri, AVENUE_JOBS="inline") as server:
        yield server


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Visitor]]:
    """Lets somebody come, with a browser of their own: `visit(locale="en")`."""
    with ExitStack() as leaving:
        yield lambda **options: leaving.enter_context(visiting(browser, server, **options))


@pytest.fixture(scope="module")
def signed_in(playwright: Playwright, server: Server) -> Any:
    """The cookies of the administrator, who signs in once."""
    return session_of(playwright, server)


@pytest.fixture(scope="module")
def desk(browser: Browser, server: Server, signed_in: Any) -> Iterator[Desk]:
    """The browser of the administrator, for the tests of a module."""
    desk = Desk(browser, server, signed_in)
    yield desk
    desk.close()


@pytest.fixture
def admin(desk: Desk) -> Iterator[Visitor]:
    """The administrator at a desk."""
    with desk.visited() as visitor:
        yield visitor


def only_brought_there(
    page: Page, *, prepare: Callable[[], object] = lambda: None, **_: Any
) -> None:
    """Bring `page` into the state that would be looked at."""
    page.wait_for_load_state()
    prepare()


@pytest.fixture(
    params=[
        pytest.param(only_brought_there, id="done"),
        pytest.param(check_accessible, id="accessible", marks=pytest.mark.long),
    ]
)
def accessible(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`check_accessible` in `make test-long`; in `make test` what people do is done without it."""
    check: Callable[..., None] = request.param
    return check


@pytest.fixture
def shoot(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], None]:
    """Keeps what a page shows where `--screenshots` says."""
    folder = Path(request.config.getoption("--screenshots") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=folder / f"{name}.png", full_page=True)


class App(BaseHTTPRequestHandler):
    """A page of somebody else's application."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>App</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The origin of that application, on this machine: browsers let no other call it."""
    with HTTPServer(("127.0.0.1", 0), App) as app:
        threading.Thread(target=app.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{app.server_port}"
        app.shutdown()
