"""Errors of webhooks. None of them contains an address: errors reach logs and jobs."""

from avenue.errors import Unavailable


class NotDelivered(Unavailable):
    """The receiver of a webhook is unreachable, too slow, or rejected it; retrying may help."""

    code = "webhook_not_delivered"
    message = "The webhook receiver did not accept the message."
    hint = "It will be sent again. The server administrator can check the receiver's own log."
