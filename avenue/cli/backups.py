"""Commands about backups: `backup create|list|verify|restore`."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from avenue.app.backups import bring_back, creation, restoration
from avenue.backup.models import Progress
from avenue.backup.one import KINDS
from avenue.backup.opening import target_of
from avenue.backup.presenting import (
    finding_lines,
    manifest_json,
    restored_json,
    restored_text,
    returned_json,
    returned_text,
    snapshot_json,
    snapshot_line,
    verified_json,
    verified_text,
)
from avenue.backup.repository import Repository, SnapshotState
from avenue.backup.verify import ALL, Portion, Verification
from avenue.cli.context import as_json, database_of, local, say, settings_in_force, why
from avenue.config import ConfigError
from avenue.errors import AvenueError
from avenue.storage.copying.writing import Renaming

DAMAGED, TROUBLE = 1, 2
SITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

from_target = click.option(
    "--from", "target", required=True, metavar="TARGET", help="Where the backups are."
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
    """Keep records and files outside the database: in a directory.

    Exit code 0: all is right; 1: something is damaged or missing; 2: it could not be told, and
    why is on stderr.
    """


@backup.command()
@click.option("--to", "target", required=True, metavar="TARGET", help="Where to: a directory.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Go on with the backups of another installation, from which this one was restored.",
)
@local
@as_json
def create(*, target: str, take_over: bool, is_local: bool, wants_json: bool) -> None:
    """Back everything up: all records as of one time, and the files that are not there yet.

    Run it again after an interruption: what was written of files is kept. Files that are damaged
    in the database are named, and the exit code is 1; the rest of the snapshot is good.
    """
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        manifest = creation(database, target_of(target)).run(_draw, takes_over=take_over)
    state = SnapshotState(id=manifest.id, manifest=manifest, is_complete=True)
    text = [*finding_lines(manifest.findings), snapshot_line(state)]
    say(wants_json, manifest_json(manifest), "\n".join(text))
    sys.exit(DAMAGED if manifest.findings else 0)


@backup.command(name="list")
@from_target
@as_json
def list_snapshots(*, target: str, wants_json: bool) -> None:
    """List the snapshots, the oldest first."""
    with _troubles():
        found = Repository.opened(target_of(target)).snapshots()
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
    target: str,
    snapshot_id: str | None,
    read: bool,
    read_portion: Portion | None,
    wants_json: bool,
) -> None:
    """Look whether all that the snapshots need is there, and name what is not.

    Without an option the records are read, and the objects only looked for with their sizes.
    """
    with _troubles():
        verification = Verification(Repository.opened(target_of(target)))
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
    target: str,
    snapshot_id: str | None,
    site_id: str | None,
    becomes: str | None,
    hosts: tuple[str, ...],
    keep_tokens: bool,
    only: tuple[str, str] | None,
    is_local: bool,
    wants_json: bool,
) -> None:
    """Bring a snapshot back into the empty database of MONGODB_URI.

    Run it again after an interruption; until it has come to its end nothing starts over that
    database. The trash, temporary pictures and all that is forgotten in time have as long as they
    had; nothing is sent again; sessions and all that opens something without a password have ended.

    With --only, what is gone of one thing comes back into the database in use, and its damaged
    files are mended; what is there stays as it is.
    """
    renaming = _renaming(site_id, becomes, hosts)
    if only and (renaming.is_needed or keep_tokens):
        raise click.UsageError("--only goes with none of --site, --as, --host, --keep-tokens.")
    with (
        _troubles(),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        repository = Repository.opened(target_of(target))
        manifest = repository.manifest(snapshot_id)
        if only:
            returned = bring_back(settings, database, repository, manifest, *only)
            facts, text = returned_json(returned), returned_text(returned)
            findings = returned.findings
        else:
            work = restoration(database, repository, renaming, _draw)
            restored = work.run(manifest, renaming, keeps_tokens=keep_tokens)
            facts, text = restored_json(restored), restored_text(restored)
            findings = restored.findings
    say(wants_json, facts, text)
    sys.exit(DAMAGED if findings else 0)


def _renaming(site_id: str | None, becomes: str | None, hosts: tuple[str, ...]) -> Renaming:
    if becomes is not None and site_id is None:
        raise click.UsageError("--as needs --site.")
    if becomes is not None and not SITE_ID.fullmatch(becomes):
        raise click.UsageError("An id of a site has a-z, 0-9 and -, 32 characters at most.")
    pairs = [tuple(each.partition("=")[::2]) for each in hosts]
    if not all(old and new for old, new in pairs):
        raise click.UsageError("Give --host as OLD=NEW.")
    return Renaming(site=site_id, becomes=becomes, hosts=tuple((old, new) for old, new in pairs))


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
