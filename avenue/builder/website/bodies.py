"""Request bodies of the page routes. Anything else is a 400."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from avenue.bodies import Body, Id, Language, Revision
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
Html = Annotated[str, Field(description="What stands in the body of the page.")]
Themed = Annotated[
    bool, Field(description="Whether it has the style, menu and footer of the site.")
]
TranslationOf = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=64)] | None,
    Field(description="The id of the page that it says in another language."),
]
Css = Annotated[str, Field(description="The style sheet of the page.")]


class SeoBody(Body):
    """Metadata for search engines and previews; `image` is an asset."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TITLE)] = ""
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""
    image: Id | None = None


class NewPage(Body):
    """A new page; without a `slug` it is derived from the title."""

    title: Title
    slug: Slug | None = None
    locale: Language | None = None
    html: Html = ""
    css: Css = ""
    seo: SeoBody = SeoBody()
    themed: Themed = True
    translation_of: TranslationOf = None


class PageChanges(Body):
    """Changes of a page, with the `revision` it was read with; of `seo` the given fields."""

    revision: Revision | None = None
    title: Title = ""
    slug: Slug = ""
    locale: Language = ""
    html: Html = ""
    css: Css = ""
    seo: SeoBody = SeoBody()
    themed: Themed = True
    translation_of: TranslationOf = None


class AtRevision(Body):
    """The revision that the caller has seen: with another one nothing happens."""

    revision: Revision | None = None


class Schedule(Body):
    """When the draft is published in its state at that time."""

    publish_at: Annotated[
        AwareDatetime,
        Field(
            strict=False,
            description="With its offset from UTC.",
            examples=["2026-12-01T09:00:00-03:00"],
        ),
    ]


class NewPreview(Body):
    """The validity of a link to the draft."""

    seconds: Annotated[int, Field(ge=LEAST_SECONDS, le=MOST_SECONDS)] = USUAL_SECONDS
