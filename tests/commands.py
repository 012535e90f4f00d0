"""`python -m avenue …` as an operator types it, without half a second of imports each time.

A process that has imported everything once forks for each command. What it becomes is a process
of its own with its own arguments, environment, folder and files, and ends as any other does.
"""

import contextlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
LONGEST_MESSAGE = 100_000
PATIENCE_SECONDS = 300


class Commands:
    """Runs one command at a time."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.commands", str(theirs.fileno())],
                cwd=ROOT,
                # With what a command is started here, so that it has the same encodings.
                env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._channel.settimeout(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()  # and it ends
        self._process.wait(PATIENCE_SECONDS)

    def run(
        self, *arguments: str, env: Mapping[str, str], given: bytes = b"", cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end, with nothing but `env` and with `given` on its stdin."""
        asked = {"arguments": arguments, "env": dict(env), "cwd": str(cwd)}
        with contextlib.ExitStack() as files:
            standard = [files.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            standard[0].write(given)
            standard[0].seek(0)
            descriptors = [each.fileno() for each in standard]
            socket.send_fds(self._channel, [json.dumps(asked).encode()], descriptors)
            try:
                code = json.loads(self._channel.recv(LONGEST_MESSAGE))
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                raise
            for each in standard[1:]:
                each.seek(0)
            return subprocess.CompletedProcess(
                arguments, code, standard[1].read(), standard[2].read()
            )


def _asked(channel: socket.socket) -> dict[str, Any]:
    """Fork for each command that is asked for and tell how it ended; in the child, return it."""
    while True:
        message, files, *_ = socket.recv_fds(channel, LONGEST_MESSAGE, 3)
        if not message:
            os._exit(0)
        child = os.fork()
        if child == 0:
            channel.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            asked: dict[str, Any] = json.loads(message)
            return asked
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _become_a_command(channel: socket.socket) -> None:
    asked = _asked(channel)
    sys.argv = ["avenue", *asked["arguments"]]
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    runpy.run_module("avenue", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import avenue.cli  # noqa: F401 - what a command would import

    _become_a_command(socket.socket(fileno=int(sys.argv[1])))
