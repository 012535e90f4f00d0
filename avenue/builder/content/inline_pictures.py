"""Inline pictures of a page, as `data:` URLs (RFC 2397), which are moved to the library."""

import base64
import binascii
import hashlib
import re
from urllib.parse import unquote_to_bytes

from avenue.builder.content.errors import BadInlinePicture, TooManyInlinePictures
from avenue.builder.content.models import Keep
from avenue.media.intake.filetypes import PICTURES

MAX_INLINE_PICTURES = 50
"""The most that one save may contain."""

_HEADER = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)((?:;[^;,]*)*),", re.IGNORECASE)
_BASE64 = re.compile(r";\s*base64\s*\Z", re.IGNORECASE)
_SPACES = re.compile(rb"[\t\n\f\r ]+")
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/heif": "image/heic"}


class InlinePictures:
    """Passes each picture to `keep`, identical ones once."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._kept: dict[str, str] = {}

    def asset_of(self, url: str) -> str | None:
        """Return the asset for a `data:` URL; None when it is not an accepted picture.

        Raise `BadInlinePicture` when it cannot be read, `TooManyInlinePictures`, and what `keep`
        raises.
        """
        header = _HEADER.match(url)
        media_type = header[1].lower() if header else ""
        media_type = _SPELLINGS.get(media_type, media_type)
        if header is None or media_type not in PICTURES:
            return None
        mark = hashlib.sha256(url.encode()).hexdigest()
        if mark not in self._kept:
            if len(self._kept) == MAX_INLINE_PICTURES:
                raise TooManyInlinePictures(limit=MAX_INLINE_PICTURES)
            picture = _bytes_of(url[header.end() :], header[2])
            self._kept[mark] = self._keep(picture, media_type)
        return self._kept[mark]


def _bytes_of(data: str, parameters: str) -> bytes:
    raw = unquote_to_bytes(data.partition("#")[0])
    if not _BASE64.search(parameters):
        return raw
    packed = _SPACES.sub(b"", raw).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInlinePicture from error
