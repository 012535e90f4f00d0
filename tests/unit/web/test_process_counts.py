"""The counts of processes that are gone: added up once, whatever they left behind."""

import fcntl
import logging
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from avenue.web.process_counts import LOCK, ProcessCounts, add_up

HITS = mmap_key("hits", "hits_total", ("who",), ("ana",), "Hits.")
OPEN = mmap_key("open", "open", (), (), "Open.")
BELOW_ONE = mmap_key("took", "took_bucket", ("le",), ("1.0",), "Seconds.")
SUM = mmap_key("took", "took_sum", (), (), "Seconds.")


def leave(folder: Path, pid: int, kind: str, **values: float) -> None:
    """Write what a process has counted, as it does itself."""
    keys = {"hits": HITS, "open": OPEN, "below_one": BELOW_ONE, "sum": SUM}
    counts = MmapedDict(str(folder / f"{kind}_{pid}.db"))
    for name, value in values.items():
        counts.write_value(keys[name], value, 0.0)
    counts.close()


def told(folder: Path) -> dict[str, float]:
    metrics = ProcessCounts(folder).collect()
    return {each.name: each.value for metric in metrics for each in metric.samples}


def test_what_all_processes_counted_stays_and_their_gauges_go(tmp_path: Path) -> None:
    for pid in (7, 8, 9):
        leave(tmp_path, pid, "counter", hits=pid)
        leave(tmp_path, pid, "histogram", below_one=1, sum=0.5)
        leave(tmp_path, pid, "gauge_livesum", open=1)
    before = told(tmp_path)
    assert before == {
        "hits_total": 24,
        "took_bucket": 3,
        "took_count": 3,
        "took_sum": 1.5,
        "open": 3,
    }
    for pid in (7, 8):
        add_up(tmp_path, pid)
        add_up(tmp_path, pid)  # a process is gone once
    assert told(tmp_path) == {**before, "open": 1}
    assert sorted(each.name for each in tmp_path.glob("*.db")) == [
        "counter_9.db",
        "counter_gone.db",
        "gauge_livesum_9.db",
        "histogram_9.db",
        "histogram_gone.db",
    ]


def test_a_process_whose_number_comes_again_is_counted_on(tmp_path: Path) -> None:
    for _ in range(2):
        leave(tmp_path, 7, "counter", hits=3)
        add_up(tmp_path, 7)
    assert told(tmp_path) == {"hits_total": 6}


@pytest.mark.parametrize("left", [b"", b"\xff\xff\xff\x7f" + b"x" * 60])
def test_a_file_that_cannot_be_read_hinders_nobody(
    tmp_path: Path, left: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    leave(tmp_path, 7, "histogram", below_one=1, sum=0.5)
    (tmp_path / "counter_7.db").write_bytes(left)
    with caplog.at_level(logging.WARNING):
        add_up(tmp_path, 7)
    assert "lost" in caplog.text
    assert told(tmp_path)["took_sum"] == 0.5


def test_a_process_that_is_starting_hinders_nobody(tmp_path: Path) -> None:
    leave(tmp_path, 7, "counter", hits=3)
    (tmp_path / "counter_8.db").touch()
    assert told(tmp_path) == {"hits_total": 3}


def test_nothing_is_moved_while_somebody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: list[str]) -> list[Metric]:
        with (tmp_path / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # any number may read
        with (tmp_path / LOCK).open("a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return []

    monkeypatch.setattr(MultiProcessCollector, "merge", staticmethod(read))
    assert ProcessCounts(tmp_path).collect() == []
    with (tmp_path / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
