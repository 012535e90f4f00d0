"""Receivers of alerts, and what was chosen for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from avenue.health.alerts.models import Alert
from avenue.health.models import Level
from avenue.identity import DEFAULT_SITE
from avenue.notifications.models import Channel, Draft, Sent

INSTALLATION = None
"""Stands where a site stands, for alerts about the whole deployment."""
TOLD = frozenset({Level.WARNING, Level.CRITICAL})
"""The levels that a receiver is told unless others were chosen."""
PERSON = "person:"
OWN_WEBHOOK = "webhook:own"
PUSH = "push"


class Kind(StrEnum):
    """What a receiver is."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PERSON = "person"
    OWN_WEBHOOK = "own_webhook"
    PUSH = "push"  # browsers; one key stands for all of a site


OWN = frozenset({Kind.PERSON, Kind.OWN_WEBHOOK, Kind.PUSH})
"""What is chosen by the administrators of a site, and named by no setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody who is told of alerts; choices know it by `key`.

    `name` is what the outbox knows it by, `to` who of several it is. It is told the `usual` levels
    unless others were chosen. `label` says which one it is, and holds no secret. `site` is whose it
    is: the deployment's own for what the settings name.
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
        """Return a message to it."""
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
    """Where a site is told of its alerts; its URL and the secret that signs are sealed together."""

    host: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser of a person that is told by Web Push; where and with which keys is sealed."""

    id: str
    site: str
    person: str
    host: str
    device: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen for alerts about a site, or the installation: levels by receiver."""

    levels: Mapping[str, frozenset[Level]] = field(default_factory=dict)
    webhook: Webhook | None = None

    @property
    def people(self) -> list[str]:
        """The ids of the people who are written to."""
        return [key.removeprefix(PERSON) for key in self.levels if key.startswith(PERSON)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A receiver and the levels it is told."""

    receiver: Receiver
    levels: frozenset[Level]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as the register has it, the alert it is about (None for a test), and to whom."""

    sent: Sent
    alert: Alert | None
    receiver: Receiver | None
