"""Who is measured: each a server that runs, and where it has a file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from bench import nginx, servers
from bench.browser import request
from bench.servers import NotHere, Server, free_port
from bench.stock import File, Stock

AVENUE = "avenue"
NO_LANE = "no lane"
ROOMY = "roomy"
UNCACHED = "uncached"
FORGETFUL = "forgetful"
EDGE = "edge"
NGINX = "nginx"
NAIVE = "naive"
PARSE = "parse"
THINNEST = "thinnest"

TITLES = {
    AVENUE: "Avenue",
    NO_LANE: "Avenue, fast lane off",
    ROOMY: "Avenue, cache of 1,000 MB",
    UNCACHED: "Avenue, cache of 0 MB",
    FORGETFUL: "Avenue, knowing nothing",
    EDGE: "Avenue behind nginx's cache",
    NGINX: "nginx, files from disk",
    THINNEST: "thinnest WSGI application",
    NAIVE: "naive Flask + GridFSBucket",
    PARSE: "Parse Server, GridFS",
}
PEERS = (NAIVE, PARSE)
PATH_OF = attrgetter("path")
"""Where a file is at Avenue and nginx."""


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
    def run(
        name: str, server: Callable[[], Server], path_of: Callable[[File], str] = PATH_OF
    ) -> tuple[str, Callable[[ExitStack], Target]]:
        return name, lambda stack: _target(stack, name, server(), path_of)

    def own(name: str, **settings: str) -> tuple[str, Callable[[ExitStack], Target]]:
        return run(name, lambda: servers.avenue(place.uri, place.folder, name, **settings))

    def static() -> Server:
        port = free_port()
        text = nginx.static(port, place.stock.folder)
        return servers.nginx(place.folder, "static", port, text)

    def edge(stack: ExitStack) -> Target:
        if not nginx.DEPLOYED.exists():
            raise NotHere("deploy/nginx.conf is not there")
        behind, port, folder = started[AVENUE], free_port(), place.folder / "edge-files"
        folder.mkdir()
        (folder / "nginx").mkdir()
        (folder / "tmp").mkdir()
        server = servers.nginx(place.folder, "edge", port, nginx.edge(port, behind.port, folder))
        return _target(stack, EDGE, server, PATH_OF, *behind.roots)

    folder, uri = place.folder, place.peers_uri
    yield run(NGINX, static)
    yield own(AVENUE)
    yield own(NO_LANE, AVENUE_FAST_LANE="off")
    yield own(ROOMY, AVENUE_CACHE_MB="1000", AVENUE_DISK_CACHE_MB="0")
    nothing = {"AVENUE_CACHE_MB": "0", "AVENUE_DISK_CACHE_MB": "0"}
    yield own(UNCACHED, **nothing)
    yield own(FORGETFUL, **nothing, AVENUE_CACHE_SECONDS="0")
    yield EDGE, edge
    yield run(THINNEST, lambda: servers.thinnest(place.stock.folder, folder))
    yield run(NAIVE, lambda: servers.naive(uri, folder), lambda file: f"/files/{file.name}")
    yield run(
        PARSE, lambda: servers.parse(uri, folder), lambda file: f"/parse/files/bench/{file.name}"
    )


def _target(
    stack: ExitStack,
    name: str,
    server: Server,
    path_of: Callable[[File], str],
    *others: int,
) -> Target:
    pid = stack.enter_context(server.running())
    return Target(name=name, port=server.port, roots=(pid, *others), path_of=path_of)
