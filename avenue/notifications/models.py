"""Messages as they wait for who is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from avenue.identity import DEFAULT_SITE, new_id
from avenue.web.fields import Moment

TO_PEOPLE = "account."
"""What kinds of letters to people begin with."""


class Channel(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PUSH = "push"  # browsers, by Web Push
    PURGE = "purge"  # the addresses that an edge is to forget
    AUDIT = "audit"  # the log of changes


class State(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"  # nobody took it while it was news; it may be sent again
    DROPPED = "dropped"  # there was nothing to say after all, or it will never be taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be written into the outbox.

    `receiver` names whose turn it waits for; of one of them a message is no obstacle for another.
    `to` is who of a receiver with several: the id of a person, or the `address_key` of an address.
    `content` is what the message is made of when it is sent, and goes when it was. Of one `key`
    there is one message at a time. It may be sent after `wait_seconds`, until `give_up_days` are
    over. `site` is whose a message of the deployment is, where that is not the deployment's own.
    """

    channel: Channel
    receiver: str
    kind: str
    content: Mapping[str, Any]
    id: str = field(default_factory=new_id)
    about: str | None = None
    to: str | None = None
    key: str | None = None
    wait_seconds: float = 0
    give_up_days: int = 1
    site: str = DEFAULT_SITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that is being sent for the `attempts`th time.

    `turn` tells this sending from others of it. One that `is_of_deployment` lies in the outbox of
    the deployment; its `site` is the default site, or the site whose receiver it is for.
    """

    id: str
    site: str
    channel: Channel
    kind: str
    about: str | None
    to: str | None
    content: Mapping[str, Any]
    at: datetime
    attempts: int
    turn: str
    is_of_deployment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message as it stands, without what it says: to whom, what kind, what became of it."""

    id: str
    kind: Annotated[str, Field(description="As account.invited or alert.opened.")]
    to: Annotated[str | None, Field(description="The id of a person.")]
    state: State
    attempts: int
    error: Annotated[str | None, Field(description="Why it was not taken the last time.")]
    created_at: Moment
    delivered_at: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail(Entry):
    """An e-mail in the register.

    `to` is the id of a person, None where it goes to those who run the installation or to nobody.
    `email` is for those who may know the person's.
    """

    email: Annotated[str | None, Field(description="null for those who may not know it.")] = None
    next_try_at: Annotated[Moment | None, Field(description="null: it is over.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """Some e-mails, the newest first; `next` is where to go on, None at the end."""

    items: tuple[Mail, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Entry):
    """A message of the deployment: for which receiver, about what. `to` is who of several it is."""

    channel: Channel
    receiver: str
    about: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """How many messages wait for their receiver, and how many were given up."""

    waiting: int
    given_up: int
