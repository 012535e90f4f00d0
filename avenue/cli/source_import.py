"""Bringing in what another service keeps, or a list of URLs names: `import --from`."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from avenue.app.imports import (
    OpenImport,
    SourceOrder,
    external_imports_of,
    planned_facts,
    source_import_of,
)
from avenue.cli.context import ORDERS, database_of, settings_in_force
from avenue.migration.models import Kind, Outcome, Problem
from avenue.migration.sources.plan import EntryPlan

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every import is told."""

    site: str
    is_dry: bool
    is_local: bool
    wants_json: bool

    def facts(self, kind: Kind) -> Facts:
        """Return what a report begins with."""
        return {"site": self.site, "as": kind.value, "dry_run": self.is_dry}


def import_source(address: str, kind: Kind, common: Common, **order: Any) -> int:
    """Bring a source in and tell of it; return the exit code, 1 when something was refused."""
    wanted = SourceOrder(address=address, kind=kind, **order)
    with (
        settings_in_force(is_local=common.is_local) as settings,
        database_of(settings) as database,
        closing(EntryPlan()) as plan,
        source_import_of(settings, database, common.site, wanted, plan) as opened,
    ):
        return _brought(opened, kind, common, plan)


def import_external(common: Common) -> int:
    """Bring in what products and groups, then what pages name elsewhere; return the exit code."""
    with (
        settings_in_force(is_local=common.is_local) as settings,
        database_of(settings) as database,
        closing(EntryPlan()) as owned,
        closing(EntryPlan()) as shown,
        external_imports_of(settings, database, common.site, (owned, shown)) as parts,
    ):
        kinds, plans = (Kind.PRODUCTS, Kind.MEDIA), (owned, shown)
        return max(
            _brought(opened, kind, common, plan)
            for opened, kind, plan in zip(parts, kinds, plans, strict=True)
        )


def _brought(opened: OpenImport, kind: Kind, common: Common, plan: EntryPlan) -> int:
    watched(opened.work.read(), "Listing", None)
    watched(opened.work.preview(), "Comparing", None)
    planned = planned_facts(opened, plan)
    if not common.wants_json:
        click.echo(_plan_in_words(planned), err=not common.is_dry)
    if not common.is_dry:
        watched(opened.work.bring(), "Storing", planned["entries"])
    counts = {**common.facts(kind), "from": opened.origin.name, "plan": planned, **_counts(plan)}
    lists = {
        "refused": (problem_facts(each) for each in plan.refused()),
        "silent": (problem_facts(each) for each in plan.silent()),
    }
    if common.wants_json:
        say_as_json(counts, lists)
    else:
        _say_as_text(counts, lists)
    return 1 if counts["refused_total"] else 0


def watched(steps: Iterator[None], label: str, count: int | None) -> None:
    """Do the work of `steps` with a bar on stderr."""
    with click.progressbar(steps, length=count, label=label, file=sys.stderr, show_pos=True) as bar:
        for _ in bar:
            pass


def problem_facts(problem: Problem) -> Facts:
    """Return what a report says of something that was refused."""
    return {"path": problem.path, "code": problem.code, "message": problem.message}


def say_as_json(counts: Facts, lists: Mapping[str, Iterable[Facts]]) -> None:
    """Write a report whose lists are never in memory whole."""
    write = sys.stdout.write
    write(json.dumps(counts)[:-1])
    for name, items in lists.items():
        write(f", {json.dumps(name)}: [")
        for number, item in enumerate(items):
            write((", " if number else "") + json.dumps(item))
        write("]")
    write("}\n")
    sys.stdout.flush()


def _plan_in_words(planned: Facts) -> str:
    lines = [
        f"To copy: {planned['entries']} files, {planned['bytes']} bytes"
        + (f" and {planned['unmeasured']} of unknown size" if planned["unmeasured"] else "")
    ]
    if planned["days"] is not None:
        lines.append(f"  at the rate limit of the source: {planned['days']} days")
    if not planned["fits"]:
        lines.append("  more than the quota of the site has left")
    lines.append(f"  references in records: {planned['references']}")
    if planned["silent_total"]:
        lines.append(f"  old addresses that will not answer: {planned['silent_total']}")
    return "\n".join(lines)


def _counts(plan: EntryPlan) -> Facts:
    return {
        "stored": plan.count(Outcome.STORED),
        "duplicates": plan.count(Outcome.DUPLICATE),
        "unchanged": plan.count(Outcome.UNCHANGED),
        "refused_total": plan.count(Outcome.REFUSED),
        "rewritten": plan.count_rewritten(),
    }


def _say_as_text(counts: Facts, lists: Mapping[str, Iterable[Facts]]) -> None:
    rewritten = ", ".join(f"{count} of {kind}s" for kind, count in counts["rewritten"].items())
    if not counts["dry_run"]:
        click.echo(
            f"Brought from {counts['from']} into {counts['site']} as {counts['as']}:\n"
            f"  {counts['stored']} stored, {counts['duplicates']} with the bytes of another, "
            f"{counts['unchanged']} unchanged; {counts['refused_total']} refused\n"
            f"  references rewritten: {rewritten or 'none'}"
        )
    for name, title in (("refused", "Refused"), ("silent", "Old addresses that do not answer")):
        for number, item in enumerate(lists[name]):
            if not number:
                click.echo(f"{title}:")
            click.echo("  " + ORDERS.sub("�", "  ".join(map(str, item.values()))))
