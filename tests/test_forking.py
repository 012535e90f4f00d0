"""What is forked is a process of its own, and none outlives those who asked for it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.forking import ROOT, forked
from tests.waiting import DEADLINE_SECONDS, wait_until

KILLED = """
import os, signal, sys
from tests.forking import forked
process = forked("http.server", "0", env={})
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
TELLING = b"""
import json, os, sys
open_files = [each for each in range(100) if os.path.exists(f"/proc/self/fd/{each}")]
print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), open_files]))
sys.exit(3)
"""


def test_it_has_its_own_arguments_environment_folder_and_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(TELLING)
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as out:
        # Python's console, which runs what it reads.
        process = forked("code", "-q", env={"A": "b"}, cwd=tmp_path, stdin=given, stdout=out)
        assert process.wait(DEADLINE_SECONDS) == 3
    told = re.search(r"\[\[.*\]", (tmp_path / "out").read_text())  # and prompts around it
    assert told
    assert json.loads(told[0]) == [["-q"], {"A": "b"}, str(tmp_path), [0, 1, 2]]
    assert process.poll() == process.returncode == 3


def test_a_signal_is_its_own() -> None:
    one, other = (forked("http.server", "0", env={}) for _ in range(2))
    one.kill()
    assert one.wait(DEADLINE_SECONDS) == -signal.SIGKILL
    assert other.poll() is None
    assert os.getpgid(other.pid) == other.pid
    other.terminate()
    assert other.wait(DEADLINE_SECONDS) == -signal.SIGTERM
    other.kill()


@pytest.mark.long
def test_many_end_in_the_same_moment() -> None:
    for _ in range(3):
        processes = [forked("http.server", "0", env={}) for _ in range(25)]
        for each in processes:
            os.kill(each.pid, signal.SIGKILL)
        assert {each.wait(DEADLINE_SECONDS) for each in processes} == {-signal.SIGKILL}


def test_it_ends_when_whoever_asked_for_it_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    pid = int(done.stdout)
    wait_until(lambda: not psutil.pid_exists(pid), "it is gone")
