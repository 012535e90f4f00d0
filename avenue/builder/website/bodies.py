"""Request bodies of the page routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from avenue.builder.website.models import LONGEST_SLUG, LONGEST_TITLE, SLUG
from avenue.builder.website.previews import LEAST_SECONDS, MOST_SECONDS, USUAL_SECONDS

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TITLE)
]
Slug = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_SLUG, pattern=f"^{SLUG.pattern}$"),
    Field(description="Small letters, digits and single dashes between them."),
]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Revision = Annotated[int, Field(ge=0, lt=2**31)]
Html = Annotated[str, Field(description="What stands in the body of the page.")]
Themed = Annotated[
    bool, Field(description="Whether it has the style, menu and footer of the site.")
]
TranslationOf = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=64)] | None,
    Field(description="The id of the page that it says in another language."),
]
Css = Annotated[str, Field(description="The style sheet of the page.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SeoBody(_Body):
    """Metadata for search engines and previews; `image` is an asset."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TITLE)] = ""
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    image: Id | None = None


class NewPage(_Body):
    """A new page; without a `slug` it is derived from the title."""

    title: Title
    slug: Slug | None = None
    locale: Locale | None = None
    html: Html = ""
    css: Css = ""
    seo: SeoBody = SeoBody()
    themed: Themed = True
    translation_of: TranslationOf = None


class PageChanges(_Body):
    """Changes of a page, with the `revision` it was read with; of `seo` the given fields."""

    revision: Revision | None = None
    title: Title = ""
    slug: Slug = ""
    locale: Locale = ""
    html: Html = ""
    css: Css = ""
    seo: SeoBody = SeoBody()
    themed: Themed = True
    translation_of: TranslationOf = None


class AtRevision(_Body):
    """The revision that the caller has seen: with another one nothing happens."""

    revision: Revision | None = None


class Schedule(_Body):
    """When the draft is published in its state at that time."""

    publish_at: Annotated[
        AwareDatetime,
        Field(
            strict=False,
            description="With its offset from UTC.",
            examples=["2026-12-01T09:00:00-03:00"],
        ),
    ]


class NewPreview(_Body):
    """The validity of a link to the draft."""

    seconds: Annotated[int, Field(ge=LEAST_SECONDS, le=MOST_SECONDS)] = USUAL_SECONDS
