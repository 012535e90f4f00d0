"""The command `fsck`: check everything that is stored, and repair it."""

import sys
from dataclasses import asdict
from typing import Any

import click

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.cli.context import (
    as_json,
    database_of,
    failing_with,
    finished,
    local,
    say,
    settings_in_force,
)
from avenue.config import Settings
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.models import CheckRequest, Counts, Flaw, Outcome
from avenue.identity import DEFAULT_SITE
from avenue.jobs.models import Job
from avenue.storage.connection import Database
from avenue.storage.sites import Sites

FINDINGS_LEFT, TROUBLE = 1, 2
MOST_LINES = 200
MOST_FINDINGS = 10_000


@click.command()
@click.option("--repair", is_flag=True, help="Repair what can be repaired without data loss.")
@click.option("--site", "site_id", help="Check only this site.")
@local
@as_json
def fsck(*, repair: bool, site_id: str | None, is_local: bool, wants_json: bool) -> None:
    """Check everything that is stored, each byte by its hash. Safe while uploads run.

    Run it again after an interruption: it resumes where it stopped.

    Exit code 0: no problems, or all were repaired; 1: problems remain; 2: the check failed; the
    reason is on stderr.
    """
    with (
        failing_with(TROUBLE),
        settings_in_force(is_local=is_local) as settings,
        database_of(settings) as database,
    ):
        order = CheckRequest(site=site_id, repair=repair)
        job = _checked(settings, database, order)
        store = Services(settings, database).checks
        counts = store.counts(job.id)
        findings = store.findings(job.id, "", MOST_FINDINGS)
    say(wants_json, _facts(job, order, counts, findings), _text(job, counts, findings))
    if job.error:
        sys.exit(TROUBLE)
    sys.exit(FINDINGS_LEFT if counts.left else 0)


def _checked(settings: Settings, database: Database, order: CheckRequest) -> Job:
    """Run the check as a job and record it in the audit log."""
    if order.site is not None:
        Sites(database, settings).named(order.site)
    background = Background(settings, database)
    job = background.begin(FSCK, order.as_args())
    Services(settings, database).audit.record_command(
        order.site or DEFAULT_SITE,
        "fsck --repair" if order.repair else "fsck",
        "fsck.begun",
        job.id,
    )
    return finished(background, job.id)


def _facts(job: Job, order: CheckRequest, counts: Counts, findings: list[Flaw]) -> dict[str, Any]:
    return {
        "run": job.id,
        "state": job.state,
        "error": job.error,
        "site": order.site,
        "repair": order.repair,
        "looked_at": (job.result or {}).get("looked_at", 0),
        "found": counts.found,
        "mended": counts.mended,
        "left": counts.left,
        "kinds": dict(counts.by_kind),
        "findings": [_finding_json(each) for each in findings],
    }


def _finding_json(finding: Flaw) -> dict[str, Any]:
    facts = asdict(finding)
    del facts["stored_id"]
    return facts


def _text(job: Job, counts: Counts, findings: list[Flaw]) -> str:
    if job.error:
        return f"Not finished: {job.error}"
    looked = (job.result or {}).get("looked_at", 0)
    lines = [line for each in findings[:MOST_LINES] for line in _lines(each)]
    if counts.found > MOST_LINES:
        lines.append(f"… and {counts.found - MOST_LINES} more: see --json.")
    if counts.by_kind:
        lines.append(", ".join(f"{count} {kind}" for kind, count in counts.by_kind.items()))
    lines.append(
        f"Checked {looked} files, products, groups and pages: {counts.found} findings, "
        f"{counts.mended} repaired, {counts.left} left."
    )
    return "\n".join(lines)


def _lines(finding: Flaw) -> list[str]:
    where = "/".join(each for each in (finding.site, finding.bucket, finding.subject) if each)
    of = f" of asset {finding.asset}" if finding.asset and finding.asset != finding.subject else ""
    done = " (repaired)" if finding.outcome is Outcome.MENDED else ""
    return [f"{finding.kind}{done}: {where}{of}", f"  {finding.detail} {finding.advice}"]
