"""Checks whether requests can be served. Anybody may ask, at any rate."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from avenue import __version__
from avenue.errors import AvenueError
from avenue.health.models import Check, Finding, Fit, Step, worst
from avenue.health.rules import deployment, oplog
from avenue.scanning.clamd import Clamd
from avenue.scanning.errors import ScannerAway
from avenue.storage.connection import Database
from avenue.storage.schema import NotMigrated, Standing
from avenue.storage.status import DatabaseRefuses, DeploymentStatus

BELIEVED_SECONDS = 30.0
"""How long a good result is cached: checking every index takes some forty round trips."""
REMEMBERED_SECONDS = 2.0
"""How long a bad result is cached, so that frequent requests do not make it worse."""
UNAUTHORIZED = 13
REST = ("schema", "indexes", "oplog")

Probe = Callable[[], Sequence[Step]]
"""Stores a file to check whether that works, not too often; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result, in the order of the checks; `steps` is None without a probe."""

    checks: Sequence[Check]
    steps: Sequence[Step] | None

    @property
    def found(self) -> list[Check]:
        """Checks and steps."""
        return [*self.checks, *(self.steps or ())]

    @property
    def failed(self) -> list[Check]:
        """The failed checks and steps."""
        return [each for each in self.found if each.state is Fit.FAILED]

    @property
    def facts(self) -> dict[str, object]:
        """The result as JSON."""
        facts: dict[str, object] = {
            "status": "ready",
            "version": __version__,
            "checks": [*map(asdict, self.checks)],
        }
        if self.steps is not None:
            facts["probe"] = [*map(asdict, self.steps)]
        if self.failed:
            facts |= {
                "status": "unavailable",
                "reasons": [each.detail for each in self.failed],
                "failed": [each.name for each in self.failed],
            }
        return facts


class ReadinessService:
    """Checks whether primary, schema, indexes and oplog are in order.

    The primary is reached every time. The rest is cached for `BELIEVED_SECONDS`, or
    `REMEMBERED_SECONDS` if something is wrong, and one thread checks for all concurrent requests.
    """

    def __init__(
        self,
        database: Database,
        probe: Probe,
        now: Callable[[], float] = time.monotonic,
        *,
        scanner: Clamd | None = None,
    ) -> None:
        self._database = database
        self._status = DeploymentStatus(database)
        self._probe = probe
        self._scanner = scanner
        self._now = now
        self._looking = threading.Lock()
        self._known: tuple[Check, ...] = ()
        self._good_until = float("-inf")

    def answer(self, *, deep: bool) -> Answer:
        """Return the result; `deep` probes as well unless a check has failed."""
        checks = self.look()
        is_fit = all(each.state is not Fit.FAILED for each in checks)
        return Answer(checks=checks, steps=self._probe() if deep and is_fit else None)

    def look(self) -> tuple[Check, ...]:
        """Return the results in the order of the checks; those after a failed one may be unknown.

        Takes no longer than reaching the primary (a second), or a read and two seconds for the
        scanner if it must check.
        """
        primary = _checked("primary", self._ping)
        if primary.state is not Fit.OK:
            return (primary, *map(_not_looked_at, REST))
        with self._looking:
            if self._now() >= self._good_until:
                self._known = tuple(self._look())
                is_well = all(each.state is not Fit.FAILED for each in self._known)
                seconds = BELIEVED_SECONDS if is_well else REMEMBERED_SECONDS
                self._good_until = self._now() + seconds
            return (primary, *self._known)

    def _look(self) -> Iterator[Check]:
        with self._database.deadline(self._database.read_seconds):
            schema = _checked("schema", self._schema)
            yield schema
            if schema.state is Fit.OK:
                yield _checked(
                    "indexes", lambda: deployment.missing(self._status.missing_indexes())
                )
                yield _checked("oplog", lambda: oplog.window(self._status.oplog()))
            else:
                yield from map(_not_looked_at, REST[1:])
        if self._scanner is not None:
            yield _scanning(self._scanner)

    def _ping(self) -> Iterable[Finding]:
        self._database.ping()
        return ()

    def _schema(self) -> Iterable[Finding]:
        if self._status.standing() is not Standing.READY:
            raise NotMigrated
        return ()


def _checked(name: str, find: Callable[[], Iterable[Finding]]) -> Check:
    """Return the findings, or the meaning of a failed check; a missing privilege is no failure."""
    try:
        found = list(find())
    except DatabaseRefuses as error:
        code = error.facts.get("mongodb_code")
        if code == UNAUTHORIZED:
            return Check(name=name, state=Fit.UNKNOWN, detail="The database does not let us look.")
        words = f"The database refused to be looked at (code {code})."
        return Check(name=name, state=Fit.FAILED, detail=words)
    except AvenueError as error:
        return Check(name=name, state=Fit.FAILED, detail=error.message)
    bad = worst(found)
    state = Fit.of(bad.level) if bad else Fit.OK
    if bad is None or state is Fit.OK:
        return Check(name=name, state=Fit.OK)
    said = [each.says for each in found if Fit.of(each.level) is state]
    return Check(name=name, state=state, detail=" ".join(said))


def _scanning(scanner: Clamd) -> Check:
    """Return whether the scanner answers; without it files can still be read."""
    try:
        scanner.database(now=True)
    except ScannerAway as error:
        return Check(name="scanner", state=Fit.UNKNOWN, detail=error.message)
    return Check(name="scanner", state=Fit.OK)


def _not_looked_at(name: str) -> Check:
    return Check(name=name, state=Fit.UNKNOWN, detail="Not looked at.")
