"""`python -m avenue …` as an operator types it, without half a second of imports each time.

A process that has imported everything once forks for each command. What it becomes is a process
of its own with its own arguments, environment, folder and files, and ends as any other does.
"""

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.waiting import DEADLINE_SECONDS, POLL_SECONDS, wait_until

ROOT = Path(__file__).parent.parent
LONGEST_MESSAGE = 100_000
COMMAND_SECONDS = 4 * DEADLINE_SECONDS


class Commands:
    """Runs one command at a time. One whose job fails is ended, as it would try again for long."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()  # and it ends
        self._process.wait(DEADLINE_SECONDS)

    def run(
        self, *arguments: str, env: Mapping[str, str], given: bytes = b"", cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end, with nothing but `env` and with `given` on its stdin."""
        # Not above, for it is more than the process may have that becomes a command.
        from tests.failed_jobs import failed_jobs

        asked = {"arguments": arguments, "env": dict(env), "cwd": str(cwd)}
        with contextlib.ExitStack() as files:
            standard = [files.enter_context(tempfile.NamedTemporaryFile()) for _ in range(3)]
            standard[0].write(given)
            standard[0].seek(0)
            descriptors = [each.fileno() for each in standard]
            for output in standard[1:]:
                files.enter_context(failed_jobs.reading(Path(output.name)))
            socket.send_fds(self._channel, [json.dumps(asked).encode()], descriptors)
            try:
                wait_until(self._is_done, f"the end of {arguments}", COMMAND_SECONDS, every=0)
            except BaseException:
                os.killpg(self._process.pid, signal.SIGKILL)
                self.__exit__()
                self._start()
                raise
            code = json.loads(self._channel.recv(LONGEST_MESSAGE))
            for each in standard[1:]:
                each.seek(0)
            return subprocess.CompletedProcess(
                arguments, code, standard[1].read(), standard[2].read()
            )

    def _is_done(self) -> bool:
        return bool(select.select([self._channel], [], [], POLL_SECONDS)[0])


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
