"""The audit log as a table for spreadsheets."""

from collections.abc import Iterator, Sequence

from avenue.audit.models import Entry
from avenue.audit.texts import action_words, details_words, doer_words
from avenue.clock import iso
from avenue.web.language import gettext as _


def head() -> Sequence[str]:
    """Return the names of the columns, in the language of the request."""
    return (
        _("When (UTC)"),
        _("Who"),
        _("What"),
        _("Action"),
        _("ID"),
        _("Details"),
        _("Request"),
    )


def rows(entries: Iterator[Entry]) -> Iterator[Sequence[str]]:
    """Yield the row of each entry."""
    for each in entries:
        yield (
            iso(each.at),
            doer_words(each.doer),
            action_words(each.action),
            each.action,
            each.object_id or "",
            "; ".join(details_words(each)),
            each.request_id or "",
        )
