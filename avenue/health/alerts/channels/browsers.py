"""Browsers that receive alerts by Web Push, as their users have requested.

The endpoint and keys of a browser are sealed: they allow sending to it.
"""

import json

from avenue.accounts.devices import device_of
from avenue.health.alerts.channels.addresses import public_host
from avenue.health.alerts.channels.errors import NotABrowser, TooManyReceivers
from avenue.health.alerts.channels.models import Browser
from avenue.health.alerts.channels.store import BrowserStore
from avenue.notifications.web_push import Subscription, VapidKey, decoded, encoded, is_subscription
from avenue.sealing import Sealing

SEALED_FOR = "browsers that are told"
MOST_OF_PERSON = 10
MOST_OF_SITE = 100
ID_CHARACTERS = 32


class Browsers:
    """Subscribed browsers of the users of each site; those of the default site get all alerts."""

    def __init__(self, store: BrowserStore, sealing: Sealing, key: VapidKey) -> None:
        self._store = store
        self._sealing = sealing
        self.key = key

    def of_site(self, site: str) -> list[Browser]:
        """Return the browsers of a site."""
        return self._store.of_site(site, MOST_OF_SITE)

    def add(self, site: str, person: str, subscription: Subscription, agent: str) -> Browser:
        """Store a browser of a user; repeatable. Raise `NotABrowser`, `TooManyReceivers`."""
        host = public_host(subscription.endpoint)
        if host is None or not is_subscription(subscription.key, subscription.auth):
            raise NotABrowser
        mark = self._sealing.mark(f"{site} {person} {subscription.endpoint}")
        kept = [subscription.endpoint, encoded(subscription.key), encoded(subscription.auth)]
        browser = Browser(
            id=mark[:ID_CHARACTERS],
            site=site,
            person=person,
            host=host,
            device=device_of(agent),
            sealed=self._sealing.sealed(json.dumps(kept)),
        )
        others = [each for each in self.of_site(site) if each.id != browser.id]
        own = [each for each in others if each.person == person]
        if len(others) >= MOST_OF_SITE or len(own) >= MOST_OF_PERSON:
            raise TooManyReceivers
        self._store.put(browser)
        return browser

    def opened(self, browser_id: str) -> tuple[Browser, Subscription] | None:
        """Return a browser and its subscription, None if it is gone; raise `SecretLost`."""
        browser = self._store.get(browser_id)
        if browser is None:
            return None
        endpoint, key, auth = json.loads(self._sealing.opened(browser.sealed))
        subscription = Subscription(endpoint=endpoint, key=decoded(key), auth=decoded(auth))
        return browser, subscription

    def remove(self, browser_id: str, person: str | None = None) -> None:
        """Delete a browser, with `person` only if it is theirs; repeatable."""
        self._store.remove(browser_id, person)
