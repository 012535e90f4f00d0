"""The categories of general uploads: allowed types, readers, retention.

Four are predefined; a site changes them and adds others. A site's values are one of its settings
(`Site.upload_categories`), stored by name and field; here they are combined with the defaults.
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
"""The category of uploads that name none, and of those from before categories."""

UPLOAD = "upload"
"""The kind of claim of a general upload: it owns itself."""

_PROOFS = (*sorted(PICTURES), PDF.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """The rules of one kind of upload.

    `types` are media types, `image/*` or `*/*`; `max_mb` None stands for the limit of the site.
    `max_files` is the maximum per person and reference. `visibility` is that of new uploads.
    `readers` are the roles that may read, besides owner and administrators. With `edge`, shared
    caches may store what signed links open; with `public_thumbs`, thumbs of private pictures are
    public.
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
"""The predefined categories of every site."""

FIELDS = frozenset(each.name for each in fields(Category)) - {"name"}


def category_of(site: Site, name: str) -> Category | None:
    """Return the category of `site` with this name, or None."""
    own = site.upload_categories.get(name)
    usual = DEFAULTS.get(name)
    if own is None:
        return usual
    return replace(usual or Category(name=name), **_read(own))


def categories_of(site: Site) -> dict[str, Category]:
    """Return every category of `site`, by name: predefined ones first."""
    names = dict.fromkeys([*DEFAULTS, *sorted(site.upload_categories)])
    found = {name: category_of(site, name) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def readable_by(site: Site, role: Role | None) -> list[str]:
    """Return the categories whose uploads `role` may read, of any owner."""
    return [name for name, each in categories_of(site).items() if role in each.readers]


def policy_of(category: Category, most_mb: int) -> UploadPolicy:
    """Return the policy for uploads into `category`, with at most `most_mb`."""
    return UploadPolicy(
        name=f"uploads/{category.name}",
        bucket="uploads",
        max_bytes=min(most_mb, category.max_mb or most_mb) * MB,
        media_types=types_in(category.types),
        visibility=category.visibility,
        limit=None,
    )


def types_in(patterns: tuple[str, ...]) -> frozenset[str]:
    """Return the media types that match `patterns`; unknown ones match none."""
    return frozenset(
        name for name in FILE_TYPES if any(_stands_for(each, name) for each in patterns)
    )


def _stands_for(pattern: str, name: str) -> bool:
    return pattern in {ANY, name, f"{name.partition('/')[0]}/*"}


def _read(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a site's values of a category; fields of a later version are dropped."""
    values = {name: own[name] for name in FIELDS & own.keys()}
    if "types" in values:
        values["types"] = tuple(values["types"])
    if "visibility" in values:
        values["visibility"] = Visibility(values["visibility"])
    if "readers" in values:
        values["readers"] = frozenset(map(Role, values["readers"]))
    return values
