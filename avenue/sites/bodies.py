"""What callers and commands may say about sites. Anything else is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from avenue.identity import ID_PATTERN, Role
from avenue.media.models import Visibility
from avenue.media.type_patterns import TypePattern

MOST_HOSTS = 20
LONGEST_URL = 300
MOST_CATEGORIES = 50

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)
]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Quota = Annotated[int, Field(ge=0, lt=2**31)]
Hosts = Annotated[list[Text], Field(max_length=MOST_HOSTS)]


CategoryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Colors(_Body):
    """The colours that are given change; null takes one away."""

    primary: Color | None = None
    accent: Color | None = None
    background: Color | None = None
    text: Color | None = None


class Limits(_Body):
    """The limits that are given change; null goes back to the house's.

    Of quotas, 0 is none. `quota_mb` and `quota_files` are for superusers; `user_quota_mb` and
    `user_quota_files` are what one person may store who is no administrator.
    """

    images_per_product: Count | None = None
    product_image_mb: Count | None = None
    media_mb: Count | None = None
    upload_mb: Count | None = None
    quota_mb: Quota | None = None
    quota_files: Quota | None = None
    user_quota_mb: Quota | None = None
    user_quota_files: Quota | None = None


class CategoryChanges(_Body):
    """The fields that are given change; null goes back to what they are without being said.

    `max_files` is how many one person may tie to one reference, `readers` are roles.
    """

    types: Annotated[list[TypePattern], Field(min_length=1, max_length=50)] | None = None
    max_mb: Count | None = None
    max_files: Annotated[int, Field(ge=1, le=10_000)] | None = None
    visibility: Visibility | None = None
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    readers: Annotated[list[Role], Field(max_length=len(Role))] | None = None
    edge: bool | None = None
    public_thumbs: bool | None = None


class SiteChanges(_Body):
    """What of a site may change; `hosts` is for superusers and replaces what is there.

    Of `upload_categories` those that are named change; null takes one away.
    """

    name: Name = ""
    locale: Locale = ""
    base_url: Text | None = None
    hosts: Hosts = []
    colors: Colors = Colors()
    limits: Limits = Limits()
    upload_categories: Annotated[
        dict[CategoryName, CategoryChanges | None], Field(max_length=MOST_CATEGORIES)
    ] = {}
    revision: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class LogoChoice(_Body):
    """A picture of the site's library that is to be the logo, by its id."""

    asset: Annotated[
        str,
        StringConstraints(pattern=rf"^{ID_PATTERN.pattern}$"),
        Field(examples=["pV0mZr3rT7uY9wQ1aB2cDg"]),
    ]


class NewSite(_Body):
    """What a site is made from; the host of `base_url` leads to it, and `hosts`."""

    id: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$"),
        Field(examples=["shoes"]),
    ]
    base_url: Annotated[Text, Field(examples=["https://shoes.example"])]
    name: Name | None = None
    locale: Locale = "es"
    hosts: Hosts = []
