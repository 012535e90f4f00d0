"""The pool of decode processes: fast when all is well, and never hurt by a picture."""

import gc
import hashlib
import io
import os
import queue
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.media.errors import BrokenImage, DecodersBusy, ImageTooCostly, TooManyFrames
from avenue.media.intake.cleaning import clean
from avenue.media.intake.policy import image_limits
from avenue.media.intake.sniffing import detect
from avenue.media.pictures import decoding
from avenue.media.pictures.channel import send
from avenue.media.pictures.decoding import DecodePool, processes_for
from avenue.media.pictures.facts import CleanCopy, Examined, PictureFacts, Rendition, Wanted
from avenue.media.pictures.variants import EAGER, FORMATS, VARIANTS
from tests import pictures
from tests.opening import examine, render
from tests.threads import Threads, at_once, joined
from tests.waiting import DEADLINE_SECONDS, wait_until

LIMITS = image_limits(Settings())
FOR_EVER_SECONDS = 86_400
PATIENT = {"upload_seconds": DEADLINE_SECONDS, "render_seconds": DEADLINE_SECONDS}
ANY_SCANS = replace(LIMITS, max_scans=10**6)


@contextmanager
def spooled(data: bytes) -> Iterator[BinaryIO]:
    """`data` in an unlinked file, as an arrived body."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        yield file


def examined(pool: DecodePool, data: bytes, limits=LIMITS) -> PictureFacts:
    media_type = detect(data)
    assert media_type is not None
    with spooled(data) as file:
        return pool.examine(file, media_type.name, limits).facts


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    """A pool that the test may damage, close or count the processes of."""
    pool = DecodePool(1)
    yield pool
    pool.close()


@pytest.fixture
def quick_pool(pool: DecodePool) -> DecodePool:
    """A pool whose process has the usual priority, where the user may give it that.

    Beside busy processes, the low one of decoders makes a second of work take a minute.
    """
    examined(pool, pictures.photo())
    (process,) = children()
    with suppress(psutil.AccessDenied):
        process.nice(0)
    return pool


OTHERS: set[psutil.Process] = set()
"""Decoders that are not of the pool under test: of applications, and of `shared_pool`."""


@pytest.fixture(scope="module")
def kept_pool() -> Iterator[tuple[DecodePool, set[psutil.Process]]]:
    """One pool for tests that only ask for pictures, and the decoders that were there before."""
    OTHERS.clear()
    there_before = set(children())
    pool = DecodePool(1)
    yield pool, there_before
    pool.close()


@pytest.fixture
def shared_pool(kept_pool: tuple[DecodePool, set[psutil.Process]]) -> DecodePool:
    """A pool whose process other tests, and attacks, have used before."""
    pool, there_before = kept_pool
    OTHERS.clear()
    OTHERS.update(there_before)
    return pool


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(children())


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is niced waits long for its turn beside busy others; here, none of it is stuck."""
    monkeypatch.setattr(decoding, "WALL_SECONDS_PER_CPU_SECOND", 100)


def children() -> list[psutil.Process]:
    return [
        child for child in psutil.Process().children() if child not in OTHERS and is_decoder(child)
    ]


