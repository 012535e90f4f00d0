"""Commands about backups: `backup create|list|verify|restore|prune|drill|key`."""

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
from avenue.backup.store import BackupStore, Deed
from avenue.backup.verify import ALL, Portion, Verification
from avenue.cli.context import (
    as_json,
    database_of,
    local,
    say,
    settings_as_they_are,
    settings_in_force,
    why,
)
from avenue.config import ConfigError, Settings
from avenue.errors import AvenueError
from avenue.storage.copying.writing import Renaming

DAMAGED, TROUBLE = 1, 2
KEEP_IT = (
    "Keep this key in another place than the backups and than this server, now: without it nobody "
    "can read them, not even you. A lost key is a lost backup."
)
SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

IN_SETTINGS = "Else that of AVENUE_BACKUP_TO."
from_target = click.option(
    "--from", "address", metavar="TARGET", help=f"Where the backups are. {IN_SETTINGS}"
)
of_snapshot = click.option("--snapshot", "snapshot_id", metavar="ID", help="Which one.")


class PortionType(click.ParamType[Portion]):
    """A portion as people write it: 2/7."""

    name = "K/N"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Portion:
        """Return the portion."""
        if isinstance(value, Portion):
            return value
        number, _, of = str(value).partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            self.fail("Give a portion as 2/7: the second of seven.", param, ctx)
        return Portion(number=int(number) - 1, of=int(of))


@click.group()
def backup() -> None:
    """Keep records and files outside the database: in a directory, or as s3://bucket/prefix.

    Exit code 0: all is right; 1: something is damaged or missing; 2: it could not be told, and
    why is on stderr.
    """


@backup.command()
@click.option("--to", "address", metavar="TARGET", help=f"Where to. {IN_SETTINGS}")
@click.option(
    "--take-over",
    is_flag=True,
    help="Go on with the backups of another installation, from which this one was restored.",
)
@local
@as_json
def create(*, address: str | None, take_over: bool, is_local: bool, wants_json: bool) -> None:
    """Back everything up: all records as of one time, and the files that are not there yet.

    Run it again after an interruption: what was written of files is kept. Files that are damaged
    in the database are named, and the exit code is 1; the rest of the snapshot is good.
    """
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
    """List the snapshots, the oldest first."""
    with _troubles():
        found = _repository(settings_as_they_are()[0], address).snapshots()
    items = [snapshot_json(each) for each in found]
    text = "\n".join(map(snapshot_line, found)) or "There are none."
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
    """Look whether all that the snapshots need is there, and name what is not.

    Without an option the records are read, and the objects only looked for with their sizes.
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
    "--snapshot", "snapshot_id", metavar="ID", help="Which; else the newest complete one."
)
@click.option("--site", "site_id", metavar="A", help="One site alone.")
@click.option("--as", "becomes", metavar="B", help="The id that this site gets.")
@click.option("--host", "hosts", multiple=True, metavar="OLD=NEW", help="A host by another name.")
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="SITE=NAME",
    help="Put a site on this cluster; else on the one where it was.",
)
@click.option("--keep-tokens", is_flag=True, help="Leave sessions, tokens, links and tickets good.")
@click.option(
    "--only",
    type=(click.Choice(sorted(KINDS)), str),
    metavar="KIND ID",
    help="One product, group, page, picture or upload, into the site that runs.",
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
    """Bring a snapshot back into the empty database of MONGODB_URI, and those of its clusters.

    Run it again after an interruption; until it has come to its end nothing starts over that
    database. The trash, temporary pictures and all that is forgotten in time have as long as they
    had; nothing is sent again; sessions and all that opens something without a password have ended.

    With --only, what is gone of one thing comes back into the database in use, and its damaged
    files are mended; what is there stays as it is.
    """
    renaming = _renaming(site_id, becomes, hosts, clusters)
    if only and (renaming != Renaming() or keep_tokens):
        raise click.UsageError(
            "--only goes with none of --site, --as, --host, --cluster, --keep-tokens."
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
@click.option("--daily", type=click.IntRange(0), metavar="N", help="Of the last N days one each.")
@click.option("--weekly", type=click.IntRange(0), metavar="N", help="Of the last N weeks.")
@click.option("--monthly", type=click.IntRange(0), metavar="N", help="Of the last N months.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
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
    """Remove snapshots that are kept no longer, and the files only they needed.

    Without numbers AVENUE_BACKUP_KEEP says what is kept; with any, those that are not given are 0.
    The newest snapshot stays in any case. While a backup runs, this ends with exit code 2.
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
    """Restore a snapshot for trial, check every byte, compare the counts, and drop it again.

    It goes into a database beside the real one, called like it with _drill behind, which needs as
    much room.
    """
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        repository = _repository(settings, address)
        manifest = repository.manifest(snapshot_id)
        drilled = backups.drill(settings, database, repository, manifest, checked, _draw)
        BackupStore(database).note(Deed.DRILLED, drilled.snapshot, len(drilled.findings))
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
    """Make a key to encrypt backups with, for AVENUE_BACKUP_KEY. It is kept nowhere.

    Without the key nobody can read the backups: a lost key is a lost backup.
    """
    made = new_key()
    click.echo(KEEP_IT, err=True)
    say(wants_json, {"key": made}, made)


def _repository(settings: Settings, address: str | None) -> Repository:
    return backups.opened(settings, _address(settings, address))


def _address(settings: Settings, address: str | None) -> str:
    """Return the address that is given, else that of the settings."""
    if not (address or settings.backup_to):
        raise click.UsageError("Give the target, or set AVENUE_BACKUP_TO.")
    return address or settings.backup_to


def _renaming(
    site_id: str | None, becomes: str | None, hosts: tuple[str, ...], clusters: tuple[str, ...]
) -> Renaming:
    if becomes is not None and site_id is None:
        raise click.UsageError("--as needs --site.")
    if becomes is not None and not SITE_ID.fullmatch(becomes):
        raise click.UsageError("An id of a site has a-z, 0-9 and -, 32 characters at most.")
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
    """Say why something could not be told, and end with that exit code."""
    try:
        yield
    except (AvenueError, ConfigError) as error:
        click.echo(why(error), err=True)
        sys.exit(TROUBLE)
    finally:
        if sys.stderr.isatty():
            click.echo(err=True)


def _draw(progress: Progress) -> None:
    """Tell how far it got on stderr, where somebody looks at it."""
    if sys.stderr.isatty():
        of = "" if progress.total is None else f" of {progress.total}"
        click.echo(f"\r\x1b[K{progress.phase}: {progress.done}{of}", err=True, nl=False)


COMMANDS = (backup,)
