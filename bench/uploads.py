"""Uploads of photographs beside others, in one run: `make bench-uploads`.

Clients store one photograph after the other, each time with other bytes. Everybody has two
processes (Directus one) and the same MongoDB, and takes turns, round by round; ratios are those of
the same round. Processor time is that of the server's processes, its decode processes and mongod
(Directus keeps records in SQLite), from the first request until all that was begun is finished. A
product takes five pictures, so every fifth upload to Avenue makes one more.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import psutil

from avenue.config import Settings
from avenue.storage.local_mongod import LocalMongod
from avenue.storage.mongod_binary import find_mongod
from bench import processes, report, servers
from bench.delivery import prepare
from bench.load import percentile
from bench.measuring import tell
from bench.photograph import photograph
from bench.scale import OFTEN
from bench.servers import NotHere, Server
from bench.stock import PEERS

CLIENTS = (1, 4, 8, 16)
ROUNDS, SECONDS = 3, 10.0
SIDES, QUALITY = (1500, 1125), 93
PICTURES_OF_A_PRODUCT = 5
DRAIN_SECONDS = 60
AIM = 2.0
DECODER = "avenue.media.pictures.decoder"
BEGIN, END = "<!-- uploads: begin -->", "<!-- uploads: end -->"

AVENUE, AFTER, PLAIN = "avenue", "after", "plain"
NAIVE, PARSE, DIRECTUS = "naive", "parse", "directus"
TITLES = {
    AVENUE: "Avenue",
    AFTER: "Avenue, two sizes after the reply",
    PLAIN: "plain application, the same four sizes",
    NAIVE: "naive Flask + GridFSBucket, no sizes",
    PARSE: "Parse Server, GridFS, no sizes",
    DIRECTUS: "Directus, files on disk, sizes on demand",
}
SPAWN = get_context("spawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is sent: `token` and `path` of Avenue and Directus, the path of all others."""

    port: int
    path: str
    headers: Mapping[str, str]
    makes_products: bool = False
    as_form: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, the process it runs as, and how a picture is sent to it."""

    root: int
    asking: Asking


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What became of the uploads of a round; ms of processor time are those of one upload.

    `least` and `most` are what the clients that fared worst and best have stored.
    """

    per_second: float
    p50_ms: float
    p95_ms: float
    web_ms: float
    decoder_ms: float
    mongod_ms: float
    least: int
    most: int
    others: Mapping[str, int]

    @property
    def cpu_ms(self) -> float:
        """Of all processes together."""
        return self.web_ms + self.decoder_ms + self.mongod_ms


@dataclass(slots=True)
class Row:
    """The rounds of a number of clients, by target."""

    clients: int
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def median(self, name: str, figure: str) -> float:
        """Return the median of a figure of a target."""
        return statistics.median(getattr(each, figure) for each in self.rounds[name])

    def times_plain(self, name: str, figure: str = "per_second") -> float | None:
        """Return the median of the ratios to the plain application in the same round."""
        if PLAIN not in self.rounds:
            return None
        pairs = zip(self.rounds[name], self.rounds[PLAIN], strict=True)
        return statistics.median(
            getattr(ours, figure) / max(getattr(theirs, figure), 1e-9) for ours, theirs in pairs
        )


def main() -> None:
    """Measure and print."""
    options = arguments().parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="avenue-uploads-")))
        mongod = LocalMongod.start(folder / "mongod", find_mongod(Settings(local=True)))
        stack.callback(mongod.stop)
        version, token = prepare(mongod.uri)
        told = f"{options.rounds} rounds of {options.seconds:g} s"
        machine = report.machine("Python threads", version, told)
        missing: dict[str, str] = {}
        targets = started(stack, mongod.uri, token, folder, options.only, missing)
        picture = photograph(*SIDES, quality=QUALITY)
        rows = [
            measured(targets, mongod.pid, picture, clients, options.rounds, options.seconds)
            for clients in options.clients
        ]
    text = markdown(machine, len(picture), rows, missing)
    if options.write:
        page = options.write.read_text()
        before, _, rest = page.partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else text)


