"""What processes have used, from /proc."""

from collections.abc import Iterable
from contextlib import suppress

import psutil


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


def pss_mb(process: psutil.Process) -> float:
    """Return the memory of a process, what it shares counted in part: MiB."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return float(process.memory_full_info().pss) / 1024**2
    return 0.0


def tree_mb(roots: Iterable[int]) -> float:
    """Return the memory of the trees below `roots`, MiB."""
    return sum(pss_mb(each) for root in roots for each in tree(root))
