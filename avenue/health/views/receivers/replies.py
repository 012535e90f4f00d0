"""What `/api/ops/alerts/receivers` and `deliveries` answer."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.alerts.channels.models import Kind
from avenue.health.models import AlertLevel
from avenue.notifications.models import Channel, State


class ReceiverReply(TypedDict):
    """Somebody who is told of alerts."""

    key: Annotated[str, Field(description="What choices and tests know it by.")]
    kind: Kind
    label: Annotated[str, Field(description="Which one it is; addresses as far as you may know.")]
    levels: list[AlertLevel]
    may_choose: Annotated[bool, Field(description="Whether you say what it is told.")]


class ReceiverList(TypedDict):
    """Everybody who is told of alerts about a site, or the whole deployment."""

    site: Annotated[str | None, Field(description="null: the whole deployment.")]
    items: list[ReceiverReply]
    next: Literal[None]
    total: int


class PersonAdded(TypedDict):
    """The id of the person who is told from now on."""

    person: str


class WebhookSecret(TypedDict):
    """What signs messages to the webhook; it is told once."""

    secret: str


class DeliveryReply(TypedDict):
    """A message to a receiver, and what became of it."""

    id: str
    receiver: Annotated[str | None, Field(description="The `key`; null: it is none any more.")]
    channel: Channel
    kind: Annotated[str, Field(description="As alert.opened or alert.test.")]
    alert: Annotated[str | None, Field(description="The id of the alert; null for a test.")]
    state: State
    attempts: int
    error: str | None
    created_at: str
    delivered_at: str | None


class DeliveryList(TypedDict):
    """The newest 50 messages, the newest first."""

    items: list[DeliveryReply]
    next: Literal[None]
    total: int
