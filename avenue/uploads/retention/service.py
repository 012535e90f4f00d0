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
        notices: AuditService,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._notices = notices
        self._sleep = sleep

    def run(self, job_id: str, job_kind: str, before: Counts | None, save: Save) -> int:
        """Trash every upload whose retention time is over and that is not on hold; return how many.

        `save` gets how many of each site were trashed so far; `before` is what an interrupted run
        saved last, None at first and again at the end. Each upload and each site have an entry in
        the audit log.
        """
        counts = Counter(before or {})
        amiss: list[object] = []
        while True:
            began_at = time.monotonic()
            counts += self._tell(job_id, job_kind)  # first, what a killed run has left
            save(dict(counts))
            if not self._trash(amiss):
                break
            self._sleep((time.monotonic() - began_at) * REST)
        for site_id, count in sorted(counts.items()):
            self._notices.record_job(
                site_id,
                "uploads.expired",
                site_id,
                job_id=job_id,
                job_kind=job_kind,
                details={"expired": count},
            )
        save(None)
        return counts.total()

    def _trash(self, amiss: list[object]) -> int:
        count = 0
        while count < BATCH and self._store.trash_next(amiss):
            count += 1
        return count

    def _tell(self, job_id: str, job_kind: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        while (untold := self._store.untold()) is not None:
            self._notices.record_job(
                untold.site,
                untold.kind,
                str(untold.about),
                job_id=job_id,
                job_kind=job_kind,
                details=untold.content,
                entry_id=untold.id,
            )
            self._store.told(untold)
            counts[untold.site] += 1
        return counts
