"""Checks of JSON from outside for what RFC 8259 leaves to the reader: depth, duplicates, NUL."""

import re
from collections.abc import Iterator
from typing import Any

from avenue.web.errors import InvalidBody

# Strings are matched whole, so that brackets inside them do not count; possessive, so that a
# string without its end cannot make the search start over at every quote.
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


def check_depth(text: str, most_levels: int) -> None:
    """Raise `InvalidBody` if brackets are nested deeper than `most_levels`.

    The levels are counted without recursion: 100,000 of them must not cost a stack.
    """
    if text.count("[") + text.count("{") <= most_levels:
        return
    level = 0
    for match in STRING_OR_BRACKET.finditer(text):
        sign = match.group()
        level += (sign in "[{") - (sign in "]}")
        if level > most_levels:
            raise InvalidBody(f"The body is nested deeper than {most_levels} levels.")


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; raise `InvalidBody` if it has a duplicate key."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidBody("An object in the body has the same key twice.")
    return found


def finite(text: str) -> float:
    """Return a number of JSON; raise `InvalidBody` if it is too large."""
    number = float(text)
    return no_number(text) if number in {float("inf"), float("-inf")} else number


def no_number(_text: str) -> float:
    """Raise `InvalidBody`: NaN and Infinity are not valid JSON."""
    raise InvalidBody("The body holds a number that is none: NaN, Infinity or too large.")


def is_text(value: object) -> bool:
    """Return whether no text in `value` has NUL or half a surrogate; its depth must be checked."""
    return not any(NOT_TEXT.search(each) for each in _strings(value))


def _strings(value: object) -> Iterator[str]:
    """Yield every key and text in `value`; its depth must be checked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
