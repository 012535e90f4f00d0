"""Replaces long `data:` URLs (RFC 2397) in a text by marks before it is parsed.

A page may contain megabytes of pictures, but only kilobytes of anything else: parsed objects take
100 times the memory of their text.
"""

import hashlib
import re

LONG_CHARACTERS = 1000
"""The length of its data from which a URL counts as long."""

# A URL is never inside another: neither part contains a colon.
_LONG = re.compile(
    rf"data:[A-Za-z0-9+/.;=-]{{0,200}},[A-Za-z0-9+/=%._-]{{{LONG_CHARACTERS},}}", re.IGNORECASE
)
_MARK = re.compile(r"data:avenue/[0-9a-f]{64}")


class LongData:
    """The cut out URLs, each by its mark, which is derived from a hash of it."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}

    def taken_out(self, text: str) -> str:
        """Return `text` with a mark in place of each long `data:` URL on one line."""
        return _LONG.sub(self._mark, text)

    def whole(self, url: str) -> str:
        """Return the original of a URL that is a mark, any other unchanged."""
        return self._urls.get(url, url)

    def whole_length(self, text: str) -> int:
        """Return the length of the result of `put_back`."""
        return len(text) + sum(
            len(self._urls[mark]) - len(mark) for mark in _MARK.findall(text) if mark in self._urls
        )

    def put_back(self, text: str) -> str:
        """Return `text` with the original URLs in place of their marks.

        None can end a string or a tag.
        """
        return _MARK.sub(lambda mark: self._urls.get(mark[0], mark[0]), text)

    def _mark(self, url: re.Match[str]) -> str:
        mark = f"data:avenue/{hashlib.sha256(url[0].encode()).hexdigest()}"
        self._urls[mark] = url[0]
        return mark
