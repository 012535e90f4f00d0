"""The passes of an adoption in its job."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from avenue.app.move_progress import Facts, ProgressSaver
from avenue.clock import utc_now
from avenue.jobs.runner import RunningJob
from avenue.migration.adopt.presenting import adoption_facts, refused
from avenue.migration.adopt.service import Adoption
from avenue.storage.earlier import Changes

Lists = Mapping[str, Iterable[Facts]]
Reported = Callable[[RunningJob, Facts, Lists], Facts]


class AdoptionPasses:
    """The passes of an adoption: a single one, or another one after each change."""

    def __init__(
        self, job: RunningJob, adoption: Adoption, reported: Reported, *, is_dry: bool
    ) -> None:
        self._job = job
        self._adoption = adoption
        self._reported = reported
        self._is_dry = is_dry
        self._told = ProgressSaver(job)

    def make(self, *, first: Any = None) -> Facts:
        """Make a pass and return its report; `first` is the time of the first change."""
        for _ in self._adoption.read():
            self._told.tell(0, None)
        total = sum(each.documents for each in self._adoption.recognised)
        self._told.watch(
            self._adoption.preview() if self._is_dry else self._adoption.bring(), total
        )
        facts = self._reported(
            self._job, adoption_facts(self._adoption), {"refused": refused(self._adoption)}
        )
        behind = (utc_now() - first).total_seconds() if first else None
        self._told.report(facts, behind_seconds=behind)
        return facts

    def follow(self, changes: Changes) -> None:
        """Wait briefly for a change, and make a pass if there was one."""
        first = min(changes.taken(), default=None)
        if first is None:
            self._told.tell(0, 0)
        else:
            self.make(first=first)
