"""Imports from a source: list, plan, copy, rewrite references, register old addresses.

Every step is repeatable. The outcome of an entry is stored by the source, its key and its version,
once it is imported; so a run that was killed is completed by the next one, and a third one finds
nothing to do.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from avenue.bodies import LONGEST_ALT
from avenue.builder.library.folders.moving import MovedFolders
from avenue.builder.library.models import LONGEST_TAG, MOST_TAGS
from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.identity import Actor
from avenue.media.intake.models import Incoming
from avenue.media.models import Asset, State, Visibility
from avenue.media.old_urls import legacy_path
from avenue.media.urls import is_own_path
from avenue.migration.addresses import OldAddresses
from avenue.migration.adopt.models import Adopted
from avenue.migration.models import Destination, Outcome, Problem
from avenue.migration.page_addresses import PageAddresses
from avenue.migration.sources.errors import CursorGone, MalformedEntry, SourceUnclear, WouldBePublic
from avenue.migration.sources.models import Entry, Listed, Source
from avenue.migration.sources.plan import EntryPlan
from avenue.migration.sources.retrying import Retries, result
from avenue.migration.storing import FileStorer, ImportTargets, Kept, is_kept
from avenue.migration.threads import side_by_side

Look = Callable[[], None]
THREADS = 4
"""So no host gets more than four requests at once."""
LISTED_ANEW = 3
DESCRIBES = frozenset({"alt", "decorative", "focal", "tags"})
"""Fields that people set, and that are only imported if empty."""
SAME_ADDRESS = "Another file of the source has the same address; one of them answers."
NO_ADDRESS = "No address can hold this name."
OWN_ADDRESS = "Avenue itself answers at this address."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of an import.

    `is_public`: files are public if the source does not say. `answers` returns whether an old path
    can lead to a file. `is_external`: the source knows the referrers of its files, so no others are
    searched for, and a file that none of them names any more is not stored. Without `addresses`
    pages are not changed. `has_twins`: two entries with the same bytes become two files.
    """

    destination: Destination
    addresses: OldAddresses | None
    is_public: bool
    answers: Callable[[str], bool]
    is_external: bool = False
    has_twins: bool = False


def go_on() -> None:
    """Do nothing: never end the import."""


