"""Secrets planted wherever one may stand: none of them is in a line of the log, a report or a page.

A real server with a user of its own in the database, whose mail server and receivers are of no use.
Everything is asked for rightly, wrongly, and so that it fails; secrets are typed where they do not
belong, too.
"""

import base64
import contextlib
import html
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from avenue.app.services import Services
from avenue.cli import commands as command_line
from avenue.config import Settings
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.identity import DEFAULT_SITE, Role
from avenue.storage.connection import Database
from tests import pictures
from tests.commands import Commands
from tests.faults.deployment import Raw, raw
from tests.mongod import Guard, Mongod, database_name, fail_point
from tests.receiver import Inbox, receiving
from tests.server import Answer, Client, Server, environment, path_of, prepare
from tests.smtp import mail_server
from tests.waiting import wait_until

ADMIN = "ana@example.com"
OUT_OF_ORDER = 8
"""An error of MongoDB that another try does not mend ("UnknownError")."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
DATABASE_USER = "keeper"
COOKIE = re.compile(r"([^=;,\s]*session)=([^;]+)")
LINK = re.compile(rb'href="(/admin[^"#?]*)')
OK, SEE, GONE, FAULT = 200, 303, 404, 500


def planted(name: str) -> str:
    """A secret nobody can take for anything else, in any encoding of addresses."""
    return f"planted{name}{secrets.token_hex(16)}"


def new_key() -> str:
    """What receivers of webhooks know us by."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Deployment:
    """A server, what it must never tell, and what it answered to requests that failed."""

    server: Server
    database: Raw
    secrets: dict[str, str]
    env: dict[str, str]
    inbox: Inbox
    failed: list[tuple[str, Answer]] = field(default_factory=list)
    cookie: str = ""  # the name of the session's

    @property
    def bearer(self) -> Client:
        return Client(self.server.port, self.secrets["token"])

    @property
    def own(self) -> dict[str, str]:
        """What a browser that is signed in sends from one of our pages."""
        origin = f"http://127.0.0.1:{self.server.port}"
        return {"Cookie": f"{self.cookie}={self.secrets['session']}", "Origin": origin}

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        client: Client | None = None,
    ) -> Answer:
        answer = (client or self.server.client).request(method, path, body, headers)
        if answer.status >= 400:
            self.failed.append((f"{method} {path}", answer))
        return answer

    def seen_in(self, text: bytes) -> list[str]:
        """The names of the secrets that stand in `text`, also as base64."""
        return [
            name
            for name, value in self.secrets.items()
            if value.encode() in text
            or quote(value, safe="").encode() in text
            or base64.b64encode(value.encode()).rstrip(b"=")[:-1] in text
        ]


