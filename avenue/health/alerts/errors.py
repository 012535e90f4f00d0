"""What can go wrong with an alert."""

from avenue.errors import Conflict, NotFound


class AlertNotFound(NotFound):
    """There is no such alert, or it is about another site or the whole deployment."""

    code = "alert_not_found"
    message = "There is no alert with this ID."
    hint = "GET /api/ops/alerts lists the alerts."


class AlertRecovered(Conflict):
    """What the alert was about is over."""

    code = "alert_recovered"
    message = "This alert has already recovered."
    hint = "There is nothing left to acknowledge."
