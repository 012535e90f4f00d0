"""The files of an export, as an import source."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avenue.clock import iso, utc_now
from avenue.errors import AvenueError
from avenue.export.errors import FileDiffers
from avenue.export.importing.lines import FileLine
from avenue.export.importing.places import Place
from avenue.export.importing.tables import ExportTables, Pass
from avenue.identity import Site, derived_id
from avenue.media.categories import GENERAL, UPLOAD, category_of
from avenue.media.intake.models import Incoming
from avenue.migration.adopt.models import Adopted
from avenue.migration.adopt.store import AdoptedStore
from avenue.migration.models import Problem, Reference
from avenue.migration.sources.models import Entry, Listed
from avenue.migration.sources.spooling import spooled
from avenue.storage.collection import Session

AT_ONCE = 500
WAITING = "/avenue-export/"
"""A product names a picture below this URL until the picture is imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An export and the site to import it into.

    What earlier runs have imported is stored in `adopted`, under `name`.
    """

    name: str
    site: Site
    place: Place
    tables: ExportTables
    tmp_dir: Path
    adopted: AdoptedStore

    def id_of(self, kind: str, own_id: str) -> str:
        """Return the id of a record of the export here; the same whenever it is imported."""
        return derived_id(self.site.id, kind, self.name, own_id)

    def refuse(self, what: str, error: AvenueError) -> None:
        """Record something of the export as refused."""
        self.tables.refuse(Problem(path=what, code=error.code, message=error.message))

    def before(self, key: str) -> Adopted | None:
        """Return the stored outcome of a record, by `key_of` or the id of a file."""
        return self.adopted.get(self.site.id, self.name, key)

    def store(self, outcome: Adopted, session: Session | None = None) -> None:
        """Store an outcome, in that transaction if one is given."""
        self.adopted.put(self.site.id, outcome, session)

    def remembered(self, kind: str, own_id: str, target: str, revision: int) -> Adopted:
        """Return the outcome of an imported record, to be stored."""
        return Adopted(
            collection=self.name,
            key=key_of(kind, own_id),
            kind=kind,
            keys=(own_id,),
            target=target,
            print="",
            revision=revision,
            is_whole=True,
        )


def key_of(kind: str, own_id: str) -> str:
    """Return the key of a record's outcome; that of a file is its id alone."""
    return f"{kind} {own_id}"


class ExportFiles:
    """See `Source`: the files of one pass."""

    entries_per_hour = None
    hosts: Sequence[str] = ()

    def __init__(self, origin: Origin, part: Pass) -> None:
        self._origin = origin
        self._part = part

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._origin.name

    def page(self, cursor: str | None) -> Listed:
        """See `Source.page`."""
        found = list(islice(self._origin.tables.lines(self._part, int(cursor or 0)), AT_ONCE))
        return Listed(
            entries=[self._entry(FileLine.model_validate_json(line)) for _, line in found],
            cursor=str(found[-1][0]) if found else None,
        )

    @contextmanager
    def opened(self, entry: Entry, *, max_bytes: int) -> Iterator[Incoming]:
        """See `Source.opened`; raise also `FileDiffers`."""
        blocks = self._origin.place.read(entry.open_with["path"])
        with spooled(blocks, entry.name, self._origin.tmp_dir, max_bytes=max_bytes) as file:
            if file.sha256 != entry.version:
                raise FileDiffers
            yield file

    def _entry(self, line: FileLine) -> Entry:
        return Entry(
            key=line.id,
            name=line.name,
            version=line.sha256,
            length=line.bytes,
            addresses=tuple(map(quote, line.old_urls)),
            is_public=line.is_public,
            folder=tuple(line.folder),
            named_by=self._named_by(line),
            facts=self._facts(line),
            open_with={"path": line.path},
        )

    def _named_by(self, line: FileLine) -> tuple[Reference, ...]:
        """Return the product or group that waits for a picture, or has it already."""
        if self._part is not Pass.PICTURES:
            return ()
        owner = self._origin.id_of(line.claim.kind, line.claim.id)
        address = WAITING + line.id
        if not self._origin.tables.waits(owner, address):
            return ()
        return (Reference(kind=line.claim.kind, id=owner, address=address, path=address),)

    def _facts(self, line: FileLine) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "alt": line.alt,
            "decorative": line.decorative,
            "focal": line.focal,
            "tags": line.tags,
            "created_at": iso(line.created_at),
        }
        if line.claim.kind == UPLOAD:
            facts |= {"category": line.category or GENERAL, "reference": line.reference}
            facts["hold"] = line.hold
            category = category_of(self._origin.site, line.category or GENERAL)
            if category and category.retention_days is not None:
                ends_at = utc_now() + timedelta(days=category.retention_days)
                facts["expires_at"] = iso(ends_at)
        return facts
