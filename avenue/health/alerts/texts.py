"""What is said of an alert: English sentences, whose Spanish the catalogues have."""

from collections.abc import Mapping

from babel.numbers import format_decimal

from avenue.errors import Translate, filled, sentence
from avenue.health.alerts.models import Alert
from avenue.health.models import Level, Measure

HEADLINES: Mapping[Measure, str] = {
    Measure.DISK: sentence("The disk of the database is {value} % full."),
    Measure.CONNECTIONS: sentence("{value} % of the connections of the database are in use."),
    Measure.OPLOG: sentence("The oplog reaches back {value} hours only."),
    Measure.QUOTA: sentence("The site {site} has used {value} % of its quota."),
    Measure.ERRORS: sentence("{value} % of the requests of the last hour ended in our errors."),
    Measure.DAMAGED: sentence("The site {site} has files with damaged bytes: {value}."),
}
LEVELS: Mapping[Level, str] = {
    Level.NOTICE: sentence("Notice"),
    Level.WARNING: sentence("Warning"),
    Level.CRITICAL: sentence("Critical"),
}


def headline(alert: Alert, translate: Translate, language: str) -> str:
    """Return what the matter is, by `translate` in `language`."""
    value = format_decimal(alert.value, format="0.#", locale=language)
    words = {"value": value, "site": alert.site or ""}
    return filled(HEADLINES[alert.measure], words, translate)
