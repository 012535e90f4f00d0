"""Headlines of alerts: English texts, translated by the catalogues."""

from collections.abc import Mapping
from datetime import timedelta

from babel.dates import format_datetime
from babel.numbers import format_decimal

from avenue.errors import Translate, filled, sentence
from avenue.health.alerts.models import Alert, News, Notice
from avenue.health.models import Level, Unit
from avenue.health.rules.levels import HEADLINES
from avenue.health.thresholds import COOLDOWNS
from avenue.identity import Site
from avenue.mail.models import Email
from avenue.web.language import LOCALES, catalogue

LEVELS: Mapping[Level, str] = {
    Level.NOTICE: sentence("Notice"),
    Level.WARNING: sentence("Warning"),
    Level.CRITICAL: sentence("Critical"),
}


def headline(alert: Alert, translate: Translate, language: str) -> str:
    """Return the headline of an alert, by `translate` in `language`."""
    value = format_decimal(alert.value, format="0.#", locale=language)
    words = {"value": value, "site": alert.site or ""}
    return filled(HEADLINES[alert.measure], words, translate)


OVER = sentence("Finished")
WHY: Mapping[News, str] = {
    News.OPENED: sentence("This is new."),
    News.RAISED: sentence("This got worse."),
    News.REMINDER: sentence("This is still so, and no one has acknowledged it."),
    News.RECOVERED: sentence("This is over: the value has stayed well away from its threshold."),
}
UNITS: Mapping[Unit, str] = {
    Unit.PERCENT: sentence("{value} %"),
    Unit.HOURS: sentence("{value} hours"),
    Unit.DAYS: sentence("{value} days"),
    Unit.MINUTES: sentence("{value} minutes"),
    Unit.JOBS: sentence("{value} jobs"),
    Unit.MESSAGES: sentence("{value} messages"),
    Unit.FILES: sentence("{value} files"),
}
LEVEL = sentence("Level: {level}, from {threshold} on")
FACTS = (sentence("Value: {value}"), sentence("Since: {since}"))
WHAT_TO_DO = sentence("What to do:")
TRIED = sentence("Test of the alerts")
NOTHING_WRONG = sentence("This is a test: nothing is wrong, and alerts arrive here.")
ALL_ALERTS = sentence("All alerts, with a button to acknowledge this one:")
AGAIN = sentence("Until someone acknowledges it or it ends, you are reminded every {hours} hours.")
MOMENT = "d MMM y, HH:mm"
PAGE = "/admin/infrastructure"


def alert_email(notice: Notice, site: Site, to: str, deployment_url: str) -> Email:
    """Return the email about `notice` to one address, in the language and name of `site`.

    Its link begins with `deployment_url`, where the reader signs in.
    """
    translate: Translate = catalogue(site.language).gettext
    locale = LOCALES.get(site.language, "en")
    alert, is_over = notice.alert, notice.news is News.RECOVERED
    matter = headline(alert, translate, locale)
    paragraphs = [
        matter,
        translate(WHY[notice.news]),
        _facts(alert, translate, locale, is_over=is_over),
    ]
    if not is_over:
        hours = COOLDOWNS[alert.level] // timedelta(hours=1)
        paragraphs += [
            f"{translate(WHAT_TO_DO)}\n{translate(alert.action)}",
            filled(AGAIN, {"hours": hours}, translate),
        ]
    paragraphs.append(f"{translate(ALL_ALERTS)}\n{deployment_url}{PAGE}")
    word = translate(OVER if is_over else LEVELS[alert.level])
    subject = f"[{' '.join(site.name.split())}] {word}: {matter.removesuffix('.')}"
    return Email(to=to, subject=subject, text="\n\n".join(paragraphs) + "\n")


def test_email(site: Site, to: str, deployment_url: str) -> Email:
    """Return the test email of the alerts."""
    translate: Translate = catalogue(site.language).gettext
    paragraphs = [translate(NOTHING_WRONG), f"{translate(ALL_ALERTS)}\n{deployment_url}{PAGE}"]
    subject = f"[{' '.join(site.name.split())}] {translate(TRIED)}"
    return Email(to=to, subject=subject, text="\n\n".join(paragraphs) + "\n")


def _facts(alert: Alert, translate: Translate, locale: str, *, is_over: bool) -> str:
    """Return value, level and time, one line each."""

    def amount(value: float) -> str:
        words = {"value": format_decimal(value, format="0.#", locale=locale)}
        return filled(UNITS[alert.unit], words, translate)

    words = {
        "level": translate(LEVELS[alert.level]).lower(),
        "threshold": amount(alert.threshold),
        "value": amount(alert.value),
        "since": f"{format_datetime(alert.opened_at, MOMENT, locale=locale)} UTC",
    }
    lines = FACTS if is_over else (LEVEL, *FACTS)
    return "\n".join(filled(each, words, translate) for each in lines)
