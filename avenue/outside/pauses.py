"""How long to wait before the next request to a server, by its response."""

import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from avenue.clock import utc_now

ENHANCE_YOUR_CALM = 420
"""Not registered with IANA: Cloudinary's status for 429."""
LIMITING = frozenset(
    {ENHANCE_YOUR_CALM, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
)
FIELDS = ("Retry-After", "X-FeatureRateLimit-Reset", "RateLimit-Reset", "X-RateLimit-Reset")
"""RFC 9110 section 10.2.3, Cloudinary's, and those of others."""
UNTOLD_SECONDS = 10.0
LONGEST_SECONDS = 3600.0
_SECONDS = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_EPOCH_SINCE = 1_000_000_000
"""A larger number is a Unix time, not a duration."""


def pause_of(headers: Message) -> float:
    """Return for how many seconds to send no requests: an hour at most."""
    for name in FIELDS:
        seconds = _seconds(str(headers.get(name, "")).strip())
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST_SECONDS)
    return UNTOLD_SECONDS


def _seconds(text: str) -> float | None:
    if _SECONDS.fullmatch(text):
        number = float(text)
        return number - utc_now().timestamp() if number > _EPOCH_SINCE else number
    try:
        at: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (at - utc_now()).total_seconds()
