"""Models of the messages in the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from avenue.identity import DEFAULT_SITE, new_id
from avenue.web.fields import Moment

TO_PEOPLE = "account."
"""The prefix of the kinds of emails to people."""


class Channel(StrEnum):
    """The channel of a message."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PUSH = "push"  # browsers, by Web Push
    PURGE = "purge"  # the URLs that a cache should delete
    AUDIT = "audit"  # the audit log


class State(StrEnum):
    """The state of a message."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"  # not accepted in time; it may be sent again
    DROPPED = "dropped"  # there was nothing to send after all, or it will never be accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be written to the outbox.

    Messages for one `receiver` are sent in turn, independently of other receivers. `to` is the
    recipient if the receiver has several: a user id, or the `address_key` of an address. `content`
    is what the message is made from when it is sent, and is deleted afterwards. There is one unsent
    message of a `key` at a time. It may be sent after `wait_seconds`, until `give_up_days` are
    over. `site` is the site of a message in the deployment's outbox, if not the default site.
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

    `turn` identifies this attempt. A message that `is_of_deployment` is in the outbox of the
    deployment; its `site` is the default site, or the site of its receiver.
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
    """The state of a message without its content: its recipient, its kind, its result."""

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
    """An email in the register.

    `to` is a user id, None for emails to operators of the deployment and to nobody. `email` is only
    for readers who may see it.
    """

    email: Annotated[str | None, Field(description="null for those who may not know it.")] = None
    next_try_at: Annotated[Moment | None, Field(description="null: it is over.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPage:
    """A page of emails, newest first; `next` is the cursor of the next page, None at the end."""

    items: tuple[Mail, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Entry):
    """A message of the deployment: its receiver, its subject, and the recipient (`to`)."""

    channel: Channel
    receiver: str
    about: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """The numbers of messages that wait for their receiver, and that were given up."""

    waiting: int
    given_up: int
