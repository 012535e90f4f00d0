"""What callers and commands may say about sites. Anything else is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_HOSTS = 20
LONGEST_URL = 300

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)
]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Hosts = Annotated[list[Text], Field(max_length=MOST_HOSTS)]


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

    `quota_mb` is for superusers; 0 is no quota.
    """

    images_per_product: Count | None = None
    product_image_mb: Count | None = None
    media_mb: Count | None = None
    upload_mb: Count | None = None
    quota_mb: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class SiteChanges(_Body):
    """What of a site may change; `hosts` is for superusers and replaces what is there."""

    name: Name = ""
    locale: Locale = ""
    base_url: Text | None = None
    hosts: Hosts = []
    colors: Colors = Colors()
    limits: Limits = Limits()
    revision: Annotated[int, Field(ge=0, lt=2**31)] | None = None


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
