"""Errors of the receivers of alerts."""

from avenue.errors import Conflict, Invalid, NotFound


class ReceiverNotFound(NotFound):
    """The receiver of alerts does not exist, or belongs to another site."""

    message = "There is no such alert recipient."
    hint = "Reload the page: someone may have removed it."


class NotToBeTold(Invalid):
    """No person who may see these alerts has this email."""

    message = "No one who may see these alerts has this email."
    hint = "First give someone the role of operator or administrator under “People”."


class TooManyReceivers(Conflict):
    """The limit of receivers is reached."""

    message = "The list of people for these alerts is full."
    hint = "First remove someone from the list."


class InvalidWebhook(Invalid):
    """The URL is not allowed for a site's webhook."""

    message = "Alerts are not sent to this address."
    hint = "Enter a URL such as https://hooks.example/alerts, reachable from the public Internet."


class NotABrowser(Invalid):
    """The subscription to Web Push is invalid."""

    message = "Messages cannot be sent to this browser."
    hint = "Open this page in the browser to subscribe and use its button."