class SourceImport:
    """Imports a source into a site: `read` first, then `preview` or `bring`.

    The three work while they are iterated, a step at a time; results are in `plan`.
    """

    def __init__(
        self,
        actor: Actor,
        source: Source,
        wanted: Wanted,
        targets: ImportTargets,
        folders: MovedFolders,
        plan: EntryPlan,
    ) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._source = source
        self._wanted = wanted
        self._targets = targets
        self._folders = folders
        self.plan = plan
        self._retries = Retries()
        self._storer = FileStorer(actor, wanted.destination, targets)
        self._pages = wanted.addresses and PageAddresses(
            self._site,
            targets.pages,
            wanted.addresses,
            self._brought_from if wanted.is_external else self._storer.answering,
        )
        self._folder_ids: dict[tuple[str, ...], str | None] = {}
        self._making_folders = threading.Lock()

    def read(self, look: Look = go_on) -> Iterator[None]:
        """List the source, and find the references; nothing is copied. A step for each page.

        Raise why the source cannot be listed, and what `look` raises: it is called every second
        of a step.
        """
        for listed in self._listed(look):
            for each in listed.entries:
                self._add(each)
            for text in listed.malformed:
                self._refuse(text, MalformedEntry())
            yield
        if self._wanted.is_external or not (self._pages and self._wanted.addresses):
            return
        self._wanted.addresses.add_hosts(self._source.hosts)
        if self._wanted.destination.adopts:
            addresses = self._wanted.addresses
            for reference in self._targets.references_of_owners(self._site, addresses):
                self.plan.note(reference)
        for reference in self._pages.references():
            self.plan.note(reference)

    def preview(self) -> Iterator[None]:
        """Settle what is imported already; what would be copied stays open."""
        for entry in self.plan.entries():
            if self._is_refused(entry) or self._is_unchanged(entry):
                continue
            yield

    def bring(self, look: Look = go_on) -> Iterator[None]:
        """Copy new files, and rewrite the references to them; a step for each entry.

        Raise `StorageFull`, or `Unavailable` if the database stays unreachable; then run it again.
        `look` is as in `read`.
        """
        try:
            yield from self._copied(look)
            for reference in self._pages.rewrite() if self._pages else ():
                self.plan.settle_reference(reference)
        finally:
            name = self._source.name
            self._targets.write_down(self._site, "source.imported", name, self.plan)

    def _listed(self, look: Look) -> Iterator[Listed]:
        """Yield the pages of the list; again from its start if the source rejects the cursor."""
        with self._retries.threads(1) as threads:
            for _ in range(LISTED_ANEW):
                try:
                    cursor: str | None = None
                    while True:
                        listed = result(
                            threads.submit(self._retries.run, partial(self._page, cursor)), look
                        )
                        yield listed
                        cursor = listed.cursor
                        if cursor is None:
                            return
                except CursorGone:
                    continue
        raise SourceUnclear

    def _page(self, cursor: str | None) -> Listed:
        try:
            return self._source.page(cursor)
        except (KeyError, TypeError, AttributeError):
            raise SourceUnclear from None

    def _add(self, entry: Entry) -> None:
        paths = []
        for address in entry.addresses:
            path = legacy_path(address)
            if path is None:
                self._silence(entry, "unsafe_name", NO_ADDRESS)
            elif is_own_path(path) or not self._wanted.answers(path):
                self._silence(entry, "own_address", OWN_ADDRESS)
            else:
                paths.append(path)
        if not self.plan.add(entry, tuple(paths)):
            self._silence(entry, "same_address", SAME_ADDRESS)

    def _copied(self, look: Look) -> Iterator[None]:
        with self._retries.threads(THREADS) as threads:
            wait = partial(result, look=look)
            for _ in side_by_side(threads, self._one, self.plan.entries(), 2 * THREADS, wait):
                yield

    def _one(self, entry: Entry) -> None:
        try:
            if not self._is_refused(entry) and not self._is_unchanged(entry):
                self._retries.run(partial(self._bring, entry))
        except (StorageFull, Unavailable):
            raise
        except AvenueError as error:
            self._refuse(entry.key, error)
            self.plan.settle(entry, Outcome.REFUSED)

    def _bring(self, entry: Entry) -> None:
        policy = self._wanted.destination.policy
        with self._source.opened(entry, max_bytes=policy.max_bytes) as file:
            policy.check_file(file.file)
            kept = self._keep(entry, file)
        if kept is None:
            self.plan.settle(entry, Outcome.UNCHANGED)
            return
        self.plan.settle(entry, Outcome.STORED if kept.is_new else Outcome.DUPLICATE)

    def _note(self, entry: Entry, asset: Asset) -> None:
        """Set the fields of an imported entry's asset, and store the outcome; repeatable."""
        self._describe(entry, asset)
        self._targets.adopted.put(
            self._site,
            Adopted(
                collection=self._source.name,
                key=entry.key,
                kind="file",
                keys=(),
                target=asset.id,
                print=entry.version,
                revision=0,
                is_whole=True,
            ),
        )

    def _brought_from(self, url: str) -> Asset | None:
        """Return the live asset that was imported from a URL."""
        known = self._targets.adopted.get(self._site, self._source.name, url)
        asset = self._storer.asset(known.target) if known else None
        return asset if is_kept(asset) else None

    def _keep(self, entry: Entry, file: Incoming) -> Kept | None:
        """Store a file for its referrers, else for the destination's owner; store the outcome.

        The outcome is that for the first referrer. Return None if it is only for referrers, and
        none of them names it any more.
        """
        paths = self.plan.paths_of(entry)
        first: Kept | None = None
        for reference in self.plan.references_of(entry):
            note = self._describe if first else self._note
            kept = self._storer.adopt(reference, file, [] if first else paths, partial(note, entry))
            if kept:
                self.plan.settle_reference(reference)
                first = first or kept
        if first or (self._wanted.is_external and self._wanted.destination.adopts):
            return first
        kept = self._storer.keep(
            file,
            paths,
            folder=self._folder_of(entry),
            own_key=f"{self._source.name}/{entry.key}" if self._wanted.has_twins else None,
            facts=_as_stored(entry.facts),
        )
        self._note(entry, kept.asset)
        return kept

    def _folder_of(self, entry: Entry) -> str | None:
        if not entry.folder or not self._wanted.destination.has_folders:
            return None
        names = entry.folder
        with self._making_folders:
            if names not in self._folder_ids:
                self._folder_ids[names] = self._folders.at(self._actor, names)
            return self._folder_ids[names]

    def _describe(self, entry: Entry, asset: Asset) -> None:
        """Set alternative text and tags, where the asset has none yet."""
        alt = " ".join(entry.alt.split())[:LONGEST_ALT]
        tags = [" ".join(each.lower().split()) for each in entry.tags]
        good = [each for each in tags if 1 <= len(each) <= LONGEST_TAG and each.isprintable()]
        facts: dict[str, object] = {
            name: value for name, value in entry.facts.items() if value and name in DESCRIBES
        }
        if alt:
            facts["alt"] = {self._actor.site.language: alt}
        if good and self._wanted.destination.has_folders:
            facts["tags"] = list(dict.fromkeys(good))[:MOST_TAGS]
        if facts:
            self._targets.library_store.describe(self._site, asset.id, facts)

    def _is_refused(self, entry: Entry) -> bool:
        """Refuse an entry that would be readable by more people here, or is too large."""
        policy = self._wanted.destination.policy
        is_public = self._wanted.is_public if entry.is_public is None else entry.is_public
        try:
            if policy.visibility is Visibility.PUBLIC and not is_public:
                raise WouldBePublic
            policy.check_bytes(entry.length or 0)
        except AvenueError as error:
            self._refuse(entry.key, error)
            self.plan.settle(entry, Outcome.REFUSED)
            return True
        return False

    def _is_unchanged(self, entry: Entry) -> bool:
        """Settle an entry that is imported already, unless it has new referrers."""
        known = self._targets.adopted.get(self._site, self._source.name, entry.key)
        if known is None or known.print != entry.version:
            return False
        asset = self._storer.asset(known.target)
        if asset is None or asset.state is not State.LIVE or self.plan.references_of(entry):
            return False
        self.plan.settle(entry, Outcome.UNCHANGED)
        return True

    def _refuse(self, what: str, error: AvenueError) -> None:
        self.plan.refuse(Problem(path=what, code=error.code, message=error.message))

    def _silence(self, entry: Entry, code: str, message: str) -> None:
        self.plan.silence(Problem(path=entry.key, code=code, message=message))


def _as_stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return `facts` with times as datetimes."""
    return {
        name: datetime.fromisoformat(value) if name == "created_at" else value
        for name, value in facts.items()
    }
