"""Replies of `/api/ops/alerts/receivers` and `deliveries`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.alerts.channels.models import Kind
from avenue.health.models import AlertLevel
from avenue.notifications.models import Channel, State
from avenue.totals import WholeList


class ReceiverReply(TypedDict):
    """A receiver of alerts."""

    key: Annotated[str, Field(description="Identifies it when you set levels or send a test.")]
    kind: Kind
    label: Annotated[str, Field(description="Its name, with the address only if you may see it.")]
    levels: list[AlertLevel]
    may_choose: Annotated[bool, Field(description="Whether you may set its levels.")]


class ReceiverList(WholeList):
    """All receivers of alerts of a site, or of the deployment."""

    site: Annotated[str | None, Field(description="null: the deployment.")]
    items: list[ReceiverReply]


class PersonAdded(TypedDict):
    """The id of the added person."""

    person: str


class WebhookSecret(TypedDict):
    """The secret that signs messages to the webhook; returned only once."""

    secret: str


class DeliveryReply(TypedDict):
    """A message to a receiver and its state."""

    id: str
    receiver: Annotated[
        str | None, Field(description="The `key`; null if the receiver no longer exists.")
    ]
    channel: Channel
    kind: Annotated[str, Field(description="For example alert.opened or alert.test.")]
    alert: Annotated[str | None, Field(description="The id of the alert; null for a test.")]
    state: State
    attempts: int
    error: str | None
    created_at: str
    delivered_at: str | None


class DeliveryList(WholeList):
    """The 50 newest messages, newest first."""

    items: list[DeliveryReply]
