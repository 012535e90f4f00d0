"""Background work on a real MongoDB: once, resumed after a kill, one runner at a time."""

import contextlib
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from avenue.config import Settings
from avenue.errors import Conflict, Forbidden, Unavailable
from avenue.identity import Actor, Role, Site
from avenue.jobs.access import JobAccess
from avenue.jobs.errors import JobIsPeriodic, JobNotFound, JobOver
from avenue.jobs.models import CANCELLED, WITH_COMMAND, Job, Progress, State, Wish
from avenue.jobs.runner import Handler, JobRunner, RunningJob
from avenue.jobs.service import MOST_ATTEMPTS, JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database
from avenue.storage.schema import migrate
from tests.mongod import Mongod, fail_point
from tests.threads import at_once, joined
from tests.waiting import DEADLINE_SECONDS, ending, line_of, wait_until

ROOT = Path(__file__).parents[2]
SHORT_LEASE_SECONDS = 1.0
HELD_LEASE_SECONDS = 3.0
"""A heart on a busy machine beats in time."""


def service_of(database: Database, *, lease_seconds: float = 60.0) -> JobService:
    return JobService(MongoJobStore(database), lease_seconds=lease_seconds)


@pytest.fixture
def service(database: Database) -> JobService:
    return service_of(database)


@pytest.fixture
def other(shared_uri: str, database: Database) -> Iterator[JobService]:
    """The jobs as another process sees them: over its own client."""
    own = Database(Settings(mongodb_uri=shared_uri, local=True))
    yield service_of(own)
    own.close()


def make_due(database: Database) -> None:
    """Let the time of every job come, and the lease of every running one end."""
    long_ago = {"$dateSubtract": {"startDate": "$$NOW", "unit": "day", "amount": 1}}
    database.raw["jobs"].update_many({}, [{"$set": {"run_at": long_ago}}])


def claim(service: JobService, kind: str = "work") -> Job:
    job = service.claim({kind})
    assert job is not None
    return job


