"""Conditional requests and byte ranges for one stored file.

Rules of RFC 9110 and nothing else: header values and facts of the file go in, a `Decision` comes
out. There is no request object and no bytes, so all code that serves stored files can use it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from avenue.clock import utc_now

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Section 8.8.3. A comma may stand inside a tag, so a list is searched, never split.
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')

# Section 14.1.2, with the empty list elements that section 5.6.1.2 wants accepted.
_ONE_RANGE = re.compile(
    r"bytes=(?:[ \t,]*,[ \t]*)?(?:([0-9]+)-([0-9]*)|-([0-9]+))(?:[ \t]*,[ \t,]*)?",
    re.ASCII | re.IGNORECASE,
)

# Section 5.6.7: the one form we send, and the two obsolete ones that must still be accepted.
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_YEAR = "(?P<year>[0-9]{4})"
_TIME = "(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)"
_DATE_FORMS = (
    re.compile(f"[A-Z][a-z]{{2}}, (?P<day>[0-9]{{2}}) {_MONTH} {_YEAR} {_TIME} GMT"),
    re.compile(
        f"[A-Z][a-z]+day, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<short_year>[0-9]{{2}}) {_TIME} GMT"
    ),
    re.compile(f"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} {_YEAR}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The values of the conditional header fields as sent, None if missing."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    if_range: str | None = None
    range: str | None = None


FIELDS = {
    "HTTP_IF_MATCH": "if_match",
    "HTTP_IF_NONE_MATCH": "if_none_match",
    "HTTP_IF_MODIFIED_SINCE": "if_modified_since",
    "HTTP_IF_UNMODIFIED_SINCE": "if_unmodified_since",
    "HTTP_IF_RANGE": "if_range",
    "HTTP_RANGE": "range",
}
"""The names of the fields in a WSGI environ (PEP 3333)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of a file: `etag` without quotes, `length` in bytes.

    `unchanging`: this URL never gives other bytes. Only then is a date, with its resolution of a
    second, sufficient to join two parts of a file (section 8.8.2.2).
    """

    etag: str
    modified_at: datetime
    length: int
    unchanging: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The status of the answer and its bytes, from `start` up to before `end`."""

    status: HTTPStatus
    start: int = 0
    end: int = 0


_NOT_MODIFIED = Decision(HTTPStatus.NOT_MODIFIED)
_PRECONDITION_FAILED = Decision(HTTPStatus.PRECONDITION_FAILED)
_RANGE_NOT_SATISFIABLE = Decision(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)


def decide_for(environ: Mapping[str, Any], file: Facts) -> Decision:
    """Return the decision for the GET or HEAD in the WSGI `environ`."""
    # Most requests have no condition at all and are decided here.
    if environ.keys().isdisjoint(FIELDS):
        return Decision(HTTPStatus.OK, 0, file.length)
    asked = {name: environ.get(key) for key, name in FIELDS.items()}
    return decide(environ["REQUEST_METHOD"], Asked(**asked), file)


def decide(method: str, asked: Asked, file: Facts) -> Decision:
    """Return the decision for a GET or HEAD, in the order of section 13.2.2.

    200 whole, 206 a part, 304 not modified, 412 precondition failed, 416 range not satisfiable.
    """
    if not _is_the_demanded_one(asked, file):
        return _PRECONDITION_FAILED
    if _is_known(asked, file):
        return _NOT_MODIFIED
    # Section 14.2: Range is defined for GET only.
    if asked.range is None or method != "GET" or not _may_be_joined(asked.if_range, file):
        return Decision(HTTPStatus.OK, 0, file.length)
    return choose_range(asked.range, file.length)


