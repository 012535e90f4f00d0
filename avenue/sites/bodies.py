"""What callers and commands may say about sites. Anything else is a 400."""

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from avenue.bodies import Language, Name
from avenue.errors import sentence
from avenue.identity import ID_PATTERN, Role
from avenue.media.intake.type_patterns import TypePattern
from avenue.media.models import Visibility
from avenue.media.pictures.variants import (
    LEAST_SIDE_PIXELS,
    MOST_SIDE_PIXELS,
    MOST_SIZE_PIXELS,
    MOST_SIZES,
    TAKEN_NAME,
    VARIANTS,
    own_row,
)
from avenue.theme import (
    LONGEST_ADDRESS,
    LONGEST_LABEL,
    LONGEST_TARGET,
    MOST_LINKS,
    Corners,
    Font,
    Scheme,
    Size,
    checked_contact,
    is_target,
)
from avenue.web.cache_policy import MOST_SECONDS

MOST_HOSTS = 20
LONGEST_URL = 300
MOST_CATEGORIES = 50
SIZE_NAME = re.compile("[a-z][a-z0-9]{0,19}")
WRITTEN_SIZE = re.compile(r"([1-9][0-9]{1,3})(?:\s*[x×]\s*([1-9][0-9]{1,3})(?:\s+cover)?)?")

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)
]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Quota = Annotated[int, Field(ge=0, lt=2**31)]
Hosts = Annotated[list[Text], Field(max_length=MOST_HOSTS)]


CategoryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


def _target(text: str) -> str:
    if not is_target(text):
        raise PydanticCustomError(
            "link_target",
            sentence(
                "A link must be a path like /p/about, or start with https://, http://, "
                "mailto: or tel:."
            ),
        )
    return text


def _label(text: str) -> str:
    if not text.isprintable() or "=" in text:
        raise PydanticCustomError(
            "link_label", sentence("The link text must be one line without an equals sign.")
        )
    return text


CONTACT_SENTENCES = {
    "email": sentence("Enter an email address like shop@example.com."),
    "phone": sentence("Enter a phone number like +595 21 123 456."),
    "whatsapp": sentence("Enter the number with its country code, like +595 981 123 456."),
    "address": sentence("Enter a few lines of text."),
}
PROFILE_SENTENCE = sentence("Enter the profile's address there, or its name like @shoes.")


Reach = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TARGET)
]
Chosen = Field(strict=False)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Colors(_Body):
    """The colours that are given change; null takes one away."""

    primary: Color | None = None
    accent: Color | None = None
    background: Color | None = None
    text: Color | None = None


class ThemeChanges(_Body):
    """What is given of the theme changes; null goes back to the usual.

    Fonts of `headings` and `text`, `size` of texts, `spacing`, `measure` (the width of lines),
    `buttons`, and whether pages are light, dark or as the reader's system says (`scheme`).
    """

    headings: Annotated[Font | None, Chosen] = None
    text: Annotated[Font | None, Chosen] = None
    size: Annotated[Size | None, Chosen] = None
    spacing: Annotated[Size | None, Chosen] = None
    measure: Annotated[Size | None, Chosen] = None
    buttons: Annotated[Corners | None, Chosen] = None
    scheme: Annotated[Scheme | None, Chosen] = None


class LinkBody(_Body):
    """An entry of a menu: what is read, and where it leads."""

    label: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_LABEL),
        AfterValidator(_label),
    ]
    to: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=LONGEST_TARGET),
        AfterValidator(_target),
        Field(examples=["/p/nosotros"]),
    ]


Links = Annotated[list[LinkBody], Field(max_length=MOST_LINKS)]


class ContactChanges(_Body):
    """How the site is reached, and its profiles; what is given changes, null takes it away."""

    email: Annotated[Reach | None, Field(examples=["shop@example.com"])] = None
    phone: Reach | None = None
    whatsapp: Reach | None = None
    address: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_ADDRESS),
        ]
        | None
    ) = None
    instagram: Reach | None = None
    facebook: Reach | None = None
    tiktok: Reach | None = None
    youtube: Reach | None = None
    x: Reach | None = None
    linkedin: Reach | None = None

    @field_validator("*")
    @classmethod
    def _as_kept(cls, text: str | None, info: ValidationInfo) -> str | None:
        """Return what is kept; a profile may be given by its name."""
        kept = checked_contact(str(info.field_name), text) if text is not None else None
        if text is not None and kept is None:
            told = CONTACT_SENTENCES.get(str(info.field_name), PROFILE_SENTENCE)
            raise PydanticCustomError("contact", told)
        return kept


class Limits(_Body):
    """The limits that are given change; null goes back to the deployment's.

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


EdgeSeconds = Annotated[int, Field(ge=0, le=MOST_SECONDS)]


class EdgeSecondsChanges(_Body):
    """How long shared caches may keep what everybody sees, in seconds; null: as usual, 0: never.

    What is given changes. `pages` are published pages; those that the menu or the legal links lead
    to have fields of their own.
    """

    home: EdgeSeconds | None = None
    lists: EdgeSeconds | None = None
    products: EdgeSeconds | None = None
    pages: EdgeSeconds | None = None
    menu_pages: EdgeSeconds | None = None
    legal_pages: EdgeSeconds | None = None
    sitemap: EdgeSeconds | None = None


def _size_name(name: str) -> str:
    if name in VARIANTS or TAKEN_NAME.fullmatch(name) or not SIZE_NAME.fullmatch(name):
        raise PydanticCustomError(
            "size_name",
            sentence("Use lowercase letters and digits, and a name that no other size has."),
        )
    return name


def _size(text: str) -> str:
    """Return a size in the form it is kept in."""
    found = WRITTEN_SIZE.fullmatch(text.strip().lower())
    size = "" if not found else f"{found[1]}x{found[2]} cover" if found[2] else found[1]
    if own_row(size) is None:
        raise PydanticCustomError(
            "size",
            sentence(
                "Enter a size like 600x800 cover, or a width like 800: {least} to {most} "
                "pixels, {all_of_it} in all."
            ),
            {
                "least": LEAST_SIDE_PIXELS,
                "most": MOST_SIDE_PIXELS,
                "all_of_it": MOST_SIZE_PIXELS,
            },
        )
    return size


Sizes = Annotated[
    dict[
        Annotated[str, AfterValidator(_size_name)],
        Annotated[str, StringConstraints(max_length=40), AfterValidator(_size)],
    ],
    Field(max_length=MOST_SIZES, examples=[{"cover": "600x800 cover"}]),
]


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

    `menu` stands above every public page, `legal` below; both replace what is there, and so do
    `sizes`, those of its own that pictures come in: cut to `600x800 cover`, or whole and so wide.
    Of `upload_categories` those that are named change; null takes one away.
    """

    name: Name = ""
    locale: Language = ""
    base_url: Text | None = None
    hosts: Hosts = []
    colors: Colors = Colors()
    theme: ThemeChanges = ThemeChanges()
    menu: Links = []
    legal: Links = []
    contact: ContactChanges = ContactChanges()
    edge_seconds: EdgeSecondsChanges = EdgeSecondsChanges()
    sizes: Sizes = {}
    second_factor_roles: Annotated[
        list[Role],
        Field(
            max_length=len(Role),
            description="Who has one of them needs a second factor; replaces what is there.",
        ),
    ] = []
    status_page: Annotated[
        bool, Field(description="Everybody may see at /status whether the site works.")
    ] = False
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


Cluster = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$"),
    Field(examples=["c2"], description="Where all it has is kept; null: the lightest."),
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
    locale: Language = "es"
    hosts: Hosts = []
    cluster: Cluster | None = None
