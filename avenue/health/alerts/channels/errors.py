"""What can go wrong with the receivers of alerts."""

from avenue.errors import Conflict, Invalid, NotFound


class ReceiverNotFound(NotFound):
    """There is no such receiver for these alerts, or it is another site's."""

    code = "receiver_not_found"
    message = "There is no such receiver of alerts."
    hint = "Open the page anew: somebody may have removed it."


class NotToBeTold(Invalid):
    """Nobody who may see these alerts has this e-mail."""

    code = "not_to_be_told"
    message = "Nobody who may see these alerts has this e-mail."
    hint = "Give somebody the role of an operator or administrator first, under “People”."


class TooManyReceivers(Conflict):
    """As many are told already as may be."""

    code = "too_many_receivers"
    message = "No more people can be told of these alerts."
    hint = "Take somebody off the list first."


class InvalidWebhook(Invalid):
    """The URL is none that a site's webhook may have."""

    code = "invalid_webhook"
    message = "This is no address that alerts are sent to."
    hint = "Give an address as https://hooks.example/alerts, on the public Internet."


class NotABrowser(Invalid):
    """What was sent is no subscription of a browser to Web Push."""

    code = "not_a_browser"
    message = "Messages cannot be sent to this browser."
    hint = "Open the page in the browser that is to be told and use its button."
