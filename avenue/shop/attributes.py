"""Attributes of products, such as "Color: Red; Size: 38, 39", by which categories are filtered.

There is no list of attributes: those of the published products of a category are its filters. Names
and values are compared by their keys, ignoring case and accents.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from avenue.shop.categories import key_of, way_to
from avenue.words import folded

MOST_ATTRIBUTES = 10
MOST_VALUES = 30
"""In total, for one product: each is a key of the index in every category above it."""
LONGEST_NAME = 40
LONGEST_VALUE = 60
MOST_SETS = 2_000
"""Different sets of attributes of a category's products: a page for visitors reads each once."""
MOST_SHOWN = 40
"""Values of one attribute that are shown as filters."""
MOST_CHOSEN = 20
BETWEEN_PAIRS = re.compile(r"[\r\n|]+")
BETWEEN_VALUES = re.compile(r";|,(?=\s)")
NOT_IN_A_VALUE = re.compile(r"[;|\x00-\x1f\x7f]|,\s")
_STEP, _END, _PAIR, _BEYOND = "\x01", "\x02", "\x1f", "\x03"
"""Separators in a set; all keys of a category are between its key and `_BEYOND`."""

Attributes = Mapping[str, Sequence[str]]
"""One or several values by name, as people see them."""
Chosen = Mapping[str, tuple[str, ...]]
"""The selected filters, by keys: alternatives for each attribute."""


class NoAttributes(ValueError):
    """The text is not a list of attributes, or has too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """An attribute with its values in a category: key and name of each, sorted."""

    key: str
    name: str
    values: tuple[tuple[str, str], ...]


def cleaned(written: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return attributes in their stored form; raise `NoAttributes`."""
    found: dict[str, list[str]] = {}
    for written_name, written_values in written.items():
        name = " ".join(written_name.split())
        by_key = {value_key(each): " ".join(each.split()) for each in reversed(written_values)}
        values = list(reversed(by_key.values()))
        if not key_of(name) or len(name) > LONGEST_NAME or not set(name).isdisjoint(":;|,="):
            raise NoAttributes(written_name)
        if not values or not all(map(_is_value, values)):
            raise NoAttributes(written_name)
        found[name] = values
    is_long = len(found) > MOST_ATTRIBUTES or sum(map(len, found.values())) > MOST_VALUES
    if is_long or len({key_of(each) for each in found}) < len(written):
        raise NoAttributes("too many")
    return found


def read(text: str) -> dict[str, list[str]]:
    """Parse `Name: value, value`, with a line or a `|` for each name.

    Raise `NoAttributes`, also for a duplicate name.
    """
    found: dict[str, list[str]] = {}
    for pair in BETWEEN_PAIRS.split(text):
        name, colon, values = pair.partition(":")
        if not pair.strip():
            continue
        if not colon or name.strip() in found:
            raise NoAttributes(pair)
        found[name.strip()] = [
            each.strip() for each in BETWEEN_VALUES.split(values) if each.strip()
        ]
    return found


def written(attributes: Attributes, between: str) -> str:
    """Return attributes in the form that `read` parses, with `between` as separator."""
    return between.join(f"{name}: {', '.join(values)}" for name, values in attributes.items())


def keys_of(category: str | None, attributes: Attributes) -> list[str]:
    """Return the search keys of a product, for each category it is in and for none ("")."""
    pairs = [
        _pair(key_of(name), value_key(value))
        for name, values in attributes.items()
        for value in values
    ]
    places = ["", *(each.key for each in way_to(category))]
    return [in_category(place, pair) for place in places for pair in pairs]


def in_category(category: str, pair: str) -> str:
    """Return the key of an attribute and value in a category."""
    return f"{category}|{pair}"


def pairs_of(chosen: Chosen) -> list[list[str]]:
    """Return the pairs of each selected attribute; one of them has to match."""
    return [[_pair(name, value) for value in values] for name, values in chosen.items()]


def set_of(category: str | None, attributes: Attributes) -> str | None:
    """Return category and attributes in one text, by which a category's sets are found."""
    if not category or not attributes:
        return None
    pairs = [f"{name}={value}" for name, values in attributes.items() for value in values]
    return _place_of(way_to(category)[-1].key) + _END + _PAIR.join(pairs)


def bounds_of(category: str) -> tuple[str, str]:
    """Return the bounds of the sets of a category and its subcategories."""
    place = _place_of(category)
    return place + _STEP, place + _BEYOND


def facets_of(sets: Iterable[str]) -> list[Facet]:
    """Return the filters of products with these sets; of two spellings one."""
    names: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    for each in sorted(sets):
        for pair in each.partition(_END)[2].split(_PAIR):
            name, _, value = pair.partition("=")
            key = key_of(name)
            names.setdefault(key, name)
            values.setdefault(key, {}).setdefault(value_key(value), value)
    return [
        Facet(key=key, name=names[key], values=tuple(_ordered(values[key])[:MOST_SHOWN]))
        for key in sorted(names)
    ]


def chosen_of(asked: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the filters in `name:value` texts of a URL; invalid ones are ignored."""
    found: dict[str, list[str]] = {}
    for each in list(asked)[:MOST_CHOSEN]:
        name, colon, value = each.partition(":")
        if colon and key_of(name) and value.strip():
            found.setdefault(key_of(name), []).append(value_key(value))
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items()}


def value_key(value: str) -> str:
    """Return the key for comparing values."""
    return " ".join(folded(value).split())[:LONGEST_VALUE]


def _is_value(value: str) -> bool:
    return 0 < len(value) <= LONGEST_VALUE and not NOT_IN_A_VALUE.search(value)


def _pair(name: str, value: str) -> str:
    return f"{name}={value}"


def _place_of(category: str) -> str:
    return category.replace("/", _STEP)


def _ordered(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return values by key in natural order: 9 before 10."""

    def order(pair: tuple[str, str]) -> list[tuple[int, int, str]]:
        parts = re.split(r"([0-9]{1,15})", pair[0])
        return [(0, int(each), "") if each.isdecimal() else (1, 0, each) for each in parts if each]

    return sorted(values.items(), key=order)
