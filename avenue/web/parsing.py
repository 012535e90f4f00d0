"""From a request to values: JSON bodies, files, pages of a list.

Nothing is believed: not the length, not the depth, not the type of what stands in a JSON body.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, g, request
from pydantic import BaseModel, ValidationError

from avenue.config import Settings
from avenue.web import body, incoming
from avenue.web.errors import KB, InvalidBody, InvalidQuery
from avenue.web.incoming import Incoming, IncomingFile, Refused, incoming_files
from avenue.web.services import using

__all__ = [
    "Incoming",
    "IncomingFile",
    "PageAsked",
    "Refused",
    "body_as",
    "incoming_files",
    "install",
    "page_asked_for",
]

M = TypeVar("M", bound=BaseModel)

DEFAULT_PAGE = 50
LARGEST_PAGE = 100
LONGEST_CURSOR = 1000
MOST_FIELDS_NAMED = 20
LONGEST_FIELD_NAME = 100

# Strings are matched whole, so that brackets inside them do not count; possessive, so that a
# string without its end cannot make the search start over at every quote.
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


def install(app: Flask) -> None:
    """Prepare `app` for the functions here; `Settings` must be among its services."""
    body.install(app)
    incoming.install(app)


def body_as(model: type[M]) -> M:
    """Return the JSON object of the request's body as a `model`.

    Raise `InvalidBody` naming each wrong field (never its value), `BodyTooLarge`, `BodyCutOff`.
    """
    if not request.is_json:
        raise InvalidBody("The Content-Type of the body is not application/json.")
    settings = using(Settings)
    sent = body.whole(settings.max_json_kb * KB)
    _check_json(sent, settings.max_json_depth)
    try:
        # From the bytes, not from the parsed values: strict models then take what JSON writes as
        # text (decimals, dates).
        read = model.model_validate_json(sent)
    except ValidationError as error:
        raise _invalid(error) from None
    g.body_fields = sorted(read.model_fields_set)  # for the audit log
    return read


def _check_json(sent: bytes, most_levels: int) -> None:
    try:
        text = sent.decode()
    except UnicodeDecodeError:
        raise InvalidBody("The body is not UTF-8.") from None
    _check_depth(text, most_levels)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_doubles,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except ValueError:
        raise InvalidBody("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidBody("The body is JSON, but not an object.")
    if "\\u" in text and any(NOT_TEXT.search(each) for each in _strings(value)):
        raise InvalidBody("The body holds a character that is none: NUL or half a surrogate pair.")


def _check_depth(text: str, most_levels: int) -> None:
    """Count the levels without descending: 100,000 of them must not cost a stack."""
    if text.count("[") + text.count("{") <= most_levels:
        return
    level = 0
    for match in STRING_OR_BRACKET.finditer(text):
        sign = match.group()
        level += (sign in "[{") - (sign in "]}")
        if level > most_levels:
            raise InvalidBody(f"The body is nested deeper than {most_levels} levels.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidBody("An object in the body has the same key twice.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return _no_number(text) if number in {float("inf"), float("-inf")} else number


def _no_number(_text: str) -> float:
    raise InvalidBody("The body holds a number that is none: NaN, Infinity or too large.")


def _strings(value: object) -> Iterator[str]:
    """Yield every key and text in `value`, whose depth was checked."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _invalid(error: ValidationError) -> InvalidBody:
    """Name what is wrong, without the values: one of them may be a password."""
    fields = [
        {"field": _dotted(each["loc"]), "problem": each["msg"]}
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ][:MOST_FIELDS_NAMED]
    first = fields[0]
    where = f"`{first['field']}`: " if first["field"] else ""
    return InvalidBody(
        f"{where}{first['problem']}.",
        hint="Correct the fields named in `fields` and send it again.",
        fields=fields,
    )


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(each) for each in location)[:LONGEST_FIELD_NAME]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsked:
    """Which part of a list: at most `limit` items, those behind the cursor `after`."""

    limit: int
    after: str | None


def page_asked_for() -> PageAsked:
    """Return what `?limit=` (1 to 100, else 50) and `?after=` ask for; raise `InvalidQuery`."""
    return PageAsked(limit=_limit(request.args.get("limit")), after=_after())


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= LARGEST_PAGE:
        return int(text)
    raise InvalidQuery(
        f"`limit` must be a number from 1 to {LARGEST_PAGE}.",
        hint="Leave it out for 50 items.",
        parameter="limit",
    )


def _after() -> str | None:
    text = request.args.get("after") or None
    if text and (len(text) > LONGEST_CURSOR or not text.isascii() or not text.isprintable()):
        raise InvalidQuery(
            "`after` is not a cursor.",
            hint="Use `next` of the page before, unchanged.",
            parameter="after",
        )
    return text
