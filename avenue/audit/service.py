"""Writes and reads the audit log."""

import logging
from collections.abc import Iterator, Mapping, Sequence

from avenue.audit.models import Details, Doer, DoerKind, Entry, EntryPage, EntryQuery, NewEntry
from avenue.audit.store import MongoAuditStore
from avenue.cursors import cursor, read_cursor
from avenue.identity import Actor, Role, new_id

NOTHING: Mapping[str, str] = {}

log = logging.getLogger(__name__)


class AuditService:
    """The audit log of every site.

    The logged change has already happened, so `record…` never raise: a failure becomes an error in
    the process's log. `action` is `<kind of object>.<what happened>`, as `product.deleted`;
    `object_id` names the object.
    """

    def __init__(self, store: MongoAuditStore, *, keep_days: int) -> None:
        self._store = store
        self._keep_days = keep_days

    def record(
        self,
        actor: Actor,
        action: str,
        object_id: str | None,
        *,
        request_id: str | None = None,
        details: Details = NOTHING,
    ) -> None:
        """Log a change by a person on their site."""
        doer = Doer(kind=DoerKind.PERSON, id=actor.id, name=actor.email)
        self._add(actor.site.id, doer, action, object_id, request_id, details)

    def record_command(
        self,
        site_id: str,
        command: str,
        action: str,
        object_id: str,
        *,
        details: Details = NOTHING,
    ) -> None:
        """Log a change by a command; `command` is its words, as `users add`."""
        doer = Doer(kind=DoerKind.COMMAND, id=None, name=command)
        self._add(site_id, doer, action, object_id, None, details)

    def record_job(
        self,
        site_id: str,
        action: str,
        object_id: str,
        *,
        job_id: str,
        job_kind: str,
        details: Details = NOTHING,
        entry_id: str | None = None,
    ) -> None:
        """Log the changes of a job in one entry; `details` has the counts.

        A job that is resumed after its entry was written writes a second one, unless it passes the
        same `entry_id`.
        """
        doer = Doer(kind=DoerKind.JOB, id=job_id, name=job_kind)
        self._add(site_id, doer, action, object_id, None, details, entry_id)

    def find(self, actor: Actor, query: EntryQuery, *, after: str | None) -> EntryPage:
        """Return entries of the actor's site; `after` is the `next` of the page before."""
        actor.must_have(Role.ADMIN)
        return self.entries(actor.site.id, query, after=after)

    def entries(self, site_id: str, query: EntryQuery, *, after: str | None = None) -> EntryPage:
        """Return entries of a site, for operators of the deployment."""
        found = self._store.find(site_id, query, read_cursor(after))
        return EntryPage.of(
            found,
            query.limit,
            lambda last: cursor(last.at, last.id),
            total=self._store.total(site_id, query),
        )

    def walk(self, actor: Actor, query: EntryQuery) -> Iterator[Entry]:
        """Yield all entries of the actor's site, read in parts of `query.limit`.

        Nothing is counted. The first part is read before the first is asked for.
        """
        actor.must_have(Role.ADMIN)
        return self._rest(actor.site.id, query, self._store.find(actor.site.id, query, None))

    def _rest(self, site_id: str, query: EntryQuery, found: Sequence[Entry]) -> Iterator[Entry]:
        while True:
            items = found[: query.limit]
            yield from items
            if len(found) <= query.limit:
                return
            found = self._store.find(site_id, query, (items[-1].at, items[-1].id))

    def _add(
        self,
        site_id: str,
        doer: Doer,
        action: str,
        object_id: str | None,
        request_id: str | None,
        details: Details,
        entry_id: str | None = None,
    ) -> None:
        entry = NewEntry(
            id=entry_id or new_id(),
            doer=doer,
            action=action,
            object_id=object_id,
            request_id=request_id,
            details=details,
        )
        try:
            self._store.add(site_id, entry, keep_days=self._keep_days)
        except Exception:
            log.exception(
                "The audit log lacks an entry: %s of %s on site %s by %s %s.",
                action,
                object_id,
                site_id,
                doer.kind,
                doer.id,
            )
