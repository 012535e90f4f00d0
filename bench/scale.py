"""`make bench-scale`: what each route and job reads, and how long it takes, as the store grows.

The same store is made at several sizes. Work is the keys of indexes and the documents that the
database looked at, from its profiler. Counts that end at 10,001 are left out. The exponent is
that of the growth between the smallest and the largest size: 0 does not grow, 1 grows as the store
does. Up to `FREE` work is not told apart.
"""

import argparse
import http.client
import json
import math
import re
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from avenue.accounts.service import AccountService
from avenue.app import create_app
from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.walks import SWEEP
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT
from avenue.health.checks.scrub import SCRUB
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.identity import DEFAULT_SITE, Role, Scope
from avenue.storage.connection import Database
from avenue.storage.holders import COUNT_QUOTAS
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.schema import migrate
from avenue.storage.site_counts import COUNT_SITES
from bench import servers
from bench.filling import BESIDE, Filled, Filling, rebuild, weights
from bench.load import percentile

SIZES = (10_000, 100_000)
LONG = 1_000_000
TRIES = 7
MOST_COUNTED = 10_001
FREE = 200
MOST_GROWTH = 0.15
EMAIL, PASSWORD = "bench@shop.example", "grey-teapot-ladder-92"
PLACE = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
OFTEN = {
    f"AVENUE_MAX_{kind}_PER_MINUTE": "1000000"
    for kind in ("READS", "PAGES", "WRITES", "UPLOADS", "CLIENT_UPLOADS", "LOGINS")
}
LISTS = (
    # What lists are asked for beside their first page.
    "/api/shop/products?limit=50&sort=name",
    "/api/shop/products?limit=50&sort=-price",
    "/api/shop/products?limit=50&status=draft",
    "/api/shop/products?limit=50&search=zapato",
    "/api/shop/products?limit=50&search=SKU-0000012",
    "/api/shop/products?limit=50&search=zapato+cuero",
    "/api/shop/products?limit=50&pictures=none",
    "/api/shop/products?limit=50&pictures=no_alt",
    "/api/shop/products?limit=50&owner=me",
    "/api/shop/groups?limit=50&search=modelo",
    "/api/builder/media?limit=50&sort=largest",
    "/api/builder/media?limit=50&type=image/png",
    "/api/builder/media?limit=50&folder=none",
    "/api/builder/media?limit=50&search=zapato",
    "/api/builder/media?limit=50&state=trash",
    "/api/builder/pages?limit=50&search=pagina",
    "/api/uploads?limit=50&category=orders",
    "/api/uploads?limit=50&reference=ORD-7",
    "/api/uploads?limit=50&search=ord+7",
    "/api/audit?limit=50&action=product.created",
    "/admin/products?search=zapato",
    "/admin/library?unused=1",
)
LEFT_OUT = (
    *("/static/", "/login/reset", "/preview/", "/api/docs", "/uploads/<", "/media/<path"),
    "/products/<product_id>/<slug>",
)
"""What asks the database for nothing, or names what is not there."""
JOBS: Mapping[str, Mapping[str, Any]] = {
    SNAPSHOT: {},
    COUNT_QUOTAS: {},
    COUNT_SITES: {},
    SWEEP: {},
    INSPECT: {},
    SCRUB: {},
}
WALKS: Mapping[str, Mapping[str, Any]] = {
    # Those that look at everything, as they should.
    f"{SWEEP}, everything": {"all": True},
    f"{INSPECT}, everything": {"all": True},
    FSCK: {"site": None, "repair": False},
}


@dataclass(slots=True)
class Figures:
    """What one route or job did at one size."""

    status: str
    work: int
    returned: int
    times: list[float] = field(default_factory=list)

    @property
    def p95_ms(self) -> float:
        return 1000 * percentile(self.times, 0.95)


Table = dict[str, dict[int, Figures]]


