"""The table, and where it stands in docs/performance.md."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from bench.aims import Aim
from bench.beside import Grown, Paced
from bench.measuring import Cell, Cells, ratio
from bench.rows import BESIDE, ROWS
from bench.targets import NAIVE, NGINX, PARSE, TITLES

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PACKAGES = ("flask", "gunicorn", "pymongo")


@dataclass(slots=True)
class Result:
    """Everything one run has found."""

    machine: list[str]
    rows: dict[str, Cells] = field(default_factory=dict)
    paced: dict[str, dict[str, Paced]] = field(default_factory=dict)
    grown: dict[str, Grown] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    aims: list[Aim] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return it as what JSON can hold."""
        return asdict(self)


def markdown(result: Result) -> str:
    """Return all of it, readable in a terminal as well."""
    parts = ["\n".join(f"- {line}" for line in result.machine)]
    if result.missing:
        parts.append("\n".join(f"- Not measured: {why}" for why in result.missing.values()))
    if result.rows:
        parts.append(_table(_HEAD_OF_ROWS, _lines_of_rows(result)))
    if result.paced:
        parts.append(_table(_HEAD_OF_PACED, _lines_of_paced(result)))
    if result.grown:
        parts.append(_table(_HEAD_OF_GROWN, _lines_of_grown(result)))
    if result.memory:
        parts.append(_table(_HEAD_OF_MEMORY, _lines_of_memory(result)))
    return "\n\n".join([*parts, _summary(result.aims)])


def write(page: Path, result: Result) -> None:
    """Put the tables between the markers of `page`."""
    text = page.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1, f"{page} has no place for the tables"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}", encoding="utf-8")


_HEAD_OF_ROWS = (
    "Asked for",
    "Who",
    "req/s",
    "of nginx",
    "× naive",
    "× Parse",
    "p50 ms",
    "p99 ms",
    "CPU µs",
    "Aims",
)
_HEAD_OF_PACED = ("Thumbs at 150/s", "Who", "p50 ms", "p99 ms", "answers", "failures", "Aims")
_HEAD_OF_GROWN = ("Large files at once", "Who", "one process MiB", "the server MiB", "Aims")
_HEAD_OF_MEMORY = ("Memory", "Who", "at the start MiB", "at the end MiB")


def _lines_of_rows(result: Result) -> Iterator[Sequence[str]]:
    for row in ROWS:
        cells = result.rows.get(row.name, {})
        for name, cell in cells.items():
            title = row.title if name == next(iter(cells)) else ""
            aims = _aims(result.aims, row.name, name)
            yield (
                title,
                TITLES[name] + _remark(cell),
                f"{cell.median('per_second'):,.0f}",
                _share(cell, cells.get(NGINX)),
                _times(cell, cells.get(NAIVE)),
                _times(cell, cells.get(PARSE)),
                f"{cell.median('p50_ms'):.2f}",
                f"{cell.median('p99_ms'):.1f}",
                f"{cell.median('cpu_us'):,.0f}",
                aims,
            )


def _lines_of_paced(result: Result) -> Iterator[Sequence[str]]:
    for row, by_target in result.paced.items():
        for name, paced in by_target.items():
            yield (
                BESIDE[row] if name == next(iter(by_target)) else "",
                TITLES[name],
                f"{paced.p50_ms:.2f}",
                f"{paced.p99_ms:.1f}",
                str(paced.answers),
                str(paced.failures),
                _aims(result.aims, row, name),
            )


def _lines_of_grown(result: Result) -> Iterator[Sequence[str]]:
    for name, grown in result.grown.items():
        yield (
            BESIDE["downloads"] if name == next(iter(result.grown)) else "",
            TITLES[name],
            f"+{grown.process_mb:.0f}",
            f"+{grown.server_mb:.0f}",
            _aims(result.aims, "downloads", name),
        )


def _lines_of_memory(result: Result) -> Iterator[Sequence[str]]:
    for name, (at_start, at_end) in result.memory.items():
        yield "PSS of all its processes", TITLES[name], f"{at_start:.0f}", f"{at_end:.0f}"


def _remark(cell: Cell) -> str:
    """Return what is to be known of a cell besides its figures."""
    remarks = ["gives the whole file"] * cell.whole_instead
    remarks += [f"{cell.failures} failed"] * bool(cell.failures)
    return f" ({', '.join(remarks)})" if remarks else ""


def _share(ours: Cell, nginx: Cell | None) -> str:
    found = ratio(ours, nginx)
    return "" if found is None else f"{found:.2f}"


def _times(ours: Cell, theirs: Cell | None) -> str:
    found = ratio(ours, theirs)
    return "" if found is None else f"{found:.1f}"


def _aims(aims: Iterable[Aim], row: str, target: str) -> str:
    return "; ".join(str(aim) for aim in aims if (aim.row, aim.target) == (row, target))


def _summary(aims: Sequence[Aim]) -> str:
    met = sum(aim.met is True for aim in aims)
    missed = sum(aim.met is False for aim in aims)
    return f"Aims: {met} met, {missed} not met, {len(aims) - met - missed} not measured."


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown whose columns stand under each other; numbers to the right."""
    every = [head, *lines]
    widths = [max(len(line[n]) for line in every) for n in range(len(head))]
    left = {0, 1, len(head) - 1} if head[-1] == "Aims" else {0, 1}
    rule = [
        ("-" * width if n in left else "-" * (width - 1) + ":") for n, width in enumerate(widths)
    ]

    def row(line: Sequence[str]) -> str:
        cells = [
            text.ljust(widths[n]) if n in left else text.rjust(widths[n])
            for n, text in enumerate(line)
        ]
        return f"| {' | '.join(cells)} |"

    return "\n".join([row(head), row(rule), *(row(line) for line in every[1:])])


def machine(generator: str, mongod: str, options: str) -> list[str]:
    """Return what was measured on and with what; call it before there is any load."""
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}", f"mongod {mongod}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    versions += [text for command in _VERSIONS if (text := _said(*command))]
    return [
        f"{date.today():%Y-%m-%d}, {options}, load generator {generator}.",  # noqa: DTZ011
        f"{_cpu_model()}, {cores} cores, {memory:.0f} GB, Linux {platform.release()}.",
        f"Load average before the run (1, 5, 15 minutes): {load}.",
        f"{', '.join(versions)}.",
    ]


_VERSIONS = (("nginx", "-v"), ("wrk", "-v"), ("node", "--version"))


def _said(name: str, option: str) -> str:
    """Return a program and its version, "" when it is not here."""
    search = f"{os.environ['PATH']}:/usr/sbin:{Path(sys.executable).parent}"
    binary = shutil.which(name, path=search)
    if binary is None:
        return ""
    done = subprocess.run([binary, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return f"{name} {found[0]}" if found else name


def _cpu_model() -> str:
    facts: Mapping[str, str] = dict(
        re.findall(r"^(model name|vendor_id|model)\s*: (.*)$", _cpuinfo(), re.MULTILINE)
    )
    return facts.get("model name", platform.machine())


def _cpuinfo() -> str:
    place = Path("/proc/cpuinfo")
    return place.read_text(encoding="utf-8") if place.exists() else ""
