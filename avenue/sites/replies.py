"""What `/api/site` and `/api/sites` answer."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.replies import Image


class Site(TypedDict):
    """What everybody who is signed in may know of a site."""

    id: str
    name: str
    locale: str
    base_url: Annotated[str, Field(description="What its addresses begin with.")]
    colors: dict[str, str]
    logo: Image | None
    limits: Annotated[dict[str, int], Field(description="Those in force; quota 0 is none.")]
    revision: int


class HouseSite(Site):
    """A site as superusers see it."""

    hosts: Annotated[list[str], Field(description="What leads to it.")]


class SiteList(TypedDict):
    """All sites of the house, without their logos."""

    items: list[HouseSite]
    next: None
    total: int
