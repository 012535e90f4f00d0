"""Commands about backups: `backup create|list|verify|restore|prune|drill|key`."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from avenue.app import backups
from avenue.app.background import checked
from avenue.app.backups import back_up, bring_back, target_from
from avenue.backup.encryption import new_key
from avenue.backup.models import Progress
from avenue.backup.one import KINDS
from avenue.backup.presenting import (
    finding_json,
    finding_lines,
    manifest_json,
    pruned_json,
    pruned_text,
    restored_json,
    restored_text,
    returned_json,
    returned_text,
    snapshot_json,
    snapshot_line,
    verified_json,
    verified_text,
)
from avenue.backup.prune import Keeping
from avenue.backup.repository import Repository, SnapshotState
from avenue.backup.restore import Restoration
from avenue.backup.verify import ALL, Portion, Verification
from avenue.cli.context import (
    as_json,
    database_of,
    failing_with,
    local,
    say,
    settings_as_they_are,
    settings_in_force,
)
from avenue.config import Settings
from avenue.storage.copying.renaming import Renaming

DAMAGED, TROUBLE = 1, 2
NICENESS = 19
"""Of `backup create`: uploads and decoders (`media.pictures.decoder`, 10) come first."""
KEEP_IT = (
    "Store this key now, away from the backups and from this server. Without it no one can read "
    "the backups, not even you. A lost key is a lost backup."
)
SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

IN_SETTINGS = "By default AVENUE_BACKUP_TO."
from_target = click.option(
    "--from", "address", metavar="TARGET", help=f"Where the backups are. {IN_SETTINGS}"
)
of_snapshot = click.option("--snapshot", "snapshot_id", metavar="ID", help="The snapshot.")


class PortionType(click.ParamType[Portion]):
    """A portion in the form K/N, such as 2/7."""

    name = "K/N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Portion:
        """Return the portion, or fail with a hint about the form."""
        if isinstance(value, Portion):
            return value
        number, _, of = str(value).partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            self.fail("Give a portion as 2/7: the second of seven.", param, ctx)
        return Portion(number=int(number) - 1, of=int(of))


@click.group()
def backup() -> None:
    """Back up records and files to a directory or to s3://bucket/prefix.

    Exit code 0: success; 1: something is damaged or missing; 2: the command failed; the reason is
    on stderr.
    """


@backup.command()
@click.option("--to", "address", metavar="TARGET", help=f"Where to store the backup. {IN_SETTINGS}")
@click.option(
    "--take-over",
    is_flag=True,
    help="Continue the backups of the installation that this one was restored from.",
)
@local
@as_json
def create(*, address: str | None, take_over: bool, is_local: bool, wants_json: bool) -> None:
    """Create a snapshot: all records as of one point in time, and all files not backed up yet.

    Run it again after an interruption: files already written are kept. Files that are damaged in
    the database are listed and the exit code is 1; the rest of the snapshot is valid.
    """
    os.nice(NICENESS)
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        target = target_from(settings, _address(settings, address))
        manifest = back_up(settings, database, target, _draw, takes_over=take_over)
    state = SnapshotState(id=manifest.id, manifest=manifest, is_complete=True)
    text = [*finding_lines(manifest.findings), snapshot_line(state)]
    say(wants_json, manifest_json(manifest), "\n".join(text))
    sys.exit(DAMAGED if manifest.findings else 0)


@backup.command(name="list")
@from_target
@as_json
def list_snapshots(*, address: str | None, wants_json: bool) -> None:
    """List the snapshots, oldest first."""
    with _troubles():
        found = _repository(settings_as_they_are()[0], address).snapshots()
    items = [snapshot_json(each) for each in found]
    text = "\n".join(map(snapshot_line, found)) or "No snapshots."
    say(wants_json, {"items": items, "next": None, "total": len(items)}, text)
    sys.exit(DAMAGED if any(each.is_complete and not each.manifest for each in found) else 0)


@backup.command()
@from_target
@of_snapshot
@click.option("--read", is_flag=True, help="Read every object and compare it with its hash.")
@click.option("--read-portion", type=PortionType(), help="Read one of N portions, as 2/7.")
@as_json
def verify(
    *,
    address: str | None,
    snapshot_id: str | None,
    read: bool,
    read_portion: Portion | None,
    wants_json: bool,
) -> None:
    """Check that everything the snapshots need exists, and list what is missing or damaged.

    By default the records are read, and of the files only existence and size are checked.
    """
    with _troubles():
        repository = _repository(settings_as_they_are()[0], address)
        verification = Verification(repository)
        reads = ALL if read else read_portion
        verified = verification.run(snapshot_id, reads=reads, tell=_draw)
    say(wants_json, verified_json(verified), verified_text(verified))
    sys.exit(DAMAGED if verified.findings else 0)


@backup.command()
@from_target
@click.option(
    "--snapshot",
    "snapshot_id",
    metavar="ID",
    help="The snapshot. By default the newest complete one.",
)
@click.option("--site", "site_id", metavar="A", help="Restore only this site.")
@click.option("--as", "becomes", metavar="B", help="New id of this site.")
@click.option("--host", "hosts", multiple=True, metavar="OLD=NEW", help="Replace a host name.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="SITE=NAME",
    help="Put a site on this cluster. By default the one it was on.",
)
@click.option("--keep-tokens", is_flag=True, help="Keep sessions, tokens, links and tickets valid.")
@click.option(
    "--only",
    type=(click.Choice(sorted(KINDS)), str),
    metavar="KIND ID",
    help="Restore one product, group, page, picture or upload into the running site.",
)
@local
@as_json
def restore(  # noqa: PLR0913 - an option each
    *,
    address: str | None,
    snapshot_id: str | None,
    site_id: str | None,
    becomes: str | None,
    hosts: tuple[str, ...],
    clusters: tuple[str, ...],
    keep_tokens: bool,
    only: tuple[str, str] | None,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Restore a snapshot into the empty database of MONGODB_URI and those of its clusters.

    Run it again after an interruption. Until the restore is complete, Avenue does not start on that
    database. Trash, temporary pictures and other expiring data keep the time they had left. Nothing
    is sent again. Sessions, tokens, links and tickets are no longer valid.

    With --only, what one item lost is restored into the database in use, and its damaged files are
    repaired. Existing data is not changed.
    """
    renaming = _renaming(site_id, becomes, hosts, clusters)
    if only and (renaming != Renaming() or keep_tokens):
        raise click.UsageError(
            "--only cannot be combined with --site, --as, --host, --cluster or --keep-tokens."
        )
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        repository = _repository(settings, address)
        manifest = repository.manifest(snapshot_id)
        if only:
            returned = bring_back(settings, database, repository, manifest, *only)
            facts, text = returned_json(returned), returned_text(returned)
            findings = returned.findings
        else:
            work = Restoration(repository, database, _draw)
            restored = work.run(manifest, renaming, keeps_tokens=keep_tokens)
            facts, text = restored_json(restored), restored_text(restored)
            findings = restored.findings
    say(wants_json, facts, text)
    sys.exit(DAMAGED if findings else 0)


