"""Parses a price that a person types into a form or a table, in the number format of a language."""

import functools
import re
from decimal import Decimal

from babel.core import Locale
from babel.numbers import (
    format_decimal,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

WITHOUT_CENTS = frozenset({"PYG"})
MOST_DIGITS, MOST_DECIMALS = 15, 4
BLANKS = re.compile(r"[\s\u00a0\u202f']+")
GROUP_DIGITS = 3
# A separator that occurs several times is one of thousands; of two kinds the last is the decimal
# one.
GROUPED = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3})+(?:,[0-9]+)?|(?:,[0-9]{3})+(?:\.[0-9]+)?)")
ONE_SIGN = re.compile(r"([0-9]+)([.,])([0-9]+)")
ISO_4217 = re.compile("[A-Z]{3}")
WRITTEN_SIGNS = {"PYG": ("Gs.", "Gs", "₲"), "USD": ("US$", "$")}


class UnreadablePrice(ValueError):
    """The text is not a price."""


class AmbiguousPrice(UnreadablePrice):
    """The text could be two prices: in other countries its separator is one of thousands.

    Its argument is the number only, such as "150,000".
    """


class HasCents(UnreadablePrice):
    """The currency has no cents."""


def read_price(text: str, currency: str, locale: str) -> Decimal | None:
    """Return the typed price, None for an empty text; raise `UnreadablePrice`.

    In Spanish "150.000" is 150 thousand and "150000,50" has cents; in English it is the other way
    round. If only the other reading is possible, it is used: "150.50" in Spanish, and "150.000" of
    guaraníes, which have no cents, in English. The currency sign may be on either side.
    """
    if not (typed := BLANKS.sub("", text)):
        return None
    has_cents = currency not in WITHOUT_CENTS
    number = _without_sign(typed, currency, locale)
    plain = _plain(number, Locale.parse(locale), has_cents=has_cents)
    whole, _, part = plain.partition(".")
    if len(whole) > MOST_DIGITS or len(part) > MOST_DECIMALS:
        raise UnreadablePrice(text)
    if not has_cents and part.strip("0"):
        raise HasCents(text)
    return Decimal(plain if has_cents else whole)


def typed_price(price: Decimal | None, locale: str) -> str:
    """Return `price` as a person would type it, so that `read_price` returns the same."""
    if price is None:
        return ""
    pattern = "#,##0" if price == price.to_integral_value() else "#,##0.00##"
    return str(format_decimal(price, pattern, locale=locale))


def _without_sign(typed: str, currency: str, locale: str) -> str:
    """Return `typed` without the currency sign, such as "Gs." or "PYG"."""
    folded = typed.casefold()
    for sign in _signs(currency, locale):
        if folded.startswith(sign):
            return typed[len(sign) :]
        if folded.endswith(sign):
            return typed[: -len(sign)]
    return typed


@functools.cache
def _signs(currency: str, locale: str) -> tuple[str, ...]:
    """Return the spellings of a currency next to a price, longest first."""
    if not ISO_4217.fullmatch(currency):
        return ()
    shown = BLANKS.sub("", get_currency_symbol(currency, locale))
    signs = {currency, shown, *WRITTEN_SIGNS.get(currency, ())}
    return tuple(sorted((each.casefold() for each in signs), key=len, reverse=True))


def _plain(typed: str, locale: Locale, *, has_cents: bool) -> str:
    """Return the number as digits with at most one point."""
    if found := ONE_SIGN.fullmatch(typed):
        return _with_one_sign(found, locale, has_cents=has_cents)
    if typed.isascii() and typed.isdigit():
        return typed
    if GROUPED.fullmatch(typed):
        decimal = max(".,", key=typed.rfind)
        if typed.count(decimal) > 1:
            return typed.replace(decimal, "")
        whole, _, part = typed.rpartition(decimal)
        return f"{re.sub('[.,]', '', whole)}.{part}"
    raise UnreadablePrice(typed)


def _with_one_sign(found: re.Match[str], locale: Locale, *, has_cents: bool) -> str:
    """Return a number with one point or comma, which may be either kind of separator."""
    whole, sign, part = found.groups()
    if len(part) != GROUP_DIGITS or whole.startswith("0"):
        return f"{whole}.{part}"
    if len(whole) <= GROUP_DIGITS:
        if sign == get_decimal_symbol(locale) and (has_cents or sign != "."):
            raise AmbiguousPrice(found[0])
        return f"{whole}{part}"
    if sign == get_group_symbol(locale):  # as a thousands separator it would be elsewhere
        raise UnreadablePrice(found[0])
    return f"{whole}.{part}"
