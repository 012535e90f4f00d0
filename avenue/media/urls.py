"""The addresses of stored files, computed when they are read and never stored."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from avenue.identity import ID_PATTERN, Site
from avenue.media.errors import UnknownVariant
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.models import Asset
from avenue.media.old_urls import legacy_path
from avenue.media.pictures.variants import (
    DEFAULT_EXTENSION,
    ORIGINAL,
    VARIANTS,
    extensions,
    form_on,
    own_rows,
    token,
)

TOKEN_PATTERN = re.compile(r"[0-9a-f]{12}")
# Any former or current variant: it belongs to the same asset.
_OWN_PATH = re.compile(
    rf"/media/(?P<asset>{ID_PATTERN.pattern})/"
    rf"(?:{TOKEN_PATTERN.pattern}/[a-z][a-z0-9]*\.[a-z0-9]+|[a-z][a-z0-9]*)"
)


def original_token(asset: Asset) -> str:
    """Return the token in the addresses of the stored file itself."""
    return token(asset.current.sha256, ORIGINAL, epoch=asset.visibility_epoch)


def original_path(asset: Asset) -> str:
    """Return the immutable path of the stored file itself."""
    version = asset.current
    extension = FILE_TYPES[version.media_type].extension
    return f"/media/{asset.id}/{original_token(asset)}/{ORIGINAL}.{extension}"


def original_url(site: Site, asset: Asset) -> str:
    """Return the immutable absolute URL of the stored file itself."""
    return site.base_url + original_path(asset)


def variant_path(asset: Asset, variant: str, extension: str = DEFAULT_EXTENSION) -> str:
    """Return the immutable path of `asset` as `variant`, a name of the table or `original`.

    The original has its own extension only.
    """
    if variant == ORIGINAL:
        return original_path(asset)
    mark = token(asset.current.sha256, variant, asset.focal_point, asset.visibility_epoch)
    return f"/media/{asset.id}/{mark}/{variant}.{extension}"


def variant_url(site: Site, asset: Asset, variant: str) -> str:
    """Return the immutable absolute URL of `asset` as `variant`; see `form_path`."""
    return site.base_url + form_path(site, asset, variant)


def form_path(site: Site, asset: Asset, form: str) -> str:
    """Return the immutable path of `asset` in a named form.

    `original`, a variant, or a variant in a specific format: `thumb.jpg`; the site's own sizes by
    the site's names. Raise `UnknownVariant` for forms that `asset` does not have on `site`.
    """
    name, dot, extension = form.partition(".")
    own, variant = own_rows(site.sizes), form_on(site.sizes, name)
    is_picture = asset.current.width is not None and site.shows_variants
    there = (ORIGINAL, *VARIANTS, *own) if is_picture else (ORIGINAL,)
    formats = extensions(asset.current.has_alpha) if variant != ORIGINAL else ()
    is_there = variant in there or (is_picture and variant in {row.name for row in own.values()})
    if not is_there or (dot and extension not in formats):
        raise UnknownVariant(form, there)
    return variant_path(asset, variant, extension or DEFAULT_EXTENSION)


def is_own_path(path: str) -> bool:
    """Return whether `path`, decoded, has the form of our own addresses."""
    return _OWN_PATH.fullmatch(path) is not None


def own_urls(site: Site, paths: Iterable[str]) -> list[str]:
    """Return every spelling of the URL of each of `paths` on `site`: alone, or with a host."""
    hosts = {*site.hosts, urlsplit(site.base_url).netloc.lower()}
    origins = [f"{scheme}//{each}" for each in sorted(hosts) for scheme in ("https:", "http:", "")]
    return [f"{origin}{path}" for path in paths for origin in ("", *origins)]


def asset_in(address: str) -> str | None:
    """Return the id of the asset in `address`, None if it does not have the form of our own.

    Any form is accepted: absolute, without scheme, a path, with token or without, with query and
    fragment, percent-encoded. The host does not matter: a site may have had many hosts, and only
    the store knows whether the asset exists and who owns it.
    """
    path = legacy_path(address)
    found = _OWN_PATH.fullmatch(path) if path else None
    return found["asset"] if found else None
