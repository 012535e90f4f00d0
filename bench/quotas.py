"""`make bench-quotas`: uploads a second to a site with a quota, beside one without, in one run.

Two sites of one server, of which one has a quota that nobody reaches. Clients store small files one
after the other, in the one and the other by turns; what cannot be decoded costs least beside the
quota. The ratio is the median of those of rounds that follow each other.
"""

import http.client
import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import Role, Scope
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.schema import migrate
from bench import servers
from bench.load import percentile
from bench.scale import EMAIL, OFTEN, PASSWORD

CLIENTS = (1, 4, 8, 16)
ROUNDS = 5
SECONDS = 6.0
FILE_BYTES = 20_000
QUOTA_BYTES = 500 * 1024**3
WITH, WITHOUT = "with.example", "without.example"


@dataclass(frozen=True, slots=True)
class Round:
    """Uploads a second, the time that 95 of 100 took at most, and the other answers."""

    per_second: float
    p95_ms: float
    others: Mapping[str, int]


def main() -> int:
    """Print a line for each number of clients; return 1 when anything was not stored."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
        database = Database(Settings(local=True, mongodb_uri=mongod.uri))
        try:
            migrate(database)
            tokens = made(database)
            server = servers.avenue(mongod.uri, folder, "avenue", **OFTEN)
            with server.running():
                return max(compared(server.port, tokens, clients) for clients in CLIENTS)
        finally:
            database.close()
            mongod.stop()


def made(database: Database) -> Mapping[str, str]:
    """Make both sites, and return a token for each by host."""
    accounts = Services(Settings(local=True, secret_key=servers.SECRET), database).accounts
    sites = {host: host.partition(".")[0] for host in (WITH, WITHOUT)}
    for host, site in sites.items():
        limits = {"quotas": {"bytes": QUOTA_BYTES}} if host == WITH else {}
        document = {"_id": site, "name": site, "hosts": [host], "base_url": f"http://{host}"}
        database.raw["sites"].insert_one({**document, "locale": "es", **limits})
    roles = dict.fromkeys(sites.values(), Role.ADMIN)
    accounts.add_user(EMAIL, PASSWORD, roles=roles)
    return {
        host: accounts.add_token(EMAIL, site, name="bench", scopes=frozenset(Scope), days=1).secret
        for host, site in sites.items()
    }


def compared(port: int, tokens: Mapping[str, str], clients: int) -> int:
    """Upload by turns, and print how one site did beside the other."""
    found: dict[str, list[Round]] = {host: [] for host in tokens}
    for host in tokens:
        uploaded(port, host, tokens[host], clients, SECONDS / 3)
    for number in range(ROUNDS):
        for host in sorted(tokens, reverse=number % 2 == 1):
            found[host].append(uploaded(port, host, tokens[host], clients, SECONDS))
    pairs = zip(found[WITH], found[WITHOUT], strict=True)
    ratios = [a.per_second / b.per_second for a, b in pairs]
    told = "; ".join(f"{host.partition('.')[0]} {figures(found[host])}" for host in found)
    others: Counter[str] = Counter()
    for each in [*found[WITH], *found[WITHOUT]]:
        others.update(each.others)
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(
        f"{clients:>3} clients: ratio {ratio}; {told}; {dict(others) or 'all stored'}", flush=True
    )
    return int(bool(others))


def figures(rounds: Sequence[Round]) -> str:
    """Return what is told of the rounds of a site."""
    per_second = statistics.median(each.per_second for each in rounds)
    return f"{per_second:.1f}/s, p95 {statistics.median(each.p95_ms for each in rounds):.0f} ms"


def uploaded(port: int, host: str, token: str, clients: int, seconds: float) -> Round:
    """Let clients upload for some seconds, and return what came of it."""
    times: list[float] = []
    others: Counter[str] = Counter()
    ends_at = time.perf_counter() + seconds

    def upload() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Host": host, "Authorization": f"Bearer {token}"}
        headers["Content-Type"] = "application/pdf"
        while time.perf_counter() < ends_at:
            body = b"%PDF-1.7\n" + os.urandom(FILE_BYTES)
            began = time.perf_counter()
            connection.request("POST", "/api/uploads?name=a.pdf", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.client.CREATED:
                times.append(time.perf_counter() - began)
            else:
                others[str(answer.status)] += 1
        connection.close()

    threads = [threading.Thread(target=upload, daemon=True) for _ in range(clients)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    took = time.perf_counter() - began
    return Round(len(times) / took, 1000 * percentile(times, 0.95), others)


if __name__ == "__main__":
    raise SystemExit(main())
