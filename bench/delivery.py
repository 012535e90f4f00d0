"""Delivery beside others, in one run: `make bench-delivery`.

Everybody serves the same bytes, keeps running, and is measured in turn, round by round: a noisy
machine is noisy for all, and what counts is the median of the ratios of the same round. Every body
was compared before it is timed. docs/performance.md tells what the rows are.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from avenue.app.services import Services
from avenue.config import Settings
from avenue.identity import DEFAULT_SITE, Scope
from avenue.storage.connection import Database
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from avenue.storage.schema import migrate
from bench import aims, beside, processes, report, stock, targets
from bench.load import PythonLoad, generator
from bench.measuring import Bench, tell
from bench.photograph import photograph
from bench.report import Result
from bench.rows import ROWS
from bench.targets import AVENUE, EDGE, NAIVE, NGINX, NO_LANE, PARSE

ROUNDS, SECONDS = 4, 2
ROUNDS_BESIDE = 2
MEGAPIXELS_12 = (4000, 3000)
SECONDS_BESIDE = 3


def main() -> None:
    """Measure and print."""
    options = arguments().parse_args()
    with ExitStack() as stack:
        bench, result, token = stack.enter_context(standing(options, needed(options.only)))
        measure(bench, result, token, options.only)
    if options.write:
        report.write(options.write, result)
    print(json.dumps(result.as_json(), indent=2) if options.json else report.markdown(result))


def arguments() -> argparse.ArgumentParser:
    """Return what can be asked for on the command line."""
    names = [row.name for row in ROWS] + ["slow-readers", "uploads", "downloads"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each target in a round")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--python-load", action="store_true", help="even where wrk is installed")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    return parser


def needed(names: list[str]) -> dict[stock.Kind, int]:
    """Return how many files of each kind the rows of `names` ask for."""
    counts = {stock.THUMB: 1, stock.HEAVY: 1, stock.LARGE: 1}
    for row in ROWS:
        if row.name in names:
            counts[row.kind] = max(row.keys, counts.get(row.kind, 0))
    return counts


@contextmanager
def standing(
    options: argparse.Namespace,
    counts: dict[stock.Kind, int],
    leave_out: frozenset[str] = frozenset(),
) -> Iterator[tuple[Bench, Result, str]]:
    """Fill the database and start everybody but `leave_out`; give a token for uploads as well."""
    load = PythonLoad() if options.python_load else generator(options.seconds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avenue-bench-")))
        mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
        stack.callback(mongod.stop)
        version, token = prepare(mongod.uri)
        told = f"{options.rounds} rounds of {options.seconds:g} s"
        result = Result(machine=report.machine(load.name, version, told))
        peers_uri = mongod.uri.replace("/avenue?", f"/{stock.PEERS}?")
        tell(f"storing {sum(counts.values())} files three times")
        files = stock.fill(mongod.uri, peers_uri, folder / "files", counts)
        place = targets.Place(uri=mongod.uri, peers_uri=peers_uri, folder=folder, stock=files)
        tell("starting the servers")
        started = targets.start(stack, place, result.missing, leave_out)
        bench = Bench(
            targets=started,
            stock=files,
            mongod=mongod.pid,
            generator=load,
            rounds=options.rounds,
            seconds=options.seconds,
        )
        yield bench, result, token


def measure(bench: Bench, result: Result, token: str, names: list[str]) -> None:
    """Measure the rows of `names` into `result`, and judge."""
    at_start = _memory(bench)
    for row in ROWS:
        if row.name in names:
            result.rows[row.name] = bench.measure(row)
    if "slow-readers" in names:
        result.paced["slow-readers"] = _with_slow_readers(bench)
    if "uploads" in names:
        result.paced |= _with_uploads(bench, token)
    if "downloads" in names:
        result.grown = _with_downloads(bench)
    at_end = _memory(bench)
    result.memory = {name: [at_start[name], at_end[name]] for name in at_start}
    result.aims = [
        *aims.of_measured_rows(result.rows),
        *aims.of_paced(result.paced),
        *aims.of_grown(result.grown),
    ]


def _with_slow_readers(bench: Bench) -> dict[str, beside.Paced]:
    found: dict[str, list[beside.Paced]] = {}
    for number in range(min(bench.rounds, ROUNDS_BESIDE)):
        for name in (NGINX, AVENUE, NO_LANE, EDGE, NAIVE, PARSE):
            if name not in bench.targets:
                continue
            tell(f"slow-readers: round {number + 1}, {name}")
            target = bench.targets[name]
            with beside.slow_readers(target, bench.stock):
                paced = beside.thumbs_at_a_pace(target, bench.stock, _seconds_beside(bench))
            found.setdefault(name, []).append(paced)
    return {name: beside.median_of(each) for name, each in found.items()}


def _with_uploads(bench: Bench, token: str) -> dict[str, dict[str, beside.Paced]]:
    found: dict[str, dict[str, list[beside.Paced]]] = {"no-uploads": {}, "uploads": {}}
    picture, done = photograph(*MEGAPIXELS_12), []
    for number in range(min(bench.rounds, ROUNDS_BESIDE)):
        for name in (AVENUE, NO_LANE):
            tell(f"uploads: round {number + 1}, {name}")
            target, seconds = bench.targets[name], _seconds_beside(bench)
            idle = beside.thumbs_at_a_pace(target, bench.stock, seconds)
            with beside.uploads(target, token, picture, done):
                busy = beside.thumbs_at_a_pace(target, bench.stock, seconds)
            found["no-uploads"].setdefault(name, []).append(idle)
            found["uploads"].setdefault(name, []).append(busy)
    tell(f"uploads: {sum(done)} answered")
    return {
        row: {name: beside.median_of(each) for name, each in by_target.items()}
        for row, by_target in found.items()
    }


def _with_downloads(bench: Bench) -> dict[str, beside.Grown]:
    found = {}
    for name in (AVENUE, NAIVE, PARSE):
        if name in bench.targets:
            tell(f"downloads: {name}")
            rounds = [
                beside.grown_by_downloads(bench.targets[name], bench.stock)
                for _ in range(min(bench.rounds, ROUNDS_BESIDE))
            ]
            found[name] = max(rounds, key=lambda grown: grown.process_mb)
    return found


def _seconds_beside(bench: Bench) -> float:
    return min(SECONDS_BESIDE, bench.seconds * 2)


def _memory(bench: Bench) -> dict[str, float]:
    return {
        name: processes.tree_mb(target.roots[:1])  # without what stands behind
        for name, target in bench.targets.items()
    }


def prepare(uri: str) -> tuple[str, str]:
    """Migrate, add somebody who may upload; return mongod's version and a token of theirs."""
    settings = Settings(local=True, mongodb_uri=uri)
    database = Database(settings)
    try:
        migrate(database)
        accounts = Services(settings, database).accounts
        accounts.first_administrator(DEFAULT_SITE, email=None, password=None)
        made = accounts.add_token(
            "admin@localhost", DEFAULT_SITE, name="bench", scopes=frozenset(Scope), days=1
        )
        version = str(database.raw.client.server_info()["version"])
    finally:
        database.close()
    return version, made.secret


if __name__ == "__main__":
    main()
