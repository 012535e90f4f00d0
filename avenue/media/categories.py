"""The categories of general uploads: what each takes, who may read it, how long it is kept.

Four are there from the beginning; a site changes them and adds others. What a site says of them is
one of its settings (`Site.upload_categories`), kept by name and field as it was said; here is what
comes of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from avenue.identity import Role, Site
from avenue.media.intake.filetypes import FILE_TYPES, PICTURES
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.sniffing import PDF
from avenue.media.models import Visibility
from avenue.media.pictures.limits import MB

ANY = "*/*"
GENERAL = "general"
"""Where uploads go that name no category, and where those from before categories are."""

UPLOAD = "upload"
"""The kind of claim a general upload has: it owns itself."""

_PROOFS = (*sorted(PICTURES), PDF.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What one kind of upload may be.

    `types` are media types, `image/*` or `*/*`; `max_mb` None stands for what the site allows.
    `max_files` is how many one person may tie to one reference. `visibility` is that of new
    uploads. `readers` are the roles that may read besides owner and administrators. With `edge`,
    signed links may be kept by shared caches; with `public_thumbs`, thumbs of private pictures
    are for everybody.
    """

    name: str
    types: tuple[str, ...] = (ANY,)
    max_mb: int | None = None
    max_files: int | None = None
    visibility: Visibility = Visibility.PRIVATE
    retention_days: int | None = None
    readers: frozenset[Role] = frozenset()
    edge: bool = False
    public_thumbs: bool = False


DEFAULTS: Mapping[str, Category] = {
    each.name: each
    for each in (
        Category(name=GENERAL),
        Category(name="orders", types=_PROOFS, max_files=20),
        Category(name="deposit_proofs", types=_PROOFS, max_files=10),
        Category(name="txid_proofs", types=_PROOFS, max_files=10),
    )
}
"""What every site has until it says otherwise."""

FIELDS = frozenset(each.name for each in fields(Category)) - {"name"}


def category_of(site: Site, name: str) -> Category | None:
    """Return the category of `site` with this name, or None."""
    own = site.upload_categories.get(name)
    usual = DEFAULTS.get(name)
    if own is None:
        return usual
    return replace(usual or Category(name=name), **_read(own))


def categories_of(site: Site) -> dict[str, Category]:
    """Return every category of `site`, by name: those from the beginning first."""
    names = dict.fromkeys([*DEFAULTS, *sorted(site.upload_categories)])
    found = {name: category_of(site, name) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def readable_by(site: Site, role: Role | None) -> list[str]:
    """Return the categories whose uploads `role` may read, whoever owns them."""
    return [name for name, each in categories_of(site).items() if role in each.readers]


def policy_of(category: Category, most_mb: int) -> UploadPolicy:
    """Return what may be uploaded into `category`, by a way that lets `most_mb` through."""
    return UploadPolicy(
        name=f"uploads/{category.name}",
        bucket="uploads",
        max_bytes=min(most_mb, category.max_mb or most_mb) * MB,
        media_types=types_in(category.types),
        visibility=category.visibility,
        limit=None,
    )


def types_in(patterns: tuple[str, ...]) -> frozenset[str]:
    """Return the media types that `patterns` stand for; one that we do not know stands for none."""
    return frozenset(
        name for name in FILE_TYPES if any(_stands_for(each, name) for each in patterns)
    )


def _stands_for(pattern: str, name: str) -> bool:
    return pattern in {ANY, name, f"{name.partition('/')[0]}/*"}


def _read(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a site says of a category, as values; a field of a later version is left out."""
    values = {name: own[name] for name in FIELDS & own.keys()}
    if "types" in values:
        values["types"] = tuple(values["types"])
    if "visibility" in values:
        values["visibility"] = Visibility(values["visibility"])
    if "readers" in values:
        values["readers"] = frozenset(map(Role, values["readers"]))
    return values
