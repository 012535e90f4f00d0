"""`make bench-reload`: how long answers take while SIGHUP replaces the processes of gunicorn.

Four clients ask without a pause for `/healthz`, the storefront and a list. What they are answered
from the signal until a second after the last old process has ended is compared with before.
"""

import http.client
import os
import signal
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from avenue.config import Settings
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.schema import migrate
from bench import servers

PATHS = ("/healthz", "/", "/api/shop/products?limit=5", "/")
ROUNDS = 3
CALM_SECONDS = 3.0
AFTERWARDS_SECONDS = 1.0
BETWEEN_SECONDS = 0.02
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """When something was asked, by `time.perf_counter`, how long the answer took, and its status.

    Instead of a status the name of the error, where there was no answer.
    """

    at: float
    seconds: float
    status: int | str


def main() -> int:
    """Print each round; return 1 when something was not answered with 200."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
        try:
            database = Database(Settings(local=True, mongodb_uri=mongod.uri))
            migrate(database)
            database.close()
            most = {f"AVENUE_MAX_{kind}_PER_MINUTE": "1000000" for kind in ("READS", "PAGES")}
            server = servers.avenue(mongod.uri, folder, "avenue", **most)
            with server.running() as pid:
                return max(reloaded(server.port, pid) for _ in range(ROUNDS))
        finally:
            mongod.stop()


def reloaded(port: int, pid: int) -> int:
    """Reload once and print how it went; return 1 when something was not answered with 200."""
    over, answered = threading.Event(), []
    clients = [
        threading.Thread(target=ask, args=(port, path, over, answered), daemon=True)
        for path in PATHS
    ]
    for client in clients:
        client.start()
    time.sleep(CALM_SECONDS)
    master = psutil.Process(pid)
    old, began = set(master.children()), time.perf_counter()
    os.kill(pid, signal.SIGHUP)
    while old & set(master.children()) and time.perf_counter() - began < LONGEST_SECONDS:
        time.sleep(BETWEEN_SECONDS)
    took = time.perf_counter() - began
    time.sleep(AFTERWARDS_SECONDS)
    over.set()
    for client in clients:
        client.join(LONGEST_SECONDS)
    print(f"{'before':>16}: {figures([each for each in answered if each.at < began])}")
    during = [each for each in answered if each.at >= began]
    print(f"{f'reload, {took:.1f} s':>16}: {figures(during)}", flush=True)
    return int(any(each.status != http.client.OK for each in answered))


def ask(port: int, path: str, over: threading.Event, answered: list[Answered]) -> None:
    """Ask for a path again and again on a kept connection until it is over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)
    while not over.is_set():
        began, status = time.perf_counter(), ""
        try:
            connection.request("GET", path)  # connects anew when the server has closed
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException) as error:
            status = type(error).__name__
            connection.close()
        answered.append(Answered(began, time.perf_counter() - began, status))
        time.sleep(BETWEEN_SECONDS)


def figures(answered: Sequence[Answered]) -> str:
    """Return what is told of some answers."""
    times = [1000 * each.seconds for each in answered]
    percents = statistics.quantiles(times, n=100)
    statuses = ", ".join(
        f"{n} × {status}" for status, n in Counter(a.status for a in answered).items()
    )
    return (
        f"p50 {percents[49]:.0f}, p95 {percents[94]:.0f}, p99 {percents[98]:.0f}, "
        f"longest {max(times):.0f} ms; {statuses}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
