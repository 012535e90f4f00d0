"""Errors of alerts."""

from avenue.errors import Conflict, NotFound


class AlertNotFound(NotFound):
    """The alert does not exist, or concerns another site or the whole deployment."""

    message = "There is no alert with this ID."
    hint = "GET /api/ops/alerts lists the alerts."


class AlertRecovered(Conflict):
    """The alert is no longer active."""

    message = "This alert has already recovered."
    hint = "There is nothing left to acknowledge."