def is_decoder(process: psutil.Process) -> bool:
    """Whether it runs; one that ends while it is looked at does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and any(
            "avenue.media.pictures.decoder" in word for word in process.cmdline()
        )
    except psutil.NoSuchProcess:
        return False


def suspend(process: psutil.Process) -> None:
    """Stop it, and return when it stands still."""
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)


@contextmanager
def long_job(pool: DecodePool, **limits: int) -> Iterator[tuple[psutil.Process, Future]]:
    """A picture being opened that takes minutes: its process, and what it will come to."""
    bomb = pictures.scan_bomb()
    allowed = replace(ANY_SCANS, **{"cpu_seconds": 300, **limits})
    with Threads(1) as threads:
        outcome = threads.submit(examined, pool, bomb, allowed)
        wait_until(lambda: bool(children()) and children()[0].cpu_times().user > 0.3)
        (process,) = children()
        try:
            yield process, outcome
        finally:
            if process.is_running():
                process.kill()


def test_a_picture_is_examined_in_another_process(shared_pool: DecodePool) -> None:
    facts = examined(shared_pool, pictures.photo(320, 240, orientation=6))
    assert facts == PictureFacts(width=240, height=320, orientation=6, frames=1)
    assert len(children()) == 1


def test_a_photograph_of_twelve_megapixels_is_examined(shared_pool: DecodePool) -> None:
    assert examined(shared_pool, pictures.large_photo()).width == 4000


def test_no_process_is_started_before_a_picture_comes(pool: DecodePool) -> None:
    assert children() == []


def test_the_position_of_the_file_stays_where_it_is(shared_pool: DecodePool) -> None:
    with spooled(pictures.photo()) as file:
        file.seek(7)
        shared_pool.examine(file, "image/jpeg", LIMITS)
        assert file.tell() == 7


def test_a_refusal_crosses_the_process_with_its_numbers(shared_pool: DecodePool) -> None:
    with pytest.raises(TooManyFrames, match="5000 frames") as refused:
        examined(shared_pool, pictures.apng_claiming_frames(5000))
    assert refused.value.facts == {"frames": 5000, "max_frames": 100}


def test_a_refused_picture_costs_no_process(shared_pool: DecodePool) -> None:
    examined(shared_pool, pictures.photo())
    before = children()
    with pytest.raises(BrokenImage):
        examined(shared_pool, pictures.truncated(pictures.photo()))
    assert examined(shared_pool, pictures.photo()).width == 320
    assert children() == before


def test_an_empty_file_is_a_broken_picture(shared_pool: DecodePool) -> None:
    with spooled(b"") as file, pytest.raises(BrokenImage):
        shared_pool.examine(file, "image/jpeg", LIMITS)


# Limits of the process. The decoders are niced: beside another worker of the suite, a second of
# processor time can take longer than the pool waits.


@pytest.mark.alone
def test_a_scan_bomb_that_passes_the_scan_limit_gets_its_cpu_seconds_and_hardly_more(
    quick_pool: DecodePool,
) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(ImageTooCostly) as refused:
        examined(quick_pool, pictures.scan_bomb(), replace(ANY_SCANS, cpu_seconds=1))
    assert refused.value.facts == {"cpu_seconds": 1}
    assert children() == []
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The kernel counts whole seconds, and the process's start is in the sum; it would take minutes.
    assert used < 10
    assert examined(quick_pool, pictures.photo()).width == 320


@pytest.mark.alone
def test_every_picture_has_its_own_cpu_seconds(quick_pool: DecodePool) -> None:
    limits = replace(ANY_SCANS, cpu_seconds=1)
    bomb = pictures.scan_bomb(25)  # a second is many times what it takes, on a busy machine too
    examined(quick_pool, bomb, limits)
    (process,) = children()
    started_with = sum(process.cpu_times()[:2])
    while sum(process.cpu_times()[:2]) < started_with + 1.5:
        examined(quick_pool, bomb, limits)
    assert children() == [process]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pictures.solid_png(5000, 5000, color_type=6),
        pytest.param(
            lambda: pictures.photo(4000, 4000, format="JPEG", progressive=True, noise=False),
            marks=pytest.mark.long,
        ),
        pytest.param(lambda: pictures.webp_claiming(4000, 4000), marks=pytest.mark.long),
    ],
)
def test_a_picture_that_needs_too_much_memory_is_refused(
    pool: DecodePool, make: Callable[[], bytes]
) -> None:
    data = make()
    with pytest.raises(ImageTooCostly) as refused:
        examined(pool, data, replace(LIMITS, memory_mb=24))
    assert refused.value.facts == {"memory_mb": 24}
    assert examined(pool, data).height >= 4000


def test_a_process_that_gives_no_answer_is_ended_and_the_picture_may_come_again(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined(pool, pictures.photo())
    (process,) = children()
    suspend(process)
    with monkeypatch.context() as hasty:
        hasty.setattr(decoding, "WALL_SECONDS_PER_CPU_SECOND", 0.1)
        with pytest.raises(DecodersBusy):
            examined(pool, pictures.photo())
    assert not process.is_running()
    assert examined(pool, pictures.photo()).width == 320


# Processes that die


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (signal.SIGKILL, ImageTooCostly),
        (signal.SIGSEGV, BrokenImage),
        pytest.param(signal.SIGABRT, BrokenImage, marks=pytest.mark.long),
        pytest.param(signal.SIGBUS, BrokenImage, marks=pytest.mark.long),
    ],
)
def test_a_process_that_dies_fails_its_picture_only(
    pool: DecodePool, by: signal.Signals, reason: type[AvenueError]
) -> None:
    with long_job(pool) as (process, outcome):
        process.send_signal(by)
        with pytest.raises(reason):
            outcome.result(DEADLINE_SECONDS)
    assert examined(pool, pictures.photo()).width == 320
    assert children() != [process]


def test_a_process_that_died_idle_is_replaced_without_anybody_noticing(pool: DecodePool) -> None:
    for _ in range(2):
        examined(pool, pictures.photo())
        (process,) = children()
        process.kill()
    assert examined(pool, pictures.photo()).width == 320


def test_a_process_that_dies_before_it_reads_its_picture_does_not_fail_it(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined(pool, pictures.photo())
    (process,) = children()
    suspend(process)

    def send_and_kill(*message: object) -> None:
        send(*message)
        if process.is_running():
            process.kill()

    monkeypatch.setattr(decoding, "send", send_and_kill)
    assert examined(pool, pictures.photo()).width == 320
    assert not process.is_running()


def test_a_process_that_leaves_and_does_not_end_is_not_the_pictures_fault(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is ended by a limit, where a busy machine keeps it from its last steps."""
    started_by(
        monkeypatch,
        "import socket, sys, time;"
        "from avenue.media.pictures.decoder import receive_with_files, send;"
        "channel = socket.socket(fileno=int(sys.argv[1]));"
        "send(channel, {'ready': True, 'lacking': []});"
        "receive_with_files(channel); channel.close(); time.sleep(600)",
    )
    monkeypatch.setattr(decoding, "END_SECONDS", 0.1)
    with pytest.raises(DecodersBusy):
        examined(pool, pictures.photo())
    assert children() == []


