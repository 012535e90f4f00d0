"""Chooses which receivers get which alerts.

Operators of the deployment choose for the receivers in the settings (addresses, a webhook, chats):
alerts about the deployment and about each site. An administrator of a site chooses among the users
of that site and one webhook of its own.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from email.utils import parseaddr

from avenue.accounts.account_emails import MAIL
from avenue.accounts.email_addresses import checked_email
from avenue.accounts.models import User
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.clock import utc_now
from avenue.config import WEBHOOK_PREFIX, AlertChat, Settings
from avenue.errors import Forbidden, required
from avenue.health.alerts.channels.addresses import public_host
from avenue.health.alerts.channels.browsers import Browsers
from avenue.health.alerts.channels.errors import (
    InvalidWebhook,
    NotToBeTold,
    ReceiverNotFound,
    TooManyReceivers,
)
from avenue.health.alerts.channels.models import (
    INSTALLATION,
    OWN,
    OWN_WEBHOOK,
    PERSON,
    PUSH,
    TOLD,
    Browser,
    Choices,
    Chosen,
    Delivery,
    Kind,
    Receiver,
    Webhook,
)
from avenue.health.alerts.channels.store import ChoiceStore
from avenue.health.alerts.models import TEST
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.facts.work import BROWSERS, OWN_WEBHOOKS, TELL
from avenue.health.models import ALERTED, Level
from avenue.identity import DEFAULT_SITE, Actor, Role, Site, address_key
from avenue.notifications.models import Channel, Message
from avenue.notifications.store import OutboxStore
from avenue.notifications.web_push import Subscription
from avenue.sealing import Sealing
from avenue.storage.sites import Sites

SEALED_FOR = "webhooks of sites"
MOST_PEOPLE = 20
SHOWN = 50
KEY_BYTES = 32
MASK = "…"


class ReceiverService:
    """The receivers of alerts. `site` means alerts about it, None those about the deployment."""

    def __init__(
        self,
        store: ChoiceStore,
        alerts: MongoAlertStore,
        outbox: OutboxStore,
        browsers: Browsers,
        people: MongoAccountStore,
        sites: Sites,
        settings: Settings,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._outbox = outbox
        self.browsers = browsers
        self._people = people
        self._sites = sites
        self._sealing = Sealing(settings.secret_key, SEALED_FOR)
        self.has_mail = bool(settings.smtp_url)
        self.configured = tuple(_configured(settings))

    def receivers_of(self, site: str | None) -> list[Chosen]:
        """Return all possible receivers of alerts about a site, with the levels chosen."""
        choices = self._store.of(INSTALLATION, site)
        own = choices[site]
        usual = choices[INSTALLATION].levels
        found = [
            Chosen(receiver=each, levels=own.levels.get(each.key, usual.get(each.key, each.usual)))
            for each in self.configured
        ]
        found += [
            Chosen(receiver=each, levels=own.levels.get(each.key, each.usual))
            for each in self._own(site, own)
        ]
        return found

    def _own(self, site: str | None, choices: Choices) -> Iterator[Receiver]:
        of_site = site or DEFAULT_SITE
        if self.has_mail:
            for person in choices.people:
                yield Receiver(
                    key=f"{PERSON}{person}",
                    kind=Kind.PERSON,
                    channel=Channel.MAIL,
                    name=MAIL,
                    to=person,
                    site=of_site,
                )
        if choices.webhook:
            yield Receiver(
                key=OWN_WEBHOOK,
                kind=Kind.OWN_WEBHOOK,
                channel=Channel.WEBHOOK,
                name=f"{OWN_WEBHOOKS}{of_site}",
                label=choices.webhook.host,
                site=of_site,
            )
        for browser in self.browsers.of_site(of_site):
            yield Receiver(
                key=PUSH,
                kind=Kind.PUSH,
                channel=Channel.PUSH,
                name=f"{BROWSERS}{browser.host}",
                label=browser.device,
                to=browser.id,
                site=of_site,
            )

    def scope(self, actor: Actor, asked: str | None) -> str | None:
        """Return the site whose alerts the actor asks for; raise `ReceiverNotFound`."""
        actor.must_have(Role.OPS)
        if not actor.runs_deployment:
            if asked not in {None, actor.site.id}:
                raise ReceiverNotFound
            return actor.site.id
        if asked is not None and self._sites.by_id(asked) is None:
            raise ReceiverNotFound
        return asked

    def sites(self, actor: Actor) -> list[Site]:
        """Return the sites the actor chooses among, none for an actor with one site only."""
        return self._sites.all() if actor.runs_deployment else []

    def shown(self, actor: Actor, site: str | None) -> list[Chosen]:
        """Return the receivers that the actor may see; only administrators see addresses."""
        return [
            Chosen(receiver=self._labelled(each.receiver, actor), levels=each.levels)
            for each in self.receivers_of(site)
            if actor.runs_deployment or each.receiver.kind in OWN
        ]

    def _labelled(self, receiver: Receiver, actor: Actor) -> Receiver:
        if receiver.kind is not Kind.PERSON:
            return receiver
        user = self._people.user_by_id(receiver.to or "")
        email = user.email if user else ""
        return replace(receiver, label=email if actor.is_admin else _masked(email))

    def may_choose(self, actor: Actor, receiver: Receiver, site: str | None) -> bool:
        """Return whether the actor may choose the levels of a receiver for alerts about a site."""
        if receiver.kind in OWN:
            return self.may_choose_own(actor, site)
        return actor.is_admin and actor.runs_deployment

    def may_choose_own(self, actor: Actor, site: str | None) -> bool:
        """Return whether the actor may choose which users of a site get its alerts."""
        return actor.is_admin and (actor.runs_deployment if site is None else site == actor.site.id)

    def choose(
        self, actor: Actor, site: str | None, levels: Mapping[str, Iterable[Level]]
    ) -> list[str]:
        """Set the levels of receivers by key; return the keys that changed.

        A user without levels is removed from the list. Raise `Forbidden`, `ReceiverNotFound`.
        """
        known = {each.receiver.key: each for each in self.shown(actor, site)}
        changed: dict[str, list[Level] | None] = {}
        for key, some in levels.items():
            if key not in known:
                raise ReceiverNotFound
            now = known[key]
            if not self.may_choose(actor, now.receiver, site):
                raise Forbidden
            wanted = [each for each in ALERTED if each in some]
            if frozenset(wanted) != now.levels:
                goes = now.receiver.kind is Kind.PERSON and not wanted
                changed[key] = None if goes else wanted
        if changed:
            self._store.choose(site, changed)
        return sorted(changed)

    def as_usual(self, actor: Actor, site: str | None) -> None:
        """Reset the receivers in the settings to their default levels."""
        actor.must_have(Role.ADMIN)
        actor.must_run_deployment()
        self._store.choose(site, dict.fromkeys((each.key for each in self.configured), None))

    def add_person(self, actor: Actor, site: str | None, email: str) -> str:
        """Send alerts to a user who may see them, by email; return the user's id."""
        if not self.may_choose_own(actor, site):
            raise Forbidden
        user = self._people.user_by_email(checked_email(email))
        if user is None or not may_see(user, site or DEFAULT_SITE):
            raise NotToBeTold
        people = self._store.of(site)[site].people
        if user.id not in people:
            if len(people) >= MOST_PEOPLE:
                raise TooManyReceivers
            self._store.choose(site, {f"{PERSON}{user.id}": TOLD})
        return user.id

    def set_webhook(self, actor: Actor, site: str | None, url: str) -> str:
        """Send a site's alerts to `url`; return the secret that signs them, shown once.

        The deployment's webhook is a setting. Raise `Forbidden`, `ReceiverNotFound`,
        `InvalidWebhook`.
        """
        if not self.may_choose_own(actor, site):
            raise Forbidden
        if site is None:
            raise ReceiverNotFound
        host = required(public_host(url), InvalidWebhook)
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        secret = f"{WEBHOOK_PREFIX}{key}"
        sealed = self._sealing.sealed(json.dumps({"url": url.strip(), "secret": secret}))
        self._store.set_webhook(site, Webhook(host=host, sealed=sealed))
        return secret

    def remove_webhook(self, actor: Actor, site: str | None) -> None:
        """Remove the webhook of a site; raise as `set_webhook` does."""
        if not self.may_choose_own(actor, site):
            raise Forbidden
        if site is None:
            raise ReceiverNotFound
        self._store.set_webhook(site, None)

    def webhook_of(self, site: str) -> tuple[str, str] | None:
        """Return URL and secret of a site's webhook, or None; raise `SecretLost`."""
        webhook = self._store.of(site)[site].webhook
        if webhook is None:
            return None
        kept = json.loads(self._sealing.opened(webhook.sealed))
        return kept["url"], kept["secret"]

    def person_of(self, message: Message) -> User | None:
        """Return the recipient of a message, None if they may no longer see such alerts."""
        user = self._people.user_by_id(message.to or "")
        return user if user and may_see(user, message.site) else None

    def send_test(self, actor: Actor, site: str | None, key: str) -> int:
        """Send a test message to the receivers of a key; return their number.

        Raise `ReceiverNotFound`.
        """
        found = [each for each in self.shown(actor, site) if each.receiver.key == key]
        if not found:
            raise ReceiverNotFound
        for each in found:
            self._outbox.put_of_deployment(each.receiver.draft(TEST, None, {"at": utc_now()}))
        return len(found)

    def may_subscribe(self, actor: Actor, site: str | None) -> bool:
        """Return whether the actor's browsers can get alerts about a site."""
        return actor.runs_deployment if site is None else site == actor.site.id

    def subscribe(
        self, actor: Actor, site: str | None, subscription: Subscription, agent: str
    ) -> None:
        """Subscribe a browser of the actor; raise `NotABrowser`, `TooManyReceivers`."""
        if actor.id is None or not self.may_subscribe(actor, site):
            raise Forbidden
        self.browsers.add(site or DEFAULT_SITE, actor.id, subscription, agent)

    def own_browsers(self, actor: Actor, site: str | None) -> list[Browser]:
        """Return the actor's subscribed browsers."""
        return [
            each for each in self.browsers.of_site(site or DEFAULT_SITE) if each.person == actor.id
        ]

    def subscription_of(self, message: Message) -> Subscription | None:
        """Return the subscription of a browser, None if its user may no longer see such alerts.

        The browser is deleted in that case. Raise `SecretLost`.
        """
        found = self.browsers.opened(message.to or "")
        if found is None:
            return None
        browser, subscription = found
        user = self._people.user_by_id(browser.person)
        if user and may_see(user, browser.site):
            return subscription
        self.browsers.remove(browser.id)
        return None

    def deliveries(self, actor: Actor, site: str | None, shown: Iterable[Chosen]) -> list[Delivery]:
        """Return recent messages to receivers of a site; for operators also of the deployment.

        The newest first; `shown` are the receivers that the actor sees.
        """
        theirs = {site or DEFAULT_SITE, DEFAULT_SITE} if actor.runs_deployment else {actor.site.id}
        sent = self._outbox.sent_of_deployment(theirs, SHOWN)
        alerts = self._alerts.by_id({each.about for each in sent if each.about})
        known = {(each.receiver.name, each.receiver.to): each.receiver for each in shown}
        return [
            Delivery(
                sent=each,
                alert=alerts.get(each.about or ""),
                receiver=known.get((each.receiver, each.to)),
            )
            for each in sent
        ]


