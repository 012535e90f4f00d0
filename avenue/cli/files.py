"""Commands about single files: `put`, `get`, `url`, `exists`, `rm`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from avenue.app.files import files_of
from avenue.cli.context import (
    as_json,
    database_of,
    failing_with,
    local,
    of_site,
    say,
    settings_in_force,
)
from avenue.errors import AvenueError
from avenue.media.pictures.variants import ORIGINAL
from avenue.migration.errors import FileIsShown
from avenue.migration.files import Files
from avenue.migration.models import KeptFile

STANDARD = "-"
NOT_KNOWN = 2

which_file = click.argument("which", metavar="ID|URL|PATH")


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True)
@click.option("--name", help="File name; required for - (stdin).")
@of_site
@local
@as_json
def put(
    *, sources: tuple[str, ...], name: str | None, site: str, is_local: bool, wants_json: bool
) -> None:
    """Upload pictures to the media library; print the id and the URL of each.

    Uploading the same bytes again returns the same file. Exit code 1: a picture was refused; the
    reason is on stderr.
    """
    if STANDARD in sources and name is None:
        raise click.UsageError("A picture from stdin (-) needs a --name.")
    if name is not None and len(sources) > 1:
        raise click.UsageError("--name takes exactly one FILE.")
    outcomes = []
    with _files(site, is_local=is_local) as files:
        for source in sources:
            outcome = _put_one(files, source, name)
            outcomes.append({"file": source, **outcome})
            _print_outcome(source, outcome, f"{outcome.get('id')} {outcome.get('url')}", wants_json)
    _finish(outcomes, wants_json)


@click.command()
@which_file
@click.option("-o", "--output", help="Output file, - for stdout. By default its own name.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@of_site
@local
@as_json
def get(
    *, which: str, output: str | None, force: bool, site: str, is_local: bool, wants_json: bool
) -> None:
    """Download a file. The output is complete and verified, or it is not written."""
    with _files(site, is_local=is_local) as files:
        if output == STANDARD:
            _stream(files, which, wants_json)
            return
        told = files.get(which, output, overwrite=force)
    path = output or told.name
    say(wants_json, {**_facts(told), "file": path}, path)


@click.command()
@which_file
@click.option("--variant", default=ORIGINAL, show_default=True)
@of_site
@local
@as_json
def url(*, which: str, variant: str, site: str, is_local: bool, wants_json: bool) -> None:
    """Print the absolute URL of a file."""
    with _files(site, is_local=is_local) as files:
        found = files.url(which, variant)
    say(wants_json, {"url": found, "variant": variant}, found)


@click.command()
@which_file
@of_site
@local
@as_json
def exists(*, which: str, site: str, is_local: bool, wants_json: bool) -> None:
    """Check whether a file exists with all its bytes.

    Exit code 0: it exists; 1: it does not; 2: the check failed.
    """
    with failing_with(NOT_KNOWN), _files(site, is_local=is_local) as files:
        found = files.exists(which)
    say(wants_json, {"exists": found}, "yes" if found else "no")
    sys.exit(0 if found else 1)


@click.command()
@click.argument("which", metavar="ID|URL|PATH...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Remove files from where they are used, then delete.")
@of_site
@local
@as_json
def rm(*, which: tuple[str, ...], force: bool, site: str, is_local: bool, wants_json: bool) -> None:
    """Move files of the media library to the trash.

    A file that pages or the site use is refused, and its uses are listed. Exit code 1: a file was
    refused.
    """
    outcomes = []
    with _files(site, is_local=is_local) as files:
        for each in which:
            outcome = _rm_one(files, each, force=force)
            outcomes.append({"file": each, **outcome})
            _print_outcome(each, outcome, str(outcome.get("id")), wants_json)
    _finish(outcomes, wants_json)


@contextmanager
def _files(site: str, *, is_local: bool) -> Iterator[Files]:
    with (
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
        files_of(settings, database, site) as files,
    ):
        yield files


def _put_one(files: Files, source: str, name: str | None) -> dict[str, Any]:
    try:
        kept = files.put(sys.stdin.buffer if source == STANDARD else source, name=name)
    except AvenueError as error:
        return _refusal(error)
    return {**_facts(kept), "created": kept.created}


def _rm_one(files: Files, which: str, *, force: bool) -> dict[str, Any]:
    try:
        return {"id": files.rm(which, force=force)}
    except FileIsShown as error:
        return {**_refusal(error), **error.facts}
    except AvenueError as error:
        return _refusal(error)


def _stream(files: Files, which: str, wants_json: bool) -> None:
    """Write a file to stdout; print its facts as JSON to stderr if asked."""
    try:
        with open(sys.stdout.fileno(), "wb", closefd=False) as out:
            told = files.get(which, out)
    except OSError as error:  # the reading process ended, or its disk is full
        raise click.ClickException(f"stdout: {error.strerror}") from error
    if wants_json:
        click.echo(json.dumps(_facts(told)), err=True)


def _facts(told: KeptFile) -> dict[str, Any]:
    facts = asdict(told)
    del facts["created"]
    return facts


def _refusal(error: AvenueError) -> dict[str, Any]:
    return {"code": error.code, "error": error.message, "hint": error.hint}


def _print_outcome(source: str, outcome: Mapping[str, Any], line: str, wants_json: bool) -> None:
    """Print one outcome as soon as it is known; JSON is printed once, at the end."""
    if wants_json:
        return
    if "error" in outcome:
        shown = click.format_filename(source)
        click.echo(f"{shown}: {outcome['error']} {outcome['hint']}", err=True)
        for each in outcome.get("usage", ()):
            where = ", ".join(each["where"])
            click.echo(f"  {each['kind']} {each['title']!r} ({where}) {each['url']}", err=True)
    else:
        click.echo(line)


def _finish(outcomes: Sequence[Mapping[str, Any]], wants_json: bool) -> None:
    refused = sum("error" in each for each in outcomes)
    if wants_json:
        click.echo(json.dumps({"items": outcomes, "total": len(outcomes), "refused": refused}))
    sys.exit(1 if refused else 0)
