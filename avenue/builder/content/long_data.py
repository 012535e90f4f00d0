"""Long `data:` URLs (RFC 2397) leave a text before it is parsed, and marks take their place.

A page may bring megabytes of pictures with it, but only kilobytes of anything else: objects of a
parser take 100 times the memory of its text.
"""

import hashlib
import re

LONG_CHARACTERS = 1000
"""Of its data, from which on a URL is long."""

# One URL is never in another: neither part has a colon.
_LONG = re.compile(
    rf"data:[A-Za-z0-9+/.;=-]{{0,200}},[A-Za-z0-9+/=%._-]{{{LONG_CHARACTERS},}}", re.IGNORECASE
)
_MARK = re.compile(r"data:avenue/[0-9a-f]{64}")


class LongData:
    """The long URLs that were taken out, each by its mark, which is made from a hash of it."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}

    def taken_out(self, text: str) -> str:
        """Return `text` with a mark in place of each long `data:` URL that stands in one line."""
        return _LONG.sub(self._mark, text)

    def whole(self, url: str) -> str:
        """Return a URL that is a mark as it was, any other as it is."""
        return self._urls.get(url, url)

    def whole_length(self, text: str) -> int:
        """Return how long `put_back` makes `text`."""
        return len(text) + sum(
            len(self._urls[mark]) - len(mark) for mark in _MARK.findall(text) if mark in self._urls
        )

    def put_back(self, text: str) -> str:
        """Return `text` with each URL where its mark is; nothing in one ends a string or a tag."""
        return _MARK.sub(lambda mark: self._urls.get(mark[0], mark[0]), text)

    def _mark(self, url: re.Match[str]) -> str:
        mark = f"data:avenue/{hashlib.sha256(url[0].encode()).hexdigest()}"
        self._urls[mark] = url[0]
        return mark
