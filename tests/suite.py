"""How the suite runs as a whole: which files stand together, what cannot run here, what took long.

The order within is drawn anew in each run; pytest-randomly prints the seed, and takes it back as
`-p randomly --randomly-seed=N` (`make test SEED=N`).
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SYSTEM = os.pathsep.join(
    (os.defpath, "/usr/sbin", "/usr/local/sbin", str(Path(sys.executable).parent))
)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
LONGEST, QUICK = frozenset({"deploy", "journeys"}), frozenset({"unit"})


def _has_command(*names: str) -> bool:
    return any(shutil.which(name) or shutil.which(name, path=SYSTEM) for name in names)


TOOLS: Mapping[str, Callable[[], bool]] = {
    "chromium": lambda: _has_command(*CHROMIUMS),
    "nginx": lambda: _has_command("nginx"),
    "node": lambda: _has_command("node"),
    "curl": lambda: _has_command("curl"),
    "wrk": lambda: _has_command("wrk"),
    "clamd": lambda: _has_command("clamd"),
    "mongorestore": lambda: _has_command("mongorestore"),
    "mount": lambda: os.geteuid() == 0 and _has_command("mount"),
    "npm packages": (ROOT / "node_modules" / ".installed").exists,
    "client packages": (ROOT / "tests/clients/node_modules/.installed").exists,
}
NEEDED_IN: Mapping[str, tuple[str, ...]] = {
    "browser": ("chromium", "npm packages"),
    "clients": ("chromium", "npm packages", "client packages"),
    "edge": ("nginx",),
}
"""What each directory cannot do without; single tests say so by the mark `needs`."""
PARTIAL = "AVENUE_TEST_PARTIAL"
"""`1`: what could not run is no failure. CI never sets it."""


def _directory(path: Path | str) -> str:
    """The directory below `tests` that a test belongs to, "." for the topmost."""
    parts = Path(path).parts
    below = parts[parts.index("tests") + 1 : -1] if "tests" in parts else parts[:-1]
    return below[0] if below else "."


def in_pieces(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests file by file, in pieces of the same size and about the same mixture."""
    files: dict[Path, list[pytest.Item]] = {}
    for each in items:
        files.setdefault(each.path, []).append(each)
    pieces: list[list[Path]] = [[] for _ in range(workers)]
    total: Counter[int] = Counter()
    of_directory: Counter[tuple[str, int]] = Counter()
    for path, tests in files.items():
        directory = _directory(path)
        if directory not in QUICK:
            place = min(range(workers), key=lambda n: (of_directory[directory, n], total[n]))
            pieces[place].append(path)
            total[place] += len(tests)
            of_directory[directory, place] += len(tests)
    quick = [test for path in files if _directory(path) in QUICK for test in files[path]]
    found: list[pytest.Item] = []
    for number, piece in enumerate(pieces):
        piece.sort(key=lambda path: _directory(path) not in LONGEST)
        found += [test for path in piece for test in files[path]]
        missing = max(0, len(items) * (number + 1) // workers - len(found))
        found += quick[:missing]
        del quick[:missing]
    return found + quick


class Suite:
    """A plugin of pytest, in the process that reports and in each worker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._not_run: Counter[str] = Counter()
        self._cases: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what cannot run here, and give each worker as much of each kind as the others.

        xdist cuts the list into one piece for each worker, and lets who has finished take from the
        end of another's. So each piece begins with what takes longest and ends with what is quick,
        or all would wait for one in the end. Between them those that wait (for browsers, elections,
        timers) stand among those that compute. Files keep the order in which they were drawn,
        tests of one file stay together.
        """
        there = {tool: is_there() for tool, is_there in TOOLS.items()}
        left = [each for each in items if self._may_run(each, there)]
        kept = set(left)
        self._config.hook.pytest_deselected(items=[each for each in items if each not in kept])
        workers = int(getattr(self._config, "workerinput", {}).get("workercount", 1))
        items[:] = in_pieces(left, workers)

    def _may_run(self, item: pytest.Item, there: Mapping[str, bool]) -> bool:
        directory = _directory(item.path)
        needed = {*NEEDED_IN.get(directory, ())}
        needed.update(*(mark.args for mark in item.iter_markers("needs")))
        missing = sorted(tool for tool in needed if not there[tool])
        if missing:
            self._not_run[f"tests/{directory}: no {', no '.join(missing)}"] += 1
        return not missing

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that reports what was left out, and fail for it there."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["not_run"] = dict(self._not_run)
        elif self._not_run and os.environ.get(PARTIAL) != "1" and session.exitstatus in {0, 5}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Every worker has left out the same."""
        self._not_run = Counter(getattr(node, "workeroutput", {}).get("not_run", self._not_run))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count cases and seconds."""
        directory = _directory(report.location[0])
        self._cases[directory] += report.when == "call"
        self._seconds[directory] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print where time went, and what was not run."""
        terminalreporter.section("seconds by directory (of all workers together)")
        for directory, seconds in self._seconds.most_common():
            terminalreporter.line(f"{directory:12} {self._cases[directory]:6} {seconds:8.1f} s")
        for where, count in sorted(self._not_run.items()):
            terminalreporter.line(f"not run: {count} cases in {where}", red=True)
