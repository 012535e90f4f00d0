"""What is said of an alert: English sentences, whose Spanish the catalogues have."""

from collections.abc import Mapping

from babel.numbers import format_decimal

from avenue.errors import Translate, filled, sentence
from avenue.health.alerts.models import Alert
from avenue.health.models import Level
from avenue.health.rules.levels import HEADLINES

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