def choose_range(header: str, length: int) -> Decision:
    """Return which bytes of a file of `length` bytes a Range field asks for: 206, 200 or 416.

    Everything but one valid byte range is ignored, as section 14.2 allows: another unit, invalid
    syntax, and several ranges at once, with which a caller could request the same bytes often.
    """
    found = _ONE_RANGE.fullmatch(header)
    if not found:
        return Decision(HTTPStatus.OK, 0, length)
    first, last, suffix = found.groups()
    if suffix is not None:
        return _last_bytes(suffix, length)
    if last and _magnitude(last) < _magnitude(first):
        return Decision(HTTPStatus.OK, 0, length)
    start = _at_most(first, length)
    if start == length:
        return _RANGE_NOT_SATISFIABLE
    return Decision(
        HTTPStatus.PARTIAL_CONTENT, start, _at_most(last, length - 1) + 1 if last else length
    )


def http_date(moment: datetime) -> str:
    """Return `moment` as an HTTP-date of section 5.6.7, in whole seconds."""
    at = moment.astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day:02} {month} {at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} GMT"


def parse_http_date(text: str) -> datetime | None:
    """Return the time of an HTTP-date in any of its three forms, None if it is invalid."""
    for form in _DATE_FORMS:
        if found := form.fullmatch(text):
            return _moment(found.groupdict())
    return None


def _is_the_demanded_one(asked: Asked, file: Facts) -> bool:
    if asked.if_match is not None:
        # Section 13.1.1: strong comparison, so a weak tag never matches.
        return asked.if_match == "*" or f'"{file.etag}"' in _ENTITY_TAG.findall(asked.if_match)
    if asked.if_unmodified_since is None:
        return True
    # Section 13.1.4: an invalid date is ignored.
    since = parse_http_date(asked.if_unmodified_since)
    return since is None or _whole_seconds(file.modified_at) <= since


def _is_known(asked: Asked, file: Facts) -> bool:
    if asked.if_none_match is not None:
        # Section 13.1.2: weak comparison; and 13.1.3: If-Modified-Since no longer counts.
        tags = _ENTITY_TAG.findall(asked.if_none_match)
        return asked.if_none_match == "*" or f'"{file.etag}"' in [
            tag.removeprefix("W/") for tag in tags
        ]
    if asked.if_modified_since is None:
        return False
    since = parse_http_date(asked.if_modified_since)
    return since is not None and _whole_seconds(file.modified_at) <= since


def _may_be_joined(if_range: str | None, file: Facts) -> bool:
    """Return whether the part the caller has and the part we would send are of the same bytes.

    Section 13.1.5: without If-Range they trust us; otherwise the strong tag or, if the date is a
    strong validator, exactly the date we sent.
    """
    if if_range is None or if_range == f'"{file.etag}"':
        return True
    return file.unchanging and if_range == http_date(file.modified_at)


def _last_bytes(suffix: str, length: int) -> Decision:
    if not suffix.strip("0"):
        return _RANGE_NOT_SATISFIABLE
    if length == 0:
        # Satisfiable by section 14.1.2, but Content-Range cannot express "no bytes".
        return Decision(HTTPStatus.OK, 0, 0)
    return Decision(HTTPStatus.PARTIAL_CONTENT, length - _at_most(suffix, length), length)


def _magnitude(digits: str) -> tuple[int, str]:
    """Return a sort key of decimal numbers of any length, without converting them to integers."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _at_most(digits: str, ceiling: int) -> int:
    """Return the number, or `ceiling` if it is larger. Thousands of digits cost nothing."""
    if _magnitude(digits) > _magnitude(str(ceiling)):
        return ceiling
    return int(digits.lstrip("0") or "0")


def _whole_seconds(moment: datetime) -> datetime:
    """Return `moment` with the resolution of Last-Modified."""
    return moment.replace(microsecond=0)


def _moment(fields: dict[str, str]) -> datetime | None:
    year = int(fields["year"]) if "year" in fields else _full_year(int(fields["short_year"]))
    month = _MONTHS.index(fields["month"]) + 1
    day, hour, minute = int(fields["day"]), int(fields["hour"]), int(fields["minute"])
    # Second 60 is a leap second: valid, but unknown to datetime.
    second = min(int(fields["second"]), 59)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # the 31st of February
        return None


def _full_year(two_digits: int) -> int:
    """Section 5.6.7: a year more than 50 years in the future is in the previous century."""
    this_year = utc_now().year
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
