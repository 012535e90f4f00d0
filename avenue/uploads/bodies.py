"""Request bodies of general uploads. Anything else is a 400."""

import binascii
import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from avenue.bodies import Body, Id, Name, PictureTexts, each_once
from avenue.clock import iso
from avenue.cursors import BadCursor
from avenue.errors import sentence
from avenue.identity import is_id
from avenue.media.serving.zipping import MOST_FILES
from avenue.uploads.errors import BadReference
from avenue.uploads.models import Place
from avenue.web.paging import packed, unpacked

LONGEST_REFERENCE = 200


def checked_reference(text: str | None) -> str | None:
    """Return a reference as it is stored, None for an empty one; raise `BadReference`."""
    kept = (text or "").strip()
    if len(kept) > LONGEST_REFERENCE or not kept.isprintable():
        raise BadReference
    return kept or None


def _reference(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return checked_reference(value)
    except BadReference:
        raise PydanticCustomError("reference", sentence("Enter 1 to 200 characters.")) from None


Reference = Annotated[
    Annotated[str, StringConstraints(max_length=LONGEST_REFERENCE)] | None,
    BeforeValidator(_reference),
]


class UploadChanges(PictureTexts):
    """Changes of an upload; `hold` is for administrators.

    A null `reference` removes it; the name keeps the ending of the file's type. With another
    `visibility` all its URLs change.
    """

    name: Name = ""
    reference: Reference = None
    hold: bool = False
    visibility: Literal["public", "private"] = "private"


class ZipWanted(Body):
    """The uploads of a ZIP, in its order; duplicates are included once."""

    ids: Annotated[
        list[Id],
        Field(min_length=1, max_length=MOST_FILES, examples=[["uP1oAd5xQ7rT9yU1oP3aSd"]]),
        AfterValidator(each_once),
    ]


def cursor_text(place: Place) -> str:
    """Return a place as an opaque cursor."""
    return packed(iso(place[0]), place[1])


def cursor_place(text: str) -> Place:
    """Return the place of a cursor; raise `BadCursor`."""
    if not re.fullmatch("[A-Za-z0-9_-]+", text):
        raise BadCursor
    try:
        written, upload_id = unpacked(text)
        at = datetime.fromisoformat(written)
        if iso(at) != written or not is_id(upload_id):
            raise BadCursor
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise BadCursor from error
    return at, upload_id
