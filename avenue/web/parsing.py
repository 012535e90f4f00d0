"""Parses requests: JSON bodies, files, pages of a list.

Nothing is trusted: neither the length, nor the depth, nor the types of a JSON body.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from flask import Flask, g, request
from pydantic import BaseModel, Field, ValidationError
from typing_extensions import TypedDict

from avenue.config import Settings
from avenue.errors import filled, sentence
from avenue.field_problems import problems_of
from avenue.web import body, incoming
from avenue.web.errors import KB, InvalidBody, InvalidQuery
from avenue.web.incoming import Incoming, IncomingFile, Refused, incoming_files
from avenue.web.jsontext import check_depth, finite, is_text, no_number, without_doubles
from avenue.web.language import gettext
from avenue.web.services import using

__all__ = [
    "Incoming",
    "IncomingFile",
    "PageAsked",
    "PageQuery",
    "Refused",
    "body_as",
    "incoming_files",
    "install",
    "invalid_body",
    "json_text",
    "page_asked_for",
]

M = TypeVar("M", bound=BaseModel)

DEFAULT_PAGE = 50
LARGEST_PAGE = 100
LONGEST_CURSOR = 1000


def install(app: Flask) -> None:
    """Prepare `app` for the functions here; `Settings` must be among its services."""
    body.install(app)
    incoming.install(app)


def body_as(model: type[M], *, most_kb: int | None = None) -> M:
    """Return the JSON object in the request's body as a `model`; `most_kb` overrides its limit.

    Raise `InvalidBody` naming each wrong field (never its value), `BodyTooLarge`, `BodyCutOff`.
    """
    sent = json_text(most_kb=most_kb)
    try:
        # From the bytes, not from the parsed values: strict models then accept what JSON writes as
        # text (decimals, dates).
        read = model.model_validate_json(sent)
    except ValidationError as error:
        raise invalid_body(error) from None
    g.body_fields = sorted(read.model_fields_set)  # for the audit log
    return read


def json_text(*, most_kb: int | None = None) -> bytes:
    """Return the request's body, which is a JSON object. Raises as `body_as`."""
    if not request.is_json:
        raise InvalidBody("The Content-Type of the body is not application/json.")
    settings = using(Settings)
    sent = body.whole((most_kb or settings.max_json_kb) * KB)
    _check_json(sent, settings.max_json_depth)
    return sent


def _check_json(sent: bytes, most_levels: int) -> None:
    try:
        text = sent.decode()
    except UnicodeDecodeError:
        raise InvalidBody("The body is not UTF-8.") from None
    check_depth(text, most_levels)
    try:
        value = json.loads(
            text,
            object_pairs_hook=without_doubles,
            parse_float=finite,
            parse_constant=no_number,
        )
    except ValueError:
        raise InvalidBody("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidBody("The body is JSON, but not an object.")
    if "\\u" in text and not is_text(value):
        raise InvalidBody("The body holds a character that is none: NUL or half a surrogate pair.")


def invalid_body(error: ValidationError) -> InvalidBody:
    """Return the error naming each wrong field in the caller's language, without values."""
    fields = [
        {"field": field, "problem": filled(problem, words, gettext)}
        for field, problem, words in problems_of(error)
    ]
    first = fields[0]
    return InvalidBody(
        "`{field}`: {problem}" if first["field"] else "{problem}",
        hint=sentence("Correct the fields named in `fields` and send it again."),
        words=first,
        fields=fields,
    )


class PageQuery(TypedDict, total=False):
    """The part of a list in the query; lists with more parameters extend it."""

    limit: Annotated[
        int, Field(ge=1, le=LARGEST_PAGE, description=f"How many; {DEFAULT_PAGE} if left out.")
    ]
    after: Annotated[
        str, Field(max_length=LONGEST_CURSOR, description="`next` of the page before, unchanged.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsked:
    """The requested part of a list: at most `limit` items after the cursor `after`."""

    limit: int
    after: str | None


def page_asked_for(default: int = DEFAULT_PAGE) -> PageAsked:
    """Return the part that `?limit=` (1 to 100, by default `default`) and `?after=` ask for.

    Raise `InvalidQuery`.
    """
    text = request.args.get("limit")
    return PageAsked(limit=default if text is None else _limit(text), after=_after())


def one_of(name: str, text: str, choices: Sequence[str]) -> str:
    """Return `text`, the value of the parameter `name`.

    Raise `InvalidQuery` if not in `choices`.
    """
    if text not in choices:
        raise InvalidQuery(f"`{name}` must be one of {', '.join(choices)}.", parameter=name)
    return text


def _limit(text: str) -> int:
    if re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= LARGEST_PAGE:
        return int(text)
    raise InvalidQuery(
        f"`limit` must be a number from 1 to {LARGEST_PAGE}.",
        hint="Leave it out for the usual number.",
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