@contextmanager
def running(runner: JobRunner) -> Iterator[threading.Event]:
    """Run `runner` in a thread, as a web process does."""
    stop = threading.Event()
    thread = threading.Thread(target=runner.run_forever, args=(stop,), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        joined(thread)


def test_a_job_keeps_what_it_was_given_and_what_it_returns(service: JobService) -> None:
    strange = {"a.b": {"$set": "$x"}, "list": [1, None, "é"]}

    def handler(job: RunningJob) -> dict[str, Any]:
        job.save(cursor={"after": "$id"}, done=3, total=9)
        return {"$sum": [1], "given": job.args}

    job_id = service.enqueue("work", strange, site="shop").id
    assert JobRunner(service, {"work": handler}).run_one()
    done = service.get(job_id)
    assert (done.state, done.args, done.site) == (State.DONE, strange, "shop")
    assert done.result == {"$sum": [1], "given": strange}
    assert (done.cursor, done.progress) == ({"after": "$id"}, Progress(done=3, total=9))
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at


def test_the_job_that_is_due_longest_comes_first(service: JobService) -> None:
    ids = [service.enqueue("work").id for _ in range(3)]
    assert [claim(service).id for _ in ids] == ids


def test_a_result_replaces_the_one_before_it(database: Database, service: JobService) -> None:
    results = iter([{"first": 1}, {"second": 2}])
    service.periodic("work", 60)
    runner = JobRunner(service, {"work": lambda _: next(results)})
    for _ in range(2):
        make_due(database)
        assert runner.run_one()
    assert service.get("work").result == {"second": 2}


def test_pressing_a_button_in_eight_places_at_once_makes_one_job(
    service: JobService, other: JobService
) -> None:
    ids = at_once(8, lambda n: (service, other)[n % 2].enqueue("work", key="all").id)
    assert len(set(ids)) == 1
    assert len(service.list()) == 1


def test_who_sees_what_a_job_needs_takes_it_and_so_does_who_is_told_to(
    database: Database, service: JobService
) -> None:
    below, told = (service.enqueue("work", place=each).id for each in ("/moves", WITH_COMMAND))
    anywhere = service.enqueue("work").id
    later = service.enqueue("work", after_seconds=60).id
    assert claim(service).id == anywhere
    assert service.claim({"work"}) is None
    sees = JobService(MongoJobStore(database, places=lambda: ["/moves"]))
    assert claim(sees).id == below
    assert sees.claim({"work"}) is None
    for each in (told, later):  # whoever is told to do one job has what it needs, and need not wait
        job = service.claim({"work"}, only=each)
        assert job is not None
        assert service.fail(job, ValueError())
        assert service.claim({"work"}, only=each) is None, "the next try has its time"


def test_who_waits_for_one_job_does_no_other(service: JobService) -> None:
    others = [service.enqueue("work").id for _ in range(2)]
    mine = service.enqueue("work")
    runner = JobRunner(service, {"work": lambda _: {}}, only=mine.id)
    assert runner.run_one()
    assert not runner.run_one()
    assert service.get(mine.id).state is State.DONE
    assert {service.get(each).state for each in others} == {State.QUEUED}


def test_a_key_is_free_again_when_its_job_is_finished(
    database: Database, service: JobService
) -> None:
    first = service.enqueue("work", key="all").id
    service.finish(claim(service), None)
    second = service.enqueue("work", key="all").id
    for _ in range(MOST_ATTEMPTS):
        claim(service)
        make_due(database)
    assert service.claim({"work"}) is None
    assert service.get(second).state is State.FAILED
    assert len({first, second, service.enqueue("work", key="all").id}) == 3


def test_the_newest_jobs_come_first_and_a_site_sees_its_own(service: JobService) -> None:
    ids = []
    for n in range(6):
        ids.append(service.enqueue("work", site=("a", "b")[n % 2]).id)
        before = service.get(ids[-1]).created_at
        wait_until(lambda: service.enqueue("clock").created_at > before, "a millisecond")  # noqa: B023
    assert [job.id for job in service.list() if job.kind == "work"] == ids[::-1]
    assert [job.id for job in service.list(site="a")] == ids[4::-2]


def test_two_runners_never_run_one_job_at_once(service: JobService, other: JobService) -> None:
    ids = [service.enqueue("work").id for _ in range(20)]
    present: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    crowds = []
    lock = threading.Lock()

    def handler(job: RunningJob) -> None:
        with lock:
            runs[job.id] += 1
            present[job.id] += 1
            crowds.append(present[job.id])
        job.save(done=1)
        with lock:
            present[job.id] -= 1

    def work(number: int) -> None:
        runner = JobRunner((service, other)[number % 2], {"work": handler})
        while runner.run_one():
            pass

    at_once(4, work)
    assert set(crowds) == {1}
    assert runs == Counter(ids)
    assert {service.get(job_id).state for job_id in ids} == {State.DONE}


def test_a_killed_process_leaves_its_job_to_another_after_the_lease(
    database: Database, shared_uri: str
) -> None:
    service = service_of(database, lease_seconds=SHORT_LEASE_SECONDS)
    job_id = service.enqueue("count", {"steps": 8}).id
    worker = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("killed_worker.py"), shared_uri, "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    with ending(worker):
        assert worker.stdin is not None
        for step in range(1, 6):
            assert line_of(worker) == f"{step}\n"
            if step < 5:
                worker.stdin.write("\n")
                worker.stdin.flush()
        # Longer than the lease: in all this silence the heart keeps it.
        first_lease_ends_at = service.get(job_id).run_at
        wait_until(lambda: service.get(job_id).run_at > first_lease_ends_at, "a heartbeat")
        worker.kill()
    left = service.get(job_id)
    steps = []

    def handler(job: RunningJob) -> dict[str, Any]:
        for step in range(job.cursor, job.args["steps"]):
            steps.append(step + 1)
            job.save(cursor=step + 1, done=step + 1)
        return {"by": "another"}

    runner = JobRunner(service, {"count": handler})
    wait_until(runner.run_one, "the lease ends")
    done = service.get(job_id)
    assert (left.state, left.cursor) == (State.RUNNING, 5)
    assert steps == [6, 7, 8]
    assert (done.state, done.result) == (State.DONE, {"by": "another"})
    assert done.started_at is not None
    assert done.started_at >= left.run_at


def test_the_heart_keeps_the_lease_of_a_silent_handler(
    database: Database, other: JobService
) -> None:
    service = service_of(database, lease_seconds=HELD_LEASE_SECONDS)

    def handler(job: RunningJob) -> dict[str, bool]:
        first_lease_ends_at = service.get(job.id).run_at
        after_it = timedelta(seconds=HELD_LEASE_SECONDS)
        wait_until(
            lambda: service.get(job.id).run_at >= first_lease_ends_at + after_it, "heartbeats"
        )
        return {"taken": other.claim({"work"}) is not None}

    job_id = service.enqueue("work").id
    JobRunner(service, {"work": handler}).run_one()
    assert service.get(job_id).result == {"taken": False}


def test_a_handler_whose_lease_was_lost_stops_and_changes_nothing(
    database: Database, service: JobService, other: JobService
) -> None:
    steps = []

    def handler(job: RunningJob) -> dict[str, str]:
        job.save(cursor="first")
        make_due(database)
        thief.append(claim(other))
        steps.append("before")
        job.save(cursor="second")
        steps.append("after")
        return {"by": "the first"}

    thief: list[Job] = []
    job_id = service.enqueue("work").id
    JobRunner(service, {"work": handler}).run_one()
    assert steps == ["before"]
    assert thief[0].cursor == "first"
    assert service.get(job_id) == thief[0]
    assert other.finish(thief[0], {"by": "the second"})
    assert service.get(job_id).result == {"by": "the second"}


def test_nothing_done_without_the_lease_has_an_effect(
    database: Database, service: JobService, other: JobService
) -> None:
    service.enqueue("work")
    mine = claim(service)
    make_due(database)
    theirs = claim(other)
    acts: dict[str, Callable[[], bool]] = {
        "extend": lambda: service.extend(mine),
        "save": lambda: service.save(mine, {"cursor": 1}) is not None,
        "halt": lambda: service.halt(mine),
        "finish": lambda: service.finish(mine, {}),
        "fail": lambda: service.fail(mine, Conflict()),
        "hand_back": lambda: service.hand_back(mine),
    }
    for name, act in acts.items():
        assert act() is False, name
        assert service.get(mine.id) == theirs, name


@pytest.mark.failing_jobs
def test_a_failing_job_is_tried_again_later_and_then_given_up(
    database: Database, service: JobService
) -> None:
    runs = []

    def handler(job: RunningJob) -> None:
        runs.append(job.cursor)
        job.save(cursor="kept")
        raise Conflict("The shelf is full.")

    job_id = service.enqueue("work").id
    runner = JobRunner(service, {"work": handler})
    for _ in range(MOST_ATTEMPTS - 1):
        assert runner.run_one()
        waiting = service.get(job_id)
        assert (waiting.state, waiting.error) == (State.QUEUED, "The shelf is full.")
        assert not runner.run_one(), "it waits for its time"
        make_due(database)
    assert runner.run_one()
    make_due(database)
    assert not runner.run_one()
    assert service.get(job_id).state is State.FAILED
    assert runs == [None, *["kept"] * (MOST_ATTEMPTS - 1)]


def test_the_pauses_between_tries_grow(database: Database, service: JobService) -> None:
    job_id = service.enqueue("work").id
    pauses = []
    for _ in range(MOST_ATTEMPTS - 1):
        job = claim(service)
        service.fail(job, Conflict())
        began_at = service.get(job_id).started_at
        assert began_at is not None
        pauses.append((service.get(job_id).run_at - began_at).total_seconds())
        make_due(database)
    for pause, least in zip(pauses, (10, 40, 160, 640), strict=True):
        assert least <= pause < least + 5


def test_a_stopping_runner_hands_its_job_back_at_once(
    service: JobService, other: JobService
) -> None:
    reached = threading.Event()
    steps = []

    def handler(job: RunningJob) -> None:
        for step in range(job.cursor or 0, 50):
            steps.append(step)
            job.save(cursor=step + 1)
            if step == 3:
                reached.set()
                assert stop.wait(DEADLINE_SECONDS)

    job_id = service.enqueue("work").id
    with running(JobRunner(service, {"work": handler})) as stop:
        assert reached.wait(DEADLINE_SECONDS)
    handed = service.get(job_id)
    assert (handed.state, handed.cursor, handed.attempts) == (State.QUEUED, 5, 0)
    assert JobRunner(other, {"work": handler}).run_one()
    assert steps == list(range(50))


def counting_to(end: int, meanwhile: dict[int, Callable[[], object]]) -> tuple[Handler, list[int]]:
    """A handler that counts, and what it counted; at some steps something happens beside it."""
    steps: list[int] = []

    def handler(job: RunningJob) -> dict[str, int]:
        for step in range((job.cursor or 0) + 1, end + 1):
            steps.append(step)
            meanwhile.get(step, lambda: None)()
            job.save(cursor=step, done=step, total=end)
        return {"counted": end}

    return handler, steps


def test_a_running_job_pauses_at_its_next_save_and_goes_on_from_there(
    service: JobService, other: JobService
) -> None:
    job_id = service.enqueue("work", key="one").id
    handler, steps = counting_to(6, {3: lambda: wishes.append(other.pause(job_id).wish)})
    wishes: list[Wish | None] = []
    runner = JobRunner(service, {"work": handler})
    assert runner.run_one()
    paused = service.get(job_id)
    assert (paused.state, paused.cursor, paused.progress.done) == (State.PAUSED, 3, 3)
    assert (paused.wish, paused.holder, paused.attempts, paused.error) == (None, None, 0, None)
    assert wishes == [Wish.PAUSE]
    assert not runner.run_one()
    assert service.enqueue("work", key="one").id == job_id, "it is still the one job of its key"
    assert other.resume(job_id).state is State.QUEUED
    assert runner.run_one()
    assert steps == [1, 2, 3, 4, 5, 6]
    assert service.get(job_id).result == {"counted": 6}


def test_a_running_job_is_cancelled_at_its_next_save_and_keeps_what_it_did(
    database: Database, service: JobService, other: JobService
) -> None:
    job_id = service.enqueue("work", key="one").id
    handler, steps = counting_to(6, {2: lambda: (other.pause(job_id), other.cancel(job_id))})
    runner = JobRunner(service, {"work": handler})
    assert runner.run_one()
    over = service.get(job_id)
    assert (over.state, over.cursor, over.error) == (State.CANCELLED, 2, CANCELLED)
    assert over.is_finished
    assert over.finished_at is not None
    make_due(database)
    assert not runner.run_one()
    assert steps == [1, 2]
    assert service.enqueue("work", key="one").id != job_id
    kept = database.raw["jobs"].find_one({"_id": job_id})
    assert kept is not None
    assert "forget_at" in kept


def test_what_waits_is_paused_and_cancelled_at_once(
    database: Database, service: JobService
) -> None:
    waiting, paused = service.enqueue("work").id, service.enqueue("work").id
    assert service.cancel(waiting).state is State.CANCELLED
    assert service.pause(paused).state is State.PAUSED
    make_due(database)
    assert service.claim({"work"}) is None
    assert service.cancel(paused).state is State.CANCELLED
    for again in (waiting, paused):
        assert service.cancel(again).state is State.CANCELLED, "it may be asked twice"
        for act in (service.pause, service.resume):
            with pytest.raises(JobOver):
                act(again)
    with pytest.raises(JobNotFound):
        service.cancel("nobody")


def test_a_wish_nobody_could_notice_is_done_by_the_next_runner(
    database: Database, service: JobService, other: JobService
) -> None:
    ids = {act: service.enqueue("work").id for act in ("pause", "cancel", "withdrawn", "none")}
    held = {claim(service).id for _ in ids}
    service.pause(ids["pause"])
    service.cancel(ids["cancel"])
    service.pause(ids["withdrawn"])
    service.resume(ids["withdrawn"])
    assert held == set(ids.values())
    make_due(database)  # both were killed, as far as anybody knows
    taken = {claim(other).id for _ in range(2)}
    assert other.claim({"work"}) is None
    assert taken == {ids["withdrawn"], ids["none"]}
    assert service.get(ids["pause"]).state is State.PAUSED
    assert service.get(ids["cancel"]).state is State.CANCELLED


@pytest.mark.parametrize("ends", ["well", pytest.param("badly", marks=pytest.mark.failing_jobs)])
def test_a_job_that_ends_before_it_notices_does_what_was_wished(
    service: JobService, ends: str
) -> None:
    def handler(job: RunningJob) -> None:
        (service.pause if job.args["act"] == "pause" else service.cancel)(job.id)
        if ends == "badly":
            raise Conflict("The shelf is full.")

    paused, cancelled = (service.enqueue("work", {"act": act}).id for act in ("pause", "cancel"))
    runner = JobRunner(service, {"work": handler})
    assert runner.run_one()
    assert runner.run_one()
    expected = (State.DONE, State.DONE) if ends == "well" else (State.PAUSED, State.CANCELLED)
    assert (service.get(paused).state, service.get(cancelled).state) == expected


def test_a_periodic_job_is_paused_and_not_cancelled(
    database: Database, service: JobService, other: JobService
) -> None:
    service.periodic("sweep", 3600)
    runner = JobRunner(service, {"sweep": lambda _: other.pause("sweep") and {}})
    with pytest.raises(JobIsPeriodic):
        service.cancel("sweep")
    assert runner.run_one()
    after = service.get("sweep")
    assert (after.state, after.wish, after.error) == (State.PAUSED, None, None)
    assert after.finished_at is not None
    make_due(database)
    service.periodic("sweep", 60)
    assert not runner.run_one(), "registering it anew lets it rest"
    service.resume("sweep")
    assert runner.run_one()


def test_pausing_while_runners_look_loses_no_job_and_runs_none_twice(
    service: JobService, other: JobService
) -> None:
    ids = [service.enqueue("work").id for _ in range(6)]
    runs: Counter[str] = Counter()

    def handler(job: RunningJob) -> None:
        for step in range(job.cursor or 0, 3):
            job.save(cursor=step + 1)
        runs[job.id] += 1

    def act(number: int) -> None:
        if number < 2:
            runner = JobRunner((service, other)[number], {"work": handler})

            def are_done() -> bool:
                runner.run_one()
                return all(service.get(each).is_finished for each in ids)

            wait_until(are_done, "all are done", every=0)
            return
        for each in ids:
            for change in (service.pause, service.resume):
                with contextlib.suppress(JobOver):
                    change(each)

    at_once(4, act)
    assert {service.get(each).state for each in ids} == {State.DONE}
    assert runs == Counter(ids)


def test_operators_see_and_stop_the_work_that_is_theirs(service: JobService) -> None:
    desk = JobAccess(service)
    own, foreign = service.enqueue("work", site="a").id, service.enqueue("work", site="b").id
    of_deployment = service.enqueue("work").id
    over = service.enqueue("work", site="a").id
    service.cancel(over)

    def actor(site: str, role: Role, *, superuser: bool = False) -> Actor:
        place = Site(id=site, hosts=(), base_url="https://a.example", name=site)
        return Actor(site=place, id="x", role=role, superuser=superuser)

    at_site = desk.work(actor("a", Role.OPS))
    assert [each.id for each in at_site.unfinished] == [own]
    assert [each.id for each in at_site.finished] == [over]
    for hidden in (foreign, of_deployment):
        with pytest.raises(JobNotFound):
            desk.pause(actor("a", Role.ADMIN), hidden)
    for who in (actor("default", Role.OPS), actor("b", Role.SELLER, superuser=True)):
        assert {each.id for each in desk.work(who).unfinished} == {own, foreign, of_deployment}
        assert desk.pause(who, of_deployment).state is State.PAUSED
        assert desk.resume(who, of_deployment).state is State.QUEUED
    for act in (desk.pause, desk.resume, desk.cancel, desk.get):
        with pytest.raises(Forbidden):
            act(actor("a", Role.SELLER), own)
    assert desk.cancel(actor("a", Role.OPS), own).state is State.CANCELLED


def test_a_periodic_job_runs_once_per_period_however_many_runners(
    database: Database, service: JobService, other: JobService
) -> None:
    runs: list[int] = []

    def handler(_: RunningJob) -> None:
        runs.append(1)

    def work(number: int) -> bool:
        mine = (service, other)[number % 2]
        mine.periodic("sweep", 3600)
        return JobRunner(mine, {"sweep": handler}).run_one()

    for period in range(1, 4):
        ran = at_once(4, work)
        assert sum(ran) == 1
        assert len(runs) == period
        waiting = service.get("sweep")
        assert waiting.finished_at is not None
        assert waiting.run_at == waiting.finished_at + timedelta(hours=1)
        make_due(database)
    assert len(service.list()) == 1


def test_registering_many_periodic_jobs_from_many_places_makes_one_of_each(
    service: JobService, other: JobService
) -> None:
    def register(number: int) -> None:
        for kind in range(8):
            (service, other)[number % 2].periodic(f"kind {kind}", 60)

    at_once(4, register)
    assert len(service.list()) == 8


def test_a_shorter_period_counts_from_now_and_a_longer_one_from_the_next_end(
    service: JobService,
) -> None:
    service.periodic("sweep", 3600)
    service.finish(claim(service, "sweep"), None)
    first = service.get("sweep")
    service.periodic("sweep", 60)
    shorter = service.get("sweep")
    service.periodic("sweep", 7200)
    longer = service.get("sweep")
    assert first.run_at - shorter.run_at > timedelta(minutes=58)
    assert (shorter.every_seconds, longer.every_seconds) == (60, 7200)
    assert longer.run_at == shorter.run_at


def test_registering_a_running_periodic_job_leaves_its_lease_alone(service: JobService) -> None:
    service.periodic("sweep", 3600)
    job = claim(service, "sweep")
    service.periodic("sweep", 1)
    assert service.get("sweep").run_at == job.run_at
    assert service.finish(job, None)


def test_a_finished_job_is_forgotten_later_and_a_periodic_one_never(
    database: Database, service: JobService
) -> None:
    service.periodic("sweep", 60)
    job_id = service.enqueue("work").id
    service.finish(claim(service, "sweep"), None)
    service.finish(claim(service), None)
    found = {each["_id"]: each for each in database.raw["jobs"].find()}
    assert "forget_at" not in found["sweep"]
    kept = found[job_id]["forget_at"] - found[job_id]["finished_at"]
    assert kept == timedelta(days=30)
    ttl = database.raw["jobs"].index_information()["forget_at_1"]
    assert ttl["expireAfterSeconds"] == 0


def test_looking_for_work_reads_an_index_only_up_to_now(database: Database) -> None:
    service = service_of(database)
    service.periodic("work", 3600)
    service.finish(claim(service), None)
    for _ in range(10):
        service.finish(service.enqueue("work") and claim(service), None)
    with profiled(database) as commands:
        assert service.claim({"work"}) is None
    (look,) = commands("findandmodify")
    assert "IXSCAN { state: 1, kind: 1, run_at: 1 }" in look["planSummary"]
    assert look["docsExamined"] == 0


@contextmanager
def profiled(database: Database) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Have mongod record every command; yields a way to ask for those of one name."""
    database.raw.command("profile", 2)
    try:
        yield lambda name: [
            each
            for each in database.raw["system.profile"].find({"op": "command"})
            if name in {key.lower() for key in each["command"]}
        ]
    finally:
        database.raw.command("profile", 0)


@pytest.mark.failing_jobs
def test_a_job_outlives_a_database_that_is_killed(fresh_mongod: Mongod) -> None:
    uri = fresh_mongod.uri_of("avenue")
    patient = Database(Settings(mongodb_uri=uri, local=True))
    migrate(patient)
    hasty = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1, write_seconds=1))
    service = service_of(hasty, lease_seconds=SHORT_LEASE_SECONDS)
    looking = service_of(patient)
    job_id = looking.enqueue("work").id
    runs = []
    away = threading.Event()

    def handler(job: RunningJob) -> None:
        runs.append(job.cursor)
        wait_until(lambda: is_saved(job, "half"), "it is saved, however busy the machine is")
        if len(runs) == 1:
            fresh_mongod.kill()
        try:
            job.save(done=1)
        except Unavailable:
            away.set()
            raise

    with running(JobRunner(service, {"work": handler})):
        assert away.wait(DEADLINE_SECONDS)
        fresh_mongod.restart()
        wait_until(lambda: looking.get(job_id).is_finished, "the job is done")
    hasty.close()
    patient.close()
    assert runs[0] is None
    assert set(runs[1:]) == {"half"}


def is_saved(job: RunningJob, cursor: str) -> bool:
    try:
        job.save(cursor=cursor)
    except Unavailable:
        return False
    return True


@pytest.mark.parametrize(
    "times", [3, *(pytest.param(each, marks=pytest.mark.long) for each in (1, 2))]
)
@pytest.mark.parametrize(
    "fault",
    [{"write_concern_error": 91}, pytest.param({"error_code": 189}, marks=pytest.mark.long)],
)
def test_errors_in_a_row_lose_no_step(
    mongod: Mongod, service: JobService, times: int, fault: dict[str, int]
) -> None:
    def handler(job: RunningJob) -> None:
        with fail_point(mongod.client, ["findAndModify"], times, **fault, app_name="avenue"):
            for step in range(5):
                job.save(cursor=step)

    job_id = service.enqueue("work").id
    handlers: dict[str, Handler] = {"work": handler}
    assert JobRunner(service, handlers).run_one()
    assert (service.get(job_id).state, service.get(job_id).cursor) == (State.DONE, 4)


def test_how_the_queue_stands_is_told_by_kind(database: Database, service: JobService) -> None:
    for _ in range(4):
        service.enqueue("work")
    service.finish(claim(service), None)
    service.fail(claim(service), Unavailable())  # tried again later
    running = claim(service)
    service.periodic("sweep", 3600)
    service.finish(claim(service, "sweep"), None)
    sweep, work = service.queues()
    assert (work.kind, work.due, work.later, work.running, work.failed) == ("work", 1, 1, 1, 0)
    assert work.finished_at is None
    assert (sweep.kind, sweep.due, sweep.later, sweep.failed) == ("sweep", 0, 1, 0)
    assert sweep.finished_at == service.get("sweep").finished_at

    database.raw["jobs"].update_one({"_id": running.id}, {"$set": {"attempts": MOST_ATTEMPTS}})
    service.fail(running, Unavailable())
    database.raw["jobs"].update_one({"_id": "sweep"}, {"$set": {"error": "It failed."}})
    sweep, work = service.queues()
    assert (work.running, work.failed, sweep.failed) == (0, 1, 1)


@pytest.mark.failing_jobs
def test_each_run_is_counted_by_how_it_ended(service: JobService) -> None:
    def handler(job: RunningJob) -> None:
        if job.args["fails"]:
            raise Unavailable

    runner = JobRunner(service, {"counted": handler})
    for fails in (False, True, False):
        service.enqueue("counted", {"fails": fails})
        assert runner.run_one()
    count = REGISTRY.get_sample_value
    assert count("avenue_job_runs_total", {"kind": "counted", "outcome": "done"}) == 2
    assert count("avenue_job_runs_total", {"kind": "counted", "outcome": "failed"}) == 1
    assert count("avenue_job_seconds_count", {"kind": "counted"}) == 3


@pytest.mark.parametrize("damage", [{"args": 7}, {"state": "zzz"}, {"progress": {}}])
def test_a_job_that_cannot_be_read_keeps_no_other_from_being_done(
    service: JobService, database: Database, damage: dict[str, Any]
) -> None:
    first = service.enqueue("work", key="all").id
    service.periodic("again", 60)
    database.raw["jobs"].update_many({}, {"$set": damage})
    second = service.enqueue("work", key="all").id
    service.periodic("again", 60)
    assert first != second == service.enqueue("work", key="all").id
    assert {claim(service).id, claim(service, "again").id} == {second, "again"}
