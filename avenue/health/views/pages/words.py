"""Texts of the infrastructure page: names, and values formatted for their reader."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from flask_babel import get_locale
from markupsafe import Markup, escape

from avenue.accounts.account_emails import Why
from avenue.errors import filled
from avenue.health.alerts.errors import AlertRecovered
from avenue.health.alerts.models import Alert, News, State as AlertState
from avenue.health.alerts.store import kind_of
from avenue.health.history.points import Point, Span
from avenue.health.models import Component, Level, Unit, Verdict
from avenue.health.sentences import KILO, Bytes, Number
from avenue.jobs.errors import JobIsPeriodic, JobOver
from avenue.jobs.models import State as JobState, Wish
from avenue.jobs.service import ENDED
from avenue.notifications.models import TO_PEOPLE, State as MessageState
from avenue.web.language import gettext, gettext as _, language, lazy_gettext, ngettext
from avenue.web.pages import size

CODE = re.compile(r"`([^`]+)`")
ENDED_WITH = re.compile(re.escape(ENDED).replace(re.escape("{kind}"), r"(?P<kind>\w+)"))

VERDICTS = {
    Verdict.OK: lazy_gettext("Everything is healthy."),
    Verdict.ATTENTION: lazy_gettext("Needs your attention."),
    Verdict.AT_RISK: lazy_gettext("Action needed."),
}
LEVELS = {
    Level.OK: lazy_gettext("Healthy"),
    Level.UNKNOWN: lazy_gettext("Unknown"),
    Level.NOTICE: lazy_gettext("Notice"),
    Level.WARNING: lazy_gettext("Warning"),
    Level.CRITICAL: lazy_gettext("Critical"),
}
ALERT_STATES = {
    AlertState.OPEN: lazy_gettext("Not acknowledged"),
    AlertState.ACKNOWLEDGED: lazy_gettext("Acknowledged"),
    AlertState.RECOVERED: lazy_gettext("Recovered"),
}
MAIL_KINDS = {
    **{
        f"{TO_PEOPLE}{why.value}": text
        for why, text in {
            Why.INVITED: lazy_gettext("Invitation to a site"),
            Why.ADDED: lazy_gettext("Notice of a new role"),
            Why.VOIDED: lazy_gettext("Notice of a new role, with a request to choose a password"),
            Why.FORGOTTEN: lazy_gettext("Password reset link"),
            Why.RESET: lazy_gettext("Request to choose a new password"),
        }.items()
    },
    **{
        kind_of(news): text
        for news, text in {
            News.OPENED: lazy_gettext("Alert: new"),
            News.RAISED: lazy_gettext("Alert: worse"),
            News.REMINDER: lazy_gettext("Alert: reminder"),
            News.RECOVERED: lazy_gettext("Alert: resolved"),
        }.items()
    },
}
MAIL_STATES = {
    MessageState.PENDING: ("", lazy_gettext("Queued")),
    MessageState.DELIVERED: ("good", lazy_gettext("Handed to the mail server")),
    MessageState.GIVEN_UP: ("bad", lazy_gettext("Given up")),
    MessageState.DROPPED: ("bad", lazy_gettext("Not sent")),
}
MESSAGE_STATES = {
    **MAIL_STATES,
    MessageState.DELIVERED: ("good", lazy_gettext("Delivered")),
}
TEST = lazy_gettext("Test of the alerts")
JOB_STATES = {
    JobState.QUEUED: lazy_gettext("Queued"),
    JobState.RUNNING: lazy_gettext("Running"),
    JobState.PAUSED: lazy_gettext("Paused"),
    JobState.DONE: lazy_gettext("Done"),
    JobState.FAILED: lazy_gettext("Failed"),
    JobState.CANCELLED: lazy_gettext("Cancelled"),
}
WISHES = {
    Wish.PAUSE: lazy_gettext("Pausing…"),
    Wish.CANCEL: lazy_gettext("Cancelling…"),
}
KINDS = {
    "adopt": lazy_gettext("Import an earlier application"),
    "backup": lazy_gettext("Create backup"),
    "backup_return": lazy_gettext("Restore one item from a backup"),
    "backup_drill": lazy_gettext("Trial restore of a backup"),
    "backup_verify": lazy_gettext("Verify backups"),
    "certificates": lazy_gettext("Check certificates"),
    "clone_site": lazy_gettext("Clone a site"),
    "count_quotas": lazy_gettext("Count stored files"),
    "count_sites": lazy_gettext("Count what sites have"),
    "export": lazy_gettext("Export a site"),
    "fsck": lazy_gettext("Check and repair stored files"),
    "import_external": lazy_gettext("Import photos from other servers"),
    "import_export": lazy_gettext("Import an export"),
    "import_folder": lazy_gettext("Import a folder"),
    "import_from": lazy_gettext("Import files from another service"),
    "inspect": lazy_gettext("Check all references"),
    "mail": lazy_gettext("Email"),
    "pictures_by_sku": lazy_gettext("Import photos by SKU"),
    "product_import": lazy_gettext("Import products"),
    "product_import_undo": lazy_gettext("Undo an import of products"),
    "purge": lazy_gettext("Purge CDN caches"),
    "rebuild": lazy_gettext("Generate image sizes"),
    "move_site": lazy_gettext("Move a site to another cluster"),
    "purge_moved": lazy_gettext("Purge the source of moved sites"),
    "references": lazy_gettext("Check for lost images"),
    "remove_site": lazy_gettext("Delete a site"),
    "publish_pages": lazy_gettext("Publish scheduled pages"),
    "remove_sites": lazy_gettext("Find sites to delete"),
    "samples": lazy_gettext("Sample products"),
    "scrub": lazy_gettext("Integrity check"),
    "scan": lazy_gettext("Scan files"),
    "snapshot": lazy_gettext("Hourly snapshot"),
    "sweep": lazy_gettext("Clean up"),
    "tell_alert": lazy_gettext("Send alerts"),
    "tell_sites": lazy_gettext("Send alerts to sites"),
    "watch": lazy_gettext("Check for urgent problems"),
    "webhooks": lazy_gettext("Send webhooks"),
}
"""The names of kinds of jobs; unknown ones are shown as they are."""
SPANS = {
    Span.DAY: lazy_gettext("24 hours"),
    Span.WEEK: lazy_gettext("7 days"),
    Span.MONTH: lazy_gettext("30 days"),
}
PROBLEMS = {
    each.code: (lazy_gettext(each.message), lazy_gettext(each.hint))
    for each in (JobOver, JobIsPeriodic, AlertRecovered)
}
SAID = {
    "tested": lazy_gettext("A test alert is on its way to everyone who receives alerts."),
    "told_nobody": lazy_gettext("No one receives alerts: no AVENUE_ALERT_… is set."),
    "acknowledged": lazy_gettext("Alert acknowledged."),
    "paused": lazy_gettext("Pausing. What is running stops at its next step."),
    "resumed": lazy_gettext("Resumed."),
    "cancelled": lazy_gettext("Cancelled. What was already done stays."),
}
CHIPS: Mapping[str, tuple[str, str]] = {
    "ok": ("good", "✓"),
    "unknown": ("", "?"),
    "notice": ("warn", "i"),
    "warning": ("warn", "!"),
    "critical": ("bad", "✕"),
    "attention": ("warn", "!"),
    "at_risk": ("bad", "✕"),
}
"""The CSS class and the symbol of a level or a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A curve of the history: its name, its figure, and the format of its values.

    It is drawn up to `most`, else to a value above all values and above `least`.
    """

    key: str
    name: object
    write: Callable[[float], str]
    most: float | None = None
    least: float = 0
    of_deployment: bool = True

    def of(self, point: Point) -> float | None:
        """Return its value in `point`."""
        value: float | None = getattr(point, self.key)
        return value


def duration(seconds: float) -> str:
    """Return a duration in its largest unit, formatted for the reader."""
    return str(format_timedelta(timedelta(seconds=seconds), locale=get_locale()))


def number(value: float, places: int = 1) -> str:
    """Return a number with at most so many places, formatted for the reader."""
    pattern = "#,##0." + "#" * places if places else "#,##0"
    return str(format_decimal(value, pattern, locale=get_locale()))


def written(word: object) -> object:
    """Return a word of a sentence, formatted for the reader."""
    if isinstance(word, Bytes):
        return _bytes(word)
    if isinstance(word, Number):
        return number(word)
    return number(word, 0) if isinstance(word, int) else word


def percent(value: float) -> str:
    """Return a percentage, formatted for the reader."""
    return _("%(number)s %%", number=number(value))


def value_of(component: Component) -> str:
    """Return the figure of a card, "" if it has none."""
    value = component.value
    if value is None or component.unit is None:
        return ""
    return UNITS[component.unit](value)


def alert_value(alert: Alert) -> str:
    """Return the value of an alert, and where its level begins."""
    write = ALERT_UNITS[alert.unit]
    return _(
        "%(value)s; the level begins at %(threshold)s",
        value=write(alert.value),
        threshold=write(alert.threshold),
    )


def hours(value: float) -> str:
    """Return a number of hours."""
    return _("%(number)s h", number=number(value))


def days(value: float) -> str:
    """Return a number of days."""
    count = round(value)
    return ngettext("%(count)s day", "%(count)s days", count, count=number(count, 0))


def files(value: float) -> str:
    """Return a number of files."""
    count = round(value)
    return ngettext("%(count)s file", "%(count)s files", count, count=number(count, 0))


def per_second(value: float) -> str:
    """Return a rate of requests."""
    return _("%(number)s a second", number=number(value, 2))


def milliseconds(value: float) -> str:
    """Return a time in milliseconds."""
    return _("%(number)s ms", number=number(value, 0))


def coded(text: str) -> Markup:
    """Return a sentence with the parts in backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """Why a job failed; most of these sentences are in English."""

    text: str
    is_english: bool


