"""Messages as they wait for who is to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from avenue.identity import new_id


class Channel(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"
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
    over.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that is being sent for the `attempts`th time.

    `turn` tells this sending from others of it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """How many messages wait for their receiver, and how many were given up."""

    waiting: int
    given_up: int
