"""How backups stand, and work on them, for those who run the deployment."""

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
"""Brings one thing of a snapshot back; its arguments are `snapshot`, `kind` and `id`."""
JOBS: Mapping[Deed, str] = {Deed.CREATED: BACKUP, Deed.VERIFIED: VERIFY, Deed.DRILLED: DRILL}
BY_HAND = "by hand"
MOST_SHOWN = 20
"""Each is a file of the target that is read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How backups stand. `target` is None where none are made by themselves.

    `snapshots` are the newest ones of the target, the newest first. `problem` says why it could not
    be asked from here, `is_encrypted` is None then.
    """

    target: str | None
    is_encrypted: bool | None = None
    last: Mapping[Deed, Done]
    snapshots: tuple[SnapshotState, ...] = ()
    problem: AvenueError | None = None


class BackupService:
    """Every method raises `Forbidden` unless the actor runs the deployment."""

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
        """Return how backups stand; what cannot be reached from this process is a problem."""
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
        """Have one of `JOBS` done now; pressed twice it is done once. Raise `NoBackupTarget`."""
        self._require_target(actor)
        return self._jobs.enqueue(JOBS[deed], key=BY_HAND)

    def bring_back(self, actor: Actor, snapshot_id: str, kind: str, record_id: str) -> Job:
        """Have one thing brought back into its site; raise `NoBackupTarget`.

        The job fails where the snapshot does not have it, and says so.
        """
        self._require_target(actor)
        wanted = {"snapshot": snapshot_id, "kind": kind, "id": record_id}
        return self._jobs.enqueue(RETURN, wanted, key=f"{snapshot_id}/{kind}/{record_id}")

    def _require_target(self, actor: Actor) -> None:
        actor.must_run_deployment()
        if not self._target:
            raise NoBackupTarget
