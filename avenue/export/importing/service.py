"""Imports an export into a site: groups, products, their pictures, other files, pages.

Files are imported by `avenue.migration.sources`. Every step is repeatable: a product is imported in
the transaction that stores its outcome, and names each of its pictures below `WAITING` until the
picture replaces that; the outcome of a file or page is stored once it is imported. So a run that
was killed is completed by the next one, and a third one finds nothing to do.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from avenue.audit.service import AuditService
from avenue.builder.content.references import REFERENCE, SCHEME
from avenue.errors import AvenueError, StorageFull, Unavailable, filled
from avenue.export.errors import FileDiffers, LostFile, MalformedLine, NewerExport, NoExport
from avenue.export.importing.lines import (
    LINES,
    LONGEST_LINE,
    FileLine,
    GroupLine,
    KindLine,
    PageLine,
    ProductLine,
    TextsEntry,
    lines_in,
)
from avenue.export.importing.places import Place
from avenue.export.importing.source import WAITING, Origin
from avenue.export.importing.tables import Pass
from avenue.export.models import FORMAT, HEADER, MANIFEST
from avenue.field_problems import problems_of
from avenue.identity import Actor
from avenue.media.categories import UPLOAD
from avenue.media.intake.library import MediaLibrary
from avenue.media.intake.models import UploadResult
from avenue.media.models import Asset, Claim, External, State
from avenue.migration.adopt.errors import BadField, ChangedHere
from avenue.migration.adopt.models import Adopted, Became, Catalogue, Website
from avenue.migration.adopt.service import with_retries
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.models import PAGE, Outcome, PictureOwners, Problem
from avenue.migration.sources.errors import SourceGone
from avenue.migration.sources.plan import EntryPlan
from avenue.migration.sources.service import Look, SourceImport, go_on
from avenue.shop.errors import GroupNotFound
from avenue.shop.fields import ImageUrl
from avenue.shop.models import GROUP, PRODUCT, Option

LARGEST_HEADER = 64 * 1024
THREADS = 8
AT_ONCE = 100
RECORDS = {GROUP: "groups", PRODUCT: "products", PAGE: "pages"}
FILE_PASSES = (Pass.PICTURES, Pass.MEDIA, Pass.PRIVATE_UPLOADS, Pass.PUBLIC_UPLOADS)
PASSES = {"product": Pass.PICTURES, "group": Pass.PICTURES, "library": Pass.MEDIA}
TOO_LONG = f"it has more than {LONGEST_LINE} bytes."
NAMED_TWICE = "another line has the same id."

IMAGE_URL: TypeAdapter[str] = TypeAdapter(ImageUrl)
LONGEST_TOLD = 200

Record = GroupLine | ProductLine | PageLine
L = TypeVar("L", GroupLine, ProductLine, PageLine)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportImportTargets:
    """The services and stores that an import writes to."""

    catalogue: Catalogue
    website: Website
    owners: PictureOwners
    library: MediaLibrary
    adopted: AdoptedStore
    audit: AuditService


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesImport:
    """The import of the files of one pass, and its tables."""

    work: SourceImport
    plan: EntryPlan


class ExportImport:
    """Imports an export into a site: `read` first, then `preview` or `bring`.

    The three work while they are iterated, a step at a time. `counts` has the outcomes of the
    records by kind.
    """

    def __init__(
        self,
        actor: Actor,
        origin: Origin,
        targets: ExportImportTargets,
        files: Mapping[Pass, FilesImport],
    ) -> None:
        self._actor = actor
        self._site = actor.site.id
        self._origin = origin
        self._tables = origin.tables
        self._targets = targets
        self._files = files
        self.counts: dict[str, Counter[str]] = {each: Counter() for each in RECORDS.values()}

    def read(self) -> Iterator[None]:
        """Read the manifest line by line; invalid lines are refused.

        Raise `NoExport` if there is none, or why it cannot be read.
        """
        try:
            for number, line in enumerate(lines_in(self._origin.place.read(MANIFEST)), start=1):
                self._note(number, line)
                yield
        except SourceGone:
            raise NoExport(place=self._origin.place.address) from None

    def preview(self, look: Look = go_on) -> Iterator[None]:
        """Count what `bring` would do, as far as possible without storing anything."""
        for kind, record in self._records():
            is_known = self._before(_key(kind, record.id)) is not None
            self._count(kind, Became.UNCHANGED if is_known else Became.CREATED)
            yield
        for each in self._files.values():
            yield from each.work.read(look)
            yield from each.work.preview()

    def bring(self, look: Look = go_on) -> Iterator[None]:
        """Import what is new or changed.

        Raise `StorageFull`, or `Unavailable` if the database or the place stays unreachable; then
        run it again. `look` is as in `SourceImport.read`.
        """
        try:
            yield from self._brought_owners(Pass.GROUPS, GroupLine, self._bring_group)
            yield from self._brought_owners(Pass.PRODUCTS, ProductLine, self._bring_product)
            self._note_waiting()
            for each in self._files.values():
                for _ in each.work.read(look):
                    pass
                yield from each.work.bring(look)
            for is_translation in (False, True):  # a translation needs its page
                for _, line in self._tables.lines(Pass.PAGES):
                    page = PageLine.model_validate_json(line)
                    if page.is_translation is is_translation:
                        self._bring_one(page, self._bring_page)
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

    # Reading the manifest

    def _note(self, number: int, line: bytes | None) -> None:
        try:
            if line is None:
                raise MalformedLine(TOO_LONG)  # noqa: TRY301
            if line.strip():
                self._note_line(number, line)
        except ValidationError as error:
            field, problem, words = problems_of(error)[0]
            said = filled(problem, words)
            self._refuse_line(number, MalformedLine(f"{field}: {said}" if field else said))
        except MalformedLine as error:
            self._refuse_line(number, error)

    def _note_line(self, number: int, line: bytes) -> None:
        kind = KindLine.model_validate_json(line).kind
        if kind not in LINES:
            return  # of a newer version
        read = LINES[kind].model_validate_json(line)
        if not self._tables.add(number, kind, _pass_of(read), read.id, read.model_dump_json()):
            raise MalformedLine(NAMED_TWICE)

    def _refuse_line(self, number: int, error: AvenueError) -> None:
        self._refuse(f"{MANIFEST}:{number}", error)

    def _refuse(self, what: str, error: AvenueError) -> None:
        self._tables.refuse(Problem(path=what, code=error.code, message=error.message))

    def _records(self) -> Iterator[tuple[str, Record]]:
        for _, line in self._tables.lines(Pass.GROUPS):
            yield GROUP, GroupLine.model_validate_json(line)
        for _, line in self._tables.lines(Pass.PRODUCTS):
            yield PRODUCT, ProductLine.model_validate_json(line)
        for _, line in self._tables.lines(Pass.PAGES):
            yield PAGE, PageLine.model_validate_json(line)

    # Groups and products

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
            became, before = Became.UNCHANGED, self._before(_key(kind, record.id))
            if before is None or not before.is_whole:
                became = with_retries(lambda: bring(record))
        except (StorageFull, Unavailable):
            raise
        except AvenueError as error:
            self._refuse(f"{kind} {record.id}", error)
            became = Became.REFUSED
        self._count(kind, became)

    def _bring_group(self, line: GroupLine) -> Became:
        options = tuple(
            Option(name=each.name, images=tuple(map(self._key_of, each.images)))
            for each in line.options
        )
        fields = {
            "name": line.name,
            "model": line.model,
            "options": options,
            "created_at": line.created_at,
        }
        return self._put(GROUP, line, fields)

    def _bring_product(self, line: ProductLine) -> Became:
        fields = line.model_dump(exclude={"id", "images", "group"}, exclude_none=True)
        if line.group is None:
            return self._put(PRODUCT, line, fields)
        try:
            return self._put(
                PRODUCT, line, {**fields, "group": self._origin.id_of(GROUP, line.group)}
            )
        except GroupNotFound as error:
            self._refuse(f"group of {PRODUCT} {line.id}", error)
            return self._put(PRODUCT, line, fields)

    def _put(self, kind: str, line: GroupLine | ProductLine, fields: Mapping[str, Any]) -> Became:
        """Store a product or group, with placeholders for its pictures."""
        own_id = self._origin.id_of(kind, line.id)
        images = list(self._images(kind, line))
        is_new = self._targets.catalogue.put(
            self._actor,
            Claim(kind=kind, id=own_id),
            fields,
            images,
            UploadResult(received=[]),
            seen=None,
            note=lambda session, revision: self._targets.adopted.put(
                self._site, self._remembered(kind, line.id, own_id, revision), session
            ),
        )
        return Became.CREATED if is_new else Became.UNCHANGED

    def _images(self, kind: str, line: GroupLine | ProductLine) -> Iterator[External]:
        """Yield the pictures of a product; an invalid URL is reported and left out."""
        for each in line.images:
            if each.asset:
                if self._tables.has_file(each.asset):
                    yield External(url=self._key_of(each.asset))
            elif each.url:
                try:
                    yield External(url=IMAGE_URL.validate_python(each.url))
                except ValidationError as error:
                    _, problem, words = problems_of(error)[0]
                    what = f"{kind} {line.id} {each.url[:LONGEST_TOLD]}"
                    self._refuse(what, BadField("images", filled(problem, words)))

    def _key_of(self, key: str) -> str:
        """Return the placeholder key of a picture until it is imported: its id in the export."""
        return WAITING + key if self._tables.has_file(key) else key

    def _note_waiting(self) -> None:
        """Record which pictures products and groups wait for."""
        last: Claim | None = None
        while found := self._targets.owners.external_after(self._site, last):
            for claim, url in found:
                if url.startswith(WAITING):
                    self._tables.wait(claim.id, url)
            last = found[-1][0]

    # Pages

    def _bring_page(self, line: PageLine) -> Became:
        """Import a page, again if missing files have been imported, unless it was changed since."""
        self._check_file(line)
        before = self._before(_key(PAGE, line.id))
        lost: dict[str, None] = {}
        draft = self._texts(line.draft, lost)
        page_id = self._origin.id_of(PAGE, line.id)
        published = line.published and self._texts(line.published, lost)

        for each in lost:
            self._refuse(f"{line.path} {each}", LostFile(each))
        mark = hashlib.sha256(" ".join(sorted(lost)).encode()).hexdigest() if lost else ""
        if before and before.print == mark:
            return Became.UNCHANGED

        put = partial(self._targets.website.put, self._actor, page_id)
        first = {**(published or draft), **({"slug": line.slug} if line.slug else {})}
        seen = before.revision if before else None
        revision = put(first, is_published=published is not None, seen=seen)
        if revision is None:
            raise ChangedHere
        if published and published != draft:
            revision = put(draft, is_published=None, seen=None) or revision
        remembered = self._remembered(PAGE, line.id, page_id, revision)
        remembered = replace(remembered, print=mark, is_whole=not lost)
        self._targets.adopted.put(self._site, remembered)
        return Became.UPDATED if before else Became.CREATED

    def _check_file(self, line: PageLine) -> None:
        digest = hashlib.sha256()
        for block in self._origin.place.read(line.path):
            digest.update(block)
        if digest.hexdigest() != line.sha256:
            raise FileDiffers

    def _texts(self, texts: TextsEntry, lost: dict[str, None]) -> dict[str, Any]:
        """Return the texts of a page, with the ids of files replaced by those here."""

        def here(own_id: str) -> str | None:
            asset = self._asset(own_id)
            if asset is None:
                lost[own_id] = None
            return asset.id if asset else None

        def named(text: str) -> str:
            return REFERENCE.sub(
                lambda found: (
                    f"{SCHEME}{here(found['asset']) or found['asset']}/{found['variant']}"
                ),
                text,
            )

        original = texts.translation_of and self._before(_key(PAGE, texts.translation_of))
        seo = texts.seo.model_dump()
        if texts.seo.image:
            seo["image"] = here(texts.seo.image)
        fields = texts.model_dump(exclude={"seo", "html", "css"})
        fields["title"] = texts.title.strip() or PAGE
        fields["translation_of"] = original.target if original else None
        return {**fields, "html": named(texts.html), "css": named(texts.css), "seo": seo}

    def _asset(self, own_id: str) -> Asset | None:
        """Return the live imported file with this id in the export, or None."""
        known = self._before(own_id)
        found = self._targets.library.get_many(self._actor, [known.target if known else own_id])
        return next((each for each in found.values() if each.state is State.LIVE), None)

    # Stored outcomes and counts

    def _before(self, key: str) -> Adopted | None:
        return self._targets.adopted.get(self._site, self._origin.name, key)

    def _remembered(self, kind: str, own_id: str, target: str, revision: int) -> Adopted:
        return Adopted(
            collection=self._origin.name,
            key=_key(kind, own_id),
            kind=kind,
            keys=(own_id,),
            target=target,
            print="",
            revision=revision,
            is_whole=True,
        )

    def _count(self, kind: str, became: Became) -> None:
        self.counts[RECORDS[kind]][became] += 1

    def _write_down(self) -> None:
        """Write an audit entry if any record was imported; files have their own."""
        created = {name: counts[Became.CREATED] for name, counts in self.counts.items()}
        if any(created.values()):
            self._targets.audit.record_command(
                self._site, "import", "source.imported", self._origin.name, details=created
            )


def name_of(place: Place) -> str:
    """Return the name under which the outcomes of an export are stored.

    Raise `NoExport`, `NewerExport`, or why it cannot be read.
    """
    data = b""
    try:
        for block in place.read(HEADER):
            data += block
            if len(data) > LARGEST_HEADER:
                raise NoExport(place=place.address)
        header = json.loads(data)
        number, site_id = header["format"], header["site"]
    except (SourceGone, ValueError, TypeError, KeyError, RecursionError):
        raise NoExport(place=place.address) from None
    if not isinstance(number, int) or not isinstance(site_id, str):
        raise NoExport(place=place.address)
    if number > FORMAT:
        raise NewerExport
    return f"export:{site_id[:64]}"


def _key(kind: str, own_id: str) -> str:
    """Return the key of a record's outcome; that of a file is its id alone."""
    return f"{kind} {own_id}"


def _kind_of(record: Record) -> str:
    if isinstance(record, PageLine):
        return PAGE
    return GROUP if isinstance(record, GroupLine) else PRODUCT


def _pass_of(line: FileLine | Record) -> Pass:
    if isinstance(line, GroupLine):
        return Pass.GROUPS
    if isinstance(line, ProductLine):
        return Pass.PRODUCTS
    if isinstance(line, PageLine):
        return Pass.PAGES
    if line.claim.kind != UPLOAD:
        return PASSES[line.claim.kind]
    return Pass.PUBLIC_UPLOADS if line.is_public else Pass.PRIVATE_UPLOADS