@pytest.fixture(scope="module")
def deployment(mongod: Mongod, guard: Guard) -> Iterator[Deployment]:
    name = database_name()
    known = {
        each: planted(each.replace("_", ""))
        for each in (
            "database_password",
            "secret_key",
            "mail_password",
            "purge_token",
            "purge_secret",
            "alert_token",
            "webhook_token",
            "challenge_secret",
            "first_password",
            "password",
            "typed",
        )
    }
    known |= {"alert_key": new_key(), "webhook_key": new_key()}
    prepare(mongod.uri_of(name))
    database = raw(mongod.client, mongod.uri_of(name))
    roles: list[Any] = [
        {"role": "dbOwner", "db": name},
        {"role": "clusterMonitor", "db": "admin"},
        {"role": "read", "db": "local"},
    ]
    user = name + DATABASE_USER
    mongod.client.admin.command("createUser", user, pwd=known["database_password"], roles=roles)
    with contextlib.ExitStack() as stack:
        stack.callback(mongod.client.drop_database, name)
        stack.callback(mongod.client.admin.command, "dropUser", user)
        # A mail server that repeats what it does not like.
        refusal = f"535 5.7.8 no such user or password: {known['mail_password']}"
        box = stack.enter_context(mail_server(replies={"AUTH": refusal}))
        inbox = stack.enter_context(receiving())
        inbox.statuses[:] = [FAULT] * 1000
        bare = mongod.uri_of(name).removeprefix("mongodb://")
        sign = "&" if "?" in bare else "?"
        uri = f"mongodb://{user}:{known['database_password']}@{bare}{sign}authSource=admin"
        receiver = f"http://127.0.0.1:{inbox.port}/hook?token="
        env = {
            "SECRET_KEY": known["secret_key"],
            "AVENUE_SMTP_URL": box.url.replace("//", f"//ana:{known['mail_password']}@"),
            "AVENUE_MAIL_FROM": "Shop <shop@shop.example>",
            "AVENUE_PURGE_URL": receiver + known["purge_token"],
            "AVENUE_PURGE_SECRET": known["purge_secret"],
            "AVENUE_ALERT_URL": receiver + known["alert_token"],
            "AVENUE_ALERT_SECRET": f"whsec_{known['alert_key']}",
            "AVENUE_WEBHOOK_URL": receiver + known["webhook_token"],
            "AVENUE_WEBHOOK_SECRET": f"whsec_{known['webhook_key']}",
            # The few files of this test are more than a hundredth of what the site may store.
            "AVENUE_ALERT_PERCENTS": "1,2,3",
            "AVENUE_MAX_SITE_FILES": "50",
            "AVENUE_CHALLENGE": "turnstile",
            "AVENUE_CHALLENGE_SITE_KEY": "0x4-of-tests",
            "AVENUE_CHALLENGE_SECRET": known["challenge_secret"],
            "AVENUE_CHALLENGE_AFTER": "100",
            "AVENUE_ADMIN_PASSWORD": known["first_password"],
            "AVENUE_JOBS": "inline",
            "AVENUE_CACHE_SECONDS": "0",  # so that edges are told at once
        }
        add_administrator(uri, known["password"])
        server = stack.enter_context(Server(guard, uri, jobs_fail=True, **env))
        deployment = Deployment(
            server, database, known, environment(uri, server.port, **env), inbox
        )
        do_everything(deployment)
        yield deployment


def add_administrator(uri: str, password: str) -> None:
    settings = Settings(mongodb_uri=uri, local=True)
    database = Database(settings)
    accounts = Services(settings, database).accounts
    accounts.add_user(ADMIN, password, roles={DEFAULT_SITE: Role.ADMIN}, superuser=True)
    database.close()


def do_everything(deployment: Deployment) -> None:
    """Ask for all there is, rightly, wrongly, and so that it fails; then let the jobs work."""
    sign_in(deployment)
    make_links(deployment)
    type_them_where_they_do_not_belong(deployment)
    make_it_fail(deployment)
    take_a_snapshot(deployment)
    failing = {"mail", "purge"}
    told: set[str] = set()

    def have_failed() -> bool:
        told.update(each.path.partition("token=")[2] for each in deployment.inbox.all())
        errors = deployment.database["jobs"].distinct("kind", {"error": {"$ne": None}})
        tokens = {deployment.secrets[f"{name}_token"] for name in ("purge", "alert", "webhook")}
        return failing <= {*errors} and told == tokens

    wait_until(have_failed, "letter, notices and alert have failed")


def take_a_snapshot(deployment: Deployment) -> None:
    """Let the job that looks for alerts run now; where it runs already, once more."""
    waiting = {"kind": SNAPSHOT, "state": "queued"}
    now = [{"$set": {"run_at": "$$NOW"}}]
    wait_until(lambda: deployment.database["jobs"].update_one(waiting, now).modified_count)


def sign_in(deployment: Deployment) -> None:
    """By the API and by the form, rightly and wrongly; forget the password."""
    right = {"email": ADMIN, "password": deployment.secrets["password"]}
    answer = deployment.server.client.send_json("POST", "/api/auth/login", right)
    assert answer.status == OK, answer
    deployment.secrets["token"] = answer.json["token"]
    origin = {"Origin": f"http://127.0.0.1:{deployment.server.port}"}
    answer = deployment.ask("POST", "/login", urlencode(right).encode(), {**FORM, **origin})
    found = COOKIE.search(answer.headers.get("Set-Cookie", ""))
    assert found, answer
    deployment.cookie, deployment.secrets["session"] = found.groups()
    wrong = {"email": ADMIN, "password": deployment.secrets["typed"]}
    deployment.ask("POST", "/login", urlencode(wrong).encode(), {**FORM, **origin})
    answer = deployment.server.client.send_json("POST", "/api/auth/login", wrong)
    assert answer.status == 401
    deployment.failed.append(("POST /api/auth/login", answer))
    body = urlencode({"email": ADMIN}).encode()
    assert deployment.ask("POST", "/login/forgotten", body, {**FORM, **origin}).status < 400


