"""Requests for imports and exports of sites, and the kinds of their jobs."""

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
"""The argument with the address of an earlier database, as `sealing` stores it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Import an earlier application's database: `uri`, `map` is the text of a map file.

    `files` is its old upload folder, `hosts` are its host names besides local ones. `is_dry`
    changes nothing, `follows` continues with later changes until it is cancelled.
    """

    uri: str = field(repr=False)
    map: str = ""
    files: str = ""
    hosts: tuple[str, ...] = ()
    is_dry: bool = False
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bring:
    """Import another service, a list of URLs, a folder or a ZIP, as `kind`.

    Without `kind` it is an export of Avenue. `prefix` is the path at which a folder was served.
    """

    place: str
    kind: Kind | None
    prefix: str = "/uploads"
    hosts: tuple[str, ...] = ()
    is_public: bool = False
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    """Export a site to `target`: only `parts` of it, with private files if `has_private`."""

    target: str
    parts: frozenset[Part] = frozenset(Part)
    has_private: bool = False
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A running or finished move: its source or target, without secrets, and its report so far.

    `report` is the result of its last pass, or None. `can_start`: it was a dry run, or is over, and
    may be started with the same arguments. `needs_command`: it only continues while its command
    runs, on the machine with the folder.
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
    """Return the move of a job of `MOVES`."""
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
