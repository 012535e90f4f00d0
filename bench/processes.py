"""What processes have used, from /proc."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

import psutil

LOOK_SECONDS = 0.3
AT_REST = 0.1
"""How much of a core threads in the background may use, of a server nobody asks for anything."""


def tree(root: int) -> list[psutil.Process]:
    """Return a process and all that descend from it."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(root)
        return [parent, *parent.children(recursive=True)]
    return []


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the processor time of the trees below `roots`, with that of those who have ended."""
    total = 0.0
    for root in roots:
        for process in tree(root):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def own_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process, without that of its children; 0 if it has ended."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def rest(roots: Sequence[int], within_seconds: float) -> None:
    """Wait until the trees below `roots` do next to nothing: what they began has an end."""
    ends_at, used = time.monotonic() + within_seconds, cpu_seconds(roots)
    while time.monotonic() < ends_at:
        time.sleep(LOOK_SECONDS)
        before, used = used, cpu_seconds(roots)
        if used - before <= LOOK_SECONDS * AT_REST:
            return


def pss_mb(process: psutil.Process) -> float:
    """Return the memory of a process, what it shares counted in part: MiB."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return float(process.memory_full_info().pss) / 1024**2
    return 0.0


def tree_mb(roots: Iterable[int]) -> float:
    """Return the memory of the trees below `roots`, MiB."""
    return sum(pss_mb(each) for root in roots for each in tree(root))
