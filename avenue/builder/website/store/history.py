"""The history of pages: earlier drafts."""

from dataclasses import asdict
from datetime import timedelta

from pymongo.client_session import ClientSession

from avenue.builder.website.errors import EntryNotFound
from avenue.builder.website.models import Entry, Save, kept_entries
from avenue.builder.website.store.documents import BEFORE, HISTORY, draft_in, texts_in
from avenue.identity import new_id
from avenue.storage.collection import Collection
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords

SERIES = timedelta(minutes=5)
"""Saves of one person within this time are one entry of the history: the editor saves
automatically."""
LARGEST_NUMBER = 2**31


class PageHistory(SiteRecords):
    """The history of the pages of one site at a time."""

    def of(self, site_id: str, page_id: str) -> list[Entry]:
        """Return the entries of a page, newest first, without texts."""
        return self._records(site_id, HISTORY).values(
            _entry_in, {"page": page_id}, {"html": 0, "css": 0}, sort=[("number", -1)]
        )

    def entry(self, site_id: str, page_id: str, number: int) -> Entry:
        """Return an entry with its texts; raise `EntryNotFound`."""
        query = {"page": page_id, "number": min(number, LARGEST_NUMBER)}
        found = self._records(site_id, HISTORY).find_one(query)
        if found is None:
            raise EntryNotFound
        return _entry_in(found)

    def keep_draft(self, found: Document, save: Save, session: ClientSession) -> Document:
        """Add the draft of the stored page `found` before a save, if it is an entry of its own.

        Return the fields that the page stores about that.
        """
        before = draft_in(found)
        is_published = save.published is not None and save.published.draft == save.draft
        was_published = bool(found.get("was_published"))
        if before == save.draft and before.is_cleaned:
            return {"was_published": was_published or is_published}
        begun = found.get("series") or {}
        goes_on = bool(begun) and begun["by"] == save.by and save.at - begun["at"] < SERIES
        goes_on = goes_on and before.is_cleaned
        if goes_on and not (save.is_step or was_published):
            return {"was_published": is_published}
        number = found.get("history", 0) + 1
        entry = Entry(
            number=number,
            at=found.get("updated_at") or save.at,
            by=found.get("updated_by"),
            draft=before,
            bytes=before.bytes,
            published=was_published,
        )
        history = self._records(found["site"], HISTORY).within(session)
        document = {"_id": new_id(), "page": found["_id"], **_entry_out(entry)}
        if number == 1 and not before.is_cleaned:
            document["imported"] = _left_out_of(found)
        history.insert(document)
        self._prune(history, found["_id"])
        series = None if save.is_step else {"by": save.by, "at": save.at}
        return {"history": number, "series": series, "was_published": is_published}

    def _prune(self, history: Collection, page_id: str) -> None:
        fields = {"number": 1, "bytes": 1, "published": 1}
        # The content of another program exists nowhere else: it is kept as long as the page.
        own = {"page": page_id, "imported": None}
        found = history.values(_entry_in, own, fields, sort=[("number", -1)])
        gone = {each.number for each in found} - set(kept_entries(found))
        if gone:  # named, so that an unreadable one is kept
            history.delete_all({**own, "number": {"$in": sorted(gone)}})


def _left_out_of(found: Document) -> Document:
    """Return what another program stored of a page that the history has no field for."""
    draft, kept = found.get("draft"), {"html", "css", "seo", "themed"}
    if isinstance(draft, dict):
        draft = {name: value for name, value in draft.items() if name not in kept}
    return {"draft": draft, "published": found.get("published")}


def _entry_out(entry: Entry) -> Document:
    return {
        **asdict(entry.draft),
        "number": entry.number,
        "at": entry.at,
        "by": entry.by,
        "bytes": entry.bytes,
        "published": entry.published,
    }


def _entry_in(document: Document) -> Entry:
    return Entry(
        number=document["number"],
        at=document.get("at") or BEFORE,
        by=document.get("by"),
        draft=texts_in(document),
        bytes=document["bytes"],
        published=document["published"],
    )