@backup.command()
@from_target
@click.option(
    "--daily", type=click.IntRange(0), metavar="N", help="Keep one for each of the last N days."
)
@click.option("--weekly", type=click.IntRange(0), metavar="N", help="Keep one for each of N weeks.")
@click.option(
    "--monthly", type=click.IntRange(0), metavar="N", help="Keep one for each of N months."
)
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, delete nothing.")
@local
@as_json
def prune(
    *,
    address: str | None,
    daily: int | None,
    weekly: int | None,
    monthly: int | None,
    dry_run: bool,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Delete snapshots that are no longer kept, and the files that only they needed.

    By default AVENUE_BACKUP_KEEP decides what is kept. If any of --daily, --weekly and --monthly is
    given, the others count as 0. The newest snapshot is always kept. If a backup is running, the
    command ends with exit code 2.
    """
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        keeping = backups.keeping_of(settings)
        if (daily, weekly, monthly) != (None, None, None):
            keeping = Keeping(daily=daily or 0, weekly=weekly or 0, monthly=monthly or 0)
        pruned = backups.prune(database, _repository(settings, address), keeping, is_trial=dry_run)
    say(wants_json, {**pruned_json(pruned), "dry_run": dry_run}, pruned_text(pruned))
    sys.exit(DAMAGED if pruned.findings else 0)


@backup.command()
@from_target
@of_snapshot
@local
@as_json
def drill(
    *, address: str | None, snapshot_id: str | None, is_local: bool, wants_json: bool
) -> None:
    """Test a restore: restore a snapshot, check every byte, compare counts, drop the copy.

    The copy goes into a separate database whose name ends in _drill. It needs as much space as the
    real one.
    """
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        repository = _repository(settings, address)
        manifest = repository.manifest(snapshot_id)
        drilled = backups.drill(settings, database, repository, manifest, checked, _draw)
    facts = {
        "snapshot": drilled.snapshot,
        "records": drilled.records,
        "files": drilled.files,
        "findings": [finding_json(each) for each in drilled.findings],
    }
    told = (
        f"{drilled.snapshot} can be restored: {drilled.records} records, {drilled.files} files, "
        f"{len(drilled.findings)} findings."
    )
    say(wants_json, facts, "\n".join([*finding_lines(drilled.findings), told]))
    sys.exit(DAMAGED if drilled.findings else 0)


@backup.command()
@as_json
def key(*, wants_json: bool) -> None:
    """Generate an encryption key for AVENUE_BACKUP_KEY. The key is not stored anywhere.

    Without the key the backups cannot be read: a lost key is a lost backup.
    """
    made = new_key()
    click.echo(KEEP_IT, err=True)
    say(wants_json, {"key": made}, made)


def _repository(settings: Settings, address: str | None) -> Repository:
    return backups.opened(settings, _address(settings, address))


def _address(settings: Settings, address: str | None) -> str:
    """Return `address`, or the one in the settings."""
    if not (address or settings.backup_to):
        raise click.UsageError("Give a target, or set AVENUE_BACKUP_TO.")
    return address or settings.backup_to


def _renaming(
    site_id: str | None, becomes: str | None, hosts: tuple[str, ...], clusters: tuple[str, ...]
) -> Renaming:
    if becomes is not None and site_id is None:
        raise click.UsageError("--as needs --site.")
    if becomes is not None and not SITE_ID.fullmatch(becomes):
        raise click.UsageError("A site id has at most 32 characters: a-z, 0-9 and -.")
    return Renaming(
        site=site_id,
        becomes=becomes,
        hosts=_pairs(hosts, "--host as OLD=NEW"),
        clusters=_pairs(clusters, "--cluster as SITE=NAME"),
    )


def _pairs(given: tuple[str, ...], what: str) -> tuple[tuple[str, str], ...]:
    pairs = [each.partition("=")[::2] for each in given]
    if not all(old and new for old, new in pairs):
        raise click.UsageError(f"Give {what}.")
    return tuple(pairs)


@contextmanager
def _troubles() -> Iterator[None]:
    """Print an error to stderr and end with exit code 2."""
    try:
        with failing_with(TROUBLE):
            yield
    finally:
        if sys.stderr.isatty():
            click.echo(err=True)


def _draw(progress: Progress) -> None:
    """Show the progress on stderr if it is a terminal."""
    if sys.stderr.isatty():
        of = "" if progress.total is None else f" of {progress.total}"
        click.echo(f"\r\x1b[K{progress.phase}: {progress.done}{of}", err=True, nl=False)
