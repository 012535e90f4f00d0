"""Imports an old upload folder: each file is stored by the usual checks, or refused with a reason.

Every step is repeatable. The outcome of a file is found by its old address: that is stored before
the asset is claimed, and counts once the asset is claimed. So a run that was killed is completed by
the next one, which uses the same ids, and a third one finds nothing to do.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.identity import Actor
from avenue.media.intake.spool import SpooledFile, spooled
from avenue.media.models import Asset, State
from avenue.migration.addresses import OldAddresses
from avenue.migration.errors import FileChanged
from avenue.migration.models import (
    PAGE,
    Content,
    Destination,
    Outcome,
    Problem,
    Reference,
)
from avenue.migration.page_addresses import PageAddresses
from avenue.migration.plan import Plan
from avenue.migration.reading import read_tree
from avenue.migration.storing import FileStorer, ImportTargets
from avenue.migration.threads import side_by_side
from avenue.migration.tree import Tree
from avenue.storage.idempotency import UploadInProgress

THREADS = 4
PATIENCE_SECONDS = 120
"""After so long without success the database counts as unreachable."""
PAUSE_SECONDS = 1.0

Copy = Callable[[], SpooledFile]
"""Copies a file of the tree where it cannot change any more, at the first call."""


class FolderImport:
    """Imports a tree into a site: `read` first, then `preview` or `bring`; results are in `plan`.

    The three work while they are iterated, a step at a time.
    """

    def __init__(
        self,
        actor: Actor,
        tree: Tree,
        destination: Destination,
        addresses: OldAddresses,
        targets: ImportTargets,
        *,
        plan: Plan,
        tmp_dir: Path,
    ) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._tree = tree
        self._destination = destination
        self._addresses = addresses
        self._targets = targets
        self._plan = plan
        self._tmp_dir = tmp_dir
        self._storer = FileStorer(actor, destination, targets)
        self._pages = PageAddresses(self._site, targets.pages, addresses, self._storer.answering)

    def read(self) -> Iterator[None]:
        """Read every file, and every record that names one; changes nothing."""
        yield from read_tree(self._tree, self._destination.policy, self._addresses, self._plan)
        references = self._pages.references()
        if self._destination.adopts:
            self._note(self._targets.references_of_owners(self._site, self._addresses))
        self._note(references)

    def preview(self) -> Iterator[None]:
        """Determine what `bring` would do to each file, as far as possible without opening it."""
        for content in self._plan.contents():
            is_there = self._settle_unchanged(content) is not None
            for path in self._open_paths(content):
                self._plan.settle(path, Outcome.DUPLICATE if is_there else Outcome.STORED)
                is_there = True
            yield
        for reference, outcome in self._plan.references():
            is_rewritten = outcome is not None and outcome is not Outcome.REFUSED
            if is_rewritten or (reference.kind == PAGE and self._storer.answering(reference.path)):
                self._plan.settle_reference(reference)

    def bring(self) -> Iterator[None]:
        """Store new files, and rewrite the references to them; a step for each distinct file.

        Raise `StorageFull`, or `Unavailable` if the database stays unreachable; then run it again.
        """
        try:
            yield from self._bring_with_retries()
            for reference in self._pages.rewrite():
                self._plan.settle_reference(reference)
        finally:
            bucket = self._destination.policy.bucket
            self._targets.write_down(self._site, "folder.imported", bucket, self._plan)

    def lost(self) -> Iterator[Reference]:
        """Yield the references that match no file of the tree, nor one imported before."""
        for reference, outcome in self._plan.references():
            is_there = outcome is not None and outcome is not Outcome.REFUSED
            if not is_there and self._storer.answering(reference.path) is None:
                yield reference

    def _note(self, references: Iterator[Reference]) -> None:
        for each in references:
            self._plan.add_reference(each)

    def _bring_with_retries(self) -> Iterator[None]:
        patient_until = time.monotonic() + PATIENCE_SECONDS
        while self._plan.count_open():
            for hindrance in self._bring_all():
                if hindrance is None:
                    patient_until = time.monotonic() + PATIENCE_SECONDS
                    yield
                elif time.monotonic() > patient_until:
                    raise hindrance
            if self._plan.count_open():
                time.sleep(PAUSE_SECONDS)  # the writes of a killed run end by themselves

    def _bring_all(self) -> Iterator[AvenueError | None]:
        """Process all open contents; yield None for each one done, else its temporary error."""
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                yield from side_by_side(pool, self._try, self._plan.contents(), 2 * THREADS)
            finally:
                pool.shutdown(cancel_futures=True)

    def _try(self, content: Content) -> AvenueError | None:
        """Import one content or refuse it; return a temporary error if there is one."""
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
        with copied(self._tree, content, self._tmp_dir) as incoming:
            for reference in self._plan.references_of(content):
                home = self._adopt(reference, content, incoming) or home
            for path in self._open_paths(content):
                if home is None:
                    home = self._keep(path, incoming)
                else:
                    self._targets.legacy_urls.put(self._site, path, home.id)
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

    def _adopt(self, reference: Reference, content: Content, incoming: Copy) -> Asset | None:
        """Give an owner the picture it names; return None if it no longer names it."""
        is_first = self._standing(reference.path, content) is None
        answers = [reference.path] if is_first else []
        kept = self._storer.adopt(reference, incoming(), answers)
        if kept is None:
            return None
        self._plan.settle_reference(reference)
        if self._plan.outcome_of(reference.path) is None:
            self._plan.settle(reference.path, Outcome.STORED if kept.is_new else Outcome.DUPLICATE)
        return kept.asset

    def _keep(self, path: str, incoming: Copy) -> Asset:
        """Store a file for the destination's owner."""
        kept = self._storer.keep(incoming(), [path])
        self._plan.settle(path, Outcome.STORED if kept.is_new else Outcome.DUPLICATE)
        return kept.asset

    def _standing(self, path: str, content: Content) -> Asset | None:
        """Return the asset that `path` leads to, if it has these bytes and an owner."""
        asset = self._storer.named_by(path)
        if asset is None or asset.claim is None or asset.state is State.PURGING:
            return None
        return asset if asset.current.source_sha256 == content.sha256 else None


@contextmanager
def copied(tree: Tree, content: Content, tmp_dir: Path) -> Iterator[Copy]:
    """Yield a function that copies a file of `tree` into `tmp_dir` at its first call.

    It raises `FileChanged` if the bytes are not those read before, `UnreadableFile`,
    `DamagedEntry` or `SpoolUnavailable`.
    """

    def check_bytes(length: int) -> None:
        if length > content.length:
            raise FileChanged

    with ExitStack() as spools:

        @cache
        def incoming() -> SpooledFile:
            blocks = tree.read(content.key)
            file = spools.enter_context(spooled(content.name, blocks, tmp_dir, check_bytes))
            if file.sha256 != content.sha256:
                raise FileChanged
            return file

        yield incoming
