"""Reads the header and the manifest of an export, which are untrusted."""

import json
from collections.abc import Iterator

from pydantic import ValidationError

from avenue.errors import AvenueError, filled
from avenue.export.errors import MalformedLine, NewerExport, NoExport
from avenue.export.importing.lines import (
    LINES,
    LONGEST_LINE,
    FileLine,
    GroupLine,
    KindLine,
    PageLine,
    ProductLine,
    Record,
    lines_in,
)
from avenue.export.importing.places import Place
from avenue.export.importing.source import Origin
from avenue.export.importing.tables import Pass
from avenue.export.models import FORMAT, HEADER, MANIFEST
from avenue.field_problems import problems_of
from avenue.media.categories import UPLOAD
from avenue.migration.sources.errors import SourceGone

LARGEST_HEADER = 64 * 1024
PASSES = {"product": Pass.PICTURES, "group": Pass.PICTURES, "library": Pass.MEDIA}
TOO_LONG = f"it has more than {LONGEST_LINE} bytes."
NAMED_TWICE = "another line has the same id."


def name_of(place: Place) -> str:
    """Return the name under which the outcomes of an export are stored.

    Raise `NoExport`, `NewerExport`, or why it cannot be read.
    """
    data = b""
    try:
        for block in place.read(HEADER):
            data += block
            if len(data) > LARGEST_HEADER:
                raise NoExport(place=place.address)
        header = json.loads(data)
        number, site_id = header["format"], header["site"]
    except (SourceGone, ValueError, TypeError, KeyError, RecursionError):
        raise NoExport(place=place.address) from None
    if not isinstance(number, int) or not isinstance(site_id, str):
        raise NoExport(place=place.address)
    if number > FORMAT:
        raise NewerExport
    return f"export:{site_id[:64]}"


def read_manifest(origin: Origin) -> Iterator[None]:
    """Read the manifest line by line; invalid lines are refused.

    Raise `NoExport` if there is none, or why it cannot be read.
    """
    try:
        for number, line in enumerate(lines_in(origin.place.read(MANIFEST)), start=1):
            _note(origin, number, line)
            yield
    except SourceGone:
        raise NoExport(place=origin.place.address) from None


def _note(origin: Origin, number: int, line: bytes | None) -> None:
    try:
        if line is None:
            raise MalformedLine(TOO_LONG)  # noqa: TRY301
        if line.strip():
            _note_line(origin, number, line)
    except ValidationError as error:
        field, problem, words = problems_of(error)[0]
        said = filled(problem, words)
        _refuse_line(origin, number, MalformedLine(f"{field}: {said}" if field else said))
    except MalformedLine as error:
        _refuse_line(origin, number, error)


def _note_line(origin: Origin, number: int, line: bytes) -> None:
    kind = KindLine.model_validate_json(line).kind
    if kind not in LINES:
        return  # of a newer version
    read = LINES[kind].model_validate_json(line)
    if not origin.tables.add(number, kind, _pass_of(read), read.id, read.model_dump_json()):
        raise MalformedLine(NAMED_TWICE)


def _refuse_line(origin: Origin, number: int, error: AvenueError) -> None:
    origin.refuse(f"{MANIFEST}:{number}", error)


def _pass_of(line: FileLine | Record) -> Pass:
    if isinstance(line, GroupLine):
        return Pass.GROUPS
    if isinstance(line, ProductLine):
        return Pass.PRODUCTS
    if isinstance(line, PageLine):
        return Pass.PAGES
    if line.claim.kind != UPLOAD:
        return PASSES[line.claim.kind]
    return Pass.PUBLIC_UPLOADS if line.is_public else Pass.PRIVATE_UPLOADS