def arguments() -> argparse.ArgumentParser:
    """Return what can be asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each server in a round")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=[*TITLES], metavar="WHO")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path, help="the page to put the table into")
    return parser


def started(
    stack: ExitStack,
    uri: str,
    token: str,
    folder: Path,
    names: Sequence[str],
    missing: dict[str, str],
) -> dict[str, Target]:
    """Start those of `names` that can be had; `missing` tells who cannot."""
    peers_uri = uri.replace("/avenue?", f"/{PEERS}?")
    bearer = {"Content-Type": "image/jpeg", "Authorization": f"Bearer {token}"}
    jpeg = {"Content-Type": "image/jpeg"}
    parse = {**jpeg, "X-Parse-Application-Id": "bench", "X-Parse-Master-Key": "bench-master-key"}
    after = {**OFTEN, "AVENUE_PIPELINE_MODE": "eager-after"}

    def avenue(port: int) -> Asking:
        return Asking(port=port, path="", headers=bearer, makes_products=True)

    ways: Mapping[str, tuple[Callable[[], Server], Callable[[int], Asking]]] = {
        AVENUE: (partial(servers.avenue, uri, folder, AVENUE, **OFTEN), avenue),
        AFTER: (partial(servers.avenue, uri, folder, AFTER, **after), avenue),
        PLAIN: (
            partial(servers.plain, peers_uri, folder),
            lambda port: Asking(port=port, path="/pictures", headers=jpeg),
        ),
        NAIVE: (
            partial(servers.naive, peers_uri, folder),
            lambda port: Asking(port=port, path="/files", headers=jpeg),
        ),
        PARSE: (
            partial(servers.parse, peers_uri, folder),
            lambda port: Asking(port=port, path="/parse/files/a.jpg", headers=parse),
        ),
        DIRECTUS: (
            partial(servers.directus, folder),
            lambda port: Asking(
                port=port, path="/files", headers=servers.DIRECTUS_FIELDS, as_form=True
            ),
        ),
    }
    targets = {}
    for name in names:
        server, asking = ways[name]
        try:
            made = server()
            root = stack.enter_context(made.running())
        except NotHere as error:
            missing[name] = str(error)
        else:
            targets[name] = Target(root=root, asking=asking(made.port))
    return targets


def measured(
    targets: Mapping[str, Target],
    mongod: int,
    picture: bytes,
    clients: int,
    rounds: int,
    seconds: float,
) -> Row:
    """Let everybody take turns with as many clients."""
    row = Row(clients=clients, rounds={name: [] for name in targets})
    for number in range(-1, rounds):
        for name in sorted(targets, reverse=number % 2 == 1):
            tell(f"{clients} clients: round {number + 1} of {rounds}, {name}")
            is_first = number < 0  # what is started at the first pictures is not of interest
            took = one_round(targets[name], mongod, picture, clients, 2 if is_first else seconds)
            if not is_first:
                row.rounds[name].append(took)
    return row


def one_round(target: Target, mongod: int, picture: bytes, clients: int, seconds: float) -> Round:
    """Upload for some seconds, and wait until all that was begun is finished."""
    before = _used(target, mongod)
    with SPAWN.Pool(1) as pool:
        work = (target.asking, picture, clients, seconds)
        times, others, took = pool.apply(upload_all_the_time, work)
    processes.rest((target.root,), DRAIN_SECONDS)
    used = [now - then for now, then in zip(_used(target, mongod), before, strict=True)]
    every = [each for client in times for each in client]
    stored = max(1, len(every))
    counts = [len(client) for client in times]
    return Round(
        per_second=len(every) / took,
        p50_ms=1000 * percentile(every, 0.5),
        p95_ms=1000 * percentile(every, 0.95),
        web_ms=1000 * used[0] / stored,
        decoder_ms=1000 * used[1] / stored,
        mongod_ms=1000 * used[2] / stored,
        least=min(counts),
        most=max(counts),
        others=others,
    )


def _used(target: Target, mongod: int) -> tuple[float, float, float]:
    """Return the processor time of web processes, decode processes and mongod so far.

    Only decode processes end meanwhile, so what a web process has of its children is theirs.
    """
    web = sum(
        processes.own_seconds(process)
        for process in processes.tree(target.root)
        if DECODER not in _command(process)
    )
    every = processes.cpu_seconds([target.root])
    return web, every - web, processes.cpu_seconds([mongod])


def _command(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ()


# The clients, in a process of their own


def upload_all_the_time(
    asking: Asking, picture: bytes, clients: int, seconds: float
) -> tuple[list[list[float]], dict[str, int], float]:
    """Return the seconds of each client's uploads, other answers, and how long it took in all."""
    others: Counter[str] = Counter()
    times: list[list[float]] = [[] for _ in range(clients)]
    began_at = time.perf_counter()

    def upload(mine: list[float]) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", asking.port, timeout=120)) as to:
            paths = _paths(to, asking)
            while time.perf_counter() < began_at + seconds:
                path, headers, body = next(paths), dict(asking.headers), unlike(picture)
                if asking.as_form:
                    headers, body = form(headers, body)
                sent_at = time.perf_counter()
                to.request("POST", path, body, headers)
                answer = to.getresponse()
                answer.read()
                if answer.status in {http.client.OK, http.client.CREATED}:
                    mine.append(time.perf_counter() - sent_at)
                else:
                    others[str(answer.status)] += 1

    threads = [threading.Thread(target=upload, args=(mine,)) for mine in times]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return times, dict(others), time.perf_counter() - began_at