class Client:
    """One connection of an administrator: a token for the API, a session for pages."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token, self._cookie = port, token, ""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def sign_in(self) -> None:
        form = urllib.parse.urlencode({"email": EMAIL, "password": PASSWORD})
        origin = f"http://127.0.0.1:{self._port}"
        kind = "application/x-www-form-urlencoded"
        self._connection.request("POST", "/login", form, {"Content-Type": kind, "Origin": origin})
        answer = self._connection.getresponse()
        answer.read()
        cookies = answer.headers.get_all("Set-Cookie") or []
        self._cookie = "; ".join(each.partition(";")[0] for each in cookies)
        assert answer.status == http.client.SEE_OTHER, answer.status

    def ask(
        self, path: str, method: str = "GET", body: bytes | str | None = None, kind: str = ""
    ) -> tuple[str, bytes, float]:
        """Return status, body and seconds."""
        api = path.startswith(("/api/", "/media/", "/metrics"))
        headers = {"Authorization": f"Bearer {self._token}"} if api else {"Cookie": self._cookie}
        if kind:
            headers["Content-Type"] = kind
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        data = answer.read()
        return str(answer.status), data, time.perf_counter() - began


@contextmanager
def profiled(database: Database) -> Iterator[list[dict[str, Any]]]:
    """Yield what was asked of the database in the block, once it is over."""
    asked: list[dict[str, Any]] = []
    raw = database.raw
    raw.command("profile", 0)
    raw.drop_collection("system.profile")
    raw.create_collection("system.profile", capped=True, size=256 * 1024 * 1024)
    raw.command("profile", 2)
    try:
        yield asked
    finally:
        raw.command("profile", 0)
        asked += raw["system.profile"].find({"ns": {"$not": {"$regex": "system.profile"}}})


def counts_up_to(pipeline: Sequence[Mapping[str, Any]]) -> int | None:
    """How many things a count looks at, at most; None for what is no count, or one without end."""
    bounds = [each["$limit"] for each in pipeline if "$limit" in each]
    is_count = bool(pipeline) and bool({"$count", "$group"} & pipeline[-1].keys())
    return min(bounds) if is_count and bounds and min(bounds) <= MOST_COUNTED else None


def work_of(asked: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Return how much was looked at, and how much was returned; what is counted has its bound."""
    names = ("keysExamined", "docsExamined")
    meant = [
        each for each in asked if not counts_up_to(each.get("command", {}).get("pipeline", []))
    ]
    work = sum(int(each.get(name, 0)) for each in meant for name in names)
    return work, sum(int(each.get("nreturned", 0)) for each in asked)


def paths_of(app: Flask, filled: Filled) -> list[str]:
    """Return every route that shows something, with things that are there."""
    known = {**filled.known, "variant": "original", "number": "0", "user_id": filled.known["user"]}
    paths = []
    for rule in app.url_map.iter_rules():
        needs = set(PLACE.findall(rule.rule))
        skipped = rule.rule.startswith(LEFT_OUT) or "GET" not in (rule.methods or ())
        if not skipped and needs <= known.keys():
            paths.append(PLACE.sub(lambda place: known[place[1]], rule.rule))
    return [*sorted(set(paths)), *LISTS]


def name_of(path: str, filled: Filled) -> str:
    """Return a path with the names of what differs between sizes."""
    for name, value in filled.known.items():
        if name == "slug" or len(value) > 10:
            path = path.replace(value, f"<{name}>")
    return path


def ask_all(database: Database, client: Client, app: Flask, filled: Filled, table: Table) -> None:
    """Ask for everything that is shown, and do what people do most."""
    for path in paths_of(app, filled):
        client.ask(path)
        with profiled(database) as asked:
            status, _, _ = client.ask(path)
        work, returned = work_of(asked)
        found = Figures(status, work, returned, [client.ask(path)[2] for _ in range(TRIES)])
        table.setdefault(name_of(path, filled), {})[filled.assets] = found
    for name, act in deeds(client).items():
        act()
        with profiled(database) as asked:
            status = act()[0]
        work, returned = work_of(asked)
        found = Figures(status, work, returned, [act()[2] for _ in range(TRIES)])
        table.setdefault(name, {})[filled.assets] = found


def deeds(client: Client) -> Mapping[str, Callable[[], tuple[str, bytes, float]]]:
    """Return what changes something, by name."""
    made: list[str] = []

    def create() -> tuple[str, bytes, float]:
        body = json.dumps({"name": "Zapato nuevo"})
        answer = client.ask("/api/shop/products", "POST", body, "application/json")
        made.append(json.loads(answer[1])["id"])
        return answer

    def change() -> tuple[str, bytes, float]:
        path, body = f"/api/shop/products/{made[-1]}", json.dumps({"description": str(time.time())})
        return client.ask(path, "PATCH", body, "application/json")

    def upload() -> tuple[str, bytes, float]:
        text = b"%%PDF-1.7\n%f" % time.time()
        return client.ask("/api/uploads?name=a.pdf", "POST", text, "application/pdf")

    def remove() -> tuple[str, bytes, float]:
        return client.ask(f"/api/shop/products/{made.pop()}", "DELETE")

    return {
        "POST /api/shop/products": create,
        "PATCH /api/shop/products/<product_id>": change,
        "POST /api/uploads": upload,
        "DELETE /api/shop/products/<product_id>": remove,
    }


def run_jobs(
    settings: Settings,
    database: Database,
    jobs: Mapping[str, Mapping[str, Any]],
    assets: int,
    table: Table,
) -> None:
    """Run each of `jobs` once, in a store where there is nothing to do."""
    for name, args in jobs.items():
        kind = name.partition(",")[0]
        with profiled(database) as asked:
            began = time.perf_counter()
            job = Background(settings, database).run_now(kind, args=args)
            took = time.perf_counter() - began
        work, returned = work_of(asked)
        found = Figures(job.error or "done", work, returned, [took])
        table.setdefault(f"job {name}", {})[assets] = found


