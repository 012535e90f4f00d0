"""Records that are not as they should be: another program, a restore or a hand wrote them.

`faults_of` judges one by the shape of its collection (`storage.shapes`), `readable` reads many and
leaves out what cannot be read, and `MalformedRecord` answers who asked for just that one.
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
"""What a reader of stored documents raises when a field is missing or is something else."""
MOST_MALFORMED = 10_000
"""How many records that cannot be read are passed over, one after the other."""
MOST_SUMMED = 2**50
"""No number of bytes or files is as large."""
WHOLE_RECORD = "_id"
"""Named where nobody can tell which field it is."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that is missing or is something else; its parts are joined by dots."""

    field: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that is not as it should be, and the fields by which it is not.

    `site` is None where it is the house's, or does not say whose it is.
    """

    collection: str
    id: str
    site: str | None
    fields: tuple[str, ...]

    @property
    def detail(self) -> str:
        """What is wrong, in a sentence."""
        named = ", ".join(self.fields)
        return f"Missing or something else than it should be in {self.collection}: {named}."


def faults_of(collection: str, document: Mapping[str, Any]) -> list[Fault]:
    """Return every fault of a whole record; none where nothing is known of its collection."""
    return _faults(collection, document, is_whole=True)


def check(collection: str, document: Mapping[str, Any], *, is_part: bool = False) -> None:
    """Raise `MalformedRecord` unless what readers need of a record is as it should be.

    Of what `is_part` of a record, nothing is missing.
    """
    # Quick where all is well, as almost always: nothing is made then, and nothing raised.
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
    """Return what `reader` makes of a document; raise `MalformedRecord`."""
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
    """Yield what `reader` makes of each; what cannot be read is left out, and logged."""
    for each in documents:
        try:
            yield read(collection, reader, each, is_part=is_part)
        except MalformedRecord as malformed:
            left_out(malformed)


def passing_over(work: Callable[[list[object]], T], known: list[object] | None = None) -> T:
    """Return what `work` makes: it is called with the ids to pass over, those it stumbled on.

    Who calls this again and again gives the same list of `known` ones each time. Raise
    `MalformedRecord` when `work` stumbles on the same one again, or on too many.
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
    """Return a record without those of its fields that are something else: they are as missing."""
    amiss = {each.field.partition(".")[0] for each in _faults(collection, document, is_whole=False)}
    for each in sorted(amiss & document.keys()):
        left_out(MalformedRecord(collection, document.get("_id"), each))
    return {name: value for name, value in document.items() if name not in amiss}


def whole(value: str) -> dict[str, Any]:
    """Return the expression of a whole number for sums.

    It is 0 for what is no number or cannot be right: less than 0, or 2^50 and more.
    """
    can_be = {"$and": [{"$isNumber": value}, {"$gte": [value, 0]}, {"$lt": [value, MOST_SUMMED]}]}
    return {"$cond": [can_be, {"$toLong": value}, {"$toLong": 0}]}


def left_out(malformed: MalformedRecord) -> None:
    """Log that a record was passed over."""
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
