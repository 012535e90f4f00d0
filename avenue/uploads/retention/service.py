"""Moves uploads whose retention time is over to the trash, and logs it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from avenue.audit.service import AuditService
from avenue.uploads.retention.store import ExpiredUploads

BATCH = 50
REST = 1.0  # times as long as the work took, so that requests have priority

Counts = Mapping[str, int]
Save = Callable[[Counts | None], None]


class Retention:
    """Applies retention. Safe on many instances, and resumable after a crash."""

    def __init__(
        self,
        store: ExpiredUploads,
        audit: AuditService,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._audit = audit
        self._sleep = sleep

    def run(self, job_id: str, job_kind: str, before: Counts | None, save: Save) -> int:
        """Trash every upload whose retention time is over and that is not on hold; return how many.

        `save` gets how many of each site were trashed so far; `before` is what an interrupted run
        saved last, None at first and again at the end. Each upload and each site have an entry in
        the audit log.
        """
        counts = Counter(before or {})
        unreadable: list[object] = []
        while True:
            began_at = time.monotonic()
            counts += self._log_expirations(job_id, job_kind)  # first, what a killed run has left
            save(dict(counts))
            if not self._trash(unreadable):
                break
            self._sleep((time.monotonic() - began_at) * REST)
        for site_id, count in sorted(counts.items()):
            self._audit.record_job(
                site_id,
                "uploads.expired",
                site_id,
                job_id=job_id,
                job_kind=job_kind,
                details={"expired": count},
            )
        save(None)
        return counts.total()

    def _trash(self, unreadable: list[object]) -> int:
        count = 0
        while count < BATCH and self._store.trash_next(unreadable):
            count += 1
        return count

    def _log_expirations(self, job_id: str, job_kind: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        while (message := self._store.next_unlogged()) is not None:
            self._audit.record_job(
                message.site,
                message.kind,
                str(message.about),
                job_id=job_id,
                job_kind=job_kind,
                details=message.content,
                entry_id=message.id,
            )
            self._store.mark_logged(message)
            counts[message.site] += 1
        return counts
