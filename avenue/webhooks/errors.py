"""What can go wrong with a message. Nothing here names an address: errors reach logs and jobs."""

from avenue.errors import Unavailable


class NotDelivered(Unavailable):
    """The receiver of a webhook is away, too slow, or did not take the message; later may help."""

    code = "webhook_not_delivered"
    message = "The webhook receiver did not accept the message."
    hint = "It will be sent again. The server administrator can check the receiver's own log."
