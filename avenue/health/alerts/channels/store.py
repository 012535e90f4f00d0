"""Chosen levels in MongoDB, a record for each site and one for the deployment; and browsers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from avenue.health.alerts.channels.models import Browser, Choices, Webhook
from avenue.health.models import Level
from avenue.storage.connection import Database, Document
from avenue.storage.scope import deployment

CHOICES = "alert_choices"
BROWSERS = "push_subscriptions"
OF_INSTALLATION = "*"
"""The id of the deployment's record: no site has this name."""


class ChoiceStore:
    """The `alert_choices` collection; None means the deployment."""

    def __init__(self, database: Database) -> None:
        self._choices = deployment(database).collection(CHOICES)

    def of(self, *sites: str | None) -> dict[str | None, Choices]:
        """Return the choices of each of these sites that has any."""
        ids = [_id(each) for each in sites]
        known = dict(self._choices.values(_choices, {"_id": {"$in": ids}}))
        return {each: known.get(_id(each), Choices()) for each in sites}

    def choose(self, site: str | None, levels: Mapping[str, Iterable[Level] | None]) -> None:
        """Set the levels of these receivers; None removes a receiver. Others stay as they are."""
        kept = {
            f"levels.{key}": [each.value for each in some]
            for key, some in levels.items()
            if some is not None
        }
        gone = {f"levels.{key}": "" for key, some in levels.items() if some is None}
        self._change(site, {"$set": kept, "$unset": gone})

    def set_webhook(self, site: str, webhook: Webhook | None) -> None:
        """Set the webhook of a site, or (None) remove it."""
        if webhook is None:
            self._change(site, {"$set": {}, "$unset": {"webhook": ""}})
            return
        kept = {"webhook": {"host": webhook.host, "sealed": webhook.sealed}}
        self._change(site, {"$set": kept, "$unset": {}})

    def _change(self, site: str | None, change: Mapping[str, Mapping[str, Any]]) -> None:
        whole = {**change, "$set": {"site": site, **change["$set"]}}
        parts = {name: each for name, each in whole.items() if each}
        self._choices.update({"_id": _id(site)}, parts, upsert=True)


class BrowserStore:
    """The `push_subscriptions` collection."""

    def __init__(self, database: Database) -> None:
        self._browsers = deployment(database).collection(BROWSERS)

    def put(self, browser: Browser) -> None:
        """Insert or replace a browser; repeatable."""
        facts = asdict(browser)
        self._browsers.update({"_id": facts.pop("id")}, {"$set": facts}, upsert=True)

    def get(self, browser_id: str) -> Browser | None:
        """Return a browser, or None."""
        return self._browsers.value(_browser, {"_id": browser_id})

    def of_site(self, site: str, limit: int) -> list[Browser]:
        """Return the browsers of the users of a site."""
        return self._browsers.values(_browser, {"site": site}, sort=[("_id", 1)], limit=limit)

    def remove(self, browser_id: str, person: str | None) -> None:
        """Delete a browser, with `person` only if it is theirs; repeatable."""
        theirs = {} if person is None else {"person": person}
        self._browsers.delete({"_id": browser_id, **theirs})


def _id(site: str | None) -> str:
    return OF_INSTALLATION if site is None else site


def _choices(document: Document) -> tuple[str, Choices]:
    webhook = document.get("webhook")
    levels = document.get("levels") or {}
    choices = Choices(
        levels={key: frozenset(map(Level, some)) for key, some in levels.items()},
        webhook=Webhook(host=webhook["host"], sealed=webhook["sealed"]) if webhook else None,
    )
    return document["_id"], choices


def _browser(document: Document) -> Browser:
    return Browser(
        id=document["_id"],
        site=document["site"],
        person=document["person"],
        host=document["host"],
        device=document["device"],
        sealed=document["sealed"],
    )
