"""A server for all clients, who uploads to it, and what may befall them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, FilePayload, Page, Route

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role, Scope
from avenue.sealing import Sealing
from avenue.storage.connection import Database
from avenue.storage.rate_limits import COUNTED
from tests.browser.deployment import signed_in
from tests.http.application import a_picture, unique
from tests.mongod import Guard, Mongod
from tests.server import PASSWORD, SECRET_KEY, Client, Server

EDITOR = "editor@example.com"
LOCALE = "es-PY"
"""What their browsers ask for."""
THEIR_BROWSER: dict[str, Any] = {
    "locale": LOCALE,
    "reduced_motion": "reduce",
    "viewport": {"width": 800, "height": 600},
}
"""Some clients draw a frame after the other for as long as they are there: a small one is cheap."""
MOST_MB = 1
FAR_TOO_OFTEN = 10**9
NO_PICTURE = b"<!doctype html><title>no picture</title>"


def a_file(data: bytes | None = None, name: str = "") -> FilePayload:
    """A picture by default, small and like no other."""
    return {
        "name": name or f"{unique('foto')}.jpg",
        "mimeType": "image/jpeg",
        "buffer": a_picture() if data is None else data,
    }


class Pages(SimpleHTTPRequestHandler):
    """The editor's own program, which is all files."""

    def log_message(self, *_: Any) -> None:
        pass


def serve(folder: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Deployment:
    """One server, and an editor with a token: `app` is the origin of the editor's own program."""

    def __init__(self, mongod: Mongod, uri: str, guard: Guard, folder: Path) -> None:
        self.folder = folder
        self.uri = uri
        self.raw = mongod.client[self.uri.rpartition("/")[2].partition("?")[0]]
        self.token = self._let_in()
        self._user = self.raw["users"].find_one({"email": EDITOR})["_id"]
        self.pages = folder / "pages"
        self.pages.mkdir()
        self._apps = serve(self.pages)
        self.app = f"http://127.0.0.1:{self._apps.server_port}"
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.server = Server(
            guard,
            self.uri,
            AVENUE_CORS_ORIGINS=self.app,
            AVENUE_TMP_DIR=str(self.spool),
            AVENUE_MAX_MEDIA_MB=str(MOST_MB),
            AVENUE_MAX_UPLOAD_MB=str(MOST_MB),
        )
        self.url = f"http://127.0.0.1:{self.server.port}"

    def close(self) -> None:
        self.server.stop()
        self._apps.shutdown()
        self._apps.server_close()

    def _let_in(self) -> str:
        settings = Settings(mongodb_uri=self.uri, local=True)
        database = Database(settings)
        try:
            accounts = Services(settings, database).accounts
            accounts.add_user(EDITOR, PASSWORD, roles={DEFAULT_SITE: Role.EDITOR})
            made = accounts.add_token(
                EDITOR, DEFAULT_SITE, name="tests", scopes=frozenset(Scope), days=1
            )
            return made.secret
        finally:
            database.close()

    @contextmanager
    def signed_out(self) -> Iterator[None]:
        """The editor's password was changed elsewhere: neither token nor session is good."""
        self._turn(1)
        try:
            yield
        finally:
            self._turn(-1)

    @contextmanager
    def busy(self, seconds: int = 30) -> Iterator[None]:
        """The editor has uploaded too often, and may again in so many seconds, or after this."""
        counter = {"count": FAR_TOO_OFTEN, "resets_at": utc_now() + timedelta(seconds=seconds)}
        caller = Sealing(SECRET_KEY, COUNTED).mark(f"user:{self._user}")
        key = {"_id": f"uploads:{caller}"}
        self.raw["rate_limits"].replace_one(key, counter, upsert=True)
        try:
            yield
        finally:
            self.raw["rate_limits"].delete_one(key)

    @contextmanager
    def out_of_room(self) -> Iterator[None]:
        """The server has nowhere to put arriving files: 503, until this ends."""
        away = self.spool.rename(self.folder / "away")
        try:
            yield
        finally:
            away.rename(self.spool)

    @contextmanager
    def out_of_room_once(self, page: Page) -> Iterator[list[int]]:
        """The same for the first upload of `page`; give the statuses of its answers."""
        statuses: list[int] = []
        ways = ExitStack()
        ways.enter_context(self.out_of_room())

        def let(route: Route) -> None:
            if statuses:
                ways.close()
            answer = route.fetch()
            statuses.append(answer.status)
            route.fulfill(response=answer)

        page.route(f"{self.url}/api/**", let)
        with ways:
            yield statuses
        page.unroute(f"{self.url}/api/**")

    def open(self, page: Page, sample: str, *, at_home: bool) -> None:
        """Open the page of a sample, in the editor's program or on Avenue's own origin."""
        if not at_home:
            page.add_init_script(f"localStorage.setItem('avenue-token', '{self.token}')")
            page.goto(f"{self.app}/{sample}/")
            return
        here = f"{self.url}/pages/"

        def give(route: Route) -> None:
            path = self.pages / route.request.url.removeprefix(here)
            if path.name == "avenue.js":
                path = self.pages / "here.js"
            route.fulfill(path=path / "index.html" if path.is_dir() else path)

        page.route(f"{here}**", give)
        page.goto(f"{here}{sample}/")

    def sign_in(self, context: BrowserContext) -> None:
        """Let whoever has `context` be the editor on Avenue's own origin."""
        signed_in(context.request, f"{self.url}/", EDITOR, PASSWORD)

    @property
    def client(self) -> Client:
        """The editor's program without a browser."""
        return Client(self.server.port, self.token)

    def why_no_picture(self) -> str:
        """What is said of a file that is none."""
        language = {"Accept-Language": LOCALE}
        answer = self.client.request("POST", "/api/builder/media?name=a", NO_PICTURE, language)
        assert answer.status == 415
        return str(answer.json["message"])

    def count(self) -> int:
        """How many files are stored."""
        return self.raw["assets"].count_documents({})

    def newest(self) -> Any:
        """The asset that was stored last."""
        return self.raw["assets"].find_one(sort=[("created_at", -1)])

    def state_of(self, asset_id: str) -> str:
        """Whether an asset is live or in the trash."""
        found = self.raw["assets"].find_one({"_id": asset_id})
        return str(found["state"]) if found else "gone"

    def url_of_newest(self) -> str:
        """Where the picture is that came into the library last."""
        return str(self.client.get(f"/api/builder/media/{self.newest()['_id']}").json["url"])

    def _turn(self, by: int) -> None:
        turned = {"$inc": {"token_epoch": by, "session_epoch": by}}
        self.raw["users"].update_one({"_id": self._user}, turned)
