"""The state of backups, and jobs on them, for operators of the deployment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from avenue.backup.encryption import EncryptedTarget
from avenue.backup.errors import NoBackupTarget, NoRepository
from avenue.backup.repository import Repository, SnapshotState
from avenue.backup.store import BackupStore, Deed, Done
from avenue.errors import AvenueError
from avenue.identity import Actor
from avenue.jobs.models import Job
from avenue.jobs.service import JobService

BACKUP = "backup"
VERIFY = "backup_verify"
DRILL = "backup_drill"
RETURN = "backup_return"
"""Restores one thing of a snapshot; its arguments are `snapshot`, `kind` and `id`."""
JOBS: Mapping[Deed, str] = {Deed.CREATED: BACKUP, Deed.VERIFIED: VERIFY, Deed.DRILLED: DRILL}
BY_HAND = "by hand"
MOST_SHOWN = 20
"""The most snapshots that are shown: a file of the target is read for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The state of backups. `target` is None if no backups are scheduled.

    `snapshots` are the newest ones of the target, newest first. `problem` says why it could not be
    reached from here, `is_encrypted` is None then.
    """

    target: str | None
    is_encrypted: bool | None = None
    last: Mapping[Deed, Done]
    snapshots: tuple[SnapshotState, ...] = ()
    problem: AvenueError | None = None


class BackupService:
    """Every method raises `Forbidden` unless the actor is an operator of the deployment."""

    def __init__(
        self,
        target: str,
        opened: Callable[[], Repository],
        store: BackupStore,
        jobs: JobService,
    ) -> None:
        self._target = target
        self._opened = opened
        self._store = store
        self._jobs = jobs

    def overview(self, actor: Actor) -> Overview:
        """Return the state of backups; what this process cannot reach is a problem."""
        actor.must_run_deployment()
        last = self._store.last()
        if not self._target:
            return Overview(target=None, last=last)
        try:
            repository = self._opened()
            snapshots = tuple(repository.newest(MOST_SHOWN))
        except NoRepository:
            return Overview(target=self._target, last=last)
        except AvenueError as error:
            return Overview(target=self._target, last=last, problem=error)
        return Overview(
            target=self._target,
            is_encrypted=isinstance(repository.target, EncryptedTarget),
            last=last,
            snapshots=snapshots,
        )

    def start(self, actor: Actor, deed: Deed) -> Job:
        """Start one of `JOBS` now; a second call returns the same job. Raise `NoBackupTarget`."""
        self._require_target(actor)
        return self._jobs.enqueue(JOBS[deed], key=BY_HAND)

    def bring_back(self, actor: Actor, snapshot_id: str, kind: str, record_id: str) -> Job:
        """Start restoring one thing into its site; raise `NoBackupTarget`.

        The job fails if the snapshot does not contain it, and says so.
        """
        self._require_target(actor)
        wanted = {"snapshot": snapshot_id, "kind": kind, "id": record_id}
        return self._jobs.enqueue(RETURN, wanted, key=f"{snapshot_id}/{kind}/{record_id}")

    def _require_target(self, actor: Actor) -> None:
        actor.must_run_deployment()
        if not self._target:
            raise NoBackupTarget
