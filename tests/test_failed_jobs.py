"""A job that fails ends the test that waits for it, wherever the job ran."""

import json
import os
import traceback
from pathlib import Path

import pytest

from avenue.app.background import Background
from avenue.app.walks import SWEEP, Walks
from avenue.config import Settings
from avenue.jobs.models import State
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.shop.service.imports import IMPORT
from avenue.storage.connection import Database
from tests.commands import Commands
from tests.failed_jobs import FailedJobs
from tests.mongod import Guard, client_of
from tests.server import Server
from tests.waiting import wait_until


class ShelfFullError(Exception):
    """What a handler may raise."""


def fall_over(*_: object) -> None:
    raise ShelfFullError


def told(error: pytest.ExceptionInfo[AssertionError]) -> str:
    return "".join(traceback.format_exception(error.value))


def test_what_waits_for_the_job_raises_what_the_handler_has_raised(
    shared_uri: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walks, "_sweep", fall_over)
    background = Background(Settings(mongodb_uri=shared_uri, local=True), database)
    with pytest.raises(AssertionError, match="sweep") as error:
        background.run_now(SWEEP)
    assert isinstance(error.value.__cause__, ShelfFullError)
    assert "in fall_over" in told(error)
    (job,) = JobService(MongoJobStore(database)).list()
    assert job.state is State.QUEUED, "nobody has waited for its next try"


def test_what_runs_a_job_raises_what_the_handler_has_raised(database: Database) -> None:
    service = JobService(MongoJobStore(database))
    service.enqueue("work")
    with pytest.raises(AssertionError) as error:
        JobRunner(service, {"work": fall_over}).run_one()
    assert isinstance(error.value.__cause__, ShelfFullError)


@pytest.mark.long
def test_every_wait_ends_when_a_job_fails_in_another_process(
    guard: Guard, shared_uri: str, database: Database
) -> None:
    with Server(guard, shared_uri, AVENUE_JOBS="inline"):
        JobService(MongoJobStore(database)).enqueue(IMPORT)  # of nothing
        with pytest.raises(AssertionError, match="A job failed") as error:
            wait_until(lambda: False, "nothing")
    assert "in apply" in told(error)


@pytest.mark.long
def test_a_command_whose_job_fails_is_ended_and_the_next_one_runs(
    commands: Commands, database_uri: str
) -> None:
    env = {"PATH": os.environ["PATH"], "MONGODB_URI": database_uri, "AVENUE_LOCAL": "1"}
    assert commands.run("migrate", env=env).returncode == 0
    with client_of(database_uri) as client:
        never = {"nothing": {"$exists": True}}
        client.get_default_database().create_collection("inspections", validator=never)
    with pytest.raises(AssertionError, match="Document failed validation"):
        commands.run("inspect", env=env)
    assert commands.run("jobs", "list", env=env).returncode == 0


def test_at_the_end_of_the_test_at_the_latest() -> None:
    jobs = FailedJobs()
    with pytest.raises(AssertionError, match="work"), jobs.of_a_test(expected=False):
        jobs.add("work", ShelfFullError())
    with jobs.of_a_test(expected=False):
        pass


def test_a_test_about_failing_jobs_has_one() -> None:
    jobs = FailedJobs()
    with jobs.of_a_test(expected=True):
        jobs.add("work", ShelfFullError())
        jobs.look()
    jobs.look()  # as the fixtures of the next test do
    with pytest.raises(AssertionError, match="none failed"), jobs.of_a_test(expected=True):
        pass
    with jobs.of_a_test(expected=True, perhaps=True):
        pass


def test_the_log_of_another_process_is_read_to_its_end_and_once(tmp_path: Path) -> None:
    jobs, log = FailedJobs(), tmp_path / "log"
    log.write_text("It begins.\n")
    line = {"message": "Job 2 (new) ended with an error.", "traceback": "Traceback of 2"}
    with jobs.of_a_test(expected=False), jobs.reading(log):
        jobs.look()
        with log.open("a") as more:
            more.write("Job 1 (old) ended with an error.\nTraceback of 1\n")
        with pytest.raises(AssertionError, match=r"(?s)Job 1 \(old\).*Traceback of 1"):
            jobs.look()
        jobs.look()
        with log.open("a") as more:
            more.write(f"{json.dumps(line)}\n")
        with pytest.raises(AssertionError, match=r"(?s)Job 2 \(new\).*Traceback of 2"):
            jobs.look()
