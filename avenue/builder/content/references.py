"""References: placeholders for the URLs of assets in stored pages."""

import re

from avenue.identity import ID_PATTERN
from avenue.media.pictures.variants import ORIGINAL, VARIANTS, row_named

SCHEME = "avenue:"
NAME = r"[a-z][a-z0-9]*"
REFERENCE = re.compile(rf"{SCHEME}(?P<asset>{ID_PATTERN.pattern})/(?P<variant>{NAME})")
_WIDTH = re.compile(r"w([0-9]{1,5})")
_WIDTHS = sorted((row.width, name) for name, row in VARIANTS.items() if _WIDTH.fullmatch(name))


def reference(asset: str, variant: str) -> str:
    """Return the reference to `asset` in the variant that is closest to the name `variant`."""
    return f"{SCHEME}{asset}/{known_variant(variant)}"


def known_variant(name: str) -> str:
    """Return the existing variant for `name`, which may be from another version of the table.

    The name of a size of a site stays.

    For a width it is the next larger one, or the largest; for anything else the original.
    """
    if row_named(name):
        return name
    width = _WIDTH.fullmatch(name)
    if not width:
        return ORIGINAL
    wide_enough = [each for pixels, each in _WIDTHS if pixels >= int(width[1])]
    return wide_enough[0] if wide_enough else _WIDTHS[-1][1]
