"""The addresses of stored files, made when they are read and never stored."""

import hashlib
import re

from avenue.identity import ID_PATTERN, Site
from avenue.media.errors import UnknownVariant
from avenue.media.legacy import legacy_path
from avenue.media.models import Asset, Version
from avenue.media.sniffing import MEDIA_TYPES

ORIGINAL = "original"
VARIANTS = (ORIGINAL,)
"""Every form a stored file comes in."""

TOKEN_PATTERN = re.compile(r"[0-9a-f]{12}")
# Any variant there was or will be: what it names is still the same asset.
_OWN_PATH = re.compile(
    rf"/media/(?P<asset>{ID_PATTERN.pattern})/"
    rf"(?:{TOKEN_PATTERN.pattern}/[a-z][a-z0-9]*\.[a-z0-9]+|[a-z][a-z0-9]*)"
)


def token(version: Version, variant: str = ORIGINAL) -> str:
    """Return the 12 hex digits that change whenever the bytes at this URL would change."""
    return hashlib.sha256(f"{version.sha256}/{variant}".encode()).hexdigest()[:12]


def original_path(asset: Asset) -> str:
    """Return the immutable path of the stored file itself."""
    extension = MEDIA_TYPES[asset.current.media_type].extension
    return f"/media/{asset.id}/{token(asset.current)}/{ORIGINAL}.{extension}"


def original_url(site: Site, asset: Asset) -> str:
    """Return the immutable absolute URL of the stored file itself."""
    return site.base_url + original_path(asset)


def variant_url(site: Site, asset: Asset, variant: str) -> str:
    """Return the immutable absolute URL of `asset` as `variant`; raise `UnknownVariant`."""
    if variant not in VARIANTS:
        raise UnknownVariant(variant, VARIANTS)
    return original_url(site, asset)


def is_own_path(path: str) -> bool:
    """Tell whether `path`, decoded, has the shape of an address made here."""
    return _OWN_PATH.fullmatch(path) is not None


def asset_in(address: str) -> str | None:
    """Return the id of the asset that `address` names, None when it has no shape of ours.

    Any form is read: absolute, without scheme, a path, with token or without, with query and
    fragment, percent-encoded. The host does not matter: a site has been called by many names, and
    whether the asset is there and whose it is, only its store knows.
    """
    path = legacy_path(address)
    found = _OWN_PATH.fullmatch(path) if path else None
    return found["asset"] if found else None
