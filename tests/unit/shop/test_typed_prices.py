"""Prices as people type them, in Spanish and in English."""

from decimal import Decimal

import pytest

from avenue.shop.typed_prices import (
    AmbiguousPrice,
    HasCents,
    UnreadablePrice,
    read_price,
    typed_price,
)
from tests.table import table

ES, EN = "es_PY", "en"


@pytest.mark.parametrize(
    ("text", "locale", "price"),
    [
        ("150.000", ES, "150000"),
        ("150000", ES, "150000"),
        ("150000,50", ES, "150000.50"),
        ("1.150.000,5", ES, "1150000.5"),
        ("150.50", ES, "150.50"),
        ("150.5000", ES, "150.5"),
        ("0.500", ES, "0.5"),
        ("0.500", EN, "0.5"),
        ("150,000.50", ES, "150000.50"),
        ("1,150,000", ES, "1150000"),
        ("US$ 150,50", ES, "150.50"),
        ("$150.50", EN, "150.50"),
        ("150.50 usd", EN, "150.50"),
        ("0,5", ES, "0.5"),
        ("12345,678", ES, "12345.678"),
        (" 150 000 ", ES, "150000"),
        ("150\u00a0000", ES, "150000"),
        ("150,000.50", EN, "150000.50"),
        ("150,000", EN, "150000"),
        ("150.50", EN, "150.50"),
        ("150,50", EN, "150.50"),
        ("1,150,000", EN, "1150000"),
    ],
)
def test_a_price_is_read_as_the_language_writes_it(text: str, locale: str, price: str):
    assert read_price(text, "USD", locale) == Decimal(price)


@pytest.mark.parametrize("locale", [ES, EN])
def test_nothing_is_no_price(locale: str):
    assert read_price("  ", "PYG", locale) is None


@pytest.mark.parametrize(
    ("text", "locale"), [("150,000", ES), ("150.000", EN), ("1,500", ES), ("$1.500", EN)]
)
def test_what_can_mean_two_prices_is_asked_about(text: str, locale: str):
    with pytest.raises(AmbiguousPrice):
        read_price(text, "USD", locale)


@pytest.mark.parametrize(
    "text",
    [
        "gratis",
        "-5",
        "1e3",
        "150.00.0",
        "15.00,0.0",
        ",5",
        "5,",
        "1.2.3",
        "١٢٣",
        "9" * 16,
        "1,23456",
        "Infinity",
        "150.000,",
        "1500.000",
        "1,150,000.000.5",
        "1.150,000,5",
        "Gs. 150",
        "USD",
        "$$5",
    ],
)
def test_what_is_no_price_is_refused(text: str):
    with pytest.raises(UnreadablePrice):
        read_price(text, "USD", ES)


@table("text", ["150.000", "150000", "Gs. 150.000", "Gs.\u00a0150.000", "₲150.000", "150000 pyg"])
@table("locale", [ES, EN])
def test_a_point_stands_between_thousands_of_guaranies(text: str, locale: str):
    assert read_price(text, "PYG", locale) == Decimal(150_000)


def test_guaranies_have_no_cents():
    assert read_price("150.000,00", "PYG", ES) == Decimal(150000)
    with pytest.raises(HasCents):
        read_price("150.000,50", "PYG", ES)


@table("locale", [ES, EN])
@table("price", ["0", "5", "150000", "1150000.5", "0.25", "19.99", "1.2345", "999999999999999"])
def test_what_a_form_shows_is_read_as_the_same_price(price: str, locale: str):
    assert read_price(typed_price(Decimal(price), locale), "USD", locale) == Decimal(price)
