"""`python -m gunicorn …` and `python -m avenue …` without half a second of imports each time.

A process that has imported everything once forks for each. What it becomes is a process of its own
with its own arguments, environment, folder, files and group; it ends as any other does, and when
whoever asked for it is gone, however that ended. Tests about starting start Python anew.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pymongo.synchronous.monitor import _shutdown_resources

from tests.waiting import DEADLINE_SECONDS, POLL_SECONDS

ROOT = Path(__file__).parent.parent
LONGEST_MESSAGE = 100_000
# Nothing else, so that what is forked has the encodings it has in a deployment.
NEEDED = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONHOME")


class Process:
    """A forked process, with those methods of `subprocess.Popen` that tests use."""

    def __init__(self, args: tuple[str, ...], told: socket.socket) -> None:
        self.args = args
        self.returncode: int | None = None
        self._told = told
        self._lock = threading.Lock()
        told.settimeout(DEADLINE_SECONDS)
        self.pid = int(told.recv(LONGEST_MESSAGE))

    def poll(self, seconds: float = 0) -> int | None:
        """How it has ended, or None while it runs; wait for `seconds` for that."""
        with self._lock:
            if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
                with self._told:
                    self.returncode = int(self._told.recv(LONGEST_MESSAGE))
            return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll(POLL_SECONDS)) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def kill_all(self) -> None:
        """End it with the processes it has forked."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)


class _Forker:
    """The process that forks, and how it is asked."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
                cwd=ROOT,
                env={name: os.environ[name] for name in NEEDED if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        self.channel.close()  # and it ends
        self._process.wait(DEADLINE_SECONDS)


_forkers: list[_Forker] = []
_starting = threading.Lock()


@contextlib.contextmanager
def forking() -> Iterator[None]:
    """End what forks with the block; it starts when something is asked of it."""
    yield
    while _forkers:
        _forkers.pop().close()


def forked(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path = ROOT,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
) -> Process:
    """Start `python -m module arguments` with nothing but `env`; what is None is /dev/null."""
    with _starting:
        if not _forkers:
            _forkers.append(_Forker())
    asked = {"argv": [module, *arguments], "env": dict(env), "cwd": str(cwd)}
    told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with theirs, open(os.devnull, "r+b", buffering=0) as nothing:
            standard = [(each or nothing).fileno() for each in (stdin, stdout, stderr)]
            message = json.dumps(asked).encode()
            socket.send_fds(_forkers[0].channel, [message], [*standard, theirs.fileno()])
        return Process((module, *arguments), told)
    except BaseException:
        told.close()
        raise


def _fork_for_each(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Tell of each process its id and how it ended; in the child, return what it was asked to be.

    When nobody can ask any more, end all that run.
    """
    running: dict[int, socket.socket] = {}
    # The handler does nothing itself: one that waits for processes can be interrupted by the next
    # signal, and both would wait for the same one.
    ended, ends = socket.socketpair()
    ends.setblocking(False)
    signal.set_wakeup_fd(ends.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, *_ = select.select([channel, ended], [], [])
        if ended in ready:
            ended.recv(LONGEST_MESSAGE)
            _tell_who_ended(running)
        if channel not in ready:
            continue
        message, files, *_ = socket.recv_fds(channel, LONGEST_MESSAGE, 4)
        if not message:
            for each in running:
                os.killpg(each, signal.SIGKILL)
            os._exit(0)
        told = socket.socket(fileno=files.pop())
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for end in (channel, told, ended, ends, *running.values()):
                end.close()
            return json.loads(message), files
        os.setpgid(child, child)
        running[child] = told
        _tell(told, child)
        for file in files:
            os.close(file)


def _tell_who_ended(running: dict[int, socket.socket]) -> None:
    for pid in [*running]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as told:
                _tell(told, os.waitstatus_to_exitcode(status))


def _tell(told: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # whoever asked is gone
        told.send(str(number).encode())


def _become(asked: dict[str, Any], files: list[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.argv = asked["argv"]
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        _end(error.code if isinstance(error.code, int) else int(error.code is not None))
    _end(0)


def _end(code: int) -> NoReturn:
    """End as Python does, but for what takes longer than most commands.

    That is taking everything apart, and half a second in which PyMongo waits for its own threads.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit.unregister(_shutdown_resources)
    atexit._run_exitfuncs()
    for each in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it is gone
            each.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    import avenue.cli
    import avenue.server.worker  # noqa: F401 - what commands and servers would import
    from avenue.web.assets import compress_all
    from tests.compiled import compile_templates
    from tests.http.contract import unconnected_app

    compile_templates(unconnected_app())
    compress_all()
    gc.freeze()  # nobody needs to look through it again
    _become(*_fork_for_each(socket.socket(fileno=int(sys.argv[1]))))
