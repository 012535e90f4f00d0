"""What is said of an alert: English sentences, whose Spanish the catalogues have."""

from collections.abc import Mapping

from babel.numbers import format_decimal

from avenue.errors import Translate, filled, sentence
from avenue.ops.alerts.models import Alert, Level, Measure

HEADLINES: Mapping[Measure, str] = {
    Measure.DISK: sentence("The disk of the database is {value} % full."),
    Measure.CONNECTIONS: sentence("{value} % of the connections of the database are in use."),
    Measure.OPLOG: sentence("The oplog reaches back {value} hours only."),
    Measure.QUOTA: sentence("The site {site} has used {value} % of its quota."),
    Measure.ERRORS: sentence("{value} % of the requests of the last hour ended in our errors."),
    Measure.DAMAGED: sentence("The site {site} has files with damaged bytes: {value}."),
}
ACTIONS: Mapping[Measure, str] = {
    Measure.DISK: sentence(
        "Plan for a larger disk: `python -m avenue capacity` says how long this one lasts."
    ),
    Measure.CONNECTIONS: sentence(
        "Look for processes that should have ended, then run fewer web processes or threads, or "
        "take a larger database: without a free connection nobody is answered."
    ),
    Measure.OPLOG: sentence(
        "Enlarge the oplog: a member or a backup that is away for longer cannot catch up and has "
        "to be copied anew."
    ),
    Measure.QUOTA: sentence(
        "Remove what the site no longer needs, or give it a larger quota: at 100 % its uploads "
        "are refused."
    ),
    Measure.ERRORS: sentence(
        "Look for answers of 500 and above in the log, and ask `python -m avenue doctor` what is "
        "wrong."
    ),
    Measure.DAMAGED: sentence(
        "`python -m avenue fsck` names them. Upload these files again, or bring them back from a "
        "backup."
    ),
}
DISK_IS_FULL = sentence(
    "Enlarge the disk of the database now, or remove files: uploads are refused before it is "
    "full, and a full disk ends the database."
)
LEVELS: Mapping[Level, str] = {
    Level.NOTICE: sentence("Notice"),
    Level.WARNING: sentence("Warning"),
    Level.CRITICAL: sentence("Critical"),
}


def action_for(measure: Measure, level: Level) -> str:
    """Return what to do, in English."""
    if measure is Measure.DISK and level is Level.CRITICAL:
        return DISK_IS_FULL
    return ACTIONS[measure]


def headline(alert: Alert, translate: Translate, language: str) -> str:
    """Return what the matter is, by `translate` in `language`."""
    value = format_decimal(alert.value, format="0.#", locale=language)
    words = {"value": value, "site": alert.site or ""}
    return filled(HEADLINES[alert.measure], words, translate)
