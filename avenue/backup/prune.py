"""Deletes expired snapshots, and the objects that no snapshot needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from avenue.backup.create import alone
from avenue.backup.errors import BackupDamaged, OtherInstallation
from avenue.backup.models import Finding, Kind, Manifest, Progress, Tell, ignore_progress
from avenue.backup.repository import MANIFEST, Repository
from avenue.storage.leases import Leases

TOLD_EVERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The numbers of days, weeks and months whose last snapshots are kept."""

    daily: int
    weekly: int
    monthly: int

    def kept(self, taken: Sequence[tuple[str, datetime]]) -> set[str]:
        """Return which of the snapshots `taken`, newest first, are kept: the newest always."""
        kept = {each for each, _ in taken[:1]}
        for most, period in (
            (self.daily, "%Y-%m-%d"),
            (self.weekly, "%G-%V"),
            (self.monthly, "%Y-%m"),
        ):
            last: dict[str, str] = {}
            for each, at in taken:
                last.setdefault(at.strftime(period), each)
            kept.update(list(last.values())[:most])
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was or would be deleted; with `findings` no objects, as those needed are unknown."""

    kept: tuple[str, ...]
    removed: tuple[str, ...]
    objects: int
    size: int
    findings: tuple[Finding, ...] = ()


class Pruning:
    """Prunes the repository of this installation."""

    def __init__(self, repository: Repository, leases: Leases, installation: str) -> None:
        self._repository = repository
        self._leases = leases
        self._installation = installation

    def run(
        self, keeping: Keeping, *, is_trial: bool = False, tell: Tell = ignore_progress
    ) -> Pruned:
        """Delete what is not kept; with `is_trial` only report it. Repeatable.

        Raise `BackupRuns` during a backup, `BackupLost` if the lease is lost, and
        `OtherInstallation`: its backups may be running.
        """
        if self._repository.installation != self._installation:
            raise OtherInstallation(target=self._repository.target.address)
        with alone(self._leases, "backup prune") as lease:
            states = [each for each in self._repository.snapshots() if each.is_complete]
            manifests = [each.manifest for each in reversed(states) if each.manifest]
            kept = keeping.kept([(each.id, each.taken_at) for each in manifests])
            findings = [
                _unreadable(f"{each.id}/{MANIFEST}") for each in states if each.manifest is None
            ]
            needed, damaged = self._needed(each for each in manifests if each.id in kept)
            findings += damaged
            removed = [each.id for each in manifests if each.id not in kept]
            if not is_trial:
                lease.check()
                self._repository.remove_unfinished()
                for each in removed:
                    lease.check()
                    self._repository.remove(each)
            objects = size = 0
            for sha256, of_it in () if findings else list(self._repository.objects()):
                if bytes.fromhex(sha256) in needed:
                    continue
                objects, size = objects + 1, size + of_it
                if not is_trial:
                    lease.check()
                    self._repository.remove_object(sha256)
                    if objects % TOLD_EVERY == 0:
                        tell(Progress(phase="objects removed", done=objects, total=None))
        return Pruned(
            kept=tuple(sorted(kept)),
            removed=tuple(sorted(removed)),
            objects=objects,
            size=size,
            findings=tuple(findings),
        )

    def _needed(self, manifests: Iterable[Manifest]) -> tuple[set[bytes], list[Finding]]:
        """Return the objects of snapshots that stay, and the damaged lists of them."""
        needed: set[bytes] = set()
        findings = []
        for each in manifests:
            try:
                needed.update(bytes.fromhex(it) for it, _ in self._repository.listed_objects(each))
            except BackupDamaged:
                findings.append(_unreadable(f"{each.id}/{each.objects.listed.name}"))
        return needed, findings


def _unreadable(what: str) -> Finding:
    detail = "It is damaged, so no object was removed."
    return Finding(kind=Kind.UNREADABLE, what=f"snapshots/{what}", detail=detail)
