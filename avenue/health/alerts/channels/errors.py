"""What can go wrong with the receivers of alerts."""

from avenue.errors import Conflict, Invalid, NotFound


class ReceiverNotFound(NotFound):
    """There is no such receiver for these alerts, or it is another site's."""

    code = "receiver_not_found"
    message = "There is no such alert recipient."
    hint = "Reload the page: someone may have removed it."


class NotToBeTold(Invalid):
    """Nobody who may see these alerts has this e-mail."""

    code = "not_to_be_told"
    message = "No one who may see these alerts has this email."
    hint = "First give someone the role of operator or administrator under “People”."


class TooManyReceivers(Conflict):
    """As many are told already as may be."""

    code = "too_many_receivers"
    message = "The list of people for these alerts is full."
    hint = "First remove someone from the list."


class InvalidWebhook(Invalid):
    """The URL is none that a site's webhook may have."""

    code = "invalid_webhook"
    message = "Alerts are not sent to this address."
    hint = "Enter a URL such as https://hooks.example/alerts, reachable from the public Internet."


class NotABrowser(Invalid):
    """What was sent is no subscription of a browser to Web Push."""

    code = "not_a_browser"
    message = "Messages cannot be sent to this browser."
    hint = "Open this page in the browser to subscribe and use its button."
