"""Usage of quotas on the pages."""

from dataclasses import dataclass

from flask_babel import format_decimal

from avenue.identity import Actor
from avenue.uploads.models import Standing
from avenue.uploads.service import UploadService
from avenue.web.language import gettext as _, ngettext
from avenue.web.pages import size
from avenue.web.services import using

NEARLY_FULL_PERCENT = 90
FULL_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A usage in words; `percent` is that of the most used quota, if any.

    `advice` is what to do when little space is left.
    """

    name: str
    title: str
    words: str
    percent: int | None
    advice: str

    @property
    def is_full(self) -> bool:
        """Whether the quota is used up."""
        return self.percent is not None and self.percent >= FULL_PERCENT


def gauges(actor: Actor) -> list[Gauge]:
    """Return the usage of `actor`, and for administrators of the whole site."""
    uploads = using(UploadService)
    own = uploads.standing(actor, lately=True)
    site = uploads.standing_of_site(actor, lately=True)
    made = [_gauge("own", _("Yours"), own)]
    if site:
        made.append(_gauge("site", _("The whole site"), site))
    return made


def percent_of(standing: Standing) -> int | None:
    """Return the percentage of the most used quota, None without quotas."""
    used, quota = standing.used, standing.quota
    parts = [(used.bytes, quota.bytes), (used.files, quota.files)]
    return max((100 * have // most for have, most in parts if most), default=None)


def _gauge(name: str, title: str, standing: Standing) -> Gauge:
    percent = percent_of(standing)
    return Gauge(
        name=name,
        title=title,
        words=_words(standing),
        percent=percent,
        advice=_advice(percent),
    )


def _words(standing: Standing) -> str:
    words = f"{_bytes_words(standing)} · {_files_words(standing)}"
    return (
        _("more than %(words)s; still being counted", words=words) if standing.used.more else words
    )


def _bytes_words(standing: Standing) -> str:
    used, quota = standing.used.bytes, standing.quota.bytes
    if not quota:
        return size(used)
    return _("%(used)s of %(allowed)s", used=size(used), allowed=size(quota))


def _files_words(standing: Standing) -> str:
    used, quota = standing.used.files, standing.quota.files
    shown = format_decimal(used)
    if not quota:
        return ngettext("%(shown)s file", "%(shown)s files", used, shown=shown)
    return ngettext(
        "%(shown)s of %(allowed)s file",
        "%(shown)s of %(allowed)s files",
        quota,
        shown=shown,
        allowed=format_decimal(quota),
    )


def _advice(percent: int | None) -> str:
    if percent is None or percent < NEARLY_FULL_PERCENT:
        return ""
    if percent < FULL_PERCENT:
        return _("Nearly full: remove what you no longer need, or ask for more space.")
    return _(
        "Full: no more files can be uploaded. Remove what you no longer need, or ask "
        "for more space."
    )
