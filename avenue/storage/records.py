"""Invalid records, written by other programs, restores or by hand.

`faults_of` checks one by the shape of its collection (`storage.shapes`), `readable` reads many and
skips unreadable ones, and `MalformedRecord` is the error if exactly that one was requested.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic_core import SchemaValidator, ValidationError

from avenue.errors import MalformedRecord
from avenue.storage.shapes import compiled, shape_of

T = TypeVar("T")
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""Errors of readers of stored documents if a field is missing or has another type."""
MOST_MALFORMED = 10_000
"""How many consecutive unreadable records are skipped."""
MOST_SUMMED = 2**50
"""No real number of bytes or files is as large."""
WHOLE_RECORD = "_id"
"""Reported if the field cannot be determined."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """A field that is missing or invalid; its parts are joined by dots."""

    field: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """An invalid record, and its invalid fields.

    `site` is None if it belongs to the deployment, or does not name its site.
    """

    collection: str
    id: str
    site: str | None
    fields: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The error as a sentence."""
        named = ", ".join(self.fields)
        return f"Missing or something else than it should be in {self.collection}: {named}."


def faults_of(collection: str, document: Mapping[str, Any]) -> list[Fault]:
    """Return all faults of a whole record; none if its collection has no shape."""
    return _faults(collection, document, is_whole=True)


def check(collection: str, document: Mapping[str, Any], *, is_part: bool = False) -> None:
    """Raise `MalformedRecord` unless the fields that readers need are valid.

    With `is_part`, fields may be missing.
    """
    # Fast in the normal case: no objects are created, and nothing is raised.
    if _validator(collection, shape_of(collection, document), is_whole=False)(document):
        return
    faults = _faults(collection, document, is_whole=False)
    meant = [each for each in faults if not (is_part and each.is_missing)]
    if meant:
        raise MalformedRecord(collection, document.get("_id"), meant[0].field)


def read(
    collection: str,
    reader: Callable[[Any], T],
    document: Mapping[str, Any],
    *,
    is_part: bool = False,
) -> T:
    """Return the result of `reader` for a document; raise `MalformedRecord`."""
    check(collection, document, is_part=is_part)
    try:
        return reader(document)
    except UNREADABLE as error:
        field = error.args[0] if isinstance(error, KeyError) and error.args else WHOLE_RECORD
        raise MalformedRecord(collection, document.get("_id"), str(field)) from error


def readable(
    collection: str,
    reader: Callable[[Any], T],
    documents: Iterable[Mapping[str, Any]],
    *,
    is_part: bool = False,
) -> Iterator[T]:
    """Yield the result of `reader` for each; unreadable ones are skipped, and logged."""
    for each in documents:
        try:
            yield read(collection, reader, each, is_part=is_part)
        except MalformedRecord as malformed:
            left_out(malformed)


def passing_over(work: Callable[[list[object]], T], known: list[object] | None = None) -> T:
    """Return the result of `work`, which gets the ids of invalid records to skip.

    Repeated calls pass the same list of `known` ones. Raise `MalformedRecord` if `work` fails on
    the same one again, or on too many.
    """
    ids = [] if known is None else known
    while True:
        try:
            return work(ids)
        except MalformedRecord as malformed:
            if malformed.record in ids or len(ids) >= MOST_MALFORMED:
                raise
            left_out(malformed)
            ids.append(malformed.record)


def sound(collection: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without its invalid fields, as if they were missing."""
    amiss = {each.field.partition(".")[0] for each in _faults(collection, document, is_whole=False)}
    for each in sorted(amiss & document.keys()):
        left_out(MalformedRecord(collection, document.get("_id"), each))
    return {name: value for name, value in document.items() if name not in amiss}


def whole(value: str) -> dict[str, Any]:
    """Return the expression of an integer for sums.

    It is 0 for values that are not a number or cannot be right: less than 0, or 2^50 and more.
    """
    can_be = {"$and": [{"$isNumber": value}, {"$gte": [value, 0]}, {"$lt": [value, MOST_SUMMED]}]}
    return {"$cond": [can_be, {"$toLong": value}, {"$toLong": 0}]}


def left_out(malformed: MalformedRecord) -> None:
    """Log that a record was skipped."""
    log.warning(
        "Left out %s %s: %s is missing or is something else.",
        malformed.collection,
        malformed.record,
        malformed.field,
    )


def _faults(collection: str, document: Mapping[str, Any], *, is_whole: bool) -> list[Fault]:
    shape = shape_of(collection, document)
    if shape is None:
        return []
    try:
        _schema(shape, is_whole=is_whole).validate_python(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return [
            Fault(".".join(map(str, each["loc"])) or WHOLE_RECORD, each["type"] == "missing")
            for each in found
        ]
    return []


@cache
def _schema(shape: str, *, is_whole: bool) -> SchemaValidator:
    return SchemaValidator(compiled(shape, is_whole=is_whole))


@cache
def _validator(
    collection: str, shape: str | None, *, is_whole: bool
) -> Callable[[Mapping[str, Any]], bool]:
    if shape is None:
        return lambda _: True
    return _schema(shape, is_whole=is_whole).isinstance_python
