"""Reports of an adoption, for commands, jobs and the panel."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from avenue.migration.adopt.models import LEFT_ALONE, Recognised
from avenue.migration.adopt.service import Adoption

LONGEST_TOLD = 300
Facts = dict[str, Any]


def adoption_facts(adoption: Adoption) -> Facts:
    """Return what was recognised, and the outcome: JSON of limited size."""
    return {
        "from": adoption.source_name,
        "recognised": [_shown(each) for each in adoption.recognised if not _is_left(each)],
        "left_alone": [
            {"name": each.name, "documents": each.documents, "why": LEFT_ALONE[each.holds]}
            for each in adoption.recognised
            if _is_left(each)
        ],
        "counts": {kind: dict(counts) for kind, counts in adoption.counts.items()},
        "refused_total": adoption.inventory.count_refused(),
    }


def refused(adoption: Adoption) -> Iterator[Facts]:
    """Yield the refusals with their reasons."""
    for each in adoption.inventory.refused():
        yield {name: text[:LONGEST_TOLD] for name, text in asdict(each).items()}


def _is_left(recognised: Recognised) -> bool:
    return recognised.holds in LEFT_ALONE


def _shown(recognised: Recognised) -> Facts:
    return {
        "name": recognised.name,
        "holds": recognised.holds.value,
        "documents": recognised.documents,
        "is_bucket": recognised.is_bucket,
        "samples": [
            {
                "id": each.id[:LONGEST_TOLD],
                "title": each.title,
                "seen": [text[:LONGEST_TOLD] for text in each.seen],
            }
            for each in recognised.samples
        ],
    }
