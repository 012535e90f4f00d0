"""The commands `doctor` and `trace`: diagnose a deployment, and one file."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import click

from avenue.app.services import (
    Services,
)
from avenue.cli.context import (
    as_json,
    local,
    of_site,
    say,
    services_of,
    settings_as_they_are,
    settings_in_force,
)
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.health.checks.addresses.mending import Mended, findings_of, findings_of_site, summary_of
from avenue.health.models import Finding, Level
from avenue.health.rules.machine import Machine
from avenue.health.views.doctor.models import Look, Report
from avenue.health.views.doctor.presenting import (
    mended_json,
    mended_lines,
    report_json,
    report_lines,
)
from avenue.health.views.doctor.service import (
    DATABASE,
    NEEDS_DATABASE,
    SCHEMA,
    URLS,
    CheckContext,
    look_at_clusters,
    look_at_deployment,
    look_at_indexes,
    look_at_machine,
    looked,
    undetermined,
    with_those_of,
)
from avenue.identity import Site, command_actor
from avenue.storage.clusters import cluster_states, clusters_at_hand
from avenue.storage.connection import Database
from avenue.storage.schema import NotMigrated, Standing
from avenue.storage.sites import Sites
from avenue.storage.status import DeploymentStatus, connected, unless_refused
from avenue.web.fields import facts_of
from avenue.web.plain import lines

FOUND, NOT_KNOWN = 1, 2
NOT_NAMED = Finding(
    level=Level.CRITICAL,
    place="MONGODB_URI",
    says="Not set, so the database was not checked.",
    cure="Set it, or use --local for the database of `serve --local`.",
)


@click.command()
@click.option("--site", help="Check addresses in the documents of this site only.")
@click.option("--fix", type=click.Choice([URLS]), help="List what would be repaired, nothing else.")
@click.option("--apply", "applies", is_flag=True, help="With --fix: repair it.")
@local
@as_json
def doctor(
    *, site: str | None, fix: str | None, applies: bool, is_local: bool, wants_json: bool
) -> None:
    """Check this deployment for problems and show how to fix them.

    Exit code 0: no problems (there may be notices); 1: there are problems; 2: the database could
    not be reached; everything else was checked. With --fix: 0 when nothing is left to fix,
    otherwise 1.
    """
    if applies and not fix:
        raise click.UsageError("--apply needs --fix.")
    if fix:
        _mend(site, applies=applies, is_local=is_local, wants_json=wants_json)
        return
    with _machine(is_local=is_local) as machine:
        looks = [*look_at_machine(machine), *_look_at_database(machine.settings, site)]
    checked = {each.check for each in looks}
    report = Report(
        generated_at=utc_now(),
        database=DATABASE not in checked,
        looks=tuple(looks),
        skipped=tuple(each for each in NEEDS_DATABASE if each not in checked),
    )
    say(wants_json, report_json(report), "\n".join(report_lines(report)))
    if not report.database:
        sys.exit(NOT_KNOWN)
    sys.exit(FOUND if report.level.rank >= Level.WARNING.rank else 0)


@click.command()
@click.argument("which", metavar="ID|URL|PATH")
@of_site
@local
@as_json
def trace(*, which: str, site: str, is_local: bool, wants_json: bool) -> None:
    """Show all that is known about one file: record, chunks, uses, permissions, caching.

    Exit code 0: no problems; 1: something is broken, as the first lines show; 2: the file is
    unknown.
    """
    try:
        with services_of(is_local=is_local) as services:
            found = services.trace.trace(command_actor(services.sites.named(site)), which)
    except AvenueError as error:
        click.echo(f"{error.message}\n{error.hint}", err=True)
        sys.exit(NOT_KNOWN)
    facts = facts_of(found)
    say(wants_json, facts, "\n".join(lines(facts)))
    sys.exit(FOUND if found.broken else 0)


@contextmanager
def _machine(*, is_local: bool) -> Iterator[Machine]:
    """Yield the settings and their errors; with `is_local`, keep the local database running."""
    settings, problems, environ = settings_as_they_are()
    if is_local:
        with settings_in_force(is_local=True) as own:
            yield Machine(settings=own, environ=environ)
    else:
        yield Machine(settings=settings, problems=tuple(problems), environ=environ)


def _look_at_database(settings: Settings, site_id: str | None) -> list[Look]:
    """Run the checks that need the database; a `DATABASE` entry says why they could not run."""
    if not settings.mongodb_uri:
        return [Look(check=DATABASE, findings=(NOT_NAMED,))]
    try:
        database = connected(settings)
    except AvenueError as error:
        return [_away(error)]
    with closing(database):
        diagnosis = DeploymentStatus(database)
        ward = CheckContext(settings=settings, deployment=diagnosis, now=utc_now())
        try:
            standing = diagnosis.standing()
        except AvenueError as error:
            return [_away(error)]
        looks = [*look_at_deployment(ward)]
        if standing is not Standing.READY:
            unprepared = undetermined("the database", NotMigrated(), Level.CRITICAL)
            return [*looks, Look(check=SCHEMA, findings=(unprepared,))]
        looks += [Look(check=SCHEMA, findings=()), look_at_indexes(ward)]
        looks = _with_clusters(ward, database, looks)
        return [*looks, _look_at_addresses(settings, database, site_id)]


def _with_clusters(ward: CheckContext, database: Database, looks: list[Look]) -> list[Look]:
    """Return `looks` together with the findings on clusters other than home."""

    def named() -> set[str]:
        return {each.cluster for each in Sites(database, ward.settings).all()}

    clusters = look_at_clusters(cluster_states(database), named)
    if not database.clusters and not clusters.findings:
        return looks
    for cluster in clusters_at_hand(database)[1:]:
        there = replace(ward, deployment=DeploymentStatus(cluster))
        others = [*look_at_deployment(there), look_at_indexes(there)]
        looks = list(with_those_of(cluster.cluster, looks, others))
    return [*looks, clusters]


def _look_at_addresses(settings: Settings, database: Database, site_id: str | None) -> Look:
    try:
        with unless_refused():
            sites = _sites(settings, database, site_id)
            done = _walk(settings, database, sites, mends=False)
    except AvenueError as error:
        return Look(check=URLS, findings=(undetermined(URLS, error),))
    findings = [
        *(found for each in sites for found in findings_of_site(each, settings)),
        *(found for each in done for found in findings_of(each)),
    ]
    findings.sort(key=lambda each: -each.level.rank)
    unkept = sum(each.left - len(each.addresses) for each in done)
    return looked(URLS, findings, told=summary_of(done), total=len(findings) + unkept)


def _mend(site_id: str | None, *, applies: bool, is_local: bool, wants_json: bool) -> None:
    with services_of(is_local=is_local) as services:
        settings, database = services.settings, services.database
        sites = _sites(settings, database, site_id)
        done = _walk(settings, database, sites, mends=applies)
    facts = mended_json(done, applied=applies)
    say(wants_json, facts, "\n".join(mended_lines(done, applied=applies)))
    is_left = any(each.left for each in done)
    sys.exit(FOUND if is_left else 0)


def _walk(
    settings: Settings, database: Database, sites: Sequence[Site], *, mends: bool
) -> list[Mended]:
    """Check the documents of `sites` for addresses, with progress on stderr."""
    work = Services(settings, database).mender
    with _progress(work.count(sites)) as tell:
        return [work.look(each, mends=mends, tell=tell) for each in sites]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        if sys.stderr.isatty():
            click.echo(f"\r{done} of {total}", err=True, nl=False)

    yield tell
    if done and sys.stderr.isatty():
        click.echo("", err=True)


def _sites(settings: Settings, database: Database, site_id: str | None) -> list[Site]:
    sites = Sites(database, settings)
    return [sites.named(site_id)] if site_id else sites.all()


def _away(error: AvenueError) -> Look:
    return Look(check=DATABASE, findings=(undetermined("MONGODB_URI", error, Level.CRITICAL),))
