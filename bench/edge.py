"""`make bench-edge`: how much of a browsing crowd reaches Avenue, and how soon a new price is seen.

nginx with `deploy/nginx.conf` stands in front of Avenue and 10,000 published products in 100
categories. Readers come for products as they do everywhere: the n-th one is asked for with the
weight 1/n. It begins with an empty cache. Then prices change, each told to nginx by the outbox.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Role, Scope, new_id
from avenue.shop.addresses import PRODUCTS_API, address_of, paths_of_categories
from avenue.shop.models import Product, Status
from avenue.shop.store.product_documents import to_document
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.schema import migrate
from avenue.storage.scope import site
from bench import nginx, servers
from bench.load import Load, Round, generator
from bench.scale import EMAIL, OFTEN, PASSWORD

PRODUCTS, CATEGORIES = 10_000, 100
ORDER = 200_000
"""Requests, in an order that is gone through again and again."""
KINDS = {"page": 50, "json": 25, "category": 15, "home": 10}
"""Of 100 requests."""
READS = 1_000_000
"""At least; from an empty cache on, in which each address is asked for a first time."""
ROUND_SECONDS = 15
STRIDE = 77_773
"""Requests of the order that each round begins further on."""
CONNECTIONS = 32
AT_ONCE = 1000
CHANGES = 10
LEAST_SHARE, MOST_SECONDS = 0.98, 5.0
PURGE = "bench-purge-0123456789abcdef"
SEED = 7


def main() -> int:
    """Print what was measured; return 1 when an aim was missed."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
        try:
            return _measured(mongod.uri, folder, options)
        finally:
            mongod.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="bench.edge")
    parser.add_argument("--reads", type=int, default=READS)
    parser.add_argument("--products", type=int, default=PRODUCTS)
    return parser.parse_args()


def _measured(uri: str, folder: Path, options: argparse.Namespace) -> int:
    settings = Settings(local=True, mongodb_uri=uri)
    database = Database(settings)
    try:
        migrate(database)
        accounts = Services(settings, database).accounts
        accounts.add_user(EMAIL, PASSWORD, roles={DEFAULT_SITE: Role.ADMIN})
        token = accounts.add_token(
            EMAIL, DEFAULT_SITE, name="bench", scopes=frozenset(Scope), days=1
        ).secret
        products = _filled(database, options.products)
    finally:
        database.close()
    port = servers.free_port()
    target = f"nginx={PURGE}@http://127.0.0.1:{port}"
    told = {**OFTEN, "AVENUE_PURGE_CDNS": target, "AVENUE_JOBS": "inline"}
    # What is kept is told apart by the name of the shop, and purged by it.
    told |= {"PUBLIC_BASE_URL": f"http://localhost:{port}"}
    avenue = servers.avenue(uri, folder, "avenue", AVENUE_PROXY_HOPS="1", **told)
    place = folder / "edge"
    text = nginx.edge(port, avenue.port, place)
    text = text.replace('# "the secret" 1;', f'"{PURGE}" 1;')
    edge = servers.nginx(folder, "edge", port, text)
    for each in ("nginx", "tmp"):
        (place / each).mkdir(parents=True)
    with avenue.running(), edge.running():
        share = _crowd(port, place / "stdout", products, options.reads)
        seconds = [_seen_after(port, avenue.port, token, each) for each in products[:CHANGES]]
    print(
        f"a new price is seen after {statistics.median(seconds):.1f} s, "
        f"at most {max(seconds):.1f} s (aim: {MOST_SECONDS:.0f} s)"
    )
    return int(share < LEAST_SHARE or max(seconds) > MOST_SECONDS)


