"""The effect of a change on a page, as a unified diff; limited in size and in work.

`difflib` takes quadratic time. So common lines at the beginning and the end are left out first, and
of the rest only `MOST_LINES` of each are compared.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence

from avenue.builder.website.models import Draft

MOST_LINES = 400
LONGEST_LINE = 300
CONTEXT = 2
MOST_CHARACTERS = 32 * 1024
BREAKS = {
    "title": re.compile(r"\n"),
    "html": re.compile(r"\n|(?<=>)(?=<)"),
    "css": re.compile(r"\n|(?<=[{};])"),
}

Lines = Sequence[str]


def difference(current: Draft, wanted: Draft) -> str:
    """Return the difference from `current` to `wanted`, as text for people; "" when there is none.

    HTML is split between its tags, CSS after its rules.
    """
    parts = [
        line
        for part in ("title", "html", "css")
        for line in _part(part, getattr(current, part), getattr(wanted, part))
    ]
    text = "\n".join(parts)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}\n…"


def _part(part: str, before: str, after: str) -> Iterator[str]:
    if before == after:
        return
    old, new = BREAKS[part].split(before), BREAKS[part].split(after)
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    first = max(0, start - CONTEXT)
    olds, news = (_middle(each, first, len(each) - end + CONTEXT) for each in (old, new))
    compared = difflib.unified_diff(
        olds, news, f"current/{part}", f"yours/{part}", n=CONTEXT, lineterm=""
    )
    yield from (each[:LONGEST_LINE] for each in compared)


def _shared(one: Lines, other: Lines) -> int:
    """Return the number of common lines at the beginning."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in pairs)


def _middle(lines: Lines, start: int, end: int) -> list[str]:
    """Return some lines; of too many the first, and how many more there are."""
    found = list(lines[start:end])
    left_out = len(found) - MOST_LINES
    return [*found[:MOST_LINES], f"… {left_out} more"] if left_out > 0 else found
