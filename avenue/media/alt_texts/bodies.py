"""What callers may send about alternative texts. Anything else is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LONGEST_TEXT = 1000

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT)]
Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$"), Field(examples=["es"])
]


class AltText(BaseModel):
    """The description of a picture in one language; other languages stay."""

    model_config = ConfigDict(extra="forbid", strict=True)

    language: Language
    text: Text
    was: Annotated[
        Text, Field(description="The text in this language that the new one was written before.")
    ]
    decorative: Annotated[bool, Field(description="It says nothing, and needs no text.")] = False


class SuggestionWanted(BaseModel):
    """The language of the suggestion."""

    model_config = ConfigDict(extra="forbid", strict=True)

    language: Language
