"""Categories as people write them, and the tree they make."""

import re

import pytest

from avenue.shop.categories import MOST_LEVELS, cleaned, tree_of, way_to
from tests.table import table


@table(
    "text, kept",
    [
        ("Calzado", "Calzado"),
        ("Calzado>Botas  altas", "Calzado > Botas altas"),
        (" Mate & tereré > Ñandutí ", "Mate & tereré > Ñandutí"),
        ("鞋 > 靴", "鞋 > 靴"),
        ("  ", None),
    ],
)
def test_a_category_is_kept_in_one_form(text: str, kept: str | None):
    assert cleaned(text) == kept


@table(
    "text",
    ["Calzado > ", "Calzado > &", " > ".join("abcdefgh"[: MOST_LEVELS + 1]), "x" * 61],
)
def test_what_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match=re.escape(text)):
        cleaned(text)


def test_all_ways_are_one_tree():
    tree = tree_of(["Calzado > Botas", "calzado > Zapatos", "Bolsos"])
    assert list(tree) == ["bolsos", "calzado", "calzado/botas", "calzado/zapatos"]
    assert [each.above for each in tree.values()] == ["", "", "calzado", "calzado"]
    assert [each.key for each in way_to("Mate y tereré > Termos")] == [
        "mate-y-terere",
        "mate-y-terere/termos",
    ]
