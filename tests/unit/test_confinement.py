"""A process that is confined can do its work, and nothing to anybody else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parents[2]

# The process that holds secrets starts one that is confined, as web process and decoders do.
HOLDER = """
import os, subprocess, sys, tempfile
from avenue.confinement import hide_memory
hide_memory()
with tempfile.TemporaryFile() as file:
    subprocess.run([sys.executable, "-c", sys.argv[1], str(os.getpid()), str(file.fileno())],
                   pass_fds=[file.fileno()], env={"PYTHONPATH": os.getcwd()}, check=True)
    print(os.fstat(file.fileno()).st_size, file=sys.stderr)
"""
CONFINED = """
import ctypes, json, os, resource, signal, socket, subprocess, sys, threading
from avenue.confinement import confine
holder, file = map(int, sys.argv[1:])
lacking = confine()

def refused(act):
    try:
        act()
    except (OSError, RuntimeError) as error:
        return type(error).__name__
    return None

def attach():
    if ctypes.CDLL(None, use_errno=True).ptrace(16, holder, None, None):
        raise PermissionError

def works():
    done = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join(10)
    os.pwrite(file, b"clean", 0)
    import wave, avenue.clock  # not loaded yet
    return done == [1]

told = {
    "environment": refused(lambda: open(f"/proc/{holder}/environ", "rb").read()),
    "memory": refused(lambda: open(f"/proc/{holder}/mem", "rb")),
    "attach": refused(attach),
    "kill": refused(lambda: os.kill(holder, signal.SIGTERM)),
    "network": refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "unix": refused(lambda: socket.socket(socket.AF_UNIX)),
    "program": refused(lambda: subprocess.run(["true"])),
    "process": refused(os.fork),
    "users": refused(lambda: open("/etc/passwd").read()),
    "temporary": refused(lambda: open("/tmp/left", "w")),
    "settings beside the program": refused(lambda: open("pyproject.toml").read()),
    "program files": refused(lambda: open(os.__file__, "a")),
    "long file": refused(lambda: os.pwrite(file, b"x", 2**40)),
}
print(json.dumps({"lacking": lacking, "works": works(), "told": told}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")
def test_a_confined_process_reaches_nothing_and_works() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HOLDER, CONFINED],
        cwd=ROOT,
        env={**os.environ, "SECRET_KEY": "a-secret-of-ours"},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["works"]
    # Before it a measured process may say that it cannot write what it has reached.
    assert done.stderr.splitlines()[-1] == "5"
    if said["lacking"]:
        pytest.skip(f"this kernel has no {', '.join(said['lacking'])}")
    assert [name for name, error in said["told"].items() if error is None] == []
