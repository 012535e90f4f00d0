"""The runner: it survives everything, and stops a handler whose job is no longer its own."""

import logging
import threading
from collections.abc import Collection
from typing import Any

import pytest

from avenue.errors import Unavailable
from avenue.jobs.errors import LeaseLost, Stopping
from avenue.jobs.models import Job, Progress, State
from avenue.jobs.runner import POLL_SECONDS, Handler, JobRunner, RunningJob
from avenue.jobs.service import LEASE_SECONDS, JobService
from tests.threads import joined
from tests.unit.jobs.memory_store import MemoryStore
from tests.waiting import DEADLINE_SECONDS, wait_until


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore) -> JobService:
    return JobService(store)


def run_one(service: JobService, handler: Handler) -> bool:
    return JobRunner(service, {"work": handler}).run_one()


class ImpatientStop(threading.Event):
    """A stop that comes after `most` waits, none of which takes any time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) >= self.most:
            self.set()
        return self.is_set()


class AwayStore(MemoryStore):
    """A store whose database is away for the first `times` claims."""

    def __init__(self, times: int, error: Exception) -> None:
        super().__init__()
        self.times = times
        self.error = error

    def claim(
        self,
        kinds: Collection[str],
        holder: str,
        lease_seconds: float,
        *,
        only: str | None = None,
    ) -> Job | None:
        if self.times:
            self.times -= 1
            raise self.error
        return super().claim(kinds, holder, lease_seconds, only=only)


def test_without_a_job_there_is_nothing_to_do(service: JobService) -> None:
    assert run_one(service, lambda _: None) is False


def test_a_handler_gets_what_was_asked_for_and_its_result_is_kept(service: JobService) -> None:
    job_id = service.enqueue("work", {"n": 3}, site="shop").id
    assert run_one(service, lambda job: {"twice": job.args["n"] * 2, "site": job.site})
    done = service.get(job_id)
    assert (done.state, done.result) == (State.DONE, {"twice": 6, "site": "shop"})


def test_kinds_without_a_handler_wait_for_another_runner(service: JobService) -> None:
    job_id = service.enqueue("other").id
    assert run_one(service, lambda _: None) is False
    assert service.get(job_id).state is State.QUEUED


def test_progress_is_kept_as_it_is_saved(service: JobService) -> None:
    seen: list[Progress] = []

    def handler(job: RunningJob) -> None:
        job.save(total=10)
        job.save(cursor="a", done=1)
        seen.append(service.get(job.id).progress)
        assert job.cursor == "a"

    job_id = service.enqueue("work").id
    run_one(service, handler)
    assert seen == [Progress(done=1, total=10)]
    assert service.get(job_id).cursor == "a"


def test_a_cursor_can_be_put_back_to_nothing(service: JobService) -> None:
    def handler(job: RunningJob) -> None:
        job.save(cursor="a")
        job.save(cursor=None)

    job_id = service.enqueue("work").id
    run_one(service, handler)
    assert service.get(job_id).cursor is None


@pytest.mark.failing_jobs
def test_a_handler_that_fails_is_logged_recorded_and_survived(
    service: JobService, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(job: RunningJob) -> None:
        if job.args["bad"]:
            raise KeyError("x")

    bad, good = (service.enqueue("work", {"bad": bad}).id for bad in (True, False))
    runner = JobRunner(service, {"work": handler})
    assert [runner.run_one() for _ in range(3)] == [True, True, False]
    assert "KeyError" in (service.get(bad).error or "")
    assert service.get(good).state is State.DONE
    assert "Traceback" in caplog.text


def test_a_lost_lease_stops_the_handler_and_leaves_the_job_alone(
    service: JobService, store: MemoryStore
) -> None:
    steps = []

    def handler(job: RunningJob) -> None:
        steps.append("one")
        store.let_pass(LEASE_SECONDS)
        assert service.claim({"work"}) is not None  # another runner
        job.save(cursor="mine")
        steps.append("two")

    job_id = service.enqueue("work").id
    assert run_one(service, handler)
    assert steps == ["one"]
    left = service.get(job_id)
    assert (left.state, left.cursor, left.attempts) == (State.RUNNING, None, 2)


def test_a_handler_that_swallows_the_loss_hears_of_it_again(
    service: JobService, store: MemoryStore
) -> None:
    heard = []

    def handler(job: RunningJob) -> None:
        store.let_pass(LEASE_SECONDS)
        other = service.claim({"work"})
        assert other is not None
        for _ in range(3):
            try:
                job.save()
            except LeaseLost:
                heard.append("lost")
            service.finish(other, {"by": "other"})

    job_id = service.enqueue("work").id
    run_one(service, handler)
    assert heard == ["lost"] * 3
    assert service.get(job_id).result == {"by": "other"}


def test_the_heart_beats_while_a_handler_is_silent(store: MemoryStore) -> None:
    beaten = threading.Event()

    class Counting(MemoryStore):
        def extend(self, job: Job, lease_seconds: float) -> bool:
            if self.extended >= 2:
                beaten.set()
            return super().extend(job, lease_seconds)

    service = JobService(Counting(), lease_seconds=0.03)
    job_id = service.enqueue("work").id
    run_one(service, lambda _: {"beaten": beaten.wait(DEADLINE_SECONDS)})
    assert service.get(job_id).result == {"beaten": True}


def test_a_heart_that_finds_the_lease_lost_stops_the_handler(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()
    monkeypatch.setattr(store, "extend", lambda *_: bool(refused.set()))
    service = JobService(store, lease_seconds=0.03)
    steps = []

    def handler(job: RunningJob) -> None:
        assert refused.wait(DEADLINE_SECONDS)
        assert job._lost.wait(DEADLINE_SECONDS)
        steps.append("heard")
        job.save()
        steps.append("went on")

    service.enqueue("work")
    run_one(service, handler)
    assert steps == ["heard"]


def test_a_heart_survives_a_database_that_is_away(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = threading.Semaphore(0)

    def away(*_: Any) -> bool:
        tries.release()
        raise Unavailable

    monkeypatch.setattr(store, "extend", away)
    service = JobService(store, lease_seconds=0.03)
    job_id = service.enqueue("work").id
    run_one(
        service, lambda _: {"tries": sum(tries.acquire(timeout=DEADLINE_SECONDS) for _ in "abc")}
    )
    assert service.get(job_id).result == {"tries": 3}


def test_a_stop_hands_the_job_back_with_its_cursor(service: JobService, store: MemoryStore) -> None:
    stop = threading.Event()
    steps = []

    def handler(job: RunningJob) -> None:
        for step in range(job.cursor or 0, 5):
            steps.append(step)
            if step == 2:
                stop.set()
            job.save(cursor=step + 1)

    job_id = service.enqueue("work").id
    runner = JobRunner(service, {"work": handler})
    runner.run_forever(stop)
    handed = service.get(job_id)
    assert (handed.state, handed.cursor, handed.attempts) == (State.QUEUED, 3, 0)
    assert handed.run_at == store.now
    assert runner.run_one()
    assert steps == [0, 1, 2, 3, 4]


def test_stopping_is_told_after_the_step_is_kept(service: JobService) -> None:
    job_id = service.enqueue("work").id
    job = service.claim({"work"})
    assert job is not None
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopping):
        RunningJob(service, job, stop).save(cursor="kept")
    assert service.get(job_id).cursor == "kept"


@pytest.mark.parametrize("error", [Unavailable(), OSError("no route")])
def test_a_database_that_is_away_is_waited_for_and_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = AwayStore(8, error)
    service = JobService(store)
    job_id = service.enqueue("work").id
    stop = ImpatientStop(10)
    JobRunner(service, {"work": lambda _: None}).run_forever(stop)
    assert stop.waits == [1, 2, 4, 8, 16, 30, 30, 30, 0, POLL_SECONDS]
    assert service.get(job_id).state is State.DONE
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"]


def test_no_job_is_taken_before_the_preparation_succeeded(service: JobService) -> None:
    events: list[str] = []

    def prepare() -> None:
        events.append("prepare")
        if len(events) < 3:
            raise Unavailable

    def handler(_: RunningJob) -> None:
        events.append("work")

    service.enqueue("work")
    JobRunner(service, {"work": handler}, prepare=prepare).run_forever(ImpatientStop(5))
    assert events == ["prepare", "prepare", "prepare", "work"]


def test_jobs_of_one_class_run_after_each_other_and_wait_for_no_other_class(
    service: JobService,
) -> None:
    stop, emails_are_sent = threading.Event(), threading.Event()
    at_once, most, sent = set(), 0, []

    def walk(job: RunningJob) -> None:
        nonlocal most
        at_once.add(job.id)
        most = max(most, len(at_once))
        assert emails_are_sent.wait(DEADLINE_SECONDS)
        at_once.discard(job.id)

    def email(job: RunningJob) -> None:
        sent.append(job.id)
        if len(sent) == 3:
            emails_are_sent.set()

    walks = [service.enqueue(kind).id for kind in ("sweep", "inspect")]
    emails = [service.enqueue("mail").id for _ in range(3)]
    handlers = {"sweep": walk, "inspect": walk, "mail": email}
    runner = JobRunner(service, handlers, classes=[("mail",), ("sweep", "inspect"), ("purge",)])
    thread = threading.Thread(target=runner.run_forever, args=(stop,), daemon=True)
    thread.start()
    wait_until(lambda: all(service.get(each).state is State.DONE for each in walks))
    stop.set()
    joined(thread)
    assert (sorted(sent), most) == (sorted(emails), 1)
