"""No text of a client makes a regular expression take the square of its length.

Every expression of Avenue is found in the source and tried, in the way it is used there, with texts
of its own characters and words. So one that is new is tried without being named here.
"""

import ast
import functools
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, permutations, product
from pathlib import Path
from typing import Any

import pytest

import avenue
from tests.growth import growth
from tests.table import table

PACKAGE = Path(avenue.__file__).parent
METHODS = frozenset({"findall", "finditer", "fullmatch", "match", "search", "split", "sub"})
MOST_SIGNS, MOST_LETTERS, MOST_WORDS = 8, 2, 3
"""Of an expression, that texts are made of."""

SOME = 5
"""Of so many texts of some kinds `make test` tries one."""
MAY_USE_ONE = re.compile(rf"\bre\b|\.(?:{'|'.join(sorted(METHODS))})\b")
"""Found in the text of each module that has to do with expressions."""

NOT_TRIED = {
    "avenue.health.views.state.presenting:TELLING": (
        "reads what Avenue itself says, cut to 2,000 characters"
    ),
}
"""Expressions that may take the square of a text, and why no client can make them."""


@dataclass(frozen=True)
class Use:
    """An expression, and the method it is used by."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def __call__(self, text: str) -> None:
        subject: Any = text.encode() if isinstance(self.pattern.pattern, bytes) else text
        nothing = (subject[:0],) if self.method == "sub" else ()
        result = getattr(self.pattern, self.method)(*nothing, subject)
        if self.method == "finditer":
            for _ in result:
                pass


@functools.cache
def uses_in(deployment: Path) -> tuple[list[Use], set[str]]:
    """Return each use of an expression, and the functions that make theirs in each call."""
    trees = {
        ".".join(path.relative_to(deployment.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): (ast.parse(text))
        for path in sorted(deployment.rglob("*.py"))
        if path.name != "__main__.py" and MAY_USE_ONE.search(text := path.read_text())
    }
    ways = ways_in(trees)
    uses: list[Use] = []
    made: set[str] = set()
    for module, statement, call in calls_in(trees):
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            uses += named(module, statement, ways)
        elif isinstance(call.args[0], ast.Constant) and call.func.attr in METHODS:
            where = f"{module}:{statement.name}"
            uses.append(Use(where, re.compile(call.args[0].value), call.func.attr))
        else:
            made.add(f"{module}:{statement.name}")
    return list(dict.fromkeys(uses)), made


def calls_in(trees: dict[str, ast.Module]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each call of `re` that takes an expression, with its module and statement there."""
    for module, tree in trees.items():
        for statement in tree.body:
            for node in ast.walk(statement):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name("re"), attr=name)):
                        if name in METHODS | {"compile", "subn"}:
                            yield module, statement, node
                    case ast.ImportFrom(module="re") | ast.Import(names=[ast.alias("re", str())]):
                        pytest.fail(f"{module}: `re` is imported as `re`, so that this finds it")


def ways_in(trees: dict[str, ast.Module]) -> dict[tuple[str, str], set[str]]:
    """Return by which methods each name of a module is used, there and where it is imported."""
    ways: dict[tuple[str, str], set[str]] = {}
    for module, tree in trees.items():
        origins = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(name) | ast.Subscript(ast.Name(name)), attr=way):
                    if way in METHODS:
                        ways.setdefault(origins.get(name, (module, name)), set()).add(way)
    return ways


def named(module: str, statement: Any, ways: dict[tuple[str, str], set[str]]) -> Iterator[Use]:
    """Yield the uses of the expressions that a statement of a module gives a name."""
    for target in getattr(statement, "targets", None) or [statement.target]:
        value = getattr(importlib.import_module(module), target.id)
        values = list(value.values()) if isinstance(value, dict) else value
        for pattern in [value] if isinstance(value, re.Pattern) else values:
            # What is used by another name, as in a loop, is tried in two ways.
            for way in sorted(ways.get((module, target.id), {"fullmatch", "search"})):
                yield Use(f"{module}:{target.id}", pattern, way)


def texts_against(pattern: re.Pattern[Any], every: int) -> Iterator[tuple[str, str, str]]:
    """Yield texts as a beginning, a piece to repeat and an end.

    All that are only repeated; of those with a beginning or of two pieces one of so many, for what
    takes long with one of them does so with others.
    """
    source: Any = pattern.pattern
    source = source.decode("latin-1") if isinstance(source, bytes) else source
    signs, words = parts_of(re._parser.parse(source, pattern.flags & ~re.UNICODE))
    pieces = list(dict.fromkeys([*signs, *words, "a", "0", " "]))
    yield from product([""], pieces, ["", "\0", *signs])
    yield from islice(product(pieces, pieces, ["", "\0"]), 0, None, every)
    pairs = (("", one + other, "") for one, other in permutations(pieces, 2))
    yield from islice(pairs, 0, None, every)


def parts_of(parsed: Any) -> tuple[list[str], list[str]]:
    """Return characters and words that a parsed expression names, not too many of them."""
    signs: dict[str, None] = {}
    words: dict[str, None] = {}
    left = [parsed]
    while left:
        word = ""
        for part in [*left.pop(0), None]:
            match part:
                case (re._constants.LITERAL | re._constants.NOT_LITERAL, int(code)):
                    signs[chr(code)] = None
                    word += chr(code)
                    continue
                case (re._constants.RANGE, (code, _)):
                    signs[chr(code)] = None
                case tuple() | list() | re._parser.SubPattern():
                    left.append(part)
            words |= {word: None} if len(word) > 1 else {}
            word = ""
    letters = [each for each in signs if each.isalnum()]
    others = [each for each in signs if not each.isalnum()]
    return others[:MOST_SIGNS] + letters[:MOST_LETTERS], list(words)[:MOST_WORDS]


def worst(read: Callable[[str], object], pattern: re.Pattern[Any], every: int) -> str | None:
    """Return a text that takes `read` longer than it may, None when there is none."""
    for begin, piece, end in texts_against(pattern, every):
        times = growth(lambda size, b=begin, p=piece, e=end: read(b + p * size + e))
        if times:
            return f"{begin!r} + {piece!r} * n + {end!r} takes {times:.0f} times as long"
    return None


@pytest.mark.parametrize("every", [SOME, pytest.param(1, marks=pytest.mark.long)])
def test_no_text_takes_the_square_of_its_length(every):
    uses, made = uses_in(PACKAGE)
    assert not made, "give it a name in its module, so that it is tried"
    assert {each.where for each in uses} >= NOT_TRIED.keys()
    tried = (each for each in uses if each.where not in NOT_TRIED)
    found = [f"{each}: {text}" for each in tried if (text := worst(each, each.pattern, every))]
    assert not found, "\n".join(found)


@table(
    "expression, method",
    [
        (r"<[^>]*>", "sub"),
        (r"[ \t]+\n", "search"),
        (rb"[0-9]*\.?[0-9]+x", "match"),
        (r"\s*(?P<descriptor>[^,(]*(?:\([^)]*\)[^,(]*)*)(?:,|\Z)", "match"),
    ],
)
def test_an_expression_that_takes_the_square_is_found(expression, method):
    use = Use("planted", re.compile(expression), method)
    assert worst(use, use.pattern, SOME)


def test_an_expression_that_is_made_in_place_is_found(tmp_path):
    deployment = tmp_path / "planted"
    deployment.mkdir()
    (deployment / "rooms.py").write_text(
        "import re\ndef look(sign):\n    re.search(sign + '+', '')\n"
    )
    assert uses_in(deployment) == ([], {"planted.rooms:look"})
