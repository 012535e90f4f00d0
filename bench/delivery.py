"""Delivery of originals beside the naive GridFS view, in one run: `make bench`.

Both servers run the same way (2 processes, 8 threads, the same MongoDB with the same files) and
stay up; rounds alternate between them, so that a noisy machine is noisy for both. The ratio is the
median of the ratios of neighbouring rounds. The first asked-for answer is compared byte for byte.
"""

import argparse
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image
from pymongo import MongoClient

from avenue.accounts.service import AccountService
from avenue.app.services import account_service
from avenue.config import Settings
from avenue.identity import Scope
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod, find_mongod
from avenue.storage.rate_limits import RateLimits
from avenue.storage.schema import DEFAULT_SITE, migrate
from bench import load

ROOT = Path(__file__).parent.parent
# `python:bench` is no configuration at all; else gunicorn reads ours from this folder.
GTHREAD = ["-c", "python:bench", "-k", "gthread", "-w", "2", "--threads", "8"]
SECRET = "bench-" + "0123456789abcdefghij" * 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--kilobytes", type=int, nargs="+", default=[12, 400])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mongod = LocalMongod.start(data_dir, find_mongod(Settings(local=True)))
        stack.callback(mongod.stop)
        token = _prepare(mongod.uri)
        avenue = stack.enter_context(_server(mongod.uri, ["-c", "gunicorn.conf.py", "wsgi:app"]))
        naive = stack.enter_context(
            _server(mongod.uri, [*GTHREAD, "--no-control-socket", "bench.naive:app"])
        )
        results = {
            f"{kilobytes} KB": _compare(
                mongod.uri, (avenue, naive), _picture(kilobytes), token, options
            )
            for kilobytes in options.kilobytes
        }
    print(json.dumps(results, indent=2) if options.json else _table(results))


def _compare(
    uri: str, ports: tuple[int, int], picture: bytes, token: str, options: argparse.Namespace
) -> dict:
    avenue, naive = ports
    path, file_id = _upload(uri, avenue, picture, token)
    targets = {"avenue": (avenue, path), "naive": (naive, f"/files/{file_id}")}
    for port, where in targets.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{where}") as answer:
            assert answer.read() == picture
        load.run("127.0.0.1", port, where, connections=options.connections, seconds=1)
    rounds = {name: [] for name in targets}
    for _ in range(options.rounds):
        for name, (port, where) in targets.items():
            rounds[name].append(
                load.run(
                    "127.0.0.1",
                    port,
                    where,
                    connections=options.connections,
                    seconds=options.seconds,
                )
            )
    ratios = [
        ours.requests_per_second / theirs.requests_per_second
        for ours, theirs in zip(rounds["avenue"], rounds["naive"], strict=True)
    ]
    return {
        "bytes": len(picture),
        **{
            name: {
                "requests_per_second": round(
                    statistics.median(r.requests_per_second for r in each)
                ),
                "p50_ms": round(statistics.median(r.p50_ms for r in each), 2),
                "p99_ms": round(statistics.median(r.p99_ms for r in each), 2),
            }
            for name, each in rounds.items()
        },
        "ratio": round(statistics.median(ratios), 2),
    }


def _table(results: dict) -> str:
    lines = [f"{'':8}{'':>8}{'req/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'ratio':>8}"]
    for size, result in results.items():
        for name in ("avenue", "naive"):
            row = result[name]
            ratio = f"{result['ratio']:.2f}" if name == "avenue" else ""
            lines.append(
                f"{size:8}{name:>8}{row['requests_per_second']:>10}{row['p50_ms']:>10}"
                f"{row['p99_ms']:>10}{ratio:>8}"
            )
    return "\n".join(lines)


def _prepare(uri: str) -> str:
    """Migrate, add somebody who may upload, and return a token."""
    settings = Settings(local=True, mongodb_uri=uri)
    database = Database(settings)
    migrate(database)
    accounts: AccountService = account_service(settings, database, RateLimits(database))
    accounts.first_administrator(DEFAULT_SITE, email=None, password=None)
    made = accounts.add_token(
        "admin@localhost", DEFAULT_SITE, name="bench", scopes=frozenset(Scope), days=1
    )
    database.close()
    return made.secret


@contextmanager
def _server(uri: str, arguments: list[str]) -> Iterator[int]:
    """Run gunicorn on a free port until the block ends."""
    port = _free_port()
    env = {
        **os.environ,
        "MONGODB_URI": uri,
        "AVENUE_LOCAL": "1",
        "SECRET_KEY": SECRET,
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "AVENUE_THREADS": "8",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen) -> None:
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz")
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(port)


def _picture(kilobytes: int) -> bytes:
    """Return a JPEG of about `kilobytes`."""
    side = 64
    while True:
        output = io.BytesIO()
        Image.effect_noise((side, side), 60).convert("RGB").save(output, "JPEG", quality=80)
        if output.tell() >= kilobytes * 1000:
            return output.getvalue()
        side = int(side * 1.1)


def _upload(uri: str, port: int, picture: bytes, token: str) -> tuple[str, str]:
    """Store `picture` through the API; return its path and its GridFS id."""
    product = _call(port, "/api/shop/products", b'{"name": "bench"}', "application/json", token)
    reply = _call(
        port, f"/api/shop/products/{product['id']}/images?name=b.jpg", picture, "image/jpeg", token
    )
    with MongoClient(uri) as client:
        stored = client.get_default_database()["product_images.files"].find_one(
            {"metadata.asset": reply["id"]}, {"_id": 1}
        )
    return reply["path"], stored["_id"]


def _call(port: int, path: str, body: bytes, media_type: str, token: str) -> dict:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=body,
        headers={"Content-Type": media_type, "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
