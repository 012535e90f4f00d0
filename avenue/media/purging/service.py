"""Tells a receiver which addresses to forget, until it has accepted them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from avenue.clock import iso
from avenue.identity import Site
from avenue.media.purging.models import Notice
from avenue.media.purging.store import PurgeStore
from avenue.webhooks.sender import Receiver

PURGE = "purge"
EVERY_SECONDS = 5
MOST_URLS = 500
"""Addresses in one message: what a call of a CDN takes is less, but its receiver knows how much."""
MOST_NOTICES = 100
MARGIN_SECONDS = 2.0
"""For a request that had read the asset just before a worker was to forget it."""


Saving = Callable[..., None]
"""Keeps the `cursor`, and how many addresses were told as `done`."""


class Purger:
    """Sends what is due. A notice goes only once all of its addresses were accepted."""

    def __init__(
        self,
        store: PurgeStore,
        site_of: Callable[[str], Site | None],
        receiver: Receiver,
        *,
        cache_seconds: float,
    ) -> None:
        """`cache_seconds` is how long a worker may go on showing what was removed.

        An edge that forgot before would only fetch it again.
        """
        self._store = store
        self._site_of = site_of
        self._receiver = receiver
        self._delay_seconds = cache_seconds + MARGIN_SECONDS

    def purge(self, cursor: Any, save: Saving) -> dict[str, int]:
        """Tell everything that is due, from a `cursor` on; raise what the receiver raises.

        The cursor names the notices of the messages in hand, so that after a kill or a failure the
        same messages are sent again, under the same ids.
        """
        told = 0
        notices = self._store.named(cursor) if cursor else []
        while notices := notices or self._next():
            save(cursor=[each.id for each in notices], done=told)
            for message in self._messages(notices):
                self._receiver.send(message)
                told += len(message["urls"])
                save(cursor=[each.id for each in notices], done=told)
            self._store.forget(notices)
            notices = []
        save(cursor=None, done=told)
        return {"urls": told}

    def _next(self) -> list[Notice]:
        """Return the oldest notices that are due, as many of one site as a message takes."""
        due = self._store.due(self._delay_seconds, MOST_NOTICES)
        chosen: list[Notice] = []
        room = MOST_URLS
        for each in due:
            room -= len(each.paths())
            if chosen and (each.site != chosen[0].site or room < 0):
                break
            chosen.append(each)
        return chosen

    def _messages(self, notices: Sequence[Notice]) -> Iterator[dict[str, Any]]:
        site = self._site_of(notices[0].site)
        if site is None:  # nobody can ask for anything of it
            return
        # Each once: what is known of the same asset twice shares its stable addresses.
        paths = dict.fromkeys(path for each in notices for path in each.paths())
        urls = [address + path for address in addresses_of(site) for path in paths]
        at = iso(max(each.at for each in notices))
        for start in range(0, len(urls), MOST_URLS):
            yield {
                "event": PURGE,
                "id": _id(notices, start),
                "site": site.id,
                "urls": urls[start : start + MOST_URLS],
                "at": at,
            }


def addresses_of(site: Site) -> list[str]:
    """Return what the URLs of a site may begin with: its address, and its other hosts."""
    scheme = urlsplit(site.base_url).scheme
    return list(dict.fromkeys([site.base_url, *(f"{scheme}://{host}" for host in site.hosts)]))


def _id(notices: Sequence[Notice], start: int) -> str:
    """Return the same id whenever the same message is made."""
    named = " ".join([*(each.id for each in notices), str(start)])
    return hashlib.sha256(named.encode()).hexdigest()[:32]
