"""Cloning a site: what the first one shows becomes another site's own, under new ids.

The new site is closed until all of it is there (503 `site_not_ready`). A job that was killed goes
on behind the last record that was whole.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from avenue.audit.service import AuditService
from avenue.errors import Forbidden
from avenue.identity import DEFAULT_SITE, Actor, Site, SiteState, new_id
from avenue.jobs.models import Job
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.sites.errors import NotThatClone, SiteExists, SiteNotFound
from avenue.sites.service import SiteService
from avenue.sites.store import SiteStore
from avenue.storage.copying.cloning import FOLDERS, LIBRARY, Cloned, Cloning, SiteClone
from avenue.storage.copying.returning import ASSETS, GROUPS, PAGES, PRODUCTS
from avenue.storage.holders import COUNT_QUOTAS, Holder
from avenue.storage.sites import Sites

CLONE = "clone_site"
"""Its arguments are `from`, `to`, `parts` and `seed`."""
MOST_TOLD = 100


class Part(StrEnum):
    """What may be copied of a site."""

    SETTINGS = "settings"  # name, language, theme, menus, contact, logo, limits
    CATEGORIES = "categories"  # of uploads
    PEOPLE = "people"  # their roles
    PAGES = "pages"  # and what they show of the library
    LIBRARY = "library"
    PRODUCTS = "products"  # and groups, with their pictures


FIELDS: Mapping[Part, Collection[str]] = {
    Part.SETTINGS: (
        *("name", "locale", "colors", "theme", "menu", "legal", "contact", "limits", "quotas"),
        "edge_seconds",
        "sizes",
        "second_factor_roles",
        "status_page",
    ),
    Part.CATEGORIES: ("upload_categories",),
}
"""What is stored of a site itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneOrder:
    """A new site `target` made of `parts` of the site `original`; `hosts` besides its address's."""

    original: str
    target: str
    base_url: str
    hosts: tuple[str, ...] = ()
    parts: frozenset[Part] = frozenset(Part)


class CloneService:
    """Begins clones; raises `Forbidden` unless the actor is a superuser."""

    def __init__(self, sites: SiteService, known: Sites, jobs: JobService) -> None:
        self._sites = sites
        self._known = known
        self._jobs = jobs

    def clone(self, actor: Actor, order: CloneOrder) -> Job:
        """Make a site of another one. A second call after a failed run continues it.

        Raise `SiteNotFound`, `SiteExists`, `NotThatClone`, `HostTaken`, `InvalidHost`.
        """
        if not actor.superuser:
            raise Forbidden
        source = self._sites.site(order.original)
        if source.state is not SiteState.OPEN:
            raise SiteNotFound
        values = {"base_url": order.base_url, "hosts": order.hosts, "locale": source.locale}
        wanted = {"from": source.id, "to": order.target, "parts": sorted(order.parts)}
        args = {**wanted, "seed": new_id()}
        try:
            self._sites.add_site(order.target, values, state=SiteState.PREPARING)
        except SiteExists:
            args = self._begun(order.target)
            if {**args, "seed": ""} != {**wanted, "seed": ""}:
                raise NotThatClone(words={"source": args["from"]}) from None
        return self._jobs.enqueue(CLONE, args, key=order.target)

    def _begun(self, target: str) -> dict[str, Any]:
        """Return the arguments of the job that began to make a site; raise `SiteExists`."""
        if self._sites.site(target).state is SiteState.PREPARING:
            begun = self._jobs.latest(CLONE, to=target)
            if begun is not None:
                return dict(begun.args)
        raise SiteExists


