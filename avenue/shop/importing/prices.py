"""Parses a price in a cell of a table. Ambiguous ones are refused."""

import re

from avenue.errors import sentence
from avenue.shop.importing.errors import BadCell
from avenue.shop.models import DEFAULT_CURRENCY
from avenue.shop.typed_prices import (
    WITHOUT_CENTS,
    AmbiguousPrice,
    HasCents,
    UnreadablePrice,
    read_price as typed,
)

SOME_WITH_CENTS = ""


def read_price(text: str, currency: str | None, locale: str) -> tuple[str, bool | None]:
    """Return the digits of a price, and whether it is only valid with cents.

    If the row has no currency (None), it is that of the product, which is not known yet: "150,50"
    is a price only in currencies with cents (True), "150.000" in English only without (False); None
    if it makes no difference. Raise `BadCell`.
    """
    if currency is not None:
        return _digits(text, currency, locale), None
    read = {each: _tried(text, each, locale) for each in (DEFAULT_CURRENCY, SOME_WITH_CENTS)}
    without, with_cents = read.values()
    if isinstance(without, BadCell):
        if isinstance(with_cents, BadCell):
            raise without
        return with_cents, True
    return without, False if isinstance(with_cents, BadCell) else None


def check_currency(currency: str, *, has_cents: bool | None) -> None:
    """Raise `BadCell` if a parsed price is not valid in the product's currency."""
    if has_cents is None or has_cents is (currency not in WITHOUT_CENTS):
        return
    if has_cents:
        raise _without_cents()
    raise BadCell(
        sentence("The price is ambiguous in {currency}: enter it with digits only."),
        field="price",
        words={"currency": currency},
    )


def _tried(text: str, currency: str, locale: str) -> str | BadCell:
    try:
        return _digits(text, currency, locale)
    except BadCell as error:
        return error


def _digits(text: str, currency: str, locale: str) -> str:
    try:
        price = typed(text, currency, locale)
    except HasCents:
        raise _without_cents() from None
    except AmbiguousPrice as error:
        whole, part = re.split("[.,]", str(error))
        raise BadCell(
            sentence(
                "The price {text} can mean {whole} or {whole}{part}: enter {whole}{part}, "
                "or {whole}.00 with two decimals."
            ),
            field="price",
            words={"text": text, "whole": whole, "part": part},
        ) from None
    except UnreadablePrice:
        price = None
    if price is None:
        raise BadCell(
            sentence("The price is not a number: enter only digits, like 150000 or 150000.50."),
            field="price",
        )
    return f"{price:f}"


def _without_cents() -> BadCell:
    return BadCell(
        sentence("Prices in guaraníes have no decimals: enter the price as 150000."), field="price"
    )
