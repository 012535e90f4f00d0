"""The doctor's report, as JSON and as lines for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from avenue.clock import iso
from avenue.health.checks.addresses.judging import Fate, shown
from avenue.health.checks.addresses.mending import Mended
from avenue.health.models import Level
from avenue.health.views.doctor.models import Look, Report

PROBLEM = "problem"


def word_of(level: Level) -> str:
    """Return a level in the doctor's words, which say whether something has to be done."""
    if level.rank >= Level.WARNING.rank:
        return PROBLEM
    return level.value if level is Level.OK else Level.NOTICE.value


def report_json(report: Report) -> Mapping[str, Any]:
    """Return the report as JSON."""
    return {
        "generated_at": iso(report.generated_at),
        "verdict": word_of(report.level),
        "database": report.database,
        "checks": [_look(each) for each in report.looks],
        "skipped": list(report.skipped),
    }


def report_lines(report: Report) -> Iterator[str]:
    """Yield the report for people: a line for each check, each finding with its remedy below."""
    for look in report.looks:
        told = f"  {look.told}" if look.told else ""
        yield f"{_mark(look.level):<8} {look.check}{told}"
        for each in look.findings:
            yield f"  {_mark(each.level):<8} {each.place}: {each.says}"
            yield f"           {each.cure}"
        if look.more:
            yield f"  and {look.more} more"
    if report.skipped:
        names = ", ".join(report.skipped)
        yield f"skipped  {names}: these need the database, prepared for this version"


def mended_json(done: Sequence[Mended], *, applied: bool) -> Mapping[str, Any]:
    """Return the result of replacing URLs as JSON."""
    return {
        "applied": applied,
        "looked_at": sum(each.looked_at for each in done),
        "rewritten": sum(each.rewritten for each in done),
        "mendable": sum(each.counts[Fate.MENDABLE] for each in done),
        "left": sum(each.left - each.counts[Fate.MENDABLE] for each in done),
        "items": [
            {
                "site": each.site,
                "kind": judged.kind,
                "document": judged.document,
                "place": judged.named.place,
                "address": shown(judged.named.address),
                "fate": judged.fate.value,
                "asset": judged.asset,
                "why": judged.why,
            }
            for each in done
            for judged in each.addresses
        ],
    }


def mended_lines(done: Sequence[Mended], *, applied: bool) -> Iterator[str]:
    """Yield the same as lines for people."""
    for each in done:
        for judged in each.addresses:
            what = f"→ {judged.asset}" if judged.fate is Fate.MENDABLE else judged.why
            yield f"{each.site}: {judged.place}  {shown(judged.named.address)}  {what}"
        if each.left > len(each.addresses):
            yield f"{each.site}: and {each.left - len(each.addresses)} more"
    facts = mended_json(done, applied=applied)
    if applied:
        yield f"Rewritten: {facts['rewritten']}. Left: {facts['mendable'] + facts['left']}."
    else:
        yield (
            f"{facts['mendable']} can be rewritten (`--apply` does), {facts['left']} cannot; "
            f"{facts['looked_at']} documents looked at."
        )


def _look(look: Look) -> Mapping[str, Any]:
    return {
        "check": look.check,
        "level": word_of(look.level),
        "told": look.told,
        "findings": [
            {
                "level": word_of(each.level),
                "place": each.place,
                "says": each.says,
                "cure": each.cure,
            }
            for each in look.findings
        ],
        "more": look.more,
    }


def _mark(level: Level) -> str:
    word = word_of(level)
    return word.upper() if word == PROBLEM else word
