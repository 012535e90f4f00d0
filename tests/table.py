"""A table of cases that one test goes through, row by row.

`pytest.mark.parametrize` makes a test of each row: thousands of them cost more than what they ask,
in each process that collects them. `table` reads the same and makes one test: all rows are looked
at, and each that fails is a subtest with its values. Fixtures are made once for all rows, so rows
that need fresh ones stay with `parametrize`.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]
LONGEST_VALUE = 60


def table(names: str, rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Call a test with each of `rows` as the arguments `names` ("a, b" takes rows of two).

    Tables that stand on each other are multiplied, as `parametrize` does.
    """
    columns = [name.strip() for name in names.split(",")]
    lines = [row if len(columns) > 1 else (row,) for row in rows]
    assert lines, "a table without rows would say nothing"
    named = [dict(zip(columns, line, strict=True)) for line in lines]

    def decorate(test: Test) -> Test:
        tables = [named, *getattr(test, "tables", ())]
        function = getattr(test, "row", test)

        @functools.wraps(function)
        def every_row(subtests: pytest.Subtests, **fixtures: Any) -> None:
            for parts in itertools.product(*tables):
                values = {name: value for part in parts for name, value in part.items()}
                try:
                    function(**fixtures, **values)
                except (Exception, pytest.fail.Exception):
                    with subtests.test(**{name: _shown(each) for name, each in values.items()}):
                        raise

        columns_of_all = {name for each in tables for name in each[0]}
        wanted = inspect.signature(function).parameters.values()
        kept = [each for each in wanted if each.name not in columns_of_all]
        own = inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        every_row.__signature__ = inspect.Signature([own, *kept])  # type: ignore[attr-defined]
        every_row.tables, every_row.row = tables, function  # type: ignore[attr-defined]
        return every_row

    return decorate


def _shown(value: object) -> str:
    text = str(getattr(value, "name", None) or getattr(value, "__name__", None) or value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
