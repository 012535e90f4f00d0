"""The metrics of ended processes, kept while the instance runs.

Each process stores its counts in its own files, named with its id (by prometheus_client). Processes
are replaced all the time, so the number of files would grow; when a process has ended, its counts
are added to those of all previous ones. Its gauges are dropped, because they described its state.
"""

import fcntl
import logging
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

ADDED_UP = ("counter", "histogram")
GONE = "gone"
LOCK = "lock"
UNREADABLE = (OSError, RuntimeError, ValueError, struct.error)
"""Errors when reading the file of a process that was killed while it created it."""

log = logging.getLogger(__name__)


class ProcessCounts:
    """The summed counts of all processes of `folder`; a collector of prometheus_client."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the sums. Counts moved during this would be counted twice, or not at all."""
        with _locked(self._folder, fcntl.LOCK_SH):
            # A starting process creates a file before it writes to it.
            files = [str(each) for each in self._folder.glob("*.db") if each.stat().st_size]
            return MultiProcessCollector.merge(files)  # type: ignore[no-any-return,no-untyped-call]


def add_up(folder: Path, pid: int) -> None:
    """Add the counts of the ended process `pid` to those of all previous ones."""
    with _locked(folder, fcntl.LOCK_EX):
        for kind in ADDED_UP:
            _move(folder / f"{kind}_{pid}.db", folder / f"{kind}_{GONE}.db")
        for gauges in folder.glob(f"gauge_live*_{pid}.db"):
            gauges.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    if not source.exists():
        return
    try:
        counted = [(key, value) for key, value, *_ in _values_in(source)]
    except UNREADABLE as error:
        log.warning("The counts of a process that ended are lost: %r", error)
    else:
        sums = MmapedDict(str(target))  # type: ignore[no-untyped-call]
        try:
            for key, value in counted:
                before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
                sums.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
        finally:
            sums.close()  # type: ignore[no-untyped-call]
    source.unlink()


def _values_in(file: Path) -> Iterator[tuple[str, float, float, int]]:
    return MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-any-return,no-untyped-call]


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, how)  # released when the file is closed, or with the process
        yield