def measured(
    assets: int, folder: Path, jobs: Mapping[str, Mapping[str, Any]], table: Table
) -> None:
    """Make the store of one size, and measure everything in it."""
    mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
    settings = Settings(local=True, mongodb_uri=mongod.uri, secret_key=servers.SECRET)
    database = Database(settings)
    try:
        migrate(database)
        accounts = Services(settings, database).accounts
        filled = filling(accounts, database, assets)
        server = servers.avenue(mongod.uri, folder, "avenue", **OFTEN)
        with server.running():
            client = Client(server.port, filled.known.pop("token"))
            client.sign_in()
            app = create_app(settings, database)
            ask_all(database, client, app, filled, table)
        run_jobs(settings, database, jobs, assets, table)
    finally:
        database.close()
        mongod.stop()


def filling(accounts: AccountService, database: Database, assets: int) -> Filled:
    """Fill the store, tell what it weighs, and return what is in it."""
    roles = {DEFAULT_SITE: Role.ADMIN}
    person = accounts.add_user(EMAIL, PASSWORD, roles=roles, superuser=True).user
    token = accounts.add_token(
        EMAIL, DEFAULT_SITE, name="bench", scopes=frozenset(Scope), days=1
    ).secret
    began = time.perf_counter()
    filled = Filling(database, person.id).fill(assets)
    print(f"\n{assets:,} assets in {time.perf_counter() - began:.0f} s", flush=True)
    weigh(database, assets)
    filled.known |= {"user": person.id, "token": token}
    return filled


def weigh(database: Database, assets: int) -> None:
    """Print what the indexes weigh for each asset, grown and built anew."""
    grown = weights(database)
    began = time.perf_counter()
    rebuild(database)
    took, fresh = time.perf_counter() - began, weights(database)
    print("| indexes of | documents | grown, bytes an asset | built anew | the heaviest |")
    print("|---|---|---|---|---|")
    for before, after in zip(grown, fresh, strict=True):
        heaviest = sorted(after.indexes.items(), key=lambda each: -each[1])[:3]
        told = ", ".join(f"{name} {size / assets:,.0f}" for name, size in heaviest)
        sizes = f"{before.bytes / assets:,.0f} | {after.bytes / assets:,.0f}"
        print(f"| {before.collection} | {before.documents:,} | {sizes} | {told} |")
    meant = [sum(w.bytes for w in each if w.collection not in BESIDE) for each in (grown, fresh)]
    each = " and ".join(f"{size / assets:,.0f}" for size in meant)
    print(f"Without {', '.join(BESIDE)}: {each} bytes an asset, built in {took:.0f} s", flush=True)


def exponent(found: Mapping[int, Figures]) -> float:
    """Return how work grows between the smallest and the largest size."""
    low, high = min(found), max(found)
    if low == high:
        return 0.0
    grown = max(FREE, found[high].work) / max(FREE, found[low].work)
    return math.log(grown) / math.log(high / low)


def report(table: Table, every: Sequence[int]) -> int:
    """Print what was found; return how many grow more than they return."""
    columns = " | ".join(f"{each:,}: work / p95 ms" for each in every)
    print(f"\n| what | status | {columns} | grows |\n|---|---|{'---|' * len(every)}---|")
    growing = 0
    for name, found in table.items():
        told = [
            f"{found[each].work:,} / {found[each].p95_ms:,.0f}" if each in found else "-"
            for each in every
        ]
        grows = exponent(found)
        returned = found[max(found)].returned / max(1, found[min(found)].returned)
        is_more = grows > MOST_GROWTH and returned < (max(found) / min(found)) ** MOST_GROWTH
        growing += is_more
        status = "/".join(sorted({each.status for each in found.values()}))
        print(f"| `{name}` | {status} | {' | '.join(told)} | {grows:.2f}{' !' * is_more} |")
    slow = [
        statistics.median(each.times) * 1000
        for name, found in table.items()
        if not name.startswith("job ")
        for each in found.values()
    ]
    print(f"\n{growing} grow without returning more; the slowest median is {max(slow):,.0f} ms.")
    return growing


def main() -> int:
    """Measure all sizes; return 1 when something grows that returns no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--long", action="store_true", help=f"with {LONG:,} assets, too")
    parser.add_argument("--no-walks", action="store_true", help="without what looks at everything")
    options = parser.parse_args()
    jobs = JOBS if options.no_walks else {**JOBS, **WALKS}
    every = [int(each) for each in options.sizes.split(",")] + [LONG] * options.long
    table: Table = {}
    for assets in every:
        with tempfile.TemporaryDirectory() as name:
            measured(assets, Path(name), jobs, table)
        report(table, [each for each in every if each <= assets])
    return int(report(table, every) > 0)


if __name__ == "__main__":
    raise SystemExit(main())
