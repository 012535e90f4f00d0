"""`python -m avenue …` as an operator types it, forked (tests/forking.py) and to its end."""

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.failed_jobs import failed_jobs
from tests.forking import ROOT, forked
from tests.waiting import DEADLINE_SECONDS, POLL_SECONDS, wait_until

COMMAND_SECONDS = 4 * DEADLINE_SECONDS


class Commands:
    """Runs commands, `seconds` at most. One whose job fails is ended, as it would try again."""

    def __init__(self, seconds: float = COMMAND_SECONDS) -> None:
        self._seconds = seconds

    def run(
        self, *arguments: str, env: Mapping[str, str], given: bytes = b"", cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end, with nothing but `env` and with `given` on its stdin."""
        with contextlib.ExitStack() as files:
            stdin, stdout, stderr = (
                files.enter_context(tempfile.NamedTemporaryFile()) for _ in range(3)
            )
            stdin.write(given)
            stdin.seek(0)
            for output in (stdout, stderr):
                files.enter_context(failed_jobs.reading(Path(output.name)))
            process = forked(
                "avenue", *arguments, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr
            )
            try:
                wait_until(
                    lambda: process.poll(POLL_SECONDS) is not None,
                    f"the end of {arguments}",
                    self._seconds,
                    every=0,
                )
            except BaseException:
                process.kill_all()
                process.wait(DEADLINE_SECONDS)
                raise
            for output in (stdout, stderr):
                output.seek(0)
            return subprocess.CompletedProcess(
                arguments, process.wait(0), stdout.read(), stderr.read()
            )
