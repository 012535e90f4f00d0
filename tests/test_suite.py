"""What cannot run for lack of a tool is told, and fails the run unless that is meant."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.commands import COMMAND_SECONDS
from tests.mutants import MUTANTS
from tests.suite import PARTIAL, in_pieces

ROOT = Path(__file__).parent.parent
CONFTEST = """
from tests import suite

suite.TOOLS = {**suite.TOOLS, "nginx": lambda: False, "chromium": lambda: True}

def pytest_configure(config):
    config.pluginmanager.register(suite.Suite(config))
"""
CASES = "\n".join(f"def test_{each}():\n    pass\n" for each in ("one", "two", "three"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three cases that need nginx, three that need nothing."""
    for name in ("edge", "unit"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / f"test_{name}.py").write_text(CASES)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    return tmp_path


def ran(folder: Path, *options: str, partial: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml"),
            *("-p", "no:cacheprovider", *options, folder),
        ],
        cwd=ROOT,
        env={**os.environ, PARTIAL: partial},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,  # it starts several processes of pytest
    )


@pytest.mark.parametrize(
    "options",
    [pytest.param((), marks=pytest.mark.long), ("-n", "2")],
    ids=["alone", "side by side"],
)
def test_what_is_not_run_is_told_and_fails_the_run(folder: Path, options: tuple[str, ...]) -> None:
    done = ran(folder, *options)
    assert "not run: 3 cases in tests/edge: no nginx" in done.stdout, done.stdout
    assert "3 passed" in done.stdout
    assert re.search(r"^unit +3 ", done.stdout, re.MULTILINE)
    assert done.returncode == 1


def test_the_run_passes_where_that_is_meant(folder: Path) -> None:
    assert ran(folder, partial="1").returncode == 0


@pytest.mark.long
def test_the_order_is_told_and_can_be_given_back(folder: Path) -> None:
    def listed(*options: str) -> tuple[str, list[str]]:
        told = ran(folder, "--collect-only", "-v", *options).stdout
        return told, re.findall(r"<Function (\w+)>", told)

    told, order = listed()
    seed = re.search(r"--randomly-seed=(\d+)", told)
    assert seed
    assert listed(f"--randomly-seed={seed[1]}")[1] == order != []
    assert listed("--randomly-seed=1")[1] != listed("--randomly-seed=2")[1]


def test_each_worker_begins_with_what_takes_longest_and_ends_with_what_is_quick() -> None:
    of_files = {"unit": 9, "http": 5, "journeys": 4, "browser": 5}
    tests: list[Any] = [
        SimpleNamespace(path=Path(f"tests/{directory}/test_{number}.py"))
        for directory, files in of_files.items()
        for number in range(files)
        for _ in range(10 if directory == "unit" else 3)
    ]
    found = in_pieces(tests, 4)
    assert sorted(map(id, found)) == sorted(map(id, tests))
    share = len(found) // 4
    for piece in (found[n * share : (n + 1) * share] for n in range(4)):
        assert {piece[0].path.parent.name, piece[-1].path.parent.name} == {"journeys", "unit"}
        assert {each.path.parent.name for each in piece} == set(of_files)


def test_every_mutant_can_be_planted() -> None:
    for each in MUTANTS:
        assert (ROOT / "avenue" / each.file).read_text().count(each.line) == 1, each.promise
        assert each.line != each.instead
        assert all((ROOT / path).exists() for path in each.tests.split()), each.promise
