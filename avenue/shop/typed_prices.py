"""A price as a person types it into a form, in the way their language writes numbers."""

import re
from decimal import Decimal

from babel.core import Locale
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol

WITHOUT_CENTS = frozenset({"PYG"})
MOST_DIGITS, MOST_DECIMALS = 15, 4
BLANKS = re.compile(r"[\s\u00a0\u202f']+")
GROUP_DIGITS = 3


class UnreadablePrice(ValueError):
    """The text is no price."""


class AmbiguousPrice(UnreadablePrice):
    """The text could be two prices: its one sign stands between thousands elsewhere."""


class HasCents(UnreadablePrice):
    """The currency has no cents."""


def read_price(text: str, currency: str, locale: str) -> Decimal | None:
    """Return the price of what was typed, None for nothing; raise `UnreadablePrice`.

    In Spanish "150.000" is 150 thousand and "150000,50" has cents; in English it is the other
    way round. A sign that can only be meant otherwise is read so: "150.50" in Spanish.
    """
    typed = BLANKS.sub("", text)
    if not typed:
        return None
    plain = _plain(typed, Locale.parse(locale))
    whole, _, part = plain.partition(".")
    if len(whole) > MOST_DIGITS or len(part) > MOST_DECIMALS:
        raise UnreadablePrice(text)
    if currency in WITHOUT_CENTS and part.strip("0"):
        raise HasCents(text)
    return Decimal(whole if currency in WITHOUT_CENTS else plain)


def typed_price(price: Decimal | None, locale: str) -> str:
    """Return `price` as a person would type it; what `read_price` reads as the same price."""
    if price is None:
        return ""
    pattern = "#,##0" if price == price.to_integral_value() else "#,##0.00##"
    return str(format_decimal(price, pattern, locale=locale))


def _plain(typed: str, locale: Locale) -> str:
    """Return the number as digits with at most one point."""
    thousands, decimal = get_group_symbol(locale), get_decimal_symbol(locale)
    if re.fullmatch(rf"[0-9]{{1,3}}(\{thousands}[0-9]{{3}})+(\{decimal}[0-9]+)?", typed):
        return typed.replace(thousands, "").replace(decimal, ".")
    if re.fullmatch(rf"[0-9]+(\{decimal}[0-9]+)?", typed):
        whole, _, part = typed.partition(decimal)
        if len(part) == GROUP_DIGITS and len(whole) <= GROUP_DIGITS:
            raise AmbiguousPrice(typed)
        return f"{whole}.{part}" if part else whole
    if found := re.fullmatch(rf"([0-9]+)\{thousands}([0-9]{{1,2}})", typed):
        return f"{found[1]}.{found[2]}"
    raise UnreadablePrice(typed)
