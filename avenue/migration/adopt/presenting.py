"""What an adoption tells of itself, for commands, jobs and the panel."""

from dataclasses import asdict
from itertools import islice
from typing import Any

from avenue.migration.adopt.models import LEFT_ALONE, Recognised
from avenue.migration.adopt.service import Adoption

MOST_TOLD = 1000
"""Refusals that are told one by one; all of them are counted."""
LONGEST_TOLD = 300
Facts = dict[str, Any]


def adoption_facts(adoption: Adoption) -> Facts:
    """Return what was recognised, and what became of it: JSON, and bounded."""
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
        "refused": [
            {name: text[:LONGEST_TOLD] for name, text in asdict(each).items()}
            for each in islice(adoption.inventory.refused(), MOST_TOLD)
        ],
    }


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
