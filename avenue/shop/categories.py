"""Categories of products: a path from the top, such as "Shoes > Boots".

A product is in one, and so in all above it. There is no list of categories: those of the published
products form the tree.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from avenue.words import folded

BETWEEN = ">"
MOST_LEVELS = 5
LONGEST_NAME = 60
MOST_CATEGORIES = 500
"""Different categories of a site's published products: a page for visitors reads the names of all.
"""
LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A node of the tree: its `key` is unique ("shoes/boots"), `names` are those from the top."""

    key: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.names[-1]

    @property
    def above(self) -> str:
        """The key of its parent, "" at the top."""
        return self.key.rpartition("/")[0]


def cleaned(text: str) -> str | None:
    """Return a category in its stored form, None for "".

    Raise `ValueError` if it is invalid: too many levels, a name too long or without a letter.
    """
    names = [" ".join(each.split()) for each in text.split(BETWEEN)]
    if names == [""]:
        return None
    if len(names) > MOST_LEVELS or any(len(each) > LONGEST_NAME for each in names):
        raise ValueError(text)
    if not all(key_of(each) for each in names):
        raise ValueError(text)
    return f" {BETWEEN} ".join(names)


def way_to(category: str | None) -> tuple[Category, ...]:
    """Return a stored category and those above it, from the top."""
    names = tuple(each.strip() for each in category.split(BETWEEN)) if category else ()
    keys = [key_of(each) for each in names]
    return tuple(
        Category(key="/".join(keys[:level]), names=names[:level])
        for level in range(1, len(names) + 1)
    )


def tree_of(categories: Iterable[str]) -> dict[str, Category]:
    """Return stored categories and those above them by key, sorted; of two spellings one."""
    found = {each.key: each for category in sorted(categories) for each in way_to(category)}
    return dict(sorted(found.items()))


def key_of(name: str) -> str:
    """Return the key of a name, for comparing and for addresses; "" without a letter."""
    return "-".join(LETTERS.findall(folded(name)))
