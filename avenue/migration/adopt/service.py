"""Imports an earlier application's database into a site: users, groups, products, pages, pictures.

Nothing is written to the source. Every step is repeatable: a record and its pictures are imported
in one transaction, together with what is stored about it (`Adopted`), so a run that was killed is
completed by the next one, and a third one finds nothing to do.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.migration.adopt.context import AdoptionContext
from avenue.migration.adopt.errors import NothingToAdopt
from avenue.migration.adopt.inventory import Inventory
from avenue.migration.adopt.models import LEFT_ALONE, Became, Holds, Recognised
from avenue.migration.adopt.owners import AdoptedOwners
from avenue.migration.adopt.pages import AdoptedPages
from avenue.migration.adopt.people import AdoptedPeople
from avenue.migration.adopt.recognising import Recogniser
from avenue.migration.adopt.unnamed import Unnamed
from avenue.migration.threads import side_by_side
from avenue.storage.earlier import Changes, EarlierDatabase, Record
from avenue.storage.idempotency import UploadInProgress

T = TypeVar("T")
Records = Iterable[tuple[Record, str]]

THREADS = 8
"""Most of the time is spent waiting for a journaled majority (docs/long-runs.md)."""
PATIENCE_SECONDS = 120
"""After so long without success the database counts as unreachable."""
PAUSE_SECONDS = 1.0
SIDE_BY_SIDE = frozenset({"products", "groups", "unnamed"})
KINDS = ("people", "groups", "products", "pages")
"""In the order of their dependencies."""


class Adoption:
    """Imports an earlier database into a site: `read` first, then `preview` or `bring`.

    The three work while they are iterated, a step at a time.
    """

    def __init__(self, source: EarlierDatabase, context: AdoptionContext) -> None:
        self._source = source
        self._context = context
        self._recogniser = Recogniser(source, context)
        self._people = AdoptedPeople(context)
        self._owners = AdoptedOwners(context)
        self._pages = AdoptedPages(context)
        self._unnamed = Unnamed(context)
        self.recognised: list[Recognised] = []

    @property
    def source_name(self) -> str:
        """The name of the earlier database."""
        return self._source.name

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """The numbers of records by kind and outcome."""
        return self._context.counts

    @property
    def inventory(self) -> Inventory:
        """The findings and the refusals."""
        return self._context.inventory

    def changes(self) -> AbstractContextManager[Changes]:
        """Return a context that reports changes in the earlier database, for repeated imports."""
        return self._source.changes()

    def read(self) -> Iterator[None]:
        """Recognise the collections, and index every picture and group by name; repeatable.

        Raise `NothingToAdopt`. Bytes are not read.
        """
        self._context.clear()
        self.recognised = list(self._recogniser.recognise())
        if all(each.holds in LEFT_ALONE for each in self.recognised):
            known = ", ".join(each.name for each in self.recognised)
            raise NothingToAdopt(
                words={"name": self._source.name, "collections": known or "it is empty"}
            )
        for each in self.recognised:
            yield from self._recogniser.note(each)

    def preview(self) -> Iterator[None]:
        """Determine what `bring` would do, as far as possible without storing anything."""
        looks: dict[str, Callable[[str, Record], None]] = {
            "people": self._people.preview,
            "groups": partial(self._owners.preview, Holds.GROUPS),
            "products": partial(self._owners.preview, Holds.PRODUCTS),
            "pages": self._pages.preview,
        }
        for kind in KINDS:
            for record, collection in self._records(kind):
                self._previewed(kind, looks[kind], collection, record)
                yield
        for record, collection in self._unnamed.records(self.recognised):
            self._previewed("unnamed", self._unnamed.preview, collection, record)

    def bring(self) -> Iterator[None]:
        """Import what is new or changed; a step for each record.

        Raise `StorageFull`, `SourceAway`, or `Unavailable` if the database stays unreachable; then
        run it again.
        """
        works: dict[str, Callable[[str, Record], Became]] = {
            "people": self._people.bring,
            "groups": partial(self._owners.bring, Holds.GROUPS),
            "products": partial(self._owners.bring, Holds.PRODUCTS),
            "pages": self._pages.bring,
        }
        try:
            for kind in KINDS:
                yield from self._brought(kind, works[kind], self._records(kind))
            rest = self._unnamed.records(self.recognised)
            yield from self._brought("unnamed", self._unnamed.bring, rest)
        finally:
            self._write_down()

    def _records(self, kind: str) -> Iterator[tuple[Record, str]]:
        for each in self.recognised:
            if each.holds is Holds(kind):
                for record in self._source.records(each.name):
                    yield record, each.name

    def _brought(
        self, kind: str, one: Callable[[str, Record], Became], records: Records
    ) -> Iterator[None]:
        """Import records, several at once; an error about a record is reported for that record."""
        with ThreadPoolExecutor(THREADS if kind in SIDE_BY_SIDE else 1) as threads:
            try:
                work = partial(self._one, kind, one)
                for _ in side_by_side(threads, work, records, THREADS + 1):
                    yield
            finally:
                threads.shutdown(cancel_futures=True)

    def _one(
        self, kind: str, one: Callable[[str, Record], Became], each: tuple[Record, str]
    ) -> None:
        record, collection = each

        def work() -> Became:
            self._context.begin()
            return one(collection, record)

        try:
            became = with_retries(work)
        except (StorageFull, Unavailable):
            raise
        except AvenueError as error:
            self._context.refuse(collection, record.key, error)
            became = Became.REFUSED
        self._context.end(kind, became)

    def _previewed(
        self, kind: str, look: Callable[[str, Record], None], collection: str, record: Record
    ) -> None:
        self._context.begin()
        is_known = self._context.before(collection, record.key) is not None
        # Whether a known one changed is only known when its pictures are read.
        became = "known" if is_known else Became.CREATED.value
        try:
            look(collection, record)
        except AvenueError as error:
            self._context.refuse(collection, record.key, error)
            became = Became.REFUSED.value
        self._context.end(kind, became)

    def _write_down(self) -> None:
        """Write one entry to the audit log, if anything was changed."""
        changed = {
            kind: counts[Became.CREATED] + counts[Became.UPDATED]
            for kind, counts in self.counts.items()
        }
        changed["pictures"] = self.counts["pictures"]["stored"]
        if any(changed.values()):
            self._context.places.audit.record_command(
                self._context.site, "adopt", "database.adopted", self._source.name, details=changed
            )


def with_retries(work: Callable[[], T]) -> T:
    """Run `work`, again after temporary errors; raise them if they last."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (Unavailable, UploadInProgress):
            if time.monotonic() > ends_at:
                raise
            time.sleep(PAUSE_SECONDS)
