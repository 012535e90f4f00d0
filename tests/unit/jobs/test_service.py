"""What happens to a job between being asked for and being finished or given up."""

from datetime import timedelta

import pytest

from avenue.errors import Conflict
from avenue.jobs.errors import GiveUp, JobNotFound
from avenue.jobs.models import Job, State
from avenue.jobs.service import LEASE_SECONDS, MOST_ATTEMPTS, JobService
from tests.unit.jobs.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore) -> JobService:
    return JobService(store)


def claim(service: JobService, kind: str = "import") -> Job:
    job = service.claim({kind})
    assert job is not None
    return job


def test_a_job_waits_as_it_was_asked_for(service: JobService) -> None:
    job = service.get(service.enqueue("import", {"from": "a"}, site="shop").id)
    assert (job.kind, job.args, job.site, job.state) == (
        "import",
        {"from": "a"},
        "shop",
        State.QUEUED,
    )
    assert not job.is_finished


def test_a_button_pressed_twice_makes_one_job_until_it_is_finished(service: JobService) -> None:
    first = service.enqueue("import", key="all")
    assert service.enqueue("import", key="all").id == first.id
    service.finish(claim(service), None)
    assert service.enqueue("import", key="all").id != first.id


def test_a_job_whose_handler_gives_up_has_failed_at_once(service: JobService) -> None:
    job = service.enqueue("import")
    service.fail(claim(service), GiveUp(Conflict("It is elsewhere.")))
    over = service.get(job.id)
    assert (over.state, over.error) == (State.FAILED, "It is elsewhere.")


@pytest.mark.parametrize(
    ("kind", "site"), [("export", "shop"), ("import", "other"), ("import", None)]
)
def test_a_key_counts_for_one_kind_and_one_site(
    service: JobService, kind: str, site: str | None
) -> None:
    first = service.enqueue("import", site="shop", key="all")
    assert service.enqueue(kind, site=site, key="all").id != first.id


def test_asking_for_an_unknown_job_is_not_found(service: JobService) -> None:
    with pytest.raises(JobNotFound):
        service.get("nobody")


def test_a_site_sees_its_own_jobs(service: JobService) -> None:
    mine = service.enqueue("import", site="mine")
    other = service.enqueue("import", site="other")
    assert [job.id for job in service.list(site="mine")] == [mine.id]
    assert {job.id for job in service.list()} == {mine.id, other.id}


def test_a_failing_job_is_tried_five_times_with_growing_pauses(
    service: JobService, store: MemoryStore
) -> None:
    job_id = service.enqueue("import").id
    pauses = []
    for _ in range(MOST_ATTEMPTS - 1):
        service.fail(claim(service), Conflict("The shelf is full."))
        assert service.claim({"import"}) is None
        pauses.append(service.get(job_id).run_at - store.now)
        store.let_pass(pauses[-1].total_seconds())
    service.fail(claim(service), Conflict("The shelf is full."))
    failed = service.get(job_id)
    assert pauses == [timedelta(seconds=seconds) for seconds in (10, 40, 160, 640)]
    assert (failed.state, failed.error) == (State.FAILED, "The shelf is full.")
    store.let_pass(1_000_000)
    assert service.claim({"import"}) is None


def test_tries_are_counted_anew_once_the_cursor_has_moved(
    service: JobService, store: MemoryStore
) -> None:
    job_id = service.enqueue("import").id
    for step in range(MOST_ATTEMPTS * 3):
        job = claim(service)
        service.save(job, {"cursor": step})
        service.fail(job, Conflict())
        store.let_pass(10)
    assert service.get(job_id).state is State.QUEUED


def test_a_cursor_that_stays_does_not_count_as_progress(
    service: JobService, store: MemoryStore
) -> None:
    job_id = service.enqueue("import").id
    for _ in range(MOST_ATTEMPTS):
        job = claim(service)
        service.save(job, {"cursor": "stuck", "done": 3})
        service.fail(job, Conflict())
        store.let_pass(1_000)
    assert service.get(job_id).state is State.FAILED


def test_what_a_foreign_exception_carries_is_not_recorded(service: JobService) -> None:
    job_id = service.enqueue("import").id
    service.fail(claim(service), ValueError("mongodb://ana:pa55word@db"))
    error = service.get(job_id).error
    assert error is not None
    assert "ValueError" in error
    assert "pa55word" not in error


def test_a_job_that_kills_its_processes_is_given_up_without_being_run(
    service: JobService, store: MemoryStore
) -> None:
    job_id = service.enqueue("import").id
    for _ in range(MOST_ATTEMPTS):
        claim(service)
        store.let_pass(LEASE_SECONDS)
    assert service.claim({"import"}) is None
    given_up = service.get(job_id)
    assert given_up.state is State.FAILED
    assert given_up.error == "Every process that ran it ended before the job did."


def test_a_job_given_up_does_not_hide_the_next_one(service: JobService, store: MemoryStore) -> None:
    service.enqueue("import")
    for _ in range(MOST_ATTEMPTS):
        claim(service)
        store.let_pass(LEASE_SECONDS)
    healthy = service.enqueue("import")
    assert claim(service).id == healthy.id


def test_handing_back_is_no_try_and_keeps_the_cursor(service: JobService) -> None:
    job_id = service.enqueue("import").id
    for _ in range(MOST_ATTEMPTS * 2):
        job = claim(service)
        service.save(job, {"cursor": "here"})
        service.hand_back(job)
    assert (service.get(job_id).cursor, service.get(job_id).state) == ("here", State.QUEUED)


def test_a_periodic_job_goes_on_after_a_run_that_failed(
    service: JobService, store: MemoryStore
) -> None:
    service.periodic("sweep", 900)
    for _ in range(MOST_ATTEMPTS):
        service.fail(claim(service, "sweep"), Conflict("No."))
        store.let_pass((service.get("sweep").run_at - store.now).total_seconds())
    assert service.get("sweep").error == "No."
    service.finish(claim(service, "sweep"), {"swept": 3})
    swept = service.get("sweep")
    assert (swept.state, swept.error, swept.result) == (State.QUEUED, None, {"swept": 3})
    assert swept.run_at == store.now + timedelta(seconds=900)
