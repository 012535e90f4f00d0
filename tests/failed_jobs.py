"""A job that fails inside a test fails the test at once, with the job's traceback.

Else it would be tried again after 10 s, 40 s and so on, while the test waits for it. Tests about
jobs that fail are marked `failing_jobs`. A plugin of pytest.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from avenue.app.background import Background
from avenue.jobs.errors import Halted, LeaseLost, Stopping
from avenue.jobs.models import Job
from avenue.jobs.runner import Handler, JobRunner, RunningJob
from avenue.jobs.service import JobService
from tests import waiting
from tests.transactions import everywhere

SAYS = "ended with an error."
"""What `JobRunner` logs of a job that has failed."""
LONGEST_TRACEBACK = 20_000


class _Log:
    """What another process writes, some of whose jobs may fail."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def news(self) -> list[str]:
        """Each failure that was written since this was asked last."""
        if self._file.tell() > os.fstat(self._file.fileno()).st_size:
            self._file.seek(0)  # it was begun anew
        lines = self._file.read().decode(errors="replace").split("\n")
        return [_said(lines[n:]) for n, line in enumerate(lines) if SAYS in line]


def _said(lines: list[str]) -> str:
    """What a log tells in its first line: one object, or a sentence and a traceback."""
    with contextlib.suppress(ValueError):
        told = json.loads(lines[0])
        return f"{told.get('message')}\n{told.get('traceback')}"
    return "\n".join(lines)[:LONGEST_TRACEBACK]


class FailedJobs:
    """Which jobs have failed since the test began, in this process and in those it started."""

    def __init__(self) -> None:
        self.are_expected = False
        self.count = 0
        self._untold: list[tuple[str, Exception | None]] = []
        self._logs: list[_Log] = []

    def add(self, job: str, error: Exception | None = None) -> None:
        """A job has failed; `error` is what its handler raised in this process."""
        self.count += 1
        self._untold.append((job, error))

    def look(self) -> None:
        """Raise `AssertionError` when a job has failed that was not to."""
        for log in self._logs:
            for said in log.news():
                self.add(said)
        if self._untold and not self.are_expected:
            job, error = self._untold[0]
            if threading.current_thread() is threading.main_thread():
                self._untold.clear()  # other threads may keep it to themselves
            raise AssertionError(f"A job failed: {job}") from error

    @contextlib.contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Look into the log of another process while the block lasts."""
        with path.open("rb") as file:
            log = _Log(file)
            self._logs.append(log)
            try:
                yield
            finally:
                for said in log.news():
                    self.add(said)
                self._logs.remove(log)

    @contextlib.contextmanager
    def of_a_test(self, *, expected: bool, perhaps: bool = False) -> Iterator[None]:
        """Fail at the end at the latest: when a job failed, or none when that was `expected`.

        With `perhaps`, one that is expected need not fail.
        """
        self._forget()  # what came after the last test was over
        self.count, self.are_expected = 0, expected
        try:
            yield
            self.look()
            assert self.count or perhaps or not expected, "marked failing_jobs, and none failed"
        finally:
            self._forget()  # before the next fixture waits
            self.are_expected = False

    def _forget(self) -> None:
        for log in self._logs:
            log.news()
        self._untold.clear()


failed_jobs = FailedJobs()


def _watched(kind: str, handler: Handler) -> Handler:
    def run(job: RunningJob) -> Mapping[str, Any] | None:
        try:
            with everywhere.in_job(kind):
                return handler(job)
        except (Halted, LeaseLost, Stopping):
            raise
        except Exception as error:
            failed_jobs.add(f"{job.id} ({kind})", error)
            raise

    return run


def pytest_configure(config: pytest.Config) -> None:
    """Watch every runner there will be in this process."""
    for marker in (
        "failing_jobs: about jobs that fail, and at least one does",
        "failing_jobs(perhaps=True): one may fail, it depends on when it is due",
    ):
        config.addinivalue_line("markers", marker)
    waiting.alarms.append(failed_jobs.look)
    make, run_one, finish = JobRunner.__init__, JobRunner.run_one, Background.finish

    def watching(
        self: JobRunner, service: JobService, handlers: Mapping[str, Handler], **options: Any
    ) -> None:
        watched = {kind: _watched(kind, handler) for kind, handler in handlers.items()}
        make(self, service, watched, **options)

    def run_one_well(self: JobRunner, stop: threading.Event | None = None) -> bool:
        worked = run_one(self, stop)
        if threading.current_thread() is threading.main_thread():
            failed_jobs.look()
        return worked

    def finish_well(
        self: Background, job_id: str, progress: Callable[[Job], None] = lambda _: None
    ) -> Job:
        def look(job: Job) -> None:
            failed_jobs.look()
            progress(job)

        job = finish(self, job_id, look)
        failed_jobs.look()
        return job

    JobRunner.__init__ = watching  # type: ignore[method-assign]
    JobRunner.run_one = run_one_well  # type: ignore[method-assign]
    Background.finish = finish_well  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _no_job_fails(request: pytest.FixtureRequest) -> Iterator[None]:
    marker = request.node.get_closest_marker("failing_jobs")
    perhaps = marker is not None and marker.kwargs.get("perhaps", False)
    with failed_jobs.of_a_test(expected=marker is not None, perhaps=perhaps):
        yield
