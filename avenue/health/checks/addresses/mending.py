"""Finds URLs in documents that should not be there, and replaces those it can."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from avenue.audit.models import Details
from avenue.audit.service import AuditService
from avenue.config import Settings
from avenue.health.checks.addresses.judging import AddressBook, Fate, Judged, host_of, mended, shown
from avenue.health.checks.addresses.store import COLLECTIONS, DocumentStore, Kept
from avenue.health.models import Finding, Level
from avenue.identity import Site
from avenue.networks import is_private_host

COMMAND = "doctor --fix urls"
MENDED = "addresses.mended"
MOST_KEPT = 200
"""The most findings and ids that are kept in memory; all are counted."""
MOST_HOSTS = 5
TRIES = 3


@dataclass(slots=True, kw_only=True)
class Mended:
    """The result for the URLs of one site; `addresses` are the first of them."""

    site: str
    looked_at: int = 0
    addresses: list[Judged] = field(default_factory=list)
    counts: Counter[Fate] = field(default_factory=Counter)
    rewritten: int = 0
    documents: list[str] = field(default_factory=list)
    elsewhere: Counter[str] = field(default_factory=Counter)

    def note(self, judged: Judged) -> None:
        """Count a URL that stays, and keep it if there is room."""
        self.counts[judged.fate] += 1
        if len(self.addresses) < MOST_KEPT:
            self.addresses.append(judged)

    def note_elsewhere(self, addresses: Sequence[str]) -> None:
        """Count pictures and links on other hosts, which are intended."""
        for each in addresses:
            host = host_of(each)
            if host in self.elsewhere or len(self.elsewhere) < MOST_KEPT:
                self.elsewhere[host] += 1

    @property
    def left(self) -> int:
        """The number of wrong URLs that stay."""
        return self.counts.total()


class Mender:
    """Finds wrong URLs in the documents of a site; with `mends` replaces those it can."""

    def __init__(self, store: DocumentStore, book: AddressBook, audit: AuditService) -> None:
        self._store = store
        self._book = book
        self._audit = audit

    def count(self, sites: Sequence[Site]) -> int:
        """Return the number of documents to check."""
        return sum(self._store.count(each.id) for each in sites)

    def look(self, site: Site, *, mends: bool, tell: Callable[[int], None]) -> Mended:
        """Check every document of `site`; call `tell` with the number of documents checked since.

        Changes are logged in one audit entry. A document that is changed concurrently is tried
        again; if that continues, its URLs are reported as they are.
        """
        done = Mended(site=site.id)
        try:
            for kind in COLLECTIONS:
                for batch in self._batches(site.id, kind):
                    wrong, elsewhere = self._book.judge(site, batch)
                    done.note_elsewhere(elsewhere)
                    self._settle(site, batch, wrong, done, mends=mends)
                    done.looked_at += len(batch)
                    tell(len(batch))
        finally:
            if done.rewritten:
                details: Details = {"rewritten": done.rewritten, "documents": done.documents}
                self._audit.record_command(site.id, COMMAND, MENDED, site.id, details=details)
        return done

    def _batches(self, site_id: str, kind: str) -> Iterator[list[Kept]]:
        last = ""
        while batch := self._store.after(site_id, kind, last):
            yield batch
            last = batch[-1].id

    def _settle(
        self,
        site: Site,
        batch: Sequence[Kept],
        wrong: Sequence[Judged],
        done: Mended,
        *,
        mends: bool,
    ) -> None:
        by_document: dict[str, list[Judged]] = {}
        for each in wrong:
            by_document.setdefault(each.document, []).append(each)
        for kept in batch:
            found = by_document.get(kept.id, [])
            left = self._mend(site, kept, found, done) if mends else found
            for each in left:
                done.note(each)

    def _mend(
        self, site: Site, kept: Kept, found: Sequence[Judged], done: Mended
    ) -> Sequence[Judged]:
        """Replace what can be replaced in a document; return the URLs that stay."""
        known: Kept | None = kept
        for _ in range(TRIES):
            mendable = [each for each in found if each.fate is Fate.MENDABLE]
            if known is None or not mendable:
                break
            if known.unreadable:
                return [_left(each, known.unreadable) for each in found]
            assets = [each.asset for each in mendable if each.asset]
            if self._store.change(site.id, known, mended(known, mendable), assets):
                done.rewritten += len(mendable)
                if len(done.documents) < MOST_KEPT:
                    done.documents.append(f"{kept.kind} {kept.id}")
                return [each for each in found if each.fate is not Fate.MENDABLE]
            known = self._store.get(site.id, kept.kind, kept.id)
            found = self._book.judge(site, [known])[0] if known else []
        return found


def _left(judged: Judged, field: str) -> Judged:
    """Return a URL that stays because its record is unreadable."""
    why = f"It stands in a record that cannot be read: see its field {field}."
    return replace(judged, fate=Fate.OWN if judged.works else Fate.LOST, why=why)


def findings_of(done: Mended) -> list[Finding]:
    """Return the URLs that stay, as findings of the doctor."""
    return [_finding(done.site, each) for each in done.addresses]


def findings_of_site(site: Site, settings: Settings) -> Iterator[Finding]:
    """Yield problems of the configured address of a site."""
    of_site, of_deployment = host_of(site.base_url), host_of(settings.base_url)
    is_left_over = is_private_host(of_site) and not is_private_host(of_deployment)
    if is_left_over and not settings.local:
        yield Finding(
            level=Level.WARNING,
            place=f"site {site.id} base_url",
            says=f"All its URLs begin with {shown(site.base_url)}, which only one machine knows.",
            cure=f"python -m avenue site set --site {site.id} base_url=https://…",
        )


def summary_of(done: Sequence[Mended]) -> str:
    """Return a summary: the documents checked, and the URLs on other hosts."""
    hosts: Counter[str] = Counter()
    for each in done:
        hosts += each.elsewhere
    most = ", ".join(f"{host} {count}" for host, count in hosts.most_common(MOST_HOSTS))
    elsewhere = f"; on other hosts by design: {hosts.total()} ({most})" if hosts else ""
    return f"{sum(each.looked_at for each in done)} documents looked at{elsewhere}"


def _finding(site_id: str, judged: Judged) -> Finding:
    level = Level.NOTICE if judged.works else Level.WARNING
    cures = {
        Fate.MENDABLE: "`python -m avenue doctor --fix urls --apply` lets the record name it.",
        Fate.OWN: "It goes on working while this site has this host.",
        Fate.LOST: "Upload the picture again and take this address out.",
    }
    return Finding(
        level=level,
        place=f"{site_id}: {judged.place}",
        says=f"{shown(judged.named.address)} {_means(judged)}",
        cure=cures[judged.fate],
    )


def _means(judged: Judged) -> str:
    return f"({judged.why})" if judged.fate is not Fate.MENDABLE else f"(it is {judged.asset})"
