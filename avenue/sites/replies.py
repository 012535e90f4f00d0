"""Replies of `/api/site` and `/api/sites`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.identity import Role
from avenue.media.models import Visibility
from avenue.media.replies import Image
from avenue.totals import WholeList


class UploadCategory(TypedDict):
    """A category of general uploads."""

    types: Annotated[list[str], Field(description="Media types, `image/*` or `*/*`.")]
    max_mb: Annotated[int | None, Field(description="Null is what the site allows.")]
    max_files: Annotated[
        int | None, Field(description="How many one person may tie to one reference.")
    ]
    visibility: Annotated[Visibility, Field(description="Of new uploads.")]
    retention_days: Annotated[int | None, Field(description="How long they are kept.")]
    readers: Annotated[
        list[Role], Field(description="Who may read besides owner and administrators.")
    ]
    edge: Annotated[bool, Field(description="Shared caches may keep what signed links show.")]
    public_thumbs: Annotated[bool, Field(description="Thumbs of private ones are for everybody.")]


class Link(TypedDict):
    """An entry of a menu."""

    label: str
    to: str


class Site(TypedDict):
    """A site, as every signed-in person may see it."""

    id: str
    name: str
    locale: str
    base_url: Annotated[str, Field(description="What its addresses begin with.")]
    colors: dict[str, str]
    logo: Image | None
    theme: Annotated[dict[str, str], Field(description="How its public pages look.")]
    menu: Annotated[list[Link], Field(description="Above its public pages.")]
    legal: Annotated[list[Link], Field(description="Below them.")]
    contact: Annotated[dict[str, str], Field(description="How it is reached, and its profiles.")]
    sizes: Annotated[
        dict[str, str], Field(description="Of its own: `600x800 cover`, or a width, by name.")
    ]
    edge_seconds: Annotated[
        dict[str, int],
        Field(description="How long shared caches may keep what everybody sees; those in force."),
    ]
    second_factor_roles: Annotated[
        list[Role],
        Field(description="Roles that need a second factor, besides those of the deployment."),
    ]
    status_page: Annotated[bool, Field(description="/status is there for everybody.")]
    limits: Annotated[dict[str, int], Field(description="Those in force; quota 0 is none.")]
    upload_categories: Annotated[
        dict[str, UploadCategory], Field(description="Those in force, by name.")
    ]
    revision: int


class FullSite(Site):
    """A site as superusers see it."""

    hosts: Annotated[list[str], Field(description="What leads to it.")]
    cluster: Annotated[str, Field(description="Where all it has is kept.")]


class SiteList(WholeList):
    """All sites of the deployment, without their logos."""

    items: list[FullSite]
