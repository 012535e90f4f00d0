"""What people ask for when they move in or out, and the kinds of job it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from avenue.export.models import Part
from avenue.jobs.models import WITH_COMMAND, Job
from avenue.media.references import IMPORT_EXTERNAL
from avenue.migration.models import Kind

ADOPT = "adopt"
IMPORT_FROM = "import_from"
IMPORT_FOLDER = "import_folder"
IMPORT_EXPORT = "import_export"
EXPORT = "export"
MOVES = (ADOPT, IMPORT_FROM, IMPORT_FOLDER, IMPORT_EXPORT, IMPORT_EXTERNAL, EXPORT)
SEALED = "sealed"
"""The argument that has the address of an earlier database, as `sealing` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Bring an earlier application's database in: `uri`, `map` the text of a map file.

    `files` is its old upload folder, `hosts` are the names it was reached by besides local ones.
    `is_dry` changes nothing, `follows` goes on until somebody ends it.
    """

    uri: str = field(repr=False)
    map: str = ""
    files: str = ""
    hosts: tuple[str, ...] = ()
    is_dry: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bring:
    """Bring in what another service, a list of URLs, a folder or a ZIP has, as `kind`.

    Without one, what `export` has written. `prefix` is where a folder was served.
    """

    place: str
    kind: Kind | None
    prefix: str = "/uploads"
    hosts: tuple[str, ...] = ()
    is_public: bool = False
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    """Take a site out to `target`: only `parts` of it, private files as well if `has_private`."""

    target: str
    parts: frozenset[Part] = frozenset(Part)
    has_private: bool = False
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One that runs or is over: what from or where to, without secrets, and what it tells so far.

    `report` is what the last pass of it did, or None. `can_start`: it changed nothing, or is over,
    and may be begun in earnest with the same arguments. `needs_command`: it goes on only while its
    command runs, where its folder is.
    """

    job: Job
    where: str
    is_dry: bool
    follows: bool
    report: Mapping[str, Any] | None
    behind_seconds: float | None
    can_start: bool
    needs_command: bool


def move_of(job: Job) -> Move:
    """Return what a job of `MOVES` is."""
    cursor = job.cursor if isinstance(job.cursor, Mapping) else {}
    is_dry = bool(job.args.get("is_dry"))
    needs_command = job.place == WITH_COMMAND
    return Move(
        job=job,
        where=str(job.args.get("where", "")),
        is_dry=is_dry,
        follows=bool(job.args.get("follows")),
        report=job.result or cursor.get("report"),
        behind_seconds=cursor.get("behind_seconds"),
        can_start=job.is_finished and job.kind != IMPORT_EXTERNAL and not needs_command,
        needs_command=needs_command,
    )