def may_see(user: User, site: str) -> bool:
    """Return whether a user may see alerts about a site (default site: the deployment's)."""
    role = user.role_on(site)
    return not user.disabled and role is not None and role.covers(Role.OPS)


def chat_receiver(number: int, chat: AlertChat) -> str:
    """Return the name of a chat in the outbox; it reveals nothing about its URL."""
    return f"{chat.service}-{number}"


def _configured(settings: Settings) -> Iterator[Receiver]:
    """Yield the receivers in the settings."""
    for address in settings.alert_emails:
        to = address_key(address)
        label = _masked(parseaddr(address)[1])
        yield Receiver(
            key=f"mail:{to}", kind=Kind.MAIL, channel=Channel.MAIL, name=MAIL, to=to, label=label
        )
    if settings.alert_url:
        yield Receiver(key="webhook", kind=Kind.WEBHOOK, channel=Channel.WEBHOOK, name=TELL)
    for number, chat in enumerate(settings.chats):
        yield Receiver(
            key=f"chat:{address_key(f'{chat.service}={chat.target}')}",
            kind=Kind.CHAT,
            channel=Channel.CHAT,
            name=chat_receiver(number, chat),
            label=f"{chat.service} {number + 1}",
            usual=frozenset({Level.CRITICAL}) if chat.critical_only else TOLD,
        )


def _masked(address: str) -> str:
    """Return a masked address that only people who know it can recognise."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}{MASK}@{domain}"
