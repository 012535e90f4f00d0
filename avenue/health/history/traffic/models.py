"""Models of the counted traffic."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

SLOW_SHARE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTraffic:
    """Requests of one site; `writes` are those among them that may change something."""

    requests: int = 0
    writes: int = 0


NOTHING = SiteTraffic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Responses, those of 500 and above among them, and bytes of bodies sent.

    `took` has the number of responses by time: the key is a bound in microseconds, and each counts
    for the smallest bound that it did not exceed, above all bounds for `math.inf`; those of the
    fast lane are not in it. `sites` has the requests whose site was known, by its id.
    """

    requests: int = 0
    errors: int = 0
    sent_bytes: int = 0
    took: Mapping[float, int] = field(default_factory=dict)
    sites: Mapping[str, SiteTraffic] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything was counted."""
        return bool(self.requests or self.sent_bytes)

    def since(self, before: "Counts") -> "Counts":
        """Return the difference to the earlier counts `before`."""
        took = {bound: count - before.took.get(bound, 0) for bound, count in self.took.items()}
        return Counts(
            requests=self.requests - before.requests,
            errors=self.errors - before.errors,
            sent_bytes=self.sent_bytes - before.sent_bytes,
            took=took,
            sites={site: _since(now, before.sites.get(site)) for site, now in self.sites.items()},
        )

    @property
    def p95_seconds(self) -> float | None:
        """Return the 95th percentile of times, by the bounds; None without any, or beyond them."""
        left = SLOW_SHARE * sum(self.took.values())
        if not left:
            return None
        for bound in sorted(self.took):
            left -= self.took[bound]
            if left <= 0:
                return None if math.isinf(bound) else bound / 1_000_000
        return None


def _since(now: SiteTraffic, before: SiteTraffic | None) -> SiteTraffic:
    then = before or NOTHING
    return SiteTraffic(requests=now.requests - then.requests, writes=now.writes - then.writes)
