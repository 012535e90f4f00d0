"""Bringing an old upload folder in: each file stored by the usual checks, or refused with a reason.

Every step may be repeated. What has become of a file is told by its old address: that is noted
before the asset is claimed, and counts once the asset is. So a run that was killed at any moment is
finished by the next one, which is given the same ids, and a third finds nothing to do.
"""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from avenue.audit.service import AuditService
from avenue.errors import AvenueError, Conflict, StorageFull, Unavailable
from avenue.identity import Actor
from avenue.media.library import MediaLibrary, Order, Reception, Refusal
from avenue.media.models import Asset, Claim, State
from avenue.media.shelving.store import LibraryStore
from avenue.media.store import LegacyUrls
from avenue.migration.addresses import OldAddresses
from avenue.migration.models import (
    PAGE,
    Content,
    Destination,
    Outcome,
    PictureOwners,
    Problem,
    Reference,
)
from avenue.migration.page_addresses import PageAddresses
from avenue.migration.plan import Plan
from avenue.migration.reading import read_tree
from avenue.migration.spool import Spool
from avenue.migration.store import PageStore
from avenue.migration.tree import Tree
from avenue.storage.idempotency import UploadInProgress

THREADS = 4
PATIENCE_SECONDS = 120
"""How long nothing at all may succeed, before the database is taken for gone."""
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """What an import puts things into."""

    library: MediaLibrary
    legacy_urls: LegacyUrls
    store: LibraryStore
    pages: PageStore
    owners: PictureOwners
    audit: AuditService