def make_links(deployment: Deployment) -> None:
    """A private file, a link to it, a ticket; a product whose picture is removed: a purge."""
    client = deployment.bearer
    made = client.request("POST", "/api/uploads?name=a.txt", b"a proof")
    assert made.status == 201, made
    link = client.send_json("POST", f"/api/uploads/{made.json['id']}/sign", {}).json["url"]
    deployment.secrets["signature"] = re.findall(r"[?&]s=([^&]+)", link)[0]
    signed = link.partition("//")[2].partition("/")[2]
    assert deployment.ask("GET", f"/{signed}").status == OK
    deployment.ask("GET", f"/{signed}0")
    ticket = client.send_json("POST", "/api/uploads/tickets", {"reference": "ORD-1"}).json
    deployment.secrets["ticket"] = ticket["ticket"]
    path = path_of(ticket["url"])
    deployment.ask("POST", path, b"x", {"Upload-Ticket": ticket["ticket"]})  # what is it called?
    deployment.ask("POST", f"{path}?ticket={ticket['ticket']}&name=a.txt", b"x")
    product = client.create_product()
    image = client.upload(product, pictures.photo(64, 48)).json["id"]
    assert client.get(f"/media/{image}/original").status == OK
    gone = client.request("DELETE", f"/api/shop/products/{product}/images/{image}")
    assert gone.status < 400, gone


def type_them_where_they_do_not_belong(deployment: Deployment) -> None:
    """In the address, the query, headers, forms and JSON, where people and programs put them."""
    for name in ("typed", "token", "session", "signature", "ticket"):
        value = deployment.secrets[name]
        for path in (
            f"/api/shop/products?search={value}&after={value}&limit={value}",
            f"/api/shop/products/{value}",
            f"/login/reset/{value}",
            f"/media/{value}/original",
            f"/media/{value[:22]}/{value[:12]}/original.jpg?e=1&k=1&s={value}",
            f"/api/uploads/{value}?token={value}",
            f"/nowhere/{value}?password={value}",
            f"/admin/people/{value}",
        ):
            deployment.ask("GET", path, client=deployment.bearer)
            deployment.ask("GET", path, headers={"Authorization": f"Bearer {value}x"})
            deployment.ask(
                "GET", path, headers={"Cookie": f"{deployment.cookie}={value}x; other={value}"}
            )
        said = {
            "User-Agent": value,
            "Referer": f"http://shop.example/?password={value}",
            "X-Request-ID": value,
            "X-CSRF-Token": value,
            "Idempotency-Key": value,
            "If-Match": f'"{value}"',
            "X-Forwarded-For": value,
        }
        deployment.ask("PATCH", f"/api/shop/products/{value}", b"{}", said, deployment.bearer)
        deployment.ask("GET", "/api/shop/products", headers={**said, "Host": f"{value}.example"})
        for path in ("/api/auth/login", "/api/shop/products", "/api/uploads/tickets", "/api/site"):
            for body in (
                {"email": value, "password": value},
                {"name": {"password": value}, "price": value},
                {"image_url": f"http://ana:{value}@127.0.0.1:1/a.png?token={value}"},
            ):
                answer = deployment.bearer.send_json("POST", path, body)
                deployment.failed += [(f"POST {path}", answer)] if answer.status >= 400 else []
            deployment.ask(
                "POST", path, f'{{"password": "{value}'.encode(), client=deployment.bearer
            )
        fetched = {"url": f"http://ana:{value}@127.0.0.1:1/a.png?token={value}"}
        answer = deployment.bearer.send_json("POST", "/api/builder/media", fetched)
        assert answer.status >= 400
        deployment.failed.append(("POST /api/builder/media", answer))


