"""Request body for creating a ticket. Anything else is a 400."""

from typing import Annotated

from pydantic import Field, StringConstraints

from avenue.bodies import Body
from avenue.media.categories import GENERAL
from avenue.media.intake.type_patterns import TypePattern
from avenue.uploads.bodies import Reference

AN_HOUR = 60 * 60
A_WEEK = 7 * 24 * AN_HOUR


class TicketWanted(Body):
    """A ticket: the filing of its file, the accepted types and size, and the lifetime."""

    category: Annotated[str, StringConstraints(max_length=100)] = GENERAL
    reference: Reference = None
    max_bytes: (
        Annotated[
            int, Field(ge=1, lt=2**40, description="What the category takes, if that is less.")
        ]
        | None
    ) = None
    types: (
        Annotated[
            list[TypePattern],
            Field(
                min_length=1,
                max_length=50,
                description="Those of them that the category takes.",
                examples=[["image/*", "application/pdf"]],
            ),
        ]
        | None
    ) = None
    expires_in: Annotated[int, Field(ge=1, le=A_WEEK, description="Seconds.")] = AN_HOUR
