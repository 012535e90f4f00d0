"""The command `import-products`: import a table of products by SKU."""

import hashlib
import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

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
from avenue.shop.importing.models import ImportStanding, Outcome, Row, RowQuery, State
from avenue.shop.importing.presenting import import_json, row_json, warnings
from avenue.shop.importing.texts import difference
from avenue.shop.service.imports import ImportService
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from avenue.web.errors import MB, FileTooLarge

ROWS_AT_ONCE = 1000
SIGNS = {Outcome.CREATED: "+", Outcome.UPDATED: "~", Outcome.REFUSED: "!"}


@click.command(name="import-products")
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@click.option(
    "--fetch-images",
    is_flag=True,
    help="Also import the pictures at image_urls, after the rows.",
)
@click.option("--undo", is_flag=True, help="Undo the last import instead.")
@click.option("--as-user", metavar="EMAIL", help="Import on behalf of this account.")
@of_site
@local
@as_json
def import_products(
    *,
    file: BinaryIO | None,
    dry_run: bool,
    fetch_images: bool,
    undo: bool,
    as_user: str | None,
    site: str,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Import products from FILE (CSV or JSON, - for stdin) by SKU: create, update, report.

    Exit code 1: rows were refused, or an undo had to keep something.
    """
    if (file is None) is not undo:
        raise click.UsageError("Give either a FILE or --undo.")
    with services_of(is_local=is_local) as services:
        settings, database = services.settings, services.database
        actor = _actor(settings, database, site, as_user)
        imports = services.product_imports
        if file is None:
            standing, action = imports.undo_last(actor), "import.undo_begun"
        else:
            standing = _begun(
                imports, actor, file, settings, dry_run=dry_run, fetch_images=fetch_images
            )
            action = "import.begun"
        if not standing.run.dry_run:
            services.audit.record_command(site, "import-products", action, standing.run.id)
        standing = _finished(imports, actor, standing, Background(settings, database))
        rows = list(_notable_rows(imports, actor, standing))
    facts = {**import_json(standing), "rows": [row_json(each, actor.site.locale) for each in rows]}
    say(wants_json, facts, _text(standing, rows, actor.site.locale))
    sys.exit(0 if _went_well(standing, rows) else 1)


def _actor(settings: Settings, database: Database, site_id: str, email: str | None) -> Actor:
    site = Sites(database, settings).named(site_id)
    if email is None:
        return command_actor(site)
    return Services(settings, database).accounts.actor_named(site, email)


def _begun(
    imports: ImportService,
    actor: Actor,
    file: BinaryIO,
    settings: Settings,
    *,
    dry_run: bool,
    fetch_images: bool,
) -> ImportStanding:
    limit_bytes = settings.max_import_mb * MB
    data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise FileTooLarge(limit_bytes)
    standing, _ = imports.start(
        actor,
        io.BytesIO(data),
        name=str(getattr(file, "name", "")).rpartition("/")[2].strip("<>"),
        sha256=hashlib.sha256(data).hexdigest(),
        dry_run=dry_run,
        key=None,
        fetch_images=fetch_images,
    )
    return standing


def _finished(
    imports: ImportService, actor: Actor, standing: ImportStanding, background: Background
) -> ImportStanding:
    """Work until the import and its pictures are finished, with progress bars on stderr."""
    run = standing.run
    _work(run.undo.job if run.undo else run.job, background)
    _work(imports.get(actor, run.id).run.images_job, background)
    return imports.get(actor, run.id)


def _work(job_id: str | None, background: Background) -> None:
    if job_id:
        finished(background, job_id)


def _notable_rows(imports: ImportService, actor: Actor, standing: ImportStanding) -> Iterator[Row]:
    """Yield the rows that changed or were refused; for an undo, those that were not undone."""
    after: int | None = 0
    while after is not None:
        query = RowQuery(outcome=None, after=after, limit=ROWS_AT_ONCE)
        page = imports.rows(actor, standing.run.id, query)
        yield from (each for each in page.items if _is_notable(each, standing))
        after = page.next


def _is_notable(row: Row, standing: ImportStanding) -> bool:
    if standing.run.undo:
        return row.undone is not None and bool(row.undone.kept)
    return row.outcome not in {Outcome.UNCHANGED, None}


def _text(standing: ImportStanding, rows: list[Row], locale: str) -> str:
    run = standing.run
    lines = list(warnings(run))
    for row in rows:
        lines += _row_lines(row, locale)
    counts: Any = import_json(standing)["undo" if run.undo else "counts"]
    counts = counts["counts"] if run.undo else counts
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    begun = "Undone" if run.undo else "Dry run, nothing changed" if run.dry_run else "Imported"
    if standing.state is State.FAILED:
        return "\n".join([*lines, f"Failed: {standing.error} So far: {told}."])
    return "\n".join([*lines, f"{begun}: {told}.", *_image_lines(standing)])


def _image_lines(standing: ImportStanding) -> list[str]:
    images = import_json(standing)["images"]
    if images is None:
        return []
    refused = [f"! {each['url']}  {each['message']} ({each['code']})" for each in images["refused"]]
    counts = f"{images['stored']} stored, {images['refused_total']} refused"
    return [*refused, f"Pictures: {counts}."]


def _row_lines(row: Row, locale: str) -> list[str]:
    if row.undone:
        return [f"= row {row.number}  {row.sku}  not undone:  {', '.join(row.undone.kept)}"]
    head = (
        f"{SIGNS.get(row.outcome, '?') if row.outcome else '?'} row {row.number}  {row.sku or '–'}"
    )
    if row.error:
        return [f"{head}  {row.error.said()} ({row.error.code})"]
    return [head, *(f"    {each}" for each in difference(row, locale))]


def _went_well(standing: ImportStanding, rows: list[Row]) -> bool:
    if standing.run.undo:
        return standing.state is State.UNDONE and not rows
    images = import_json(standing)["images"]
    return (
        standing.state is State.DONE
        and not standing.run.counts.get(Outcome.REFUSED)
        and not (images and images["refused_total"])
    )
