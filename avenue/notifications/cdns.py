"""Purges the caches of CDNs and nginx, each by its own API.

All purge by URL. If an API accepts prefixes and many URLs are expensive, all URLs of a picture are
one: CloudFront counts paths, and bunny.net limits the rate. Nothing of this is logged: calls
contain credentials.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from avenue.config import PurgeTarget
from avenue.errors import AvenueError
from avenue.identity import new_id
from avenue.notifications.cloudfront import signed
from avenue.notifications.service import check_answer
from avenue.outside.posting import Poster
from avenue.webhooks.errors import NotDelivered

BASES: Mapping[str, str] = {
    "cloudflare": "https://api.cloudflare.com/client/v4",
    "fastly": "https://api.fastly.com",
    "bunny": "https://api.bunny.net",
    "cloudfront": "https://cloudfront.amazonaws.com",
}
"""The base URLs of the APIs."""
CLOUDFLARE_URLS = 100
"""URLs in one call, on every plan (developers.cloudflare.com/cache/how-to/purge-cache)."""
CLOUDFRONT_PATHS = 1000
"""Paths in one call; of 3,000 that may be in progress at once."""
CLOUDFRONT_NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
PURGE_HEADER = "X-Avenue-Purge"
OF_A_PICTURE = re.compile(r"((?:https?://[^/]+)?/media/[A-Za-z0-9_-]{22}/)")
JSON = {"Content-Type": "application/json"}
GOOD = range(200, 300)
ASKED_ANEW = range(200, 429)
"""The statuses of nginx after fetching the URL from Avenue: that it is gone is a success, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, and the statuses that mean success."""

    url: str
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    taken: range = GOOD
    is_ours: bool = False


def _cloudflare(base: str, target: str, urls: Sequence[str]) -> Iterator[Call]:
    zone, _, token = target.partition("/")
    for some in _by(CLOUDFLARE_URLS, urls):
        yield Call(
            url=f"{base}/zones/{zone}/purge_cache",
            body=json.dumps({"files": some}).encode(),
            headers={**JSON, "Authorization": f"Bearer {token}"},
        )


def _fastly(base: str, token: str, urls: Sequence[str]) -> Iterator[Call]:
    # A hard purge: softly purged URLs stay as stale.
    for each in urls:
        address = each.partition("://")[2]
        yield Call(url=f"{base}/purge/{address}", headers={"Fastly-Key": token})


def _bunny(base: str, key: str, urls: Sequence[str]) -> Iterator[Call]:
    for each in _by_picture(urls):
        yield Call(url=f"{base}/purge?url={quote(each, safe='')}", headers={"AccessKey": key})


def _cloudfront(base: str, distribution: str, urls: Sequence[str]) -> Iterator[Call]:
    paths = [each.partition("://")[2].partition("/")[2] for each in _by_picture(urls)]
    for some in _by(CLOUDFRONT_PATHS, dict.fromkeys(f"/{each}" for each in paths)):
        items = "".join(f"<Path>{escape(each)}</Path>" for each in some)
        # AWS takes a call with an earlier reference for that call, and does nothing.
        reference = new_id()
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<InvalidationBatch xmlns="{CLOUDFRONT_NAMESPACE}"><CallerReference>{reference}'
            f"</CallerReference><Paths><Quantity>{len(some)}</Quantity><Items>{items}</Items>"
            "</Paths></InvalidationBatch>"
        ).encode()
        url = f"{base}/2020-05-31/distribution/{distribution}/invalidation"
        yield Call(url=url, body=body, headers=signed(url, body))


def _nginx(_: str, target: str, urls: Sequence[str]) -> Iterator[Call]:
    secret, _, server = target.partition("@")
    for each in urls:
        parts = urlsplit(each)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        yield Call(
            url=server + path,
            method="HEAD",
            headers={"Host": parts.netloc, PURGE_HEADER: secret},
            taken=ASKED_ANEW,
            is_ours=True,
        )


SERVICES: Mapping[str, Callable[[str, str, Sequence[str]], Iterator[Call]]] = {
    "cloudflare": _cloudflare,
    "fastly": _fastly,
    "bunny": _bunny,
    "cloudfront": _cloudfront,
    "nginx": _nginx,
}
"""The calls of each CDN, from the base URL of its API, the target in the setting, and the URLs."""


def purge(target: PurgeTarget, urls: Sequence[str], bases: Mapping[str, str] = BASES) -> None:
    """Purge those `urls` that an edge serves.

    Raise `Refused` if it rejects one of the calls, `NotDelivered` if it is busy or unreachable.
    Successful calls are repeated with the next try, which is harmless.
    """
    base = bases.get(target.service, "")
    served = [each for each in urls if target.serves(urlsplit(each).hostname or "")]
    for call in SERVICES[target.service](base, target.target, served):
        poster = Poster(call.url, is_ours=call.is_ours)
        try:
            status = poster.post(call.body, {"User-Agent": "Avenue", **call.headers}, call.method)
        except AvenueError as error:
            raise NotDelivered(reason=error.code) from None
        if status not in call.taken:
            check_answer(status)


def _by(most: int, items: Iterable[str]) -> Iterator[list[str]]:
    left = iter(items)
    while some := list(islice(left, most)):
        yield some


def _by_picture(urls: Iterable[str]) -> list[str]:
    """Return the distinct URLs, all of one picture as one with `*`."""
    return list(
        dict.fromkeys(
            f"{found[1]}*" if (found := OF_A_PICTURE.match(each)) else each for each in urls
        )
    )