def _filled(database: Database, count: int) -> list[Product]:
    now, drawn = utc_now(), random.Random(SEED)
    products = [
        Product(
            id=new_id(),
            owner=None,
            sku=f"SKU-{number:07d}",
            name=f"Zapato {number}",
            description="Cómodo y liviano. " * 20,
            price=Decimal(drawn.randrange(1_000, 900_000)),
            currency="PYG",
            status=Status.PUBLISHED,
            group=None,
            category=f"Categoría {number % CATEGORIES}",
            images=(),
            revision=1,
            created_at=now,
            updated_at=now,
        )
        for number in range(count)
    ]
    stored = site(database, DEFAULT_SITE).collection("shop_products")
    for begin in range(0, count, AT_ONCE):
        stored.insert_all([to_document(each) for each in products[begin : begin + AT_ONCE]])
    return products


def _crowd(port: int, log: Path, products: Sequence[Product], reads: int) -> float:
    """Let the crowd read; print and return the share of its reads that reached nobody behind."""
    paths, order = _reads(products)
    host = f"localhost:{port}"
    requests = [f"GET {each} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for each in paths]
    maker = generator(ROUND_SECONDS)
    rounds: list[Round] = []
    while sum(each.answers for each in rounds) < reads:
        begin = len(rounds) * STRIDE % ORDER
        load = Load(
            port=port,
            requests=requests,
            order=order[begin:] + order[:begin],
            connections=CONNECTIONS,
            seconds=ROUND_SECONDS,
        )
        rounds.append(maker.run(load))
    time.sleep(2)  # the log of nginx is written at least every second
    lines = [json.loads(each) for each in log.read_text().splitlines()]
    behind = sum(1 for each in lines if each["avenue_status"] not in {"", "-"})
    answers, seconds = sum(each.answers for each in rounds), sum(each.seconds for each in rounds)
    failures, p50 = sum(each.failures for each in rounds), rounds[-1].p50_ms
    share = 1 - behind / max(1, answers)
    print(
        f"{maker.name}: {answers:,} reads of {len(paths):,} addresses in {seconds:.0f} s "
        f"({answers / seconds:,.0f} a second, at last p50 {p50:.1f} ms, {failures} failures); "
        f"{behind:,} of them reached Avenue and its database: {share:.2%} did not "
        f"(aim: {LEAST_SHARE:.0%})",
        flush=True,
    )
    return share


def _reads(products: Sequence[Product]) -> tuple[list[str], list[int]]:
    """Return the paths there are, and in which order the crowd asks for them."""
    drawn, count = random.Random(SEED), len(products)
    pages = [address_of(each) for each in products]
    api = [f"{PRODUCTS_API}/{each.id}" for each in products]
    categories = sorted(
        {path for each in products for path in paths_of_categories([each.category])}
    )
    paths = [*pages, *api, *categories, "/"]
    chosen = drawn.choices(range(count), [1 / (n + 1) for n in range(count)], k=ORDER)
    kinds = drawn.choices(list(KINDS), list(KINDS.values()), k=ORDER)
    begins = {"page": 0, "json": count, "category": 2 * count}
    order = []
    for kind, product in zip(kinds, chosen, strict=True):
        place = product % len(categories) if kind == "category" else product
        order.append(len(paths) - 1 if kind == "home" else begins[kind] + place)
    return paths, order


def _seen_after(port: int, behind: int, token: str, product: Product) -> float:
    """Change a price; return after how many seconds everybody sees it at the edge."""
    url = f"http://localhost:{port}{PRODUCTS_API}/{product.id}"
    price = str((product.price or 0) + 1)
    _asked(url)
    body = json.dumps({"price": price}).encode()
    change = urllib.request.Request(
        f"http://localhost:{behind}{PRODUCTS_API}/{product.id}", body, method="PATCH"
    )
    change.add_header("Authorization", f"Bearer {token}")
    change.add_header("Content-Type", "application/json")
    urllib.request.urlopen(change).close()
    began = time.perf_counter()
    while _asked(url)["price"] != price and time.perf_counter() - began < 10 * MOST_SECONDS:
        time.sleep(0.05)
    return time.perf_counter() - began


def _asked(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url) as answer:
        return dict(json.load(answer))


if __name__ == "__main__":
    raise SystemExit(main())