class FolderImport:
    """Brings one tree into one site: `read` first, then `preview` or `bring`; `plan` has it all.

    The three do their work while they are iterated, a step at a time.
    """

    def __init__(
        self,
        actor: Actor,
        tree: Tree,
        destination: Destination,
        addresses: OldAddresses,
        shelves: Shelves,
        *,
        plan: Plan,
        tmp_dir: Path,
    ) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._tree = tree
        self._destination = destination
        self._addresses = addresses
        self._shelves = shelves
        self._plan = plan
        self._tmp_dir = tmp_dir
        self._pages = PageAddresses(self._site, shelves.pages, addresses, self._answering)

    def read(self) -> Iterator[None]:
        """Look at every file, and at every record that names one; changes nothing."""
        yield from read_tree(self._tree, self._destination.policy, self._addresses, self._plan)
        references = self._pages.references()
        if self._destination.adopts:
            self._note(self._owners_references())
        self._note(references)

    def preview(self) -> Iterator[None]:
        """Settle what `bring` would do to each file, as far as that shows without opening it."""
        for content in self._plan.contents():
            is_there = self._settle_unchanged(content) is not None
            for path in self._open_paths(content):
                self._plan.settle(path, Outcome.DUPLICATE if is_there else Outcome.STORED)
                is_there = True
            yield
        for reference, outcome in self._plan.references():
            is_rewritten = outcome is not None and outcome is not Outcome.REFUSED
            if is_rewritten or (reference.kind == PAGE and self._answering(reference.path)):
                self._plan.settle_reference(reference)

    def bring(self) -> Iterator[None]:
        """Store what is not there yet, and rewrite what names it; a step for each distinct file.

        Raise `StorageFull`, or `Unavailable` when the database stays away; then run it again.
        """
        try:
            yield from self._bring_patiently()
            for reference in self._pages.rewrite():
                self._plan.settle_reference(reference)
        finally:
            self._write_down()

    def lost(self) -> Iterator[Reference]:
        """Yield the references that no file of the tree answers, nor one brought in before."""
        for reference, outcome in self._plan.references():
            is_there = outcome is not None and outcome is not Outcome.REFUSED
            if not is_there and self._answering(reference.path) is None:
                yield reference

    def _note(self, references: Iterator[Reference]) -> None:
        for each in references:
            self._plan.add_reference(each)

    def _owners_references(self) -> Iterator[Reference]:
        last: Claim | None = None
        while found := self._shelves.owners.external_after(self._site, last):
            for claim, url in found:
                path = self._addresses.path_in(url)
                if path:
                    yield Reference(kind=claim.kind, id=claim.id, address=url, path=path)
            last = found[-1][0]

    def _bring_patiently(self) -> Iterator[None]:
        patient_until = time.monotonic() + PATIENCE_SECONDS
        while self._plan.count_open():
            for hindrance in self._bring_all():
                if hindrance is None:
                    patient_until = time.monotonic() + PATIENCE_SECONDS
                    yield
                elif time.monotonic() > patient_until:
                    raise hindrance
            if self._plan.count_open():
                time.sleep(PAUSE_SECONDS)  # the writes of a run that was killed end by themselves

    def _write_down(self) -> None:
        """Leave one entry in the log of changes, if anything was changed."""
        counts = {each.value: self._plan.count(each) for each in Outcome}
        rewritten = sum(self._plan.count_rewritten().values())
        if counts[Outcome.STORED] or counts[Outcome.DUPLICATE] or rewritten:
            bucket, details = self._destination.policy.bucket, {**counts, "rewritten": rewritten}
            self._shelves.audit.record_command(
                self._site, "import", "folder.imported", bucket, details=details
            )

    def _bring_all(self) -> Iterator[AvenueError | None]:
        """Work through what is open; yield None for each content done, else why not yet."""
        pending: deque[Future[AvenueError | None]] = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                for content in self._plan.contents():
                    if len(pending) >= 2 * THREADS:
                        yield pending.popleft().result()
                    pending.append(pool.submit(self._try, content))
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _try(self, content: Content) -> AvenueError | None:
        """Bring one content in or refuse it; return what stands in the way for the moment."""
        try:
            self._bring_one(content)
        except (UploadInProgress, Unavailable) as error:
            return error
        except StorageFull:
            raise
        except AvenueError as error:
            for path in self._open_paths(content):
                self._plan.refuse_file(Problem(path=path, code=error.code, message=error.message))
        self._plan.finish(content)
        return None

    def _bring_one(self, content: Content) -> None:
        home = self._settle_unchanged(content)
        with Spool(self._tree, content, self._tmp_dir) as spool:
            for reference in self._plan.references_of(content):
                home = self._adopt(reference, content, spool) or home
            for path in self._open_paths(content):
                if home is None:
                    home = self._keep(path, content, spool)
                else:
                    self._shelves.legacy_urls.put(self._site, path, home.id)
                    self._plan.settle(path, Outcome.DUPLICATE)

    def _settle_unchanged(self, content: Content) -> Asset | None:
        """Settle the paths that lead to these bytes already; return a live asset that has them."""
        home = None
        for path in self._plan.paths_of(content):
            asset = self._standing(path, content)
            if asset is None:
                continue
            if self._plan.outcome_of(path) is None:
                self._plan.settle(path, Outcome.UNCHANGED)
            if asset.state is State.LIVE:
                home = home or asset
        return home

    def _open_paths(self, content: Content) -> Iterator[str]:
        return (
            path for path in self._plan.paths_of(content) if self._plan.outcome_of(path) is None
        )

    def _adopt(self, reference: Reference, content: Content, spool: Spool) -> Asset | None:
        """Let an owner have the picture it names as its own; None when it names it no more."""
        claim, legacy_urls = Claim(kind=reference.kind, id=reference.id), self._shelves.legacy_urls
        theirs = self._shelves.library.claimed_by(self._actor, claim)
        known = {each.current.source_sha256: each for each in theirs}
        order = self._order(f"{claim.kind}/{claim.id}", content, known)
        is_first = self._standing(reference.path, content) is None
        with self._received(order, spool) as (reception, asset):
            if is_first:
                legacy_urls.put(self._site, reference.path, asset.id)
            adopted = self._shelves.owners.adopt(self._site, claim, reference.address, reception)
        if adopted is None:
            return None
        if is_first and adopted.id != asset.id:
            legacy_urls.put(self._site, reference.path, adopted.id)
        self._plan.settle_reference(reference)
        if self._plan.outcome_of(reference.path) is None:
            is_new = reception.created
            self._plan.settle(reference.path, Outcome.STORED if is_new else Outcome.DUPLICATE)
        return adopted

    def _keep(self, path: str, content: Content, spool: Spool) -> Asset:
        """Store a file for the destination's owner."""
        shelves, claim = self._shelves, self._destination.claim
        there = shelves.store.by_source(self._site, content.sha256, claim(""))
        known = {content.sha256: there} if there else {}
        order = self._order(self._destination.policy.visibility, content, known)
        with self._received(order, spool) as (reception, asset):
            shelves.legacy_urls.put(self._site, path, asset.id)
            shelves.store.keep(self._site, reception, claim(asset.id))
        (kept,) = reception.assets
        if kept.id != asset.id:
            shelves.legacy_urls.put(self._site, path, kept.id)
        is_new = reception.created
        self._plan.settle(path, Outcome.STORED if is_new else Outcome.DUPLICATE)
        return kept

    def _order(self, owner: str, content: Content, known: dict[str, Asset]) -> Order:
        policy = self._destination.policy
        return Order(
            policy=policy,
            target=f"import/{policy.bucket}/{owner}",
            key=content.sha256,
            known=known,
            room=1,
            no_room=Conflict(),
        )

    @contextmanager
    def _received(self, order: Order, spool: Spool) -> Iterator[tuple[Reception, Asset]]:
        """Store the spooled file and yield it; it goes again unless it is claimed inside."""
        library, files = self._shelves.library, [spool.incoming()]
        with ExitStack() as stack:
            reception = stack.enter_context(library.receiving(self._actor, order, files))
            if reception.replayed and not any(map(_is_kept, reception.assets)):
                # Brought in before and removed since, so this is a new one.
                again = replace(order, key=None)
                reception = stack.enter_context(library.receiving(self._actor, again, files))
            (outcome,) = reception.received
            if isinstance(outcome, Refusal):
                raise outcome.error or Conflict(outcome.message)
            yield reception, outcome

    def _standing(self, path: str, content: Content) -> Asset | None:
        """Return the asset that `path` leads to, if it has these bytes and an owner."""
        asset = self._named_by(path)
        if asset is None or asset.claim is None or asset.state is State.PURGING:
            return None
        return asset if asset.current.source_sha256 == content.sha256 else None

    def _answering(self, path: str) -> Asset | None:
        """Return the asset that people get at `path`."""
        asset = self._named_by(path)
        return asset if _is_kept(asset) else None

    def _named_by(self, path: str) -> Asset | None:
        asset_id = self._shelves.legacy_urls.find(self._site, path)
        if asset_id is None:
            return None
        return self._shelves.library.get_many(self._actor, [asset_id]).get(asset_id)


def _is_kept(asset: Asset | None) -> bool:
    return asset is not None and asset.claim is not None and asset.state is State.LIVE
