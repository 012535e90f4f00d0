"""What products say of themselves, as it is written and as it is found."""

import pytest

from avenue.shop.attributes import (
    NoAttributes,
    bounds_of,
    chosen_of,
    cleaned,
    facets_of,
    keys_of,
    read,
    set_of,
    written,
)

SHOE = {"Color": ["Rojo"], "Talle": ["38", "9"]}


def test_what_is_written_is_read_again():
    for between in (" | ", "\n"):
        assert cleaned(read(written(SHOE, between))) == SHOE
    assert cleaned(read(" Talle :  38 ;39, 40 \r\n\nPeso: 3,5 kg")) == {
        "Talle": ["38", "39", "40"],
        "Peso": ["3,5 kg"],
    }


def test_what_are_no_attributes_is_refused():
    for text in ("Rojo", "Color:", ": rojo", "Color: a\nColor: b", "Color: a\ncolor: b"):
        with pytest.raises(NoAttributes):
            cleaned(read(text))
    for wrong in (
        {"Color": ["a, b"]},
        {"Color": ["a|b"]},
        {"C=lor": ["a"]},
        {"Color": ["x" * 61]},
        {str(each): ["a"] for each in range(11)},
        {"Talle": [str(each) for each in range(31)]},
    ):
        with pytest.raises(NoAttributes):
            cleaned(wrong)


def test_a_product_is_found_in_each_category_above_it():
    assert keys_of("Calzado > Botas", {"Color": ["Rojo"]}) == [
        "|color=rojo",
        "calzado|color=rojo",
        "calzado/botas|color=rojo",
    ]
    one = set_of("Calzado > Botas", SHOE) or ""
    for category, is_in_it in (("calzado", True), ("calzado/botas", True), ("calz", False)):
        first, beyond = bounds_of(category)
        assert (first <= one < beyond) is is_in_it, category
    other = set_of("Calzado-botas", SHOE) or ""
    assert not bounds_of("calzado")[0] <= other < bounds_of("calzado")[1]


def test_a_category_is_narrowed_by_what_is_there():
    sets = [str(set_of("A", each)) for each in (SHOE, {"color": ["ROJO", "Azul"]})]
    assert [(each.key, each.name, each.values) for each in facets_of(sets)] == [
        ("color", "Color", (("azul", "Azul"), ("rojo", "Rojo"))),
        ("talle", "Talle", (("9", "9"), ("38", "38"))),
    ]
    asked = ["color:rojo", "Color:AZUL", "color:", "x", "color:rojo", "talle:1:2"]
    assert chosen_of(asked) == {"color": ("rojo", "azul"), "talle": ("1:2",)}
