"""The whole thing as people meet it: a real gunicorn, a real Chromium, and a guard at the door."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    APIRequestContext,
    APIResponse,
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Route,
    WebError,
    expect,
)

from avenue.accounts.errors import EmailTaken
from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from tests.server import PASSWORD, ROOT, Server
from tests.suite import CHROMIUMS
from tests.waiting import wait_until

ADMIN = "admin@example.com"
SHELL = "chromium-headless-shell"
"""Chromium without what only a screen needs, which is much of its work; its viewer for PDF is
missing, too."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
)
PATIENCE_MS = 60_000
"""How long a page is waited for: a slow and busy machine is no reason to fail."""
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""The rules of axe that ask for colours and sizes; the others see the same in every window."""
# Where motion is reduced, a change of colours still takes a frame.
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 640}


def chromium_path(names: Sequence[str]) -> Path:
    """Where Chromium is; without one the browser tests cannot say anything, so they fail."""
    for name in names:
        if found := shutil.which(name):
            return Path(found)
    raise AssertionError(
        "The browser tests need Chromium on PATH. Debian: apt-get install chromium. Ubuntu: snap "
        "install chromium. macOS: brew install --cask chromium. Or any Google Chrome."
    )


def launched(playwright: Playwright, *, whole: bool = False) -> Browser:
    """Start a browser; the `whole` one is needed where something besides pages is shown."""
    path = chromium_path(CHROMIUMS if whole else (SHELL, *CHROMIUMS))
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))


def people(uri: str) -> None:
    """Migrate the database of `uri` and let an administrator in who may do everything."""
    database = Database(Settings(mongodb_uri=uri, local=True))
    try:
        migrate(database)
        accounts = Services(Settings(mongodb_uri=uri, local=True), database).accounts
        with suppress(EmailTaken):
            accounts.add_user(ADMIN, PASSWORD, roles={DEFAULT_SITE: Role.ADMIN}, superuser=True)
    finally:
        database.close()


class Guard:
    """Notes what no page may do: errors in the console, errors of code, requests to other hosts."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.complaints: list[str] = []
        self._meant: list[re.Pattern[str]] = []
        self._notes: dict[str, Callable[[Any], None]] = {
            "console": self._heard,
            "weberror": self._failed,
            "request": self._asked,
        }

    def watch(self, context: BrowserContext) -> None:
        for event, note in self._notes.items():
            context.on(event, note)  # type: ignore[call-overload]

    def leave(self, context: BrowserContext) -> None:
        for event, note in self._notes.items():
            context.remove_listener(event, note)

    def expect(self, pattern: str) -> None:
        """Let complaints that match `pattern` pass: this test provokes them."""
        self._meant.append(re.compile(pattern))

    def check(self) -> None:
        left = [each for each in self.complaints if not any(p.search(each) for p in self._meant)]
        assert left == [], left

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self.complaints.append(f"console {message.type}: {message.text} {where}")

    def _failed(self, error: WebError) -> None:
        self.complaints.append(f"page error: {error.error}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.own, "data:", "blob:")):
            self.complaints.append(f"request to another host: {request.url}")


def signed_in(asking: APIRequestContext, own: str, email: str, password: str) -> None:
    """Give `asking` the cookie of somebody at `own`."""
    form, headers = {"email": email, "password": password}, {"Origin": own.rstrip("/")}
    answer = asking.post(f"{own}login", form=form, headers=headers, max_redirects=0)
    assert answer.status in {302, 303}, answer.status


class Visitor:
    """Somebody with a browser of their own; `page` is what they look at."""

    def __init__(self, context: BrowserContext, guard: Guard, page: Page | None = None) -> None:
        self.context, self.guard = context, guard
        self.page = page or context.new_page()

    def sign_in(self, email: str = ADMIN, password: str = PASSWORD, to: str = "/admin") -> Page:
        """Send the form of the sign-in without looking at it, and go on to a page."""
        signed_in(self.context.request, self.guard.own, email, password)
        self.page.goto(to)
        return self.page

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Ask the API as this person, beside the page; return its JSON."""
        answer = self.context.request.fetch(
            path, method=method, headers={"Origin": self.guard.own.rstrip("/")}, **options
        )
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
        return answer.json() if answer.body() else None

    def a_product(self, *images: bytes, **fields: Any) -> Any:
        """A product of this person with pictures, by the API."""
        product = self.call("POST", "/api/shop/products", data={"name": "Zapato", **fields})
        for image in images:
            self.call(
                "POST",
                f"/api/shop/products/{product['id']}/images",
                multipart={"file": {"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": image}},
            )
        return self.call("GET", f"/api/shop/products/{product['id']}")


def a_context(browser: Browser, own: str, **options: Any) -> BrowserContext:
    """A browser of somebody's own, in Spanish unless `options` say otherwise."""
    context = browser.new_context(
        **{
            "base_url": own,
            "locale": "es-PY",
            "viewport": DESK,
            "reduced_motion": "reduce",
            **options,
        }
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def origin(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


def session_of(playwright: Playwright, server: Server) -> Any:
    """The cookies of the administrator, who signs in without a page."""
    asking = playwright.request.new_context(base_url=origin(server))
    try:
        signed_in(asking, origin(server), ADMIN, PASSWORD)
        return asking.storage_state()
    finally:
        asking.dispose()


@contextmanager
def visiting(browser: Browser, server: Server, **options: Any) -> Iterator[Visitor]:
    """Somebody with a browser that nobody had before, watched."""
    context = a_context(browser, origin(server), **options)
    guard = Guard(origin(server))
    guard.watch(context)
    try:
        yield Visitor(context, guard)
        guard.check()
    finally:
        context.close()


class Desk:
    """A browser where somebody is signed in, for one test after the other, each with a new page.

    What the panel is made of stays in its cache, and its process stays; what a test has stored,
    routed, allowed or cut off does not. It is replaced where a test has changed what cannot be
    changed back.
    """

    def __init__(self, browser: Browser, server: Server, state: Any) -> None:
        self._browser, self._own, self._state = browser, origin(server), state
        self._first: Page | None = None
        """A page that shows nothing and opens the others, so that they share its process."""

    @contextmanager
    def visited(self) -> Iterator[Visitor]:
        first = self._first or self._new()
        self._first = None
        context, guard = first.context, Guard(self._own)
        guard.watch(context)
        with first.expect_popup() as opened:
            first.evaluate("void window.open('about:blank')")
        try:
            yield Visitor(context, guard, opened.value)
            guard.check()
            guard.leave(context)
            self._tidy(first)
        finally:
            if not self._first:
                context.close()

    def close(self) -> None:
        if self._first:
            self._first.context.close()

    def _new(self) -> Page:
        page = a_context(self._browser, self._own, storage_state=self._state).new_page()
        page.goto("/healthz")
        return page

    def _tidy(self, first: Page) -> None:
        """Keep the browser for the next one, as the first one found it, where that can be."""
        context = first.context
        for page in context.pages:
            if page is not first:
                page.close()
        context.unroute_all(behavior="ignoreErrors")
        context.clear_permissions()
        context.set_offline(False)
        context.clear_cookies()
        context.add_cookies(self._state["cookies"])
        stored = {"origin": self._own, "storageTypes": "local_storage,indexeddb,cache_storage"}
        session = context.new_cdp_session(first)
        session.send("Storage.clearDataForOrigin", stored)
        session.detach()
        has_own_clock = first.evaluate("String(setTimeout).includes('[native code]')")
        if has_own_clock:
            self._first = first


class Held:
    """Requests that match `pattern` get no further for now, or only their answers (`answered`)."""

    def __init__(self, page: Page, pattern: str, *, answered: bool = False) -> None:
        self.page, self.answered = page, answered
        self._held: list[tuple[Route, APIResponse | None]] = []
        self._is_open = False
        page.route(pattern, self._take)

    def wait_for_one(self) -> None:
        """Return when there is one."""
        # Only what asks the browser hears of it.
        wait_until(lambda: self.page.evaluate("true") and self._held, "a request that is held")

    def let_go(self) -> None:
        """Wait for one, then let all of them go on, and later ones at once."""
        self.wait_for_one()
        self._is_open = True
        for route, answer in self._held:
            self._go_on(route, answer)

    def _take(self, route: Route) -> None:
        if self._is_open:
            route.continue_()
        else:
            self._held.append((route, route.fetch() if self.answered else None))

    def _go_on(self, route: Route, answer: APIResponse | None) -> None:
        if answer:
            route.fulfill(response=answer)
        else:
            route.continue_()


def keep_what_is_said(page: Page, selector: str) -> Callable[[str], object]:
    """Note every text of what `selector` names; return what waits until one of them has been said.

    Some of them are there for a second only, and a busy machine looks less often than that.
    """
    page.evaluate(
        """(selector) => {
            const said = (window.said = []);
            const note = () => {
                for (const each of document.querySelectorAll(selector)) {
                    if (!said.includes(each.textContent)) said.push(each.textContent);
                }
            };
            const all = { childList: true, subtree: true, characterData: true };
            new MutationObserver(note).observe(document.body, all);
        }""",
        selector,
    )
    return lambda words: page.wait_for_function(
        "(words) => window.said.some((each) => each.includes(words))", arg=words
    )


def drop(page: Page, *paths: Path) -> None:
    """Drop files and folders of this machine onto the page's heading, far from the zone."""
    box = page.locator("h1").bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send(
            "Input.dispatchDragEvent",
            {"type": kind, "x": box["x"] + 5, "y": box["y"] + 5, "data": data},
        )
        if kind == "dragOver":
            expect(page.locator(".overlay")).to_be_visible()
    expect(page.locator(".overlay")).to_be_hidden()


def check_accessible(
    page: Page, *, prepare: Callable[[], object] = lambda: None, outside: str | None = None
) -> None:
    """Find no fault by axe (WCAG 2.2 AA) on what `page` shows, light at a desk, dark on a phone.

    Nothing is shown on a phone alone, so there only what depends on looks is asked for again.
    `prepare` brings the page into the state meant, after each change of the window; what is inside
    of `outside` is not looked at.
    """
    wide = page.viewport_size
    page.wait_for_load_state()  # the beginning of a page has no landmarks yet
    for scheme, viewport, rules in (("light", DESK, WCAG_22_AA), ("dark", PHONE, OF_LOOKS)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(viewport)
        prepare()
        check_as_shown(page, f"{scheme} {viewport['width']}", rules=rules, outside=outside)
    page.emulate_media(color_scheme="light")
    if wide:
        page.set_viewport_size(wide)


def check_as_shown(
    page: Page, how: str, *, rules: list[str] = WCAG_22_AA, outside: str | None = None
) -> None:
    """Find no fault by axe on `page` as it is shown now, and nothing to scroll to sideways."""
    page.evaluate(SETTLED)
    if not page.evaluate("'axe' in window"):  # half a megabyte, sent once for each page
        page.evaluate(f"() => {{ {AXE.read_text()} }}")
    faults = page.evaluate(
        """async ([rules, outside]) => {
        const asked = { runOnly: rules, resultTypes: ["violations"] };
        const where = outside ? { exclude: [[outside]] } : document;
        const found = await window.axe.run(where, asked);
        return found.violations.map(v => `${v.id}: ${v.help} — ` +
            v.nodes.map(n => n.html.slice(0, 200) + ' ' + n.failureSummary).join(' | ')); }""",
        [rules, outside],
    )
    assert faults == [], f"{page.url} {how}: {faults}"
    beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert beyond <= 0, f"{page.url} scrolls sideways by {beyond} px, {how}"
