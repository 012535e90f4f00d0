"""The format of a signed link: rules without a database, a clock or a request.

A link is the path of a private file, token included, and `?e=<unix seconds>&k=<key
id>&s=<signature>`, with `download=1&` in front of `e` for a download. It is only valid exactly as
written: no other order, no additional parameter, no other spelling. The signature is HMAC-SHA256
(RFC 2104) over everything the answer depends on, in unpadded base64url (RFC 4648, section 5).
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field

VERSION = "avenue link 1"
"""Begins the signed text, so that nothing else signed with the same key is ever a link."""

WINDOWS = 4
"""The number of windows into which the requested time is divided; see `expiry`."""

# The last second of the year 9999 has twelve digits; no leading zero, so there is one spelling.
_QUERY = re.compile(
    r"(?P<download>download=1&)?"
    r"e=(?P<expires>[1-9][0-9]{0,11})&k=(?P<key>[1-9][0-9]{0,8})&s=(?P<signature>[A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of one site; a link names it by `id`."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The permission of a link: the file at `path`, until `expires` (unix seconds).

    `path` has asset, token, variant and extension. `epoch` is the asset's, which is raised to
    revoke all of its links.
    """

    site: str
    epoch: int
    path: str
    download: bool
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The parameters of a link in a request, not verified yet."""

    download: bool
    expires: int
    key: str
    signature: str = field(repr=False)


def expiry(now: float, seconds: int) -> int:
    """Return the end of a link requested for `seconds` from `now`, both unix seconds.

    Rounded up to a quarter of `seconds`: repeated requests within that time get the very same link,
    which is what makes a browser's cache work. So it is valid for at least the requested time, and
    at most a quarter longer.
    """
    window = max(1, seconds // WINDOWS)
    return -int(-(now + seconds) // window) * window


def query_of(grant: Grant, key: Key) -> str:
    """Return the query of a link."""
    download = "download=1&" if grant.download else ""
    return f"{download}e={grant.expires}&k={key.id}&s={_signature(grant, key)}"


def presented(query: str) -> Presented | None:
    """Return the parameters of a query if it has the form of `query_of`, else None."""
    found = _QUERY.fullmatch(query)
    if found is None:
        return None
    return Presented(
        download=found["download"] is not None,
        expires=int(found["expires"]),
        key=found["key"],
        signature=found["signature"],
    )


def is_signed(shown: Presented, grant: Grant, key: Key) -> bool:
    """Return whether `key` has signed `grant`, in constant time.

    Texts are compared, not the decoded bytes: the last character of the signature has two unused
    bits.
    """
    return hmac.compare_digest(_signature(grant, key), shown.signature)


def derived(secret_key: str, salt: bytes) -> bytes:
    """Return the secret of a key that is stored as `salt`: neither half is enough to sign."""
    return hmac.digest(secret_key.encode(), b"avenue link key\0" + salt, hashlib.sha256)


def _signature(grant: Grant, key: Key) -> str:
    signed = [VERSION, key.id, grant.site, grant.epoch, grant.path, grant.download, grant.expires]
    digest = hmac.digest(key.secret, json.dumps(signed).encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
