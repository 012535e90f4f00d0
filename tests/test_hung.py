"""Whatever hangs is ended by a machine, and the stacks of all threads tell where it hung."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 60

CONFTEST = """
from tests import hung

hung.GRACE_SECONDS = {grace}

def pytest_configure(config):
    config.pluginmanager.register(hung)
"""
HANGING = """
import signal, threading
import pytest

never = threading.Event()

def wait_in_a_thread():
    never.wait(600)

@pytest.fixture
def hangs_at_its_end():
    yield
    never.wait(600)

def hang_here():
    threading.Thread(target=wait_in_a_thread, daemon=True).start()
    never.wait(600)
"""
WITHIN_THE_TEST = """
def test_hangs():
    hang_here()

def test_comes_next():
    pass
"""
WHERE_NO_SIGNAL_COMES = """
def test_hangs():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    hang_here()
"""
AT_THE_END_OF_A_TEST_THAT_FAILED = """
def test_hangs(hangs_at_its_end):
    threading.Thread(target=wait_in_a_thread, daemon=True).start()
    assert False
"""
AT_THE_END_OF_THE_RUN = """
def test_leaves_a_thread():
    threading.Thread(target=wait_in_a_thread).start()
"""


def ran(
    folder: Path, tests: str, *options: str, grace: int = LIMIT_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Run `tests` with the settings of pyproject.toml, but with a second for each."""
    (folder / "conftest.py").write_text(CONFTEST.format(grace=grace))
    (folder / "test_hanging.py").write_text(HANGING + tests)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-o", "timeout=1"),
            *("-p", "no:cacheprovider", *options, folder),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )


@pytest.mark.parametrize(
    "options",
    [pytest.param((), marks=pytest.mark.long), ("-n", "1")],
    ids=["alone", "among others"],
)
def test_a_test_that_hangs_fails_and_the_next_one_is_run(tmp_path, options):
    done = ran(tmp_path, WITHIN_THE_TEST, *options)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "Timeout (>1.0s)" in done.stdout
    assert "in wait_in_a_thread" in done.stdout
    assert "in hang_here" in done.stdout


@pytest.mark.parametrize(
    ("tests", "main"),
    [
        (WHERE_NO_SIGNAL_COMES, "in hang_here"),
        pytest.param(
            AT_THE_END_OF_A_TEST_THAT_FAILED, "in hangs_at_its_end", marks=pytest.mark.long
        ),
        # A busy machine may not have come to the shutdown, where it waits for the thread.
        pytest.param(
            AT_THE_END_OF_THE_RUN, "in (_shutdown|_run_module_as_main)", marks=pytest.mark.long
        ),
    ],
    ids=["no signal", "a fixture's end", "the run's end"],
)
def test_where_that_does_not_help_the_process_is_ended(tmp_path, tests, main):
    done = ran(tmp_path, tests, grace=1)
    assert done.returncode == 1
    assert "Timeout (0:00:0" in done.stderr
    assert "in wait_in_a_thread" in done.stderr
    assert re.search(main, done.stderr)


@pytest.mark.long
def test_full_rounds_get_more_time(tmp_path):
    marked = "@pytest.mark.long\ndef test_takes_long():\n    never.wait(1.5)\n"
    done = ran(tmp_path, marked)
    assert done.returncode == 0, done.stdout
