"""The data of the picture editor of a product or a group, and the pages that contain it.

Pages include it by `{% include "shop/_pictures.html" %}` with the variable `screen`, created by
`screen_of` or `new_screen`, and are rendered by `screen_page`. With JavaScript
`js/pictures/screen.js` fetches the fragment again after each change, and uses the API for
everything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request

from avenue.bodies import LONGEST_ALT
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.sniffing import MEDIA_TYPES
from avenue.media.models import Asset, Claim, Version
from avenue.media.pictures.variants import EAGER, VARIANTS
from avenue.media.presenting import data_url, picture_json
from avenue.media.replies import ExternalImage, Image
from avenue.shop.models import PRODUCT, Picture
from avenue.shop.pages.texts import CUT_NAMES, REFUSED, REFUSED_OTHERWISE, SAID, picture_texts
from avenue.shop.routes.owners import OWNER_PATHS
from avenue.shop.service.pictures import PictureService
from avenue.web.audit import nothing_changed
from avenue.web.auth import current_actor
from avenue.web.headers import PICTURES_POLICY
from avenue.web.language import LANGUAGES
from avenue.web.pages import page, see, size
from avenue.web.services import using

FRAGMENT = "shop/_pictures.html"
MOST_REFUSALS_TOLD = 20
LONGEST_NAME_TOLD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture in the editor: its image JSON, and additional data.

    `alt` has every offered language, the site's own first. `until` is when a temporary picture, or
    one in the trash, is deleted. `older` are the versions that can be restored, newest first, each
    with the address of its thumbnail.
    """

    key: str
    image: Image | ExternalImage
    alt: Mapping[str, str] = field(default_factory=dict)
    lacks_alt: bool = False
    is_focal_set: bool = False
    until: datetime | None = None
    older: Sequence[tuple[Version, str | None]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The data of the picture editor; without an `owner_id` the pictures are temporary ones.

    `title` is the owner's name, for suggestions of alternative texts.
    """

    kind: str
    owner_id: str | None
    title: str
    revision: int | None
    limit: int
    max_bytes: int
    media_types: Sequence[str]
    languages: Sequence[str]
    shots: Sequence[Shot]
    trash: Sequence[Shot]

    @property
    def path(self) -> str:
        """The address of its forms."""
        return f"{self.page_path}/pictures"

    @property
    def page_path(self) -> str:
        """The page that contains it."""
        return f"/admin/{self.owner_path}/{self.owner_id or 'new'}"

    @property
    def owner_path(self) -> str:
        """The path segment of the kind."""
        return OWNER_PATHS[self.kind]

    @property
    def owner_url(self) -> str | None:
        """The owner's address in the API."""
        return f"/api/shop/{OWNER_PATHS[self.kind]}/{self.owner_id}" if self.owner_id else None

    @property
    def upload_url(self) -> str:
        """The API address for uploads."""
        return f"{self.owner_url}/images" if self.owner_url else "/api/shop/temp-images"

    @property
    def room(self) -> int:
        """How many more pictures are allowed."""
        return max(0, self.limit - len(self.shots))

    @property
    def cuts(self) -> Mapping[str, tuple[int, int | None]]:
        """The sizes in the focal point preview: width and, for cropped ones, height."""
        return {name: (VARIANTS[name].width, VARIANTS[name].height) for name in EAGER}


def screen_of(claim: Claim) -> Screen:
    """Return the editor of a product or group of your own; raise if there is none."""
    gallery = using(PictureService).gallery(current_actor(), claim)
    bounds = _bounds()
    tongues = bounds["languages"]
    return Screen(
        kind=claim.kind,
        owner_id=claim.id,
        title=gallery.name,
        revision=gallery.revision,
        limit=gallery.limit,
        shots=[_shot(each, languages=tongues) for each in gallery.pictures],
        trash=[
            _shot(each, languages=tongues, until=each.trashed_at + gallery.trash_kept)
            for each in gallery.trash
            if each.trashed_at
        ],
        **bounds,
    )


def new_screen() -> Screen:
    """Return the editor of a new product: the person's own temporary pictures, oldest first."""
    actor = current_actor()
    pictures, bounds = using(PictureService), _bounds()
    return Screen(
        kind=PRODUCT,
        owner_id=None,
        title="",
        revision=None,
        limit=pictures.limit_on(actor.site),
        shots=[
            _shot(each, languages=bounds["languages"], until=each.expires_at)
            for each in reversed(pictures.temporary(actor))
        ],
        trash=(),
        **bounds,
    )


def screen_page(
    template: str,
    *,
    screen: Screen,
    status: int = 200,
    refused: Sequence[tuple[str, str]] | None = None,
    **facts: Any,
) -> Response:
    """Return a page with the picture editor, and with the result of the last action.

    `refused` are codes of errors, each with the name of its file, or ""; if they are None, and no
    sentence `said` is among the facts, they are read from the URL, see `back_to`.
    """
    facts.setdefault("said", SAID.get(request.args.get("said", "")))
    if refused is None:
        refused = list(zip(*(map(request.args.getlist, ("refused", "file"))), strict=False))
    return page(
        template,
        csp=PICTURES_POLICY,
        status=status,
        screen=screen,
        refused=_sentences(screen, refused[:MOST_REFUSALS_TOLD]),
        texts=picture_texts(),
        cut_names=CUT_NAMES,
        **facts,
    )


def back_to(path: str, said: str = "", refused: Sequence[tuple[str, str]] = ()) -> Response:
    """Redirect the browser to the editor on the page `path`, with the result of the action.

    `refused` are codes of errors, each with the name of its file, or "".
    """
    if not said:
        nothing_changed()
    told = [("said", said)] if said else []
    for code, name in refused[:MOST_REFUSALS_TOLD]:
        told += [("refused", code), ("file", name[:LONGEST_NAME_TOLD])]
    query = f"?{urlencode(told)}" if told else ""
    return see(f"{path}{query}#pictures")


def _sentences(screen: Screen, refused: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return names of files, each with a sentence, for codes of errors with names of files."""
    facts = {
        "size": size(screen.max_bytes),
        "types": ", ".join(MEDIA_TYPES[each].label for each in screen.media_types),
        "limit": screen.limit,
        "characters": LONGEST_ALT,
    }
    return [(name, str(REFUSED.get(code, REFUSED_OTHERWISE)) % facts) for code, name in refused]


def _bounds() -> dict[str, Any]:
    """Return the upload limits, and the languages of the shop, its own first."""
    policy = using(UploadPolicy).on(g.site)
    return {
        "max_bytes": policy.max_bytes,
        "media_types": sorted(policy.media_types),
        "languages": alt_languages(),
    }


def alt_languages() -> list[str]:
    """Return the languages of alternative texts, the site's own first."""
    own = [each for each in LANGUAGES if each == g.site.language]
    return list(dict.fromkeys([*own, *LANGUAGES]))


def _shot(picture: Picture, *, languages: Sequence[str], until: datetime | None = None) -> Shot:
    image = picture_json(g.site, picture)
    if not isinstance(picture, Asset):
        return Shot(key=picture.url, image=image)
    alt = {each: picture.alt.get(each, "") for each in languages}
    return Shot(
        key=picture.id,
        image=image,
        alt=alt,
        lacks_alt=not picture.decorative and not alt[languages[0]],
        is_focal_set=picture.focal is not None,
        until=until,
        older=[(each, data_url(each.placeholder)) for each in picture.versions[1:]],
    )
