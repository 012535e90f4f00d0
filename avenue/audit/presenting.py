"""Conversion of audit entries to JSON, for routes and commands."""

from avenue.audit.models import Entry, EntryPage
from avenue.audit.replies import Change, ChangeList
from avenue.clock import iso
from avenue.totals import total_json


def page_json(page: EntryPage) -> ChangeList:
    """Return a page of entries as a list of the API."""
    return {
        "items": [_entry_json(each) for each in page.items],
        "next": page.next,
        **total_json(page.total),
    }


def _entry_json(entry: Entry) -> Change:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "actor": {"id": entry.doer.id, "name": entry.doer.name, "kind": entry.doer.kind},
        "action": entry.action,
        "object": {"kind": entry.object_kind, "id": entry.object_id},
        "request_id": entry.request_id,
        "details": dict(entry.details),
    }