def unlike(picture: bytes) -> bytes:
    """Return the JPEG with a comment that no other has."""
    return picture[:2] + b"\xff\xfe\x00\x12" + os.urandom(16) + picture[2:]


def form(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a form with this one file."""
    about = 'Content-Disposition: form-data; name="file"; filename="a.jpg"'
    head = f"--bench\r\n{about}\r\nContent-Type: image/jpeg\r\n\r\n".encode()
    headers["Content-Type"] = "multipart/form-data; boundary=bench"
    return headers, head + body + b"\r\n--bench--\r\n"


def _paths(connection: http.client.HTTPConnection, asking: Asking) -> Iterator[str]:
    while True:
        path = asking.path
        if asking.makes_products:
            headers = {**asking.headers, "Content-Type": "application/json"}
            connection.request("POST", "/api/shop/products", b'{"name": "b"}', headers)
            product = json.loads(connection.getresponse().read())["id"]
            path = f"/api/shop/products/{product}/images?name=b.jpg"
        for _ in range(PICTURES_OF_A_PRODUCT):
            yield path


# The table


def markdown(
    machine: Sequence[str], length: int, rows: Sequence[Row], missing: Mapping[str, str]
) -> str:
    """Return what was measured as a page."""
    width, height = SIDES
    told = [*machine, f"A JPEG of {width} x {height} pixels and {length / 1000:.0f} KB."]
    told += [f"Not measured: {text}" for text in missing.values()]
    lines = [f"- {each}" for each in told]
    head = ("Clients", "Who", "a second", "× plain", "p50 ms", "p95 ms", "CPU ms", "× plain's CPU")
    head += ("web, decoders, mongod", "a client's least and most", "others")
    lines += ["", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        for name in TITLES:
            if row.rounds.get(name):
                lines.append(f"| {' | '.join(_cells(row, name))} |")
    return "\n".join([*lines, "", *_judged(rows)])


def _cells(row: Row, name: str) -> Iterator[str]:
    rounds = row.rounds[name]
    yield str(row.clients)
    yield TITLES[name]
    yield f"{row.median(name, 'per_second'):.1f}"
    yield _ratio(row.times_plain(name))
    yield f"{row.median(name, 'p50_ms'):.0f}"
    yield f"{row.median(name, 'p95_ms'):.0f}"
    yield f"{row.median(name, 'cpu_ms'):.0f}"
    yield _ratio(row.times_plain(name, "cpu_ms"))
    yield ", ".join(
        f"{row.median(name, each):.0f}" for each in ("web_ms", "decoder_ms", "mongod_ms")
    )
    yield f"{min(each.least for each in rounds)} to {max(each.most for each in rounds)}"
    others: Counter[str] = Counter()
    for each in rounds:
        others.update(each.others)
    yield ", ".join(f"{count} × {status}" for status, count in sorted(others.items()))


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _judged(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if AVENUE not in row.rounds:
            continue
        ratio = row.times_plain(AVENUE)
        refused = sum(sum(each.others.values()) for each in row.rounds[AVENUE])
        said = "not measured" if ratio is None else "met" if ratio >= AIM else "NOT MET"
        told = f"≥ {AIM:g} × the plain application: {said} ({_ratio(ratio)})"
        all_stored = "met" if not refused else f"NOT MET ({refused})"
        yield f"- {row.clients} clients: {told}; none refused: {all_stored}"


if __name__ == "__main__":
    main()