class CloneWorker:
    """The job that clones a site."""

    def __init__(
        self,
        store: SiteStore,
        known: Sites,
        opened: Callable[[Cloning, Site], SiteClone],
        share_roles: Callable[[str, str], tuple[int, int]],
        jobs: JobService,
        audit: AuditService,
    ) -> None:
        self._store = store
        self._known = known
        self._opened = opened
        self._share_roles = share_roles
        self._jobs = jobs
        self._audit = audit

    def clone(self, job: RunningJob) -> Mapping[str, Any]:
        """Copy what is wanted, part by part; return how much, and what is left out and why."""
        parts = frozenset(map(Part, job.args["parts"]))
        source, target = (self._site(str(job.args[name])) for name in ("from", "to"))
        cloning = Cloning(
            original=source.id,
            target=target.id,
            seed=str(job.args["seed"]),
            addresses=(source.base_url, *(f"https://{each}" for each in source.hosts)),
            address=target.base_url,
            has_library=Part.LIBRARY in parts,
            has_people=Part.PEOPLE in parts,
        )
        clone = self._opened(cloning, target)
        run = _Run(job, clone)
        if Part.PEOPLE in parts:
            shared, left = self._share_roles(source.id, target.id)
            run.counts |= {"people": shared, "people_left": left}
        run.copy(parts)
        self._fill(clone, cloning, parts)
        self._store.open(target.id)
        self._known.forget()
        self._jobs.enqueue(COUNT_QUOTAS, {"holder": Holder(site=target.id).id}, key=target.id)
        self._audit.record_job(
            DEFAULT_SITE,
            "site.cloned",
            target.id,
            job_id=job.id,
            job_kind=CLONE,
            details={"from": source.id, "parts": sorted(parts), "left": run.left_total},
            entry_id=job.id,
        )
        return {
            "site": target.id,
            "from": source.id,
            "counts": dict(run.counts),
            "left": run.left,
            "left_total": run.left_total,
        }

    def _site(self, site_id: str) -> Site:
        found = self._store.get(site_id)
        if found is None:
            raise SiteNotFound
        return found

    def _fill(self, clone: SiteClone, cloning: Cloning, parts: frozenset[Part]) -> None:
        """Let the new site say of itself what the first one does."""
        for part in FIELDS.keys() & parts:
            values = clone.rewritten(self._store.fields(cloning.original, FIELDS[part]))
            self._store.fill(cloning.target, values)
        logo = self._store.logo(cloning.original)
        if Part.SETTINGS in parts and logo and (copied := clone.logo(logo)):
            self._store.put_logo(cloning.target, copied)


class _Run:
    """The records of a clone, walked through behind where an earlier run has ended."""

    def __init__(self, job: RunningJob, clone: SiteClone) -> None:
        before = job.cursor or {}
        self._job = job
        self._clone = clone
        self._place: list[str] = before.get("place", ["", ""])
        self.counts: Counter[str] = Counter(before.get("counts", {}))
        self.left: list[dict[str, str]] = before.get("left", [])
        self.left_total = int(before.get("left_total", 0))

    def copy(self, parts: frozenset[Part]) -> None:
        """Copy the records of `parts`, the ones that others name first."""
        clone = self._clone
        walks: list[tuple[Part, str, str, Callable[[str], Iterator[Cloned]]]] = [
            (Part.LIBRARY, "a", ASSETS, clone.library),
            (Part.PRODUCTS, "b", GROUPS, lambda after: clone.owners(GROUPS, after)),
            (Part.PRODUCTS, "c", PRODUCTS, lambda after: clone.owners(PRODUCTS, after)),
            (Part.PAGES, "d", PAGES, clone.pages),
        ]
        wanted = [each for each in walks if each[0] in parts]
        total = sum(clone.count(name) for _, _, name, _ in wanted)
        if Part.LIBRARY in parts:
            self.counts[FOLDERS] = clone.folders()
        for _, letter, name, walk in wanted:
            if letter < self._place[0]:
                continue
            after = self._place[1] if letter == self._place[0] else ""
            for done in walk(after):
                self._note(letter, name, done, total)

    def _note(self, letter: str, name: str, done: Cloned, total: int) -> None:
        self.counts[LIBRARY if name == ASSETS else name] += 1
        self.counts["files"] += done.files
        self.counts["bytes"] += done.bytes
        self.left_total += len(done.left)
        told = [{"id": own_id, "why": why} for own_id, why in done.left]
        self.left = [*self.left, *told][:MOST_TOLD]
        self._place = [letter, done.id]
        seen = sum(self.counts[each] for each in (LIBRARY, GROUPS, PRODUCTS, PAGES))
        cursor = {
            "place": self._place,
            "counts": dict(self.counts),
            "left": self.left,
            "left_total": self.left_total,
        }
        self._job.save(cursor=cursor, done=seen, total=max(total, seen))
