"""Bringing an export in: `import` without `--as`."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import click

from avenue.app.exports import OpenExportImport, export_import_of
from avenue.cli.context import ORDERS, database_of, settings_in_force
from avenue.cli.source_import import Common, problem_facts, say_as_json, watched
from avenue.migration.models import Outcome

Facts = dict[str, Any]


def import_export(address: str, common: Common) -> int:
    """Bring an export in and tell of it; return the exit code, 1 when something was refused."""
    with (
        settings_in_force(is_local=common.is_local) as settings,
        database_of(settings) as database,
        export_import_of(settings, database, common.site, address) as opened,
    ):
        watched(opened.work.read(), "Reading", None)
        work = opened.work.preview() if common.is_dry else opened.work.bring()
        watched(work, "Comparing" if common.is_dry else "Storing", opened.work.steps)
        counts = {"site": common.site, "from": opened.address, "dry_run": common.is_dry}
        counts |= _counts(opened, is_dry=common.is_dry)
        lists = {
            "refused": (problem_facts(each) for each in opened.work.refused()),
            "silent": (problem_facts(each) for each in opened.work.silent()),
        }
        if common.wants_json:
            say_as_json(counts, lists)
        else:
            _say_as_text(counts, lists)
    return 1 if counts["refused_total"] else 0


def _counts(opened: OpenExportImport, *, is_dry: bool) -> Facts:
    work = opened.work
    files = {
        "stored": work.count_files(Outcome.STORED),
        "duplicates": work.count_files(Outcome.DUPLICATE),
        "unchanged": work.count_files(Outcome.UNCHANGED),
    }
    records = {name: dict(counts) for name, counts in work.counts.items()}
    to_copy: Counter[str] = Counter()
    for plan in opened.plans if is_dry else ():
        to_copy.update(asdict(plan.amounts()))
    left = opened.quota
    fits = (left.bytes is None or to_copy["bytes"] <= left.bytes) and (
        left.files is None or to_copy["entries"] <= left.files
    )
    planned = {"plan": {"entries": to_copy["entries"], "bytes": to_copy["bytes"], "fits": fits}}
    return {
        **(planned if is_dry else {}),
        **records,
        "files": files,
        "refused_total": work.count_files(Outcome.REFUSED),
    }


def _say_as_text(counts: Facts, lists: Any) -> None:
    click.echo(
        f"{'Would bring' if counts['dry_run'] else 'Brought'} the export {counts['from']} into "
        f"{counts['site']}:"
    )
    for name in ("groups", "products", "pages"):
        said = ", ".join(f"{count} {became}" for became, count in sorted(counts[name].items()))
        click.echo(f"  {name}: {said or 'none'}")
    if counts["dry_run"]:
        planned = counts["plan"]
        click.echo(f"  files: {planned['entries']} to copy, {planned['bytes']} bytes")
        if not planned["fits"]:
            click.echo("  more than the quota of the site has left")
    else:
        files = counts["files"]
        click.echo(f"  files: {files['stored']} stored, {files['unchanged']} unchanged")
    click.echo(f"  {counts['refused_total']} refused")
    for name, title in (("refused", "Refused"), ("silent", "Old addresses that do not answer")):
        for number, item in enumerate(lists[name]):
            if not number:
                click.echo(f"{title}:")
            click.echo("  " + ORDERS.sub("�", "  ".join(map(str, item.values()))))
