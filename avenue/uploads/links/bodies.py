"""Request bodies of links. Anything else is a 400."""

from typing import Annotated

from pydantic import Field, StringConstraints

from avenue.bodies import Body, Id

MOST_AT_ONCE = 100
AN_HOUR = 60 * 60

Form = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}(\.[a-z0-9]{2,5})?$")]


class LinkWanted(Body):
    """A link: its lifetime, the size of the picture, and whether the browser downloads the file."""

    expires_in: Annotated[
        int,
        Field(ge=1, lt=2**31, description="Seconds. The link lives up to a quarter longer."),
    ] = AN_HOUR
    variant: Annotated[
        Form,
        Field(
            description="`original`, a variant, or a variant in one format.",
            examples=["original", "thumb", "gallery.jpg"],
        ),
    ] = "original"
    download: bool = False


class LinkOfMany(LinkWanted):
    """A link to one of several uploads."""

    id: Annotated[Id, Field(examples=["uP1oAd5xQ7rT9yU1oP3aSd"])]


class LinksWanted(Body):
    """Several links at once."""

    items: Annotated[list[LinkOfMany], Field(min_length=1, max_length=MOST_AT_ONCE)]
