"""Replies of `/api/builder/pages`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.builder.library.replies import Media
from avenue.builder.website.checks import Kind
from avenue.builder.website.models import Status
from avenue.totals import PartOfList, WholeList

Html = Annotated[str, Field(description="Cleaned; own files by the addresses they have now.")]


class Seo(TypedDict):
    """Metadata for search engines and previews."""

    title: str
    description: str
    image: Annotated[str | None, Field(description="The id of an asset.")]


class Flagged(TypedDict):
    """A URL in a page that does not work."""

    url: str
    reason: Annotated[
        str,
        Field(
            description="As `local_path` (it was on a disk), `gone` (nothing is there any more) or "
            "`private` (not for everybody); lists know only the first kind."
        ),
    ]


class PageSummary(TypedDict):
    """A page in a list."""

    id: str
    title: str
    slug: str
    locale: str
    seo: Seo
    themed: Annotated[bool, Field(description="It has the site's style, menu and footer.")]
    translation_of: Annotated[
        str | None, Field(description="The id of the page that it says in another language.")
    ]
    status: Annotated[
        Status, Field(description="`changed`: visitors see what it was when it was published.")
    ]
    published_at: str | None
    publish_at: Annotated[
        str | None, Field(description="When the draft is published as it is then; null for never.")
    ]
    url: Annotated[str | None, Field(description="Where visitors see it; null for a draft.")]
    revision: Annotated[int, Field(description="Counts changes; send it with yours.")]
    flagged: list[Flagged]
    created_at: str
    updated_at: str
    updated_by: Annotated[str | None, Field(description="The id of a person.")]


class Page(PageSummary):
    """A page with its draft."""

    html: Html
    css: Html
    images: Annotated[list[Media], Field(description="The files its draft uses.")]


class PageList(PartOfList):
    """A page of the list, with the cursor of the next one."""

    items: list[PageSummary]


class HistoryEntry(TypedDict):
    """An earlier state of a page, by `number`; `at` and `by` are of its last save."""

    number: int
    at: str
    by: Annotated[str | None, Field(description="The id of a person.")]
    title: str
    bytes: Annotated[int, Field(description="Of its texts.")]
    published: Annotated[bool, Field(description="Visitors saw it.")]


class History(WholeList):
    """The history of a page, newest first, complete."""

    items: list[HistoryEntry]


class PastPage(HistoryEntry):
    """An earlier state of a page with its texts."""

    locale: str
    html: Html
    css: Html
    seo: Seo
    themed: Annotated[bool, Field(description="It has the site's style, menu and footer.")]
    translation_of: Annotated[
        str | None, Field(description="The id of the page that it says in another language.")
    ]


class Preview(TypedDict):
    """A link that shows the draft to anyone who has it."""

    url: str
    expires_at: str


class Remark(TypedDict):
    """A remark to check before the page is published."""

    kind: Kind
    where: Annotated[str, Field(description="A text of the page, an address, or a file's name.")]


class Remarks(TypedDict):
    """All remarks; none of them prevents publishing."""

    items: list[Remark]
