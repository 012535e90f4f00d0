"""How processor time grows with what there is to do; what else the machine does hardly counts."""

import time
from collections.abc import Callable

SIZES = (25, 250, 2500)
"""How much there is to do, one after the other: each ten times the one before."""
NOTICEABLE_SECONDS = 0.001
"""What takes less is not measured. What grows with the square takes that for 2,500 characters."""
MOST_TIMES = 16
"""How much longer ten times as much may take: with the square it is 100, and what is ten times by
its steps was measured as 12 beside three other workers, whose data had the caches."""
SURE_TIMES = 30
FEW_TRIES, MANY_TRIES = 4, 20


def growth(run: Callable[[int], object], sizes: tuple[int, ...] = SIZES) -> float:
    """Return how much longer `run` takes for ten times a size if that is too much, else 0.

    It is called with greater and greater sizes, so that the first that takes long ends it. What is
    a little too much has to be so for a greater size, too: on a busy machine what no longer fits
    into a cache takes somewhat longer.
    """
    for size in sizes:
        if _seconds(run, size) >= NOTICEABLE_SECONDS:
            times = _times(run, size)
            return times if times > SURE_TIMES else times and min(times, _times(run, size * 10))
    return 0


def _times(run: Callable[[int], object], size: int) -> float:
    """Return how much longer `size` takes than a tenth of it, 0 for what may be."""
    # The least of several: what else runs here makes some of them longer, and none shorter.
    small = large = float("inf")
    for tried in range(1, MANY_TRIES + 1):
        small = min(small, _seconds(run, size // 10))
        large = min(large, _seconds(run, size))
        is_known = not MOST_TIMES < large / small < SURE_TIMES
        if tried >= FEW_TRIES and (is_known or large < NOTICEABLE_SECONDS):
            break
    return large / small if large > max(NOTICEABLE_SECONDS, MOST_TIMES * small) else 0


def _seconds(run: Callable[[int], object], size: int) -> float:
    """Return the processor time of this thread that a call takes."""
    began = time.thread_time()
    run(size)
    return time.thread_time() - began
