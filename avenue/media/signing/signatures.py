"""What a signed link is: rules without a database, a clock or a request.

A link is the path of a private file, token included, and
`?e=<unix seconds>&k=<key id>&s=<signature>`, with `download=1&` in front of `e` where it is a
download. It is good exactly as it was written: no other order, no parameter more, no other spelling
of the same. The signature is HMAC-SHA256 (RFC 2104) over everything the answer depends on, in
unpadded base64url (RFC 4648, section 5).
"""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field

VERSION = "avenue link 1"
"""Begins what is signed, so that nothing else signed with the same key is ever a link."""

WINDOWS = 4
"""Into how many windows the time asked for is cut; see `expiry`."""

# The last second of the year 9999 has twelve digits; no leading zero, so there is one spelling.
_QUERY = re.compile(
    r"(?P<download>download=1&)?"
    r"e=(?P<expires>[1-9][0-9]{0,11})&k=(?P<key>[1-9][0-9]{0,8})&s=(?P<signature>[A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What links of one site are signed with; a link names it by `id`."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a link lets its bearer have: the file at `path`, until `expires` (unix seconds).

    `path` has asset, token, variant and extension. `epoch` is the asset's: it grows when all of
    its links are to end.
    """

    site: str
    epoch: int
    path: str
    download: bool
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What somebody who came with a link says; nothing of it is believed yet."""

    download: bool
    expires: int
    key: str
    signature: str = field(repr=False)


def expiry(now: float, seconds: int) -> int:
    """Return when a link ends that is to be good for `seconds` from `now`, both unix seconds.

    Rounded up to a quarter of `seconds`: who asks again within that time is given the very same
    link, which is what makes a browser's cache work. So it lives at least as long as was asked
    for, and at most a quarter longer.
    """
    window = max(1, seconds // WINDOWS)
    return -int(-(now + seconds) // window) * window


def query_of(grant: Grant, key: Key) -> str:
    """Return what stands behind the `?` of a link."""
    download = "download=1&" if grant.download else ""
    return f"{download}e={grant.expires}&k={key.id}&s={_signature(grant, key)}"


def presented(query: str) -> Presented | None:
    """Return what a query says if it is written as `query_of` writes, else None."""
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
    """Tell whether `key` has signed `grant`; takes as long whatever is wrong.

    Texts are compared, not the bytes they stand for: the last character of the signature has two
    bits that stand for nothing.
    """
    return hmac.compare_digest(_signature(grant, key), shown.signature)


def derived(secret_key: str, salt: bytes) -> bytes:
    """Return the secret of a key that is stored as `salt`: neither half is enough to sign."""
    return hmac.digest(secret_key.encode(), b"avenue link key\0" + salt, hashlib.sha256)


def _signature(grant: Grant, key: Key) -> str:
    signed = [VERSION, key.id, grant.site, grant.epoch, grant.path, grant.download, grant.expires]
    digest = hmac.digest(key.secret, json.dumps(signed).encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