@pytest.mark.parametrize("executable", ["/nonexistent/python", "/bin/false"])
def test_when_no_process_can_be_started_the_picture_is_not_blamed(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", executable)
        with pytest.raises(DecodersBusy):
            examined(pool, pictures.photo())
    assert examined(pool, pictures.photo()).width == 320


def test_the_processes_end_when_the_web_process_is_killed() -> None:
    program = (
        "import sys, tempfile; from avenue.config import Settings;"
        "from avenue.media.pictures.decoding import DecodePool;"
        "from avenue.media.intake.policy import *;"
        "from tests import pictures; import psutil, os, signal;"
        "pool = DecodePool(1); file = tempfile.TemporaryFile(); file.write(pictures.photo());"
        "pool.examine(file, 'image/jpeg', image_limits(Settings()));"
        "print(psutil.Process().children()[0].pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    wait_until(lambda: _is_gone(int(ended.stdout)))


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# Many at once


@pytest.mark.parametrize("turns", [4, pytest.param(10, marks=pytest.mark.long)])
def test_twenty_threads_share_two_processes(turns: int) -> None:
    pool = DecodePool(2, **PATIENT)
    most = 0
    wrong: queue.Queue[object] = queue.Queue()

    def upload(number: int) -> None:
        nonlocal most
        width = 100 + number
        for turn in range(turns):
            if turn % 3 == 2:
                try:
                    examined(pool, pictures.truncated(pictures.photo(width, 90)))
                except BrokenImage:
                    continue
                wrong.put((number, turn))
            elif examined(pool, pictures.photo(width, 90)).width != width:
                wrong.put((number, turn))
            most = max(most, len(children()))

    at_once(20, upload)
    pool.close()
    assert wrong.empty()
    assert most == 2
    assert children() == []


def test_who_waits_too_long_is_told_to_come_again() -> None:
    pool = DecodePool(1, upload_seconds=0.05)
    with long_job(pool):
        with pytest.raises(DecodersBusy) as refused:
            examined(pool, pictures.photo())
        assert refused.value.status == 503
        assert refused.value.headers == {"Retry-After": "5"}
    pool.close()


def test_when_too_many_wait_already_nobody_else_does() -> None:
    pool = DecodePool(1, upload_seconds=FOR_EVER_SECONDS, max_waiting=0)
    with long_job(pool), pytest.raises(DecodersBusy):
        examined(pool, pictures.photo())
    assert examined(pool, pictures.photo()).width == 320
    pool.close()


def test_closing_waits_for_the_picture_being_opened() -> None:
    pool = DecodePool(1)
    with Threads(1) as threads:
        outcome = threads.submit(examined, pool, pictures.scan_bomb(200), ANY_SCANS)
        wait_until(lambda: bool(children()) and children()[0].cpu_times().user > 0.3)
        pool.close()
        assert outcome.result(DEADLINE_SECONDS).width == 3000
    assert children() == []


def test_a_closed_pool_may_be_closed_again_and_takes_no_pictures() -> None:
    pool = DecodePool(1, upload_seconds=0.01)
    pool.close()
    pool.close()
    with pytest.raises(DecodersBusy):
        examined(pool, pictures.photo())


@pytest.mark.parametrize(("cores", "workers", "processes"), [(8, 2, 4), (2, 2, 1), (1, 4, 1)])
def test_web_processes_divide_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(decoding, "CPU_MAX", Path("/nowhere"))
    assert processes_for(workers) == processes


@pytest.mark.parametrize(
    ("said", "processes"),
    [("200000 100000", 1), ("450000 100000", 2), ("50000 100000", 1), ("max 100000", 8), ("", 8)],
)
def test_a_container_on_a_large_machine_has_the_decoders_of_its_own_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr(decoding, "CPU_MAX", tmp_path / "cpu.max")
    (tmp_path / "cpu.max").write_text(said)
    assert processes_for(2) == processes


# What a process is and is not


def test_a_process_is_replaced_after_its_pictures() -> None:
    pool = DecodePool(1, pictures_per_process=2)
    seen = []
    for _ in range(4):
        examined(pool, pictures.photo())
        seen.append([child.pid for child in children()])
    assert [len(pids) for pids in seen] == [1, 0, 1, 0]
    pool.close()


def test_a_process_that_has_grown_is_replaced(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import avenue.media.pictures.decoder as d; d.GROWN_BYTES = -(10**9); d.main()"
    started_by(monkeypatch, program)
    assert examined(pool, pictures.photo()).width == 320
    assert children() == []


def started_by(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let `program` be what a decode process runs."""

    def start(descriptor: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(descriptor)], pass_fds=[descriptor]
        )

    monkeypatch.setattr(decoding, "_start", start)


def test_a_process_serves_itself_last(shared_pool: DecodePool) -> None:
    examined(shared_pool, pictures.photo())
    (process,) = children()
    assert process.nice() == min(19, psutil.Process().nice() + 10)


def test_a_process_holds_no_secrets_and_no_file_of_ours(
    pool: DecodePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "a-secret-of-ours")
    monkeypatch.setenv("MONGODB_URI", "mongodb://user:password@cluster.example/avenue")
    with tempfile.TemporaryFile() as ours:
        os.set_inheritable(ours.fileno(), True)
        examined(pool, pictures.photo())
        (process,) = children()
        assert not {"SECRET_KEY", "MONGODB_URI"} & process.environ().keys()
        # Standard input, output and error, its socket, and what tells how much memory it has: the
        # pictures it got are closed.
        assert process.num_fds() == 5


def test_a_process_knows_neither_flask_nor_mongodb_nor_the_settings() -> None:
    program = "import avenue.media.pictures.decoder, sys; print(*sys.modules)"
    loaded = _printed_by(program).split()
    assert "PIL.Image" in loaded
    strangers = {"flask", "werkzeug", "pymongo", "bson", "gridfs", "avenue.config"}
    assert not strangers & set(loaded)


def test_a_process_loads_the_readers_it_needs_and_no_others() -> None:
    program = (
        "import io, sys; from tests import pictures;"
        "from tests.opening import examine;"
        "from avenue.media.pictures.limits import ImageLimits;"
        "limits = ImageLimits(max_megapixels=1, max_jpeg_megapixels=1, max_side_pixels=999,"
        " max_frames=1, max_scans=9, cpu_seconds=1, memory_mb=64);"
        "examine(pictures.webp_claiming(16, 16), 'image/webp', limits);"
        "print(*sys.modules)"
    )
    loaded = _printed_by(program).split()
    assert "PIL.WebPImagePlugin" in loaded
    assert not {"PIL.EpsImagePlugin", "PIL.PsdImagePlugin", "PIL.TiffImagePlugin"} & set(loaded)


def test_the_web_process_does_not_load_pillow() -> None:
    modules = "avenue.media.pictures.decoding, avenue.media.intake.policy"
    program = f"import {modules}, sys; print(*sys.modules)"
    assert "PIL" not in _printed_by(program).split()


def _printed_by(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    ).stdout


def held_by(ours: psutil.Process, decoder: psutil.Process) -> tuple[int, int, int]:
    """The files of both, and our threads, without what drivers of databases hold."""
    files = ours.num_fds() - len(ours.net_connections("tcp"))
    threads = sum("pymongo" not in each.name for each in threading.enumerate())
    return files, decoder.num_fds(), threads


@pytest.mark.parametrize("rounds", [5, pytest.param(40, marks=pytest.mark.long)])
def test_many_pictures_leave_nothing_behind(shared_pool: DecodePool, rounds: int) -> None:
    kinds = [
        pictures.photo(2000, 1500),
        pictures.photo(800, 600, format="PNG"),
        pictures.photo(800, 600, format="WEBP"),
        pictures.truncated(pictures.photo()),
        pictures.png_header(),
    ]

    def round_of_uploads() -> None:
        for data in kinds:
            try:
                examined(shared_pool, data)
            except AvenueError:
                continue

    ours = psutil.Process()
    for _ in range(5):
        round_of_uploads()
    (process,) = children()
    gc.collect()  # what other tests have left is not given back later
    before = held_by(ours, process)
    memory_before = (ours.memory_info().rss, process.memory_info().rss)
    for _ in range(rounds):
        round_of_uploads()
    assert children() == [process]
    after = held_by(ours, process)
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)
    memory_after = (ours.memory_info().rss, process.memory_info().rss)
    for now, then in zip(memory_after, memory_before, strict=True):
        assert now - then < 8 * 1024 * 1024


def test_the_picture_must_be_a_file_with_a_descriptor(shared_pool: DecodePool) -> None:
    with pytest.raises(io.UnsupportedOperation):
        shared_pool.examine(io.BytesIO(pictures.photo()), "image/jpeg", LIMITS)


# Renditions

FOUR = [Wanted(variant=name, extension="webp") for name in EAGER]


def everything(pool: DecodePool, data: bytes, wanted=FOUR, limits=LIMITS) -> Examined:
    media_type = detect(data)
    assert media_type is not None
    with spooled(data) as file:
        return pool.examine(file, media_type.name, limits, wanted)


def made(pool: DecodePool, data: bytes, *wanted: Wanted) -> list[Rendition]:
    media_type = detect(data)
    assert media_type is not None
    with spooled(data) as file:
        return pool.render(file, media_type.name, LIMITS, wanted)


def test_facts_look_and_renditions_come_from_one_decode(shared_pool: DecodePool) -> None:
    data = pictures.photo(1600, 1200, orientation=6)
    assert everything(shared_pool, data) == examine(data, "image/jpeg", LIMITS, FOUR)


def test_renditions_on_demand_are_those_of_the_upload(shared_pool: DecodePool) -> None:
    data = pictures.photo(1600, 1200)
    uploaded = everything(shared_pool, data)
    wanted = [replace(each, focal=uploaded.look.focal) for each in FOUR]
    assert made(shared_pool, data, *wanted) == list(uploaded.renditions)


def test_large_renditions_cross_the_process_whole(shared_pool: DecodePool) -> None:
    data = pictures.noise_png(1400, 1400)
    wanted = Wanted(variant="w1920", extension="png")
    (rendition,) = made(shared_pool, data, wanted)
    assert len(rendition.data) > 5_000_000
    assert [rendition] == render(data, "image/png", LIMITS, [wanted])


def test_a_refusal_of_renditions_crosses_too(shared_pool: DecodePool) -> None:
    with pytest.raises(BrokenImage):
        made(shared_pool, pictures.truncated(pictures.photo()), *FOUR)
    assert everything(shared_pool, pictures.photo()).width == 320


@pytest.mark.alone
def test_renditions_have_time_and_memory_of_their_own(quick_pool: DecodePool) -> None:
    """All variants of the tallest picture there may be, which hardly may be opened."""
    data = pictures.photo(1920, 12_000, noise=False, quality=80)
    wanted = [Wanted(variant=name, extension="webp") for name in VARIANTS]
    tight = replace(LIMITS, cpu_seconds=1, memory_mb=160)
    result = everything(quick_pool, data, wanted, tight)
    assert {each.variant: each.height for each in result.renditions}["w1920"] == 12_000


@pytest.mark.long
@pytest.mark.parametrize("extension", FORMATS)
def test_the_largest_rendition_there_may_be_stays_in_its_bounds(
    shared_pool: DecodePool, extension: str
) -> None:
    data = pictures.photo(1920, 12_000, noise=False, quality=80)
    (rendition,) = made(shared_pool, data, Wanted(variant="w1920", extension=extension))
    assert (rendition.width, rendition.height) == (1920, 12_000)


@pytest.mark.long
def test_a_rendition_too_large_for_the_database_is_refused(shared_pool: DecodePool) -> None:
    with pytest.raises(ImageTooCostly) as refused:
        made(shared_pool, pictures.noise_png(1920, 4000), Wanted(variant="w1920", extension="png"))
    assert refused.value.facts["rendition_bytes"] > 15 * 1024 * 1024
    assert examined(shared_pool, pictures.photo()).width == 320


def test_a_decode_has_the_cores_its_pool_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def note(channel, message, *rest) -> None:
        asked.append(message["threads"])
        send(channel, message, *rest)

    monkeypatch.setattr(decoding, "send", note)
    monkeypatch.setattr(decoding, "CPU_MAX", Path("/nowhere"))
    for cores, processes in [(8, 2), (2, 1), (1, 1), (2, 3)]:
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False
        )
        pool = DecodePool(processes)
        assert everything(pool, pictures.photo()).renditions
        pool.close()
    assert asked == [4, 2, 1, 1]


def test_uploads_come_before_renditions_on_demand() -> None:
    pool = DecodePool(1, **PATIENT)
    finished: list[str] = []

    def render_one() -> None:
        made(pool, pictures.photo(), *FOUR)
        finished.append("rendition")

    def upload_one() -> None:
        examined(pool, pictures.photo())
        finished.append("upload")

    with long_job(pool) as (process, outcome):
        threads = [
            threading.Thread(target=each, daemon=True)
            for each in [render_one] * 3 + [upload_one] * 3
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: sum(map(len, pool._slots._waiting.values())) == 6)
        process.kill()
        with pytest.raises(ImageTooCostly):
            outcome.result(DEADLINE_SECONDS)
    joined(*threads)
    assert finished == ["upload"] * 3 + ["rendition"] * 3
    pool.close()


def test_renditions_on_demand_leave_a_process_to_uploads() -> None:
    pool = DecodePool(2, render_seconds=0.05)
    bomb = pictures.scan_bomb()
    allowed = replace(ANY_SCANS, cpu_seconds=300)
    with Threads(1) as threads, spooled(bomb) as file:
        outcome = threads.submit(pool.render, file, "image/jpeg", allowed, FOUR)
        wait_until(lambda: bool(children()) and children()[0].cpu_times().user > 0.3)
        with pytest.raises(DecodersBusy):
            made(pool, pictures.photo(), *FOUR)
        assert examined(pool, pictures.photo()).width == 320
        children()[0].kill()
        children()[-1].kill()
        with pytest.raises(ImageTooCostly):
            outcome.result(DEADLINE_SECONDS)
    pool.close()


def test_waiting_renditions_leave_places_to_uploads() -> None:
    pool = DecodePool(1, **PATIENT, max_waiting=2)
    with long_job(pool) as (process, outcome):
        threads = [
            threading.Thread(target=made, args=[pool, pictures.photo(), *FOUR], daemon=True),
            threading.Thread(target=examined, args=[pool, pictures.photo()], daemon=True),
        ]
        threads[0].start()
        wait_until(lambda: len(pool._slots._waiting[False]) == 1)
        with pytest.raises(DecodersBusy):
            made(pool, pictures.photo(), *FOUR)
        threads[1].start()
        wait_until(lambda: len(pool._slots._waiting[True]) == 1)
        process.kill()
        with pytest.raises(ImageTooCostly):
            outcome.result(DEADLINE_SECONDS)
        joined(*threads)
    pool.close()


# Cleaning


def cleaned(pool: DecodePool, data: bytes) -> tuple[Examined, bytes]:
    """What was examined, and what is in the file for the clean copy."""
    media_type = detect(data)
    assert media_type is not None
    with spooled(data) as file, tempfile.TemporaryFile() as clean_into:
        result = pool.examine(file, media_type.name, LIMITS, FOUR, clean_into=clean_into)
        return result, clean_into.read()


def test_a_picture_is_cleaned_in_the_decode_that_checks_it(shared_pool: DecodePool) -> None:
    data = pictures.with_gps(orientation=6)
    result, copy = cleaned(shared_pool, data)
    assert result.clean_copy == CleanCopy(
        removed=clean(data, "image/jpeg").removed,
        bytes=len(copy),
        sha256=hashlib.sha256(copy).hexdigest(),
    )
    assert "gps" in result.clean_copy.removed
    assert copy == clean(data, "image/jpeg").data
    assert (result.width, result.height) == (240, 320)
    assert len(result.renditions) == 4


def test_a_picture_with_nothing_to_remove_stays_as_it_is(shared_pool: DecodePool) -> None:
    assert cleaned(shared_pool, pictures.photo(format="WEBP")) == (
        everything(shared_pool, pictures.photo(format="WEBP")),
        b"",
    )


def test_nothing_is_removed_unless_it_is_asked_for(shared_pool: DecodePool) -> None:
    assert everything(shared_pool, pictures.with_gps()).clean_copy is None


def test_a_broken_picture_leaves_no_clean_copy(shared_pool: DecodePool) -> None:
    data = pictures.truncated(pictures.with_gps())
    with spooled(data) as file, tempfile.TemporaryFile() as clean_into:
        with pytest.raises(BrokenImage):
            shared_pool.examine(file, "image/jpeg", LIMITS, FOUR, clean_into=clean_into)
        assert clean_into.read() == b""


def test_a_disk_without_room_is_no_fault_of_the_picture(shared_pool: DecodePool) -> None:
    with spooled(pictures.with_gps()) as file, open("/dev/full", "wb") as full:
        with pytest.raises(DecodersBusy):
            shared_pool.examine(file, "image/jpeg", LIMITS, clean_into=full)
        assert shared_pool.examine(file, "image/jpeg", LIMITS).width == 240


# Attacks

ATTACKS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "PNG of 50,000 by 50,000": ("image/png", pictures.png_header, "image_too_large"),
    "PNG, 1 by 49,000,000": (
        "image/png",
        lambda: pictures.png_header(1, 49_000_000),
        "image_too_large",
    ),
    "PNG with a profile of 200 MB": ("image/png", pictures.profile_bomb, "broken_image"),
    "PNG header of 2 gigapixel": (
        "image/png",
        lambda: pictures.png_header(50_000, 40_000),
        "image_too_large",
    ),
    "JPEG of 300 scans": (
        "image/jpeg",
        lambda: pictures.scan_bomb(300, width=3000, height=3000),
        "image_too_costly",
    ),
    "JPEG of 20,000 scans": ("image/jpeg", pictures.scan_bomb, "image_too_costly"),
    "JPEG of 65,500 by 65,500": (
        "image/jpeg",
        lambda: pictures.jpeg_claiming(65_500, 65_500),
        "image_too_large",
    ),
    "WebP of 40 bytes, 16,383 by 3,000": (
        "image/webp",
        pictures.webp_claiming,
        "image_too_large",
    ),
    "GIF of 100,000 frames": ("image/gif", pictures.endless_gif, "too_many_frames"),
    "GIF with a frame of 65,535 by 65,535 on a small screen": (
        "image/gif",
        lambda: pictures.gif_with_frame(0, 0, 65_535, 65_535),
        "image_too_large",
    ),
    "GIF that stops within a frame": (
        "image/gif",
        lambda: pictures.truncated(pictures.gif(50)),
        "broken_image",
    ),
    "APNG of 2^31 frames": ("image/png", pictures.apng_claiming_frames, "too_many_frames"),
    "AVIF of 30,000 by 30,000": (
        "image/avif",
        lambda: pictures.avif_claiming(30_000, 30_000),
        "image_too_large",
    ),
    "AVIF of 101 frames": ("image/avif", lambda: pictures.long_avif(101), "too_many_frames"),
    "AVIF of many boxes": ("image/avif", pictures.avif_of_boxes, "broken_image"),
    "HEIC of a few bytes": ("image/heic", pictures.heic, "broken_image"),
    "TIFF said to be JPEG": ("image/jpeg", pictures.tiff, "broken_image"),
    "BMP said to be PNG": ("image/png", pictures.bmp, "broken_image"),
    "PSD said to be JPEG": ("image/jpeg", pictures.psd, "broken_image"),
    "HTML said to be JPEG": ("image/jpeg", pictures.html, "broken_image"),
    "PHP said to be GIF": ("image/gif", pictures.php, "broken_image"),
    "GIF that is a JavaScript": ("image/gif", pictures.gif_script, "broken_image"),
}


LIKE_OTHERS = {
    "PNG, 1 by 49,000,000",
    "PNG header of 2 gigapixel",
    "JPEG of 300 scans",
    "AVIF of 30,000 by 30,000",
    "GIF that stops within a frame",
    "BMP said to be PNG",
    "PSD said to be JPEG",
    "PHP said to be GIF",
}
assert ATTACKS.keys() >= LIKE_OTHERS


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if name in LIKE_OTHERS else ()) for name in ATTACKS],
)
def test_an_attack_costs_little_and_the_next_picture_is_served(
    shared_pool: DecodePool, name: str
) -> None:
    media_type, make, code = ATTACKS[name]
    data = make()
    examined(shared_pool, pictures.photo())
    (process,) = children()
    used, peak = sum(process.cpu_times()[:2]), _peak(process)
    with (
        spooled(data) as file,
        tempfile.TemporaryFile() as clean_into,
        pytest.raises(AvenueError) as refused,
    ):
        shared_pool.examine(file, media_type, LIMITS, FOUR, clean_into=clean_into)
    assert refused.value.code == code
    assert children() == [process]
    assert sum(process.cpu_times()[:2]) - used < 2
    assert _peak(process) - peak < 300 * 1024 * 1024
    assert everything(shared_pool, pictures.photo()).renditions
    assert children() == [process]


def test_a_text_that_would_unfold_to_60_mb_is_removed_before_anybody_reads_it(
    shared_pool: DecodePool,
) -> None:
    examined(shared_pool, pictures.photo())
    (process,) = children()
    used, peak = sum(process.cpu_times()[:2]), _peak(process)
    result, copy = cleaned(shared_pool, pictures.text_bomb())
    assert result.clean_copy
    assert result.clean_copy.removed == ("text",)
    assert len(copy) < 500
    with pytest.raises(BrokenImage):
        examined(shared_pool, pictures.text_bomb())
    assert sum(process.cpu_times()[:2]) - used < 2
    assert _peak(process) - peak < 300 * 1024 * 1024
    assert children() == [process]


def _peak(process: psutil.Process) -> int:
    """The most memory a process has had, bytes."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_a_photograph_of_twelve_megapixels_takes_little_memory(pool: DecodePool) -> None:
    examined(pool, pictures.photo())
    (process,) = children()
    before = _peak(process)
    assert len(everything(pool, pictures.large_photo()).renditions) == 4
    assert _peak(process) - before < 60 * 1024 * 1024
