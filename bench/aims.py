"""What Avenue wants to reach, and whether it did; every aim is told, met or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.beside import Grown, Paced
from bench.measuring import Cell, Cells, ratio
from bench.targets import AVENUE, EDGE, NAIVE, NGINX, NO_LANE, PARSE, PEERS, ROOMY, UNCACHED

THUMB_ROWS = ("thumb", "thumbs", "thumb-304", "thumbs-304")
PHOTO_ROWS = ("photo", "photos", "photos-random")
ROOMY_ROWS = ("photos-roomy",)
HOT_ROWS = ("thumb", "thumbs", "photo", "photos")
WARM_ROWS = ("thumbs-warm", "photos-warm")

SHORT = {NGINX: "nginx", NAIVE: "naive", PARSE: "Parse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """An aim of a target in a row; `reached` is None when it could not be measured."""

    row: str
    target: str
    text: str
    reached: float | None
    met: bool | None

    def __str__(self) -> str:
        """Return it as it stands in the table."""
        if self.reached is None:
            return f"{self.text}: not measured"
        return f"{self.text}: {'met' if self.met else 'NOT MET'} ({self.reached:.3g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`target` gives at least `times` as many answers in `row` as `other`."""

    row: str
    target: str
    other: str
    times: float

    def judge(self, cells: Cells) -> Aim:
        """Say whether the row's `cells` meet it."""
        reached = ratio(cells.get(self.target), cells.get(self.other))
        return Aim(
            row=self.row,
            target=self.target,
            text=f"≥ {self.times:g} × {SHORT[self.other]}",
            reached=reached,
            met=None if reached is None else reached >= self.times,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMost:
    """A `figure` of `target` in `row` stays below `most`."""

    row: str
    target: str
    figure: str
    most: float
    unit: str

    def judge(self, reached: float | None) -> Aim:
        """Say whether `reached` meets it."""
        return Aim(
            row=self.row,
            target=self.target,
            text=f"{self.figure} {'=' if self.most == 0 else '<'} {self.most:g}{self.unit}",
            reached=reached,
            met=None if reached is None else reached < self.most or reached == self.most == 0,
        )


def of_rows() -> Iterator[AtLeast]:
    """Give the aims that are ratios."""
    for rows, target, of_nginx, of_peers in (
        (THUMB_ROWS, AVENUE, 0.5, 40),
        (PHOTO_ROWS, AVENUE, 0.6, 15),
        (ROOMY_ROWS, ROOMY, 0.6, 15),
    ):
        for row in rows:
            yield AtLeast(row=row, target=target, other=NGINX, times=of_nginx)
            for peer in PEERS:
                yield AtLeast(row=row, target=target, other=peer, times=of_peers)
    for rows, target, times in ((HOT_ROWS, NO_LANE, 5), (WARM_ROWS, UNCACHED, 2)):
        for row in rows:
            for peer in PEERS:
                yield AtLeast(row=row, target=target, other=peer, times=times)
    for row in HOT_ROWS:
        yield AtLeast(row=row, target=EDGE, other=NGINX, times=0.8)


LATENCY = tuple(
    AtMost(row=row, target=NO_LANE, figure="p99", most=20, unit=" ms")
    for row in ("thumb", "thumbs")
)
BESIDE_LATENCY = tuple(
    AtMost(row=row, target=AVENUE, figure="p99", most=10, unit=" ms")
    for row in ("slow-readers", "uploads")
)
NO_FAILURE = AtMost(row="slow-readers", target=AVENUE, figure="failures", most=0, unit="")
GROWTH = AtMost(row="downloads", target=AVENUE, figure="a process", most=40, unit=" MiB")


def of_measured_rows(rows: Mapping[str, Cells]) -> Iterator[Aim]:
    """Judge the aims of those rows that were measured."""
    yield from (each.judge(rows[each.row]) for each in of_rows() if each.row in rows)
    for aim in LATENCY:
        if aim.row in rows:
            cell: Cell | None = rows[aim.row].get(aim.target)
            yield aim.judge(cell.median("p99_ms") if cell else None)


def of_paced(paced: Mapping[str, Mapping[str, Paced]]) -> Iterator[Aim]:
    """Judge what was asked for at a steady pace."""
    for aim in BESIDE_LATENCY:
        if aim.row in paced:
            yield aim.judge(paced[aim.row][aim.target].p99_ms)
    if NO_FAILURE.row in paced:
        yield NO_FAILURE.judge(paced[NO_FAILURE.row][NO_FAILURE.target].failures)


def of_grown(grown: Mapping[str, Grown]) -> Iterator[Aim]:
    """Judge what large files took."""
    if GROWTH.target in grown:
        yield GROWTH.judge(grown[GROWTH.target].process_mb)
