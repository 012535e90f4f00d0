"""View models of pictures and folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from avenue.builder.library.folders.models import OpenFolder
from avenue.builder.library.models import MediaQuery
from avenue.builder.library.presenting import media_json
from avenue.builder.library.replies import Media
from avenue.builder.library.service import MediaService
from avenue.identity import Actor, Site
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.models import Asset
from avenue.media.pictures.variants import EAGER, VARIANTS
from avenue.media.presenting import sources
from avenue.web import listing
from avenue.web.language import LANGUAGES, gettext as _
from avenue.web.listing import Listed
from avenue.web.pages import here
from avenue.web.paging import cursor_place, cursor_text
from avenue.web.services import using

RATIOS = tuple(round(0.5 * 6 ** (step / 30), 2) for step in range(31))
"""Width by height of tiles, 6 % apart. A style sheet has a class for each: with a policy of no
inline styles there is no other way to reserve the space of a picture before it is loaded."""
WIDEST_TILE = 640
"""Pixels: the width of a tile on a screen with three physical pixels for each."""
TONGUES: Mapping[str, str] = {"es": "Español", "en": "English"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as the pages show it; `way` is the path of its folder, from the top."""

    media: Asset
    told: Media
    label: str
    way: str
    alt: str
    lacks_alt: bool
    ratio: float
    srcset: str

    @property
    def shape(self) -> str:
        """The class of its tile in `library.css`."""
        return f"r-{round(self.ratio * 100)}"

    @property
    def at(self) -> datetime:
        """When it was uploaded, or moved to the trash."""
        return self.media.trashed_at or self.media.created_at


def shown(site: Site, pictures: Sequence[Asset], folders: Sequence[OpenFolder]) -> list[Shown]:
    """Return the view models of `pictures`."""
    ways = {each.folder.id: way_of(each) for each in folders}
    return [
        Shown(
            media=each,
            told=media_json(site, each),
            label=label_of(each),
            way=ways.get(each.folder or "", ""),
            alt=each.alt.get(site.language, ""),
            lacks_alt=not each.decorative and not each.alt.get(site.language),
            ratio=ratio_of(each),
            srcset=", ".join(
                f"{here(url)} {width}w"
                for width, url in sources(site, each)
                if width <= WIDEST_TILE
            ),
        )
        for each in pictures
    ]


def ratio_of(picture: Asset) -> float:
    """Return the closest of `RATIOS` for a picture."""
    width, height = picture.current.width or 1, picture.current.height or 1
    return min(RATIOS, key=lambda each: abs(each - width / height))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A line of the folder tree; `depth` is 0 at the top."""

    folder: OpenFolder
    depth: int
    is_open: bool


def branches(folders: Sequence[OpenFolder], here: OpenFolder | None) -> list[Branch]:
    """Return the folders at the top and those in each open folder."""
    way = {step.id for step in here.path} if here else set()
    return [
        Branch(folder=each, depth=len(each.path) - 1, is_open=each.folder.id in way)
        for each in folders
        if each.folder.parent is None or each.folder.parent in way
    ]


def label_of(picture: Asset) -> str:
    """Return the name of a picture's type, as `JPEG`."""
    return FILE_TYPES[picture.current.media_type].label


def way_of(folder: OpenFolder) -> str:
    """Return the path of a folder as text."""
    return " / ".join(each.name for each in folder.path)


def choices_of(folders: Sequence[OpenFolder]) -> list[tuple[str, str]]:
    """Return the possible targets of a move: ids and paths, the top first."""
    return [("", _("No folder")), *((each.folder.id, way_of(each)) for each in folders)]


def languages_of(site: Site) -> list[str]:
    """Return the languages of alternative texts, the site's own first."""
    return list(dict.fromkeys([site.language, *LANGUAGES]))


def tongue(language: str) -> str:
    """Return a language's name in itself."""
    return TONGUES.get(language, language)


def cuts() -> Mapping[str, tuple[int, int | None]]:
    """Return the sizes in which a focal point is previewed: width and, for cropped ones, height."""
    return {name: (VARIANTS[name].width, VARIANTS[name].height) for name in EAGER}


def listed(actor: Actor, query: MediaQuery) -> Listed:
    """Return the requested page of the library; see `listing.listed`."""
    sort = query.sort
    return listing.listed(
        query,
        partial(using(MediaService).find, actor),
        partial(cursor_text, sort),
        partial(cursor_place, sort, sort.kind),
    )
