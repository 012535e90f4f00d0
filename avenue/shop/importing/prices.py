"""A price as people and spreadsheets write it. What could mean two prices is refused."""

import re

from avenue.errors import sentence
from avenue.shop.importing.errors import BadCell

PLAIN = re.compile(r"[0-9]+")
GROUPED = r"[0-9]{1,3}(?:\%s[0-9]{3})+"
# A sign that comes several times stands between thousands; of two kinds the last is the decimal.
BETWEEN_THOUSANDS = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3}){2,}|(?:,[0-9]{3}){2,})")
DECIMAL_POINT = re.compile(GROUPED % "," + r"\.[0-9]+")
DECIMAL_COMMA = re.compile(GROUPED % "." + r",[0-9]+")
ONE_SIGN = re.compile(r"([0-9]+)[.,]([0-9]+)")
MOST_OF_A_GROUP = 3


def read_price(text: str) -> str:
    """Return a price of a CSV cell as digits with at most one point; raise `BadCell`.

    "150000", "150000.5", "150000,50", "150,000.50", "150.000,50" and "1.150.000" are read.
    "150.000" and "150,000" are refused: it could be either 150 or 150 thousand.
    """
    if PLAIN.fullmatch(text):
        return text
    if BETWEEN_THOUSANDS.fullmatch(text):
        return text.replace(".", "").replace(",", "")
    if DECIMAL_POINT.fullmatch(text):
        return text.replace(",", "")
    if DECIMAL_COMMA.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    return _with_one_sign(text)


def _with_one_sign(text: str) -> str:
    found = ONE_SIGN.fullmatch(text)
    if not found:
        raise BadCell(
            sentence("The price is no number: write only digits, as 150000 or 150000.50."),
            field="price",
        )
    whole, part = found.groups()
    if _could_be_thousands(whole, part):
        raise BadCell(
            sentence(
                "The price {text} can mean {whole} or {whole}{part}: write {whole}{part}, or "
                "{whole}.00 with two decimals."
            ),
            field="price",
            words={"text": text, "whole": whole, "part": part},
        )
    return f"{whole}.{part}"


def _could_be_thousands(whole: str, part: str) -> bool:
    return (
        len(part) == MOST_OF_A_GROUP and len(whole) <= MOST_OF_A_GROUP and not whole.startswith("0")
    )
