"""The place of a walk over all stored data, saved as the cursor of its job."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from avenue.clock import utc_now
from avenue.health.checks.models import Flaw, Tally
from avenue.identity import Site

END = "end"


class Place:
    """The place of a walk, from which it can be resumed. `is_due`: it should be saved now."""

    def __init__(self, cursor: Mapping[str, Any] | None) -> None:
        saved = cursor or {}
        self.site = str(saved.get("site", ""))
        self.step = str(saved.get("step", ""))
        self.after = str(saved.get("after", ""))
        self.done = int(saved.get("done", 0))
        self.is_due = False
        self.began_at: datetime = saved.get("began_at") or utc_now()
        self.tally = Tally.from_dict(saved["tally"]) if "tally" in saved else Tally()

    def enter(self, site_id: str) -> None:
        """Start a site, or continue with the one that was started."""
        if site_id != self.site:
            self.site = site_id
            self.leave()

    def left(self, sites: Iterable[Site]) -> Iterator[Site]:
        """Yield the remaining sites, entering each."""
        for each in sorted(sites, key=lambda site: site.id):
            if each.id >= self.site:
                self.enter(each.id)
                yield each

    def walk(
        self, steps: Sequence[str], look: Callable[[str, str], tuple[str | None, Sequence[Flaw]]]
    ) -> Iterator[Sequence[Flaw]]:
        """Do the remaining steps, a batch at a time; yield the findings.

        `look` gets the step and the start of its batch; it returns the start of the next one, None
        after the last. A step that ends within its first batch is faster repeated than saved, so
        the place `is_due` after each full batch and after the last step.
        """
        following = dict(zip(steps, [*steps[1:], END], strict=True))
        if self.step not in {*following, END}:
            self.step, self.after = steps[0], ""
        while self.step != END:
            last, flaws = look(self.step, self.after)
            if last is None:
                self.step, self.after = following[self.step], ""
            else:
                self.after = last
            self.is_due = last is not None or self.step == END
            yield flaws

    def leave(self) -> None:
        """Reset the place: no site is started."""
        self.step = self.after = ""
        self.tally, self.began_at = Tally(), utc_now()

    def as_dict(self) -> dict[str, Any]:
        """Return it for the job's cursor."""
        return {
            "site": self.site,
            "step": self.step,
            "after": self.after,
            "done": self.done,
            "began_at": self.began_at,
            "tally": self.tally.as_dict(),
        }
