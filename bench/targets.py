"""Who is measured: each a server that runs, and where it has a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import nginx, servers
from bench.browser import request
from bench.servers import NotHere, free_port
from bench.stock import File, Stock

AVENUE = "avenue"
NO_LANE = "no lane"
UNCACHED = "uncached"
EDGE = "edge"
NGINX = "nginx"
NAIVE = "naive"
PARSE = "parse"

TITLES = {
    AVENUE: "Avenue",
    NO_LANE: "Avenue, fast lane off",
    UNCACHED: "Avenue, cache of 0 MB",
    EDGE: "Avenue behind nginx's cache",
    NGINX: "nginx, files from disk",
    NAIVE: "naive Flask + GridFSBucket",
    PARSE: "Parse Server, GridFS",
}
PEERS = (NAIVE, PARSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server on `port`; the trees of `roots` are what it runs as, mongod not among them.

    deploy/nginx.conf leads who is `signed_in` past its cache, so somebody who is not asks it.
    """

    name: str
    port: int
    roots: tuple[int, ...]
    path_of: Callable[[File], str]

    @property
    def signed_in(self) -> bool:
        """Whether its visitors have a session."""
        return self.name != EDGE

    def request(self, file: File, *extra: str) -> bytes:
        """Return what a browser sends for `file`; `extra` are more lines of the head."""
        return request(self.port, self.path_of(file), *extra, signed_in=self.signed_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the bench works: the addresses of the databases and a folder of its own."""

    uri: str
    peers_uri: str
    folder: Path
    stock: Stock


def start(
    stack: ExitStack, place: Place, missing: dict[str, str], leave_out: frozenset[str]
) -> dict[str, Target]:
    """Start all but `leave_out` and return them by name; `missing` tells who cannot be had."""
    targets: dict[str, Target] = {}
    for name, begin in _starters(place, targets):
        if name in leave_out:
            continue
        try:
            targets[name] = begin(stack)
        except (NotHere, KeyError) as error:
            missing[name] = str(error)
    return targets


def _starters(
    place: Place, started: dict[str, Target]
) -> Iterator[tuple[str, Callable[[ExitStack], Target]]]:
    def own(name: str, **settings: str) -> Callable[[ExitStack], Target]:
        def begin(stack: ExitStack) -> Target:
            server = servers.avenue(place.uri, place.folder, name, **settings)
            return _target(stack, name, server, lambda file: file.path)

        return begin

    def static(stack: ExitStack) -> Target:
        port = free_port()
        text = nginx.static(port, place.stock.folder)
        server = servers.nginx(place.folder, "static", port, text)
        return _target(stack, NGINX, server, lambda file: file.path)

    def edge(stack: ExitStack) -> Target:
        if not nginx.DEPLOYED.exists():
            raise NotHere("deploy/nginx.conf is not there")
        behind, port, folder = started[AVENUE], free_port(), place.folder / "edge-files"
        folder.mkdir()
        (folder / "nginx").mkdir()
        (folder / "tmp").mkdir()
        server = servers.nginx(place.folder, "edge", port, nginx.edge(port, behind.port, folder))
        return _target(stack, EDGE, server, lambda file: file.path, *behind.roots)

    def naive(stack: ExitStack) -> Target:
        server = servers.naive(place.peers_uri, place.folder)
        return _target(stack, NAIVE, server, lambda file: f"/files/{file.name}")

    def parse(stack: ExitStack) -> Target:
        server = servers.parse(place.peers_uri, place.folder)
        return _target(stack, PARSE, server, lambda file: f"/parse/files/bench/{file.name}")

    yield NGINX, static
    yield AVENUE, own(AVENUE)
    yield NO_LANE, own(NO_LANE, AVENUE_FAST_LANE="off")
    yield UNCACHED, own(UNCACHED, AVENUE_CACHE_MB="0")
    yield EDGE, edge
    yield NAIVE, naive
    yield PARSE, parse


def _target(
    stack: ExitStack,
    name: str,
    server: servers.Server,
    path_of: Callable[[File], str],
    *others: int,
) -> Target:
    pid = stack.enter_context(server.running())
    return Target(name=name, port=server.port, roots=(pid, *others), path_of=path_of)
