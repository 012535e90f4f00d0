"""The addresses of stored files, made when they are read and never stored."""

import hashlib
import re

from avenue.identity import Site
from avenue.media.models import Asset, Version
from avenue.media.sniffing import MEDIA_TYPES

ORIGINAL = "original"
TOKEN_PATTERN = re.compile(r"[0-9a-f]{12}")


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
