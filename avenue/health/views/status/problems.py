"""The problems with pictures that are known of a site, and the jobs that look for them."""

from collections.abc import Mapping, Sequence

from avenue.health.checks.inspection import INSPECT, Inspector
from avenue.health.checks.models import BrokenReference
from avenue.health.checks.store.inspections import InspectionStore
from avenue.identity import Actor, Role, is_id
from avenue.jobs.errors import JobNotFound
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.media.references import IMPORT_EXTERNAL
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.status import StatusStore

OWNERS = (PRODUCT, GROUP)
LOOKS_AGAIN = 3
LOOK_KEY = "now []"
"""The key of `python -m avenue inspect`, so that two checks do not run at once."""


class ProblemService:
    """The findings of one site that still hold."""

    def __init__(
        self,
        shop: StatusStore,
        inspections: InspectionStore,
        inspector: Inspector,
        jobs: JobService,
    ) -> None:
        self._shop = shop
        self._inspections = inspections
        self._inspector = inspector
        self._jobs = jobs

    def found(self, actor: Actor, most: int) -> int | None:
        """Return the number of known problems of products and groups, None for more than `most`.

        Those repaired since the last check are included.
        """
        return self._inspections.count_findings(actor.site.id, OWNERS, most)

    def page(
        self, actor: Actor, kinds: Sequence[str], after: str, limit: int
    ) -> tuple[list[BrokenReference], str | None]:
        """Return a page of findings about `kinds` that still hold, and the next page's place."""
        found: list[BrokenReference] = []
        for _ in range(LOOKS_AGAIN):
            found = self._inspections.findings_after(actor.site.id, kinds, after, limit + 1)
            self._inspector.look_again(actor.site, found)
            again = self._inspections.findings_after(actor.site.id, kinds, after, limit + 1)
            if again == found:
                break
            found = again
        return found[:limit], found[limit - 1].place if len(found) > limit else None

    def of(
        self, actor: Actor, kind: str, ids: Sequence[str]
    ) -> Mapping[str, Sequence[BrokenReference]]:
        """Return the findings about these products or groups that still hold, by id."""
        found = self._inspections.findings_of(actor.site.id, kind, ids)
        if found:
            self._inspector.look_again(actor.site, found)
            found = self._inspections.findings_of(actor.site.id, kind, ids)
        by_id: dict[str, list[BrokenReference]] = {}
        for each in found:
            by_id.setdefault(each.referrer, []).append(each)
        return by_id

    def names(
        self, actor: Actor, findings: Sequence[BrokenReference]
    ) -> Mapping[tuple[str, str], str]:
        """Return the names of the products and groups of `findings`, by kind and id."""
        return {
            (kind, owner): name
            for kind in OWNERS
            for owner, name in self._shop.names(
                actor.site.id,
                kind,
                sorted({each.referrer for each in findings if each.referrer_kind == kind}),
            ).items()
        }

    def look(self, actor: Actor) -> Job:
        """Start a complete check, and return its job; a waiting or running one is reused."""
        actor.must_have(Role.OPS)
        return self._jobs.enqueue(INSPECT, {"all": True}, key=LOOK_KEY)

    def bring_in(self, actor: Actor) -> Job:
        """Start importing pictures on other hosts, and return the job; one at a time."""
        actor.must_have(Role.ADMIN)
        return self._jobs.enqueue(IMPORT_EXTERNAL, site=actor.site.id, key="external")

    def look_of(self, actor: Actor, job_id: str) -> Job | None:
        """Return the job that checks everything, or imports pictures of this site."""
        if not actor.has_role(Role.OPS) or not is_id(job_id):
            return None
        try:
            job = self._jobs.get(job_id)
        except JobNotFound:
            return None
        is_ours = job.kind == IMPORT_EXTERNAL and job.site == actor.site.id
        return job if job.kind == INSPECT or is_ours else None
