"""The command `import-pictures`: import a ZIP of pictures named after SKUs."""

import hashlib
import os
import sys
from io import BufferedReader
from typing import Any, BinaryIO, cast

import click

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.cli.context import (
    as_json,
    finished,
    local,
    of_site,
    say,
    services_of,
)
from avenue.config import Settings
from avenue.identity import Actor, command_actor
from avenue.media.intake.spool import SpooledFile
from avenue.shop.matching.models import (
    FileQuery,
    Finding,
    KeptFile,
    Outcome,
    PictureImportStanding,
    PlannedFile,
    State,
)
from avenue.shop.matching.presenting import file_json, picture_import_json
from avenue.shop.service.picture_imports import PictureImportService
from avenue.web.errors import MB, FileTooLarge

FILES_AT_ONCE = 1000


@click.command(name="import-pictures")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--dry-run", is_flag=True, help="Show which file matches which product, change nothing."
)
@of_site
@local
@as_json
def import_pictures(
    *, file: BinaryIO, dry_run: bool, site: str, is_local: bool, wants_json: bool
) -> None:
    """Import the pictures in FILE (a ZIP): SKU.jpg, SKU-2.jpg, SKU_2.jpg, SKU/1.jpg.

    Run it again after an interruption: nothing is stored twice. Exit code 1: a file matched several
    products, or a picture was refused.
    """
    with services_of(is_local=is_local) as services:
        actor = command_actor(services.sites.named(site))
        archive = _archive(file, services.settings)
        imports = services.picture_imports
        if dry_run:
            planned = imports.look(actor, archive.file)
            files = [_numbered(*each) for each in enumerate(planned, start=1)]
            say(wants_json, _plan_facts(files), _plan_text(files))
            sys.exit(1 if any(each.finding is Finding.AMBIGUOUS for each in files) else 0)
        standing = _brought(services, actor, archive)
        kept = _files(imports, actor, standing)
    facts = {**picture_import_json(standing), "files": [file_json(each) for each in kept]}
    say(wants_json, facts, _text(standing, kept))
    sys.exit(0 if _went_well(standing) else 1)


def _archive(file: BinaryIO, settings: Settings) -> SpooledFile:
    limit_bytes = settings.max_archive_mb * MB
    if not file.seekable():
        raise click.UsageError("FILE cannot be a pipe: a ZIP is read from its end.")
    length = file.seek(0, os.SEEK_END)
    if length > limit_bytes:
        raise FileTooLarge(limit_bytes)
    file.seek(0)
    digest = hashlib.file_digest(cast("BufferedReader", file), "sha256")
    name = os.path.basename(str(getattr(file, "name", "")))
    return SpooledFile(name=name, file=file, length=length, sha256=digest.hexdigest())


def _brought(services: Services, actor: Actor, archive: SpooledFile) -> PictureImportStanding:
    """Plan the import, apply it and wait until it is finished, with a progress bar on stderr."""
    imports = services.picture_imports
    standing, _ = imports.start(actor, archive, name=archive.name, key=None)
    if not standing.run.total:
        return standing
    standing = imports.apply(actor, standing.run.id)
    services.audit.record_command(
        actor.site.id, "import-pictures", "picture_import.begun", standing.run.id
    )
    if standing.run.job:
        finished(Background(services.settings, services.database), standing.run.job)
    return imports.get(actor, standing.run.id)


def _files(
    imports: PictureImportService, actor: Actor, standing: PictureImportStanding
) -> list[KeptFile]:
    found: list[KeptFile] = []
    after: int | None = 0
    while after is not None:
        query = FileQuery(finding=None, outcome=None, after=after, limit=FILES_AT_ONCE)
        page = imports.files(actor, standing.run.id, query)
        found += page.items
        after = page.next
    return found


def _numbered(number: int, planned: PlannedFile) -> KeptFile:
    return KeptFile(
        number=number,
        file=planned.file,
        finding=planned.finding,
        matched=planned.matched,
        position=planned.position,
        candidates=planned.candidates,
        reason=planned.reason,
    )


def _plan_facts(files: list[KeptFile]) -> dict[str, Any]:
    counts = {each.value: sum(file.finding is each for file in files) for each in Finding}
    return {"dry_run": True, "found": counts, "files": [file_json(each) for each in files]}


def _plan_text(files: list[KeptFile]) -> str:
    counts = _plan_facts(files)["found"]
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return "\n".join([*map(_line, files), f"Dry run, nothing changed: {told}."])


def _text(standing: PictureImportStanding, files: list[KeptFile]) -> str:
    run = standing.run
    told = ", ".join(f"{run.counts.get(each, 0)} {each.value}" for each in Outcome)
    rest = ", ".join(
        f"{run.found.get(each, 0)} {each.value}" for each in Finding if each is not Finding.MATCHED
    )
    begun = f"Failed: {standing.error}" if standing.state is State.FAILED else "Imported:"
    return "\n".join([*map(_line, files), f"{begun} {told}; {rest}."])


def _line(file: KeptFile) -> str:
    path = file.file.path
    if file.failure:
        return f"! {path}  {file.failure.said()} ({file.failure.code})"
    match file.finding:
        case Finding.MATCHED:
            sign = {Outcome.ADDED: "+", Outcome.PRESENT: "="}.get(file.outcome or Outcome.ADDED)
            return f"{sign} {path}  {file.matched.sku if file.matched else ''}"
        case Finding.AMBIGUOUS:
            return f"? {path}  ambiguous: {' or '.join(file.candidates)}"
        case Finding.UNMATCHED:
            return f"- {path}  no product has this SKU"
        case Finding.LEFT_OUT:
            return f"- {path}  skipped ({file.reason})"


def _went_well(standing: PictureImportStanding) -> bool:
    run = standing.run
    bad = run.counts.get(Outcome.REFUSED, 0) + run.found.get(Finding.AMBIGUOUS, 0)
    return standing.state in {State.DONE, State.PLANNED} and not bad
