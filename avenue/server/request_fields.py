"""Reads the header fields of requests to the fast lane: host, If-None-Match, Range."""

import re
from functools import lru_cache

MOST_FIELDS = 100  # gunicorn's own limit
MOST_CONDITIONS = 2  # a tag and a date
MOST_READERS = 256
"""Number of remembered sets of fields, 2 MB at most: a browser sends the same with all pictures of
a page. Parsing them is half of the cost of an answer."""

# Fields without any ambiguous character: no folded line, no name with an underscore, no bare CR or
# LF, no other control character.
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
FIELDS = re.compile(rb"(?:[!#$%&'*+.^`|~0-9A-Za-z-]+:" + _VALUE + rb"\r\n)+\r\n")
_TAG = rb"\r\n(?i:if-none-match):(" + _VALUE + rb")"
_SINCE = rb"\r\n(?i:if-modified-since):" + _VALUE
_RANGE = rb"\r\n(?i:range):(" + _VALUE + rb")"
_CONDITION = re.compile(rb"(?:" + _TAG + rb"|" + _SINCE + rb"|" + _RANGE + rb")(?=\r\n)")
"""What a browser sends for one picture; everything else is the same for all pictures of a page."""
_AT_THE_END = re.compile(
    rb"(?:" + _TAG + rb"(?:" + _SINCE + rb")?|" + _SINCE + _TAG + rb"|" + _RANGE + rb")?\r\n\r\n"
)
"""Where nearly every browser sends it, as the rest of a request (RFC 9110, 13.1.3: next to a tag a
date is ignored)."""
_RANGE_AT_THE_END = 3
"""The group of that which is a range."""
_END = b"\r\n\r\n"
UNSUITED = re.compile(
    rb"\r\n(?:if-match|if-unmodified-since|if-range|expect|te|trailer|transfer-encoding|"
    rb"content-length|content-type|upgrade|http2-settings|proxy-connection|keep-alive):"
)
_SPAN = re.compile(rb"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))")
"""One range (RFC 9110, section 14.1.2), as clients write it."""


class Reader:
    """Parses the header fields of a connection's requests.

    They are the same for every picture of a page except for conditions, so the host is cached by
    the text before and after the conditions, and only the part in between is parsed.
    """

    __slots__ = ("_after", "_before", "_host")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._host: str | None = None

    def read(self, request: bytes, start: int) -> tuple[str | None, bytes | None, bytes | None]:
        """Return host, tag of If-None-Match, Range; no host if a thread has to answer it.

        `start` is the end of the request line.
        """
        if self._after == _END and request.startswith(self._before, start):
            rest = _AT_THE_END.fullmatch(request, start + len(self._before))
            if rest:
                value = rest[rest.lastindex].strip(b" \t") if rest.lastindex else None
                is_range = rest.lastindex == _RANGE_AT_THE_END
                return self._host, None if is_range else value, value if is_range else None
        before = self._before if request.startswith(self._before, start) else b""
        between = _CONDITION.split(request[start + len(before) :])
        after = b"".join(between[::3])
        if before != self._before or after != self._after:
            self._learn(before + after, before + between[0])
        if len(between) == 1:
            return self._host, None, None
        tags = [each.strip(b" \t") for each in between[1::3] if each is not None]
        ranges = [each.strip(b" \t") for each in between[2::3] if each is not None]
        if len(between) // 3 > MOST_CONDITIONS or not request.endswith(_END):
            return None, None, None  # otherwise a condition after the empty line would count
        if len(between) // 3 == len(ranges) == 1:
            return self._host, None, ranges[0]
        if ranges or len(tags) != 1:
            return None, None, None
        return self._host, tags[0], None  # 13.1.3: next to it a date is ignored

    def _learn(self, fields: bytes, before: bytes) -> None:
        self._host = _host(fields)
        # Half a line must not hide that the next one is a condition.
        self._before = before.removesuffix(_END) if self._host else b""
        self._after = fields[len(self._before) :]


def span_of(value: bytes, length: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a Range field for a body of `length`.

    Return None if it is not exactly one valid range.
    """
    found = _SPAN.fullmatch(value)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, length - int(suffix)), length
    else:
        start, end = int(first), min(int(last) + 1, length) if last else length
    return (start, end) if start < end else None


@lru_cache(MOST_READERS)
def _host(fields: bytes) -> str | None:
    """Return the host, None if these fields (without conditions) have to be left to a thread."""
    if FIELDS.fullmatch(fields, 2) is None:
        return None
    lower = fields.lower()
    if UNSUITED.search(lower) or fields.count(b"\r\n") > MOST_FIELDS - MOST_CONDITIONS:
        return None
    host = field(fields, lower, b"host")
    if not host or field(lower, lower, b"connection") not in {None, b"keep-alive"}:
        return None
    return host.decode("latin-1")


def field(fields: bytes, lower: bytes, name: bytes) -> bytes | None:
    """Return the value of the field `name` as sent, None without one; b"" for several.

    `lower` are the `fields` in lower case, because names ignore case and values (a tag) do not.
    """
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    if lower.find(b"\r\n" + name + b":", start) >= 0:
        return b""
    return fields[start : lower.index(b"\r\n", start)].strip(b" \t")
