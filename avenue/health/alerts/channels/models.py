"""Models of the receivers of alerts, and of the levels chosen for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from avenue.health.alerts.models import Alert
from avenue.health.models import Level
from avenue.identity import DEFAULT_SITE
from avenue.notifications.models import Channel, Draft, Sent

INSTALLATION = None
"""Used in place of a site for alerts about the whole deployment."""
TOLD = frozenset({Level.WARNING, Level.CRITICAL})
"""The levels that a receiver gets by default."""
PERSON = "person:"
OWN_WEBHOOK = "webhook:own"
PUSH = "push"


class Kind(StrEnum):
    """The kind of a receiver."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PERSON = "person"
    OWN_WEBHOOK = "own_webhook"
    PUSH = "push"  # browsers; one key for all browsers of a site


OWN = frozenset({Kind.PERSON, Kind.OWN_WEBHOOK, Kind.PUSH})
"""The kinds that the administrators of a site choose, not the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A receiver of alerts; its levels are stored by `key`.

    `name` is its name in the outbox, `to` the recipient where several share that name. It gets the
    `usual` levels unless others were chosen. `label` is shown to people and has no secret. `site`
    is the site it belongs to; the default site for receivers in the settings.
    """

    key: str
    kind: Kind
    channel: Channel
    name: str
    label: str = field(default="", repr=False)
    to: str | None = None
    usual: frozenset[Level] = TOLD
    site: str = DEFAULT_SITE

    def draft(self, kind: str, about: str | None, content: Mapping[str, Any]) -> Draft:
        """Return a message to this receiver."""
        return Draft(
            channel=self.channel,
            receiver=self.name,
            kind=kind,
            about=about,
            to=self.to,
            content=content,
            site=self.site,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """The webhook of a site for its alerts; its URL and signing secret are sealed together."""

    host: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser of a user that gets alerts by Web Push; its endpoint and keys are sealed."""

    id: str
    site: str
    person: str
    host: str
    device: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The levels chosen for alerts about a site, or the deployment, by receiver."""

    levels: Mapping[str, frozenset[Level]] = field(default_factory=dict)
    webhook: Webhook | None = None

    @property
    def people(self) -> list[str]:
        """The ids of the users who get emails."""
        return [key.removeprefix(PERSON) for key in self.levels if key.startswith(PERSON)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A receiver and the levels it gets."""

    receiver: Receiver
    levels: frozenset[Level]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message of the outbox, the alert it is about (None for a test), and its receiver."""

    sent: Sent
    alert: Alert | None
    receiver: Receiver | None
