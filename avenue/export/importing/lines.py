"""Validation of the lines of a manifest, which are untrusted."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from avenue.bodies import Language, Name, PictureTexts
from avenue.builder.library.bodies import Tags
from avenue.builder.website.bodies import SeoBody, Slug
from avenue.builder.website.models import LONGEST_TITLE
from avenue.export.naming import is_path
from avenue.identity import ID_PATTERN
from avenue.shop.fields import LONGEST_URL, Currency, ProductBody, StatusText
from avenue.uploads.bodies import Reference

LONGEST_LINE = 16 * 1024 * 1024
"""The most bytes of a line: a page and its published version are in one."""
MOST_IMAGES = 1000
MOST_OPTIONS = 1000
MOST_OLD_URLS = 1000
LONGEST_PATH = 1024
MOST_FOLDERS = 20


def _checked_path(text: str) -> str:
    if not is_path(text):
        raise ValueError("this is no path inside an export")
    return text


Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
AssetId = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN.pattern}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Path = Annotated[str, AfterValidator(_checked_path)]
FolderName = Annotated[str, StringConstraints(max_length=200)]
Category = Annotated[str, StringConstraints(max_length=64)]
Key = Annotated[str, StringConstraints(max_length=LONGEST_URL)]
OldPath = Annotated[str, StringConstraints(max_length=LONGEST_PATH)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class KindLine(_Line):
    """The kind of a line; the rest is validated by kind."""

    kind: Annotated[str, StringConstraints(max_length=64)]


class ImageEntry(_Line):
    """A picture of a product: exactly one of the two fields is set."""

    asset: AssetId | None = None
    url: Key | None = None


class ClaimEntry(_Line):
    """The owner of a file."""

    kind: Literal["product", "group", "library", "upload"]
    id: Id


class OptionEntry(_Line):
    """An option of a group, with the keys of its pictures."""

    name: Name
    images: Annotated[
        list[Annotated[str, StringConstraints(max_length=LONGEST_URL)]],
        Field(max_length=MOST_IMAGES),
    ]


class FileLine(PictureTexts, _Line):
    """A file."""

    id: AssetId
    path: Path
    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]
    name: Annotated[str, StringConstraints(max_length=1000)]
    claim: ClaimEntry
    folder: Annotated[list[FolderName], Field(max_length=MOST_FOLDERS)] = []
    tags: Tags = []
    category: Category | None = None
    reference: Reference = None
    hold: bool = False
    visibility: Literal["public", "private"]
    old_urls: Annotated[list[OldPath], Field(max_length=MOST_OLD_URLS)] = []
    created_at: datetime

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return self.visibility == "public"


class GroupLine(_Line):
    """A group."""

    id: Id
    name: Name
    model: Name
    options: Annotated[list[OptionEntry], Field(max_length=MOST_OPTIONS)] = []
    images: Annotated[list[ImageEntry], Field(max_length=MOST_IMAGES)] = []
    created_at: datetime


class ProductLine(ProductBody, _Line):
    """A product; `group` is the id of a group of the export."""

    id: Id
    currency: Currency
    status: StatusText
    group: Id | None = None
    images: Annotated[list[ImageEntry], Field(max_length=MOST_IMAGES)] = []
    created_at: datetime


class TextsEntry(_Line):
    """The texts of a page; its HTML and CSS are cleaned when they are stored."""

    title: Annotated[str, StringConstraints(max_length=LONGEST_TITLE)]
    locale: Language
    html: str = ""
    css: str = ""
    seo: SeoBody = SeoBody()
    themed: bool = True
    translation_of: Id | None = None


class PageLine(_Line):
    """A page whose HTML is at `path`."""

    id: Id
    slug: Slug | Literal[""] = ""
    path: Path
    sha256: Sha256
    draft: TextsEntry
    published: TextsEntry | None = None

    @property
    def is_translation(self) -> bool:
        """Whether it is a translation of another page."""
        return any(each and each.translation_of for each in (self.draft, self.published))


Record = GroupLine | ProductLine | PageLine
LINES: dict[str, type[FileLine | Record]] = {
    "file": FileLine,
    "group": GroupLine,
    "product": ProductLine,
    "page": PageLine,
}


def lines_in(blocks: Iterable[bytes]) -> Iterator[bytes | None]:
    """Yield the lines of a text, None for one that is too long, which is never whole in memory."""
    line, is_too_long = b"", False
    for block in blocks:
        first, *others = block.split(b"\n")
        for number, piece in enumerate([first, *others]):
            if number:
                yield None if is_too_long else line
                line, is_too_long = b"", False
            is_too_long = is_too_long or len(line) + len(piece) > LONGEST_LINE
            line = b"" if is_too_long else line + piece
    if line or is_too_long:
        yield None if is_too_long else line