def make_it_fail(deployment: Deployment) -> None:
    """Break what is stored, as nobody can from outside, so that requests of each kind are a 500."""
    client, typed = deployment.bearer, deployment.secrets["typed"]
    product = client.create_product("Roto")
    deployment.database["shop_products"].update_one({"_id": product}, {"$unset": {"status": ""}})
    login = {"email": ADMIN, "password": typed}
    origin = {"Origin": deployment.own["Origin"]}
    url = f"/api/shop/products/{product}"
    form = urlencode(login).encode()
    answers = [
        deployment.ask("GET", f"{url}?password={typed}", client=client),
        deployment.ask("GET", f"/admin/products/{product}?s={typed}", headers=deployment.own),
        deployment.ask("PATCH", url, json.dumps({"name": typed}).encode(), JSON, client),
    ]
    users = f"{deployment.database.name}.users"
    with fail_point(deployment.database.client, ["find"], None, OUT_OF_ORDER, namespace=users):
        answers += [
            deployment.ask("GET", f"/products/{product}?token={typed}", headers=deployment.own),
            deployment.ask("POST", "/api/auth/login", json.dumps(login).encode(), JSON),
            deployment.ask("POST", "/login", form, {**FORM, **origin}),
        ]
    assert [each.status for each in answers] == [FAULT] * len(answers)
    deployment.database["shop_products"].delete_one({"_id": product})


def test_no_line_of_the_log_has_one(deployment: Deployment) -> None:
    log = deployment.server.log.read_bytes()
    assert b'"traceback"' in log
    assert log.count(b'"method"') > 100
    assert deployment.seen_in(log) == []


def test_no_refusal_has_one(deployment: Deployment) -> None:
    """Not even to whoever sent it, for answers get into logs of others.

    But for the address of a page in itself: there its form for the language leads back to.
    """
    assert {each.status for _, each in deployment.failed} >= {400, 401, 404, 410, 500}
    for asked, answer in deployment.failed:
        own = html.escape(asked.partition(" ")[2]).encode()
        assert deployment.seen_in(answer.body.replace(own, b"")) == [], asked


@pytest.mark.parametrize(
    "accepts",
    [
        ["application/json"],
        pytest.param(["text/plain", "text/html"], marks=pytest.mark.long),
    ],
)
def test_no_report_has_one(deployment: Deployment, accepts: list[str]) -> None:
    """Whatever the API answers to a GET without a place in it: to a superuser, as JSON and text."""
    described = deployment.bearer.get("/api/openapi.json")
    assert deployment.seen_in(described.body) == []
    asked = [path for path, methods in described.json["paths"].items() if "get" in methods]
    reports = [each for each in asked if "{" not in each]
    assert {"/metrics", "/api/audit", "/api/ops/capacity"} <= {*reports}
    for path in reports:
        for accept in accepts:
            answer = deployment.bearer.request("GET", path, headers={"Accept": accept})
            assert answer.status in {200, 302, 400, 401, 404}, (path, answer)
            assert deployment.seen_in(answer.body + repr(answer.headers).encode()) == [], path


def test_no_page_has_one(deployment: Deployment) -> None:
    """Every page of the panel that is reached by links without a query."""
    known, to_see = {"/admin/products"}, ["/admin/products"]
    while to_see:
        path = to_see.pop()
        answer = deployment.server.client.request("GET", path, headers=deployment.own)
        assert answer.status in {OK, SEE, GONE}, (path, answer)  # the log of changes leads anywhere
        assert deployment.seen_in(answer.body) == [], path
        found = {each.decode() for each in LINK.findall(answer.body)} - known
        known |= found
        to_see += found
    assert {"/admin/audit", "/admin/account/tokens", "/admin/settings", "/admin/people"} <= known


def test_nothing_that_is_stored_has_one(deployment: Deployment) -> None:
    """Of passwords, tokens and tickets there are hashes only, in jobs and in the audit log, too."""
    for name in deployment.database.list_collection_names():
        for document in deployment.database[name].find():
            assert deployment.seen_in(repr(document).encode()) == [], (name, document)


@pytest.mark.failing_jobs(perhaps=True)  # those of the deployment are due now and then
def test_no_command_tells_one(deployment: Deployment, commands: Commands) -> None:
    """Those that report, and one whose database has another password by now."""
    for name in sorted({"audit", "capacity", "doctor", "fsck"} & command_line.commands.keys()):
        done = commands.run(name, "--json", env=deployment.env)
        assert done.stdout
        assert deployment.seen_in(done.stdout + done.stderr) == [], name
    uri = deployment.env["MONGODB_URI"]
    for other in (uri.replace("@", "x@"), uri.replace("@", "@@"), uri.replace("@", ":@")):
        done = commands.run(
            "audit", env={**deployment.env, "MONGODB_URI": other, "AVENUE_READ_SECONDS": "1"}
        )
        assert done.returncode == 1, done
        assert deployment.seen_in(done.stdout + done.stderr) == [], done
