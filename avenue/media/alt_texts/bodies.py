"""What callers may send about alternative texts. Anything else is a 400."""

from typing import Annotated

from pydantic import Field, StringConstraints

from avenue import bodies
from avenue.bodies import Body

Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$"), Field(examples=["es"])
]


class AltText(Body):
    """The description of a picture in one language; other languages stay."""

    language: Language
    text: bodies.AltText
    was: Annotated[
        bodies.AltText,
        Field(description="The text in this language that the new one was written before."),
    ]
    decorative: Annotated[bool, Field(description="It says nothing, and needs no text.")] = False


class SuggestionWanted(Body):
    """The language of the suggestion."""

    language: Language
