"""Imports an export into a site: groups, products, their pictures, other files, pages.

Files are imported by `avenue.migration.sources`. Every step is repeatable: a product is imported in
the transaction that stores its outcome, and names each of its pictures below `WAITING` until the
picture replaces that; the outcome of a file or page is stored once it is imported. So a run that
was killed is completed by the next one, and a third one finds nothing to do.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

from avenue.errors import AvenueError, StorageFull, Unavailable
from avenue.export.importing.catalogue import CatalogueImport
from avenue.export.importing.lines import FileLine, GroupLine, PageLine, ProductLine, Record
from avenue.export.importing.manifest import read_manifest
from avenue.export.importing.pages import PageImport
from avenue.export.importing.source import Origin, key_of
from avenue.export.importing.tables import Pass
from avenue.identity import Actor
from avenue.migration.adopt.models import Became
from avenue.migration.adopt.service import with_retries
from avenue.migration.models import PAGE, Outcome, Problem
from avenue.migration.sources.service import Look, SourceImport, go_on
from avenue.migration.storing import ImportTargets
from avenue.shop.models import GROUP, PRODUCT

THREADS = 8
AT_ONCE = 100
RECORDS = {GROUP: "groups", PRODUCT: "products", PAGE: "pages"}
FILE_PASSES = (Pass.PICTURES, Pass.MEDIA, Pass.PRIVATE_UPLOADS, Pass.PUBLIC_UPLOADS)

L = TypeVar("L", GroupLine, ProductLine, PageLine)


class ExportImport:
    """Imports an export into a site: `read` first, then `preview` or `bring`.

    The three work while they are iterated, a step at a time. `counts` has the outcomes of the
    records by kind.
    """

    def __init__(
        self,
        actor: Actor,
        origin: Origin,
        targets: ImportTargets,
        files: Mapping[Pass, SourceImport],
    ) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._origin = origin
        self._tables = origin.tables
        self._targets = targets
        self._files = files
        self._catalogue = CatalogueImport(actor, origin, targets.catalogue, targets.owners)
        self._pages = PageImport(actor, origin, targets.website, targets.library)
        self.counts: dict[str, Counter[str]] = {each: Counter() for each in RECORDS.values()}
        self._counting = threading.Lock()

    def read(self) -> Iterator[None]:
        """Read the manifest line by line; invalid lines are refused.

        Raise `NoExport` if there is none, or why it cannot be read.
        """
        yield from read_manifest(self._origin)

    def preview(self, look: Look = go_on) -> Iterator[None]:
        """Count what `bring` would do, as far as possible without storing anything."""
        for kind, record in self._records():
            is_known = self._origin.before(key_of(kind, record.id)) is not None
            self._count(kind, Became.UNCHANGED if is_known else Became.CREATED)
            yield
        for each in self._files.values():
            yield from each.read(look)
            yield from each.preview()

    def bring(self, look: Look = go_on) -> Iterator[None]:
        """Import what is new or changed.

        Raise `StorageFull`, or `Unavailable` if the database or the place stays unreachable; then
        run it again. `look` is as in `SourceImport.read`.
        """
        try:
            yield from self._brought_owners(Pass.GROUPS, GroupLine, self._catalogue.bring_group)
            yield from self._brought_owners(
                Pass.PRODUCTS, ProductLine, self._catalogue.bring_product
            )
            self._catalogue.note_waiting()
            for each in self._files.values():
                for _ in each.read(look):
                    pass
                yield from each.bring(look)
            for is_translation in (False, True):  # a translation needs its page
                for _, line in self._tables.lines(Pass.PAGES):
                    page = PageLine.model_validate_json(line)
                    if page.is_translation is is_translation:
                        self._bring_one(page, self._pages.bring)
                        yield
        finally:
            self._write_down()

    @property
    def steps(self) -> int:
        """Return the approximate number of steps of `preview` and `bring`."""
        return sum(self._tables.count(each) for each in Pass)

    def count_files(self, outcome: Outcome) -> int:
        """Return the number of files with this outcome; for refused ones that of all refusals."""
        found = sum(each.plan.count(outcome) for each in self._files.values())
        return found + (self._tables.count_refused() if outcome is Outcome.REFUSED else 0)

    def refused(self) -> Iterator[Problem]:
        """Yield the refusals; files by their paths."""
        yield from self._tables.refused()
        yield from self._by_path(each.plan.refused() for each in self._files.values())

    def silent(self) -> Iterator[Problem]:
        """Yield the files with an old address that will not work."""
        yield from self._by_path(each.plan.silent() for each in self._files.values())

    def _by_path(self, found: Iterator[Iterator[Problem]]) -> Iterator[Problem]:
        for each in chain.from_iterable(found):
            line = self._tables.file_line(each.path)
            path = FileLine.model_validate_json(line).path if line else each.path
            yield Problem(path=path, code=each.code, message=each.message)

    def _records(self) -> Iterator[tuple[str, Record]]:
        for _, line in self._tables.lines(Pass.GROUPS):
            yield GROUP, GroupLine.model_validate_json(line)
        for _, line in self._tables.lines(Pass.PRODUCTS):
            yield PRODUCT, ProductLine.model_validate_json(line)
        for _, line in self._tables.lines(Pass.PAGES):
            yield PAGE, PageLine.model_validate_json(line)

    def _brought_owners(
        self, part: Pass, form: type[L], bring: Callable[[L], Became]
    ) -> Iterator[None]:
        """Import the records of a pass, several at once."""
        lines = self._tables.lines(part)
        with ThreadPoolExecutor(THREADS) as threads:
            while some := [form.model_validate_json(each) for _, each in islice(lines, AT_ONCE)]:
                for _ in threads.map(lambda each: self._bring_one(each, bring), some):
                    yield

    def _bring_one(self, record: L, bring: Callable[[L], Became]) -> None:
        """Import a record that is not imported yet; an error is reported for that record."""
        kind = _kind_of(record)
        try:
            became, before = Became.UNCHANGED, self._origin.before(key_of(kind, record.id))
            if before is None or not before.is_whole:
                became = with_retries(lambda: bring(record))
        except (StorageFull, Unavailable):
            raise
        except AvenueError as error:
            self._origin.refuse(f"{kind} {record.id}", error)
            became = Became.REFUSED
        self._count(kind, became)

    def _count(self, kind: str, became: Became) -> None:
        with self._counting:
            self.counts[RECORDS[kind]][became] += 1

    def _write_down(self) -> None:
        """Write an audit entry if any record was imported; files have their own."""
        created = {name: counts[Became.CREATED] for name, counts in self.counts.items()}
        if any(created.values()):
            self._targets.audit.record_command(
                self._site, "import", "source.imported", self._origin.name, details=created
            )


def _kind_of(record: Record) -> str:
    if isinstance(record, PageLine):
        return PAGE
    return GROUP if isinstance(record, GroupLine) else PRODUCT
