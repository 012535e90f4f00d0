"""The rounds: every target of a row in turn, again and again, so that noise meets all of them."""

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench import checking, processes
from bench.load import Generator, Load, Round, in_turn
from bench.rows import Ask, Row, order_of
from bench.stock import File, Kind, Stock
from bench.targets import AVENUE, EDGE, NO_LANE, ROOMY, UNCACHED, Target

KEEP_AT_HAND = (AVENUE, NO_LANE, ROOMY, UNCACHED, EDGE)
"""Those who forget while others are measured: Avenue believes what it knows of an asset for half a
minute only. They are asked for whole files, each as often, before a round."""

VISITS = 6
"""How often each file is asked for, on the average, before both processes are believed to know it:
of 64, one then has not come to the one, and one not to the other."""

MOST_FILL_SECONDS = 20
REST_SECONDS = 10

HEAD_BYTES = 2048
"""Longer is no head of an answer here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A round and what it took: µs of processor time per answer, the server's and mongod's."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failures: int


@dataclass(slots=True)
class Cell:
    """What a target did in a row; `whole_instead` of a 304, or of a part, it gave the file."""

    whole_instead: bool = False
    rounds: list[Measured] = field(default_factory=list)

    def median(self, name: str) -> float:
        """Return the median of a figure over the rounds."""
        return statistics.median(getattr(each, name) for each in self.rounds)

    @property
    def failures(self) -> int:
        """Requests without an answer, in all rounds."""
        return sum(each.failures for each in self.rounds)


Cells = dict[str, Cell]
"""By the target's name."""


def ratio(ours: Cell | None, theirs: Cell | None) -> float | None:
    """Return the median of the ratios of requests per second in the same round; None without."""
    if ours is None or theirs is None:
        return None
    pairs = zip(ours.rounds, theirs.rounds, strict=True)
    return statistics.median(_times(a.per_second, b.per_second) for a, b in pairs)


def _times(ours: float, theirs: float) -> float:
    return ours / theirs if theirs else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entrant:
    """Who takes part in a row: what is measured of it, and the same files asked for whole."""

    target: Target
    load: Load
    whole_load: Load
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that is needed to measure; `mongod` is the process they all read from."""

    targets: Mapping[str, Target]
    stock: Stock
    mongod: int
    generator: Generator
    rounds: int
    seconds: float
    tags: dict[tuple[str, Kind], dict[File, str]] = field(default_factory=dict)

    def measure(self, row: Row) -> Cells:
        """Check what is given, fill the caches, then measure in rounds."""
        entrants = [
            self._entrant(self.targets[name], row) for name in row.targets if name in self.targets
        ]
        for number in range(self.rounds):
            tell(f"{row.name}: round {number + 1} of {self.rounds}")
            for each in entrants:
                if each.target.name in KEEP_AT_HAND:
                    self._fill(each, row, is_first=number == 0)
                each.cell.rounds.append(self._round(each, row))
        return {each.target.name: each.cell for each in entrants}

    def _entrant(self, target: Target, row: Row) -> _Entrant:
        files = self.stock.files[row.kind][: row.keys]
        tags = self._checked(target, row, files)
        whole = checking.gives_whole(target, files[0], row.ask, tags[files[0]])
        return _Entrant(
            target=target,
            load=self._load(target, row, row.ask, tags),
            whole_load=self._load(target, row, Ask.WHOLE, tags),
            cell=Cell(whole_instead=whole and row.ask is not Ask.WHOLE),
        )

    def _fill(self, entrant: _Entrant, row: Row, *, is_first: bool) -> None:
        """Let every process of a target see every file, and finish what that made it do."""
        load, files = entrant.whole_load, len(entrant.whole_load.requests)
        answers, left = 0, fill_seconds(row, is_first=is_first)
        while left > 0 and answers < files * VISITS:
            step = replace(load, order=in_turn(files), seconds=min(self.seconds, left))
            answers += self.generator.run(step).answers
            left -= step.seconds
        processes.rest(entrant.target.roots, REST_SECONDS)

    def _checked(self, target: Target, row: Row, files: Sequence[File]) -> dict[File, str]:
        known = self.tags.setdefault((target.name, row.kind), {})
        unknown = [file for file in files if file not in known]
        if unknown:
            tell(f"{row.name}: looking at {len(unknown)} bodies of {target.name}")
            known |= checking.check(target, unknown)
        return {file: known[file] for file in files}

    def _load(self, target: Target, row: Row, ask: Ask, tags: Mapping[File, str]) -> Load:
        requests = [
            target.request(file, *checking.extra_fields(ask, tag)) for file, tag in tags.items()
        ]
        return Load(
            port=target.port,
            requests=requests,
            order=order_of(len(tags)),
            connections=row.connections,
            seconds=self.seconds,
        )

    def _round(self, entrant: _Entrant, row: Row) -> Measured:
        roots = (*entrant.target.roots, self.mongod)
        before = processes.cpu_seconds(roots)
        done = self.generator.run(entrant.load)
        used = processes.cpu_seconds(roots) - before
        body_bytes = checking.body_bytes(row, whole=entrant.cell.whole_instead)
        _check_size(done, entrant.load, body_bytes)
        return Measured(
            per_second=done.per_second,
            p50_ms=done.p50_ms,
            p99_ms=done.p99_ms,
            cpu_us=used / max(1, done.answers) * 1_000_000,
            failures=done.failures,
        )


def fill_seconds(row: Row, *, is_first: bool) -> float:
    """Return how long a cache is filled before a round of `row`, at most."""
    if row.keys > 1:
        return MOST_FILL_SECONDS
    return 1 if is_first or row.ask is not Ask.WHOLE else 0


def _check_size(done: Round, load: Load, body_bytes: int) -> None:
    """Raise `WrongBytes` when what came cannot be as many answers of that size.

    The generators look at statuses only; of each connection the last answer may have been cut.
    """
    most = (done.answers + done.failures + load.connections) * (body_bytes + HEAD_BYTES)
    if not done.answers * body_bytes <= done.bytes <= most:
        raise checking.WrongBytes(f"{done.bytes} bytes for {done.answers} of {body_bytes}")


def tell(text: str) -> None:
    """Say how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)