def job_error(error: str) -> ErrorText:
    """Return the error of a job, translated if possible."""
    ended = ENDED_WITH.fullmatch(error)
    text = filled(ENDED, ended.groupdict(), gettext) if ended else gettext(error)
    return ErrorText(text=text, is_english=text == error and language() != "en")


def _bytes(value: float) -> str:
    return size(value, KILO)


UNITS: Mapping[Unit, Callable[[float], str]] = {
    Unit.PERCENT: percent,
    Unit.BYTES: _bytes,
    Unit.HOURS: hours,
    Unit.DAYS: days,
    Unit.MEMBERS: lambda value: ngettext("%(num)s member", "%(num)s members", round(value)),
    Unit.FILES: lambda value: ngettext("%(num)s damaged", "%(num)s damaged", round(value)),
    Unit.JOBS: lambda value: ngettext("%(num)s due", "%(num)s due", round(value)),
    Unit.MESSAGES: lambda value: ngettext("%(num)s waits", "%(num)s wait", round(value)),
    Unit.PER_SECOND: per_second,
}
ALERT_UNITS: Mapping[Unit, Callable[[float], str]] = {
    Unit.PERCENT: percent,
    Unit.HOURS: hours,
    Unit.DAYS: days,
    Unit.MINUTES: lambda value: ngettext("%(num)s minute", "%(num)s minutes", round(value)),
    Unit.FILES: files,
    Unit.JOBS: lambda value: ngettext("%(num)s job", "%(num)s jobs", round(value)),
    Unit.MESSAGES: lambda value: ngettext("%(num)s message", "%(num)s messages", round(value)),
}
SERIES = (
    Series(key="stored_bytes", name=lazy_gettext("Stored"), write=_bytes, of_deployment=False),
    Series(key="stored_files", name=lazy_gettext("Files"), write=files, of_deployment=False),
    Series(key="disk_percent", name=lazy_gettext("Disk of the database"), write=percent, most=100),
    Series(key="connections_percent", name=lazy_gettext("Connections"), write=percent, most=100),
    Series(key="oplog_hours", name=lazy_gettext("Oplog window"), write=hours),
    Series(key="requests_per_second", name=lazy_gettext("Requests"), write=per_second),
    Series(key="error_percent", name=lazy_gettext("Our errors"), write=percent, least=1),
    Series(
        key="p95_ms", name=lazy_gettext("Slow responses (95 of 100 are faster)"), write=milliseconds
    ),
)
"""The curves of the history, those of a site first."""


def texts() -> Mapping[str, str]:
    """Return the texts of the page's scripts."""
    return {
        "copied": _("Copied"),
        "progress": _("{done} of {total}"),
        "done": _("{done} done"),
        "lost": _("No connection; retrying."),
        "changed": _("The list has changed."),
    }
