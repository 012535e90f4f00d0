"""Creates the backup services for commands and jobs."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from avenue.app.services import Services
from avenue.backup.create import SETTLE_SECONDS, Creation, alone
from avenue.backup.encryption import key_of
from avenue.backup.models import Finding, Kind, Manifest, Progress, Share, Tell, ignore_progress
from avenue.backup.one import Return, Returned
from avenue.backup.opening import target_of
from avenue.backup.prune import Keeping, Pruned, Pruning
from avenue.backup.repository import Repository
from avenue.backup.restore import Restoration, Restored
from avenue.backup.service import BACKUP, DRILL, VERIFY, BackupService
from avenue.backup.store import BackupStore, Deed
from avenue.backup.targets import Target
from avenue.backup.targets.s3 import S3Access
from avenue.backup.verify import Portion, Verification
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.identity import HOME_CLUSTER
from avenue.jobs.runner import RunningJob
from avenue.storage.connection import Database
from avenue.storage.copying.drilling import DrillDatabase, differences
from avenue.storage.copying.reading import HomeSource, bucket_of, files_in
from avenue.storage.copying.renaming import Renaming
from avenue.storage.copying.returning import Returning
from avenue.storage.holders import COUNT_QUOTAS
from avenue.storage.leases import Leases
from avenue.storage.schema import Gate

PORTIONS = 7
"""All objects are read within so many days, a portion each day."""
VERIFY_SECONDS = 24 * 3600
DAY_SECONDS = 24 * 3600

Check = Callable[[Settings, Database, Tell], tuple[Finding, ...]]
"""A function that checks every byte of a database."""


def target_from(settings: Settings, address: str) -> Target:
    """Return the target at an address, with the credentials of the settings."""
    access = S3Access(
        endpoint=settings.backup_s3_endpoint,
        region=settings.backup_s3_region,
        key=settings.backup_s3_key,
        secret=settings.backup_s3_secret,
        tmp_dir=settings.tmp_dir,
    )
    return target_of(address, access)


def key_from(settings: Settings) -> bytes | None:
    """Return the encryption key, or None without encryption. Raise `WrongKey`."""
    return key_of(settings.backup_key) if settings.backup_key else None


def opened(settings: Settings, address: str) -> Repository:
    """Return the repository at an address. Raises as `Repository.opened`."""
    return Repository.opened(target_from(settings, address), key_from(settings))


def back_up(
    settings: Settings,
    database: Database,
    target: Target,
    tell: Tell = ignore_progress,
    *,
    takes_over: bool = False,
) -> Manifest:
    """Create a backup and record that. Raises as `Gate` and `Creation`."""
    Gate(database).pass_or_raise()
    key = key_from(settings)
    creation = Creation(HomeSource(database), Leases(database), target, key)
    manifest = creation.run(tell, takes_over=takes_over)
    BackupStore(database).note(Deed.CREATED, manifest.id, len(manifest.findings))
    return manifest


def prune(
    database: Database, repository: Repository, keeping: Keeping, *, is_trial: bool = False
) -> Pruned:
    """Delete the snapshots that are no longer kept, and the objects only they needed."""
    Gate(database).pass_or_raise()
    pruning = Pruning(repository, Leases(database), HomeSource(database).installation())
    return pruning.run(keeping, is_trial=is_trial)


def bring_back(
    settings: Settings,
    database: Database,
    repository: Repository,
    manifest: Manifest,
    kind: str,
    record_id: str,
    *,
    settle_seconds: float = SETTLE_SECONDS,
) -> Returned:
    """Restore one item of a snapshot, request a count of the quotas, and record it.

    Raise the errors of `Gate`, `alone` and `Return`.
    """
    Gate(database).pass_or_raise()
    limit = settings.max_images_per_product
    work = Return(repository, Returning(database, trash_days=settings.trash_days), settings.tmp_dir)
    with alone(Leases(database), "backup restore") as lease:
        time.sleep(settle_seconds)
        returned = work.run(manifest, kind, record_id, lease, most_images=limit)
    services = Services(settings, database)
    if returned.records:
        services.jobs.enqueue(COUNT_QUOTAS, key="restored")
    services.audit.record_command(
        returned.site,
        "backup restore",
        "backup.returned",
        record_id,
        details={"kind": kind, "snapshot": manifest.id},
    )
    return returned


def drill(
    settings: Settings,
    database: Database,
    repository: Repository,
    manifest: Manifest,
    check: Check,
    tell: Tell = ignore_progress,
) -> Restored:
    """Restore a snapshot into a database beside each real one, check it, and drop them.

    Record that, and return what was restored, with all findings. Sites of clusters that are no
    longer set up go to home. Raise `DrillInTheWay`; otherwise raises as `Restoration`.
    """
    clusters = {HOME_CLUSTER: database, **_clusters_of(manifest, database)}
    places = {
        site_id: share.name if share.name in clusters else HOME_CLUSTER
        for share in manifest.shares
        for site_id in share.sites
    }
    renaming = Renaming(clusters=tuple(places.items()))
    sizes, counts = Counter[str](), {name: Counter[str]() for name in clusters}
    for share in manifest.shares:
        name = share.name if share.name in clusters else HOME_CLUSTER
        sizes[name] += _size_of(repository, manifest, share)
        counts[name].update({each.name: each.count for each in share.collections})
    with _scratch(settings, clusters, sizes) as (own, scratch):
        restored = Restoration(repository, scratch, tell).run(
            manifest, renaming, keeps_tokens=False
        )
        findings = [
            *restored.findings,
            *(
                Finding(kind=Kind.INCOMPLETE, what=each.collection, detail=each.detail)
                for name, cluster in {HOME_CLUSTER: scratch, **scratch.clusters}.items()
                for each in differences(cluster, counts[name])
            ),
            *check(own, scratch, tell),
        ]
    BackupStore(database).note(Deed.DRILLED, manifest.id, len(findings))
    return replace(restored, findings=tuple(findings))


def _clusters_of(manifest: Manifest, database: Database) -> Mapping[str, Database]:
    """Return the clusters other than home that a snapshot names and that are set up."""
    named = {share.name for share in manifest.shares}
    return {name: each for name, each in database.clusters.items() if name in named}


def _size_of(repository: Repository, manifest: Manifest, share: Share) -> int:
    """Return the size in bytes of the files and records of a share."""
    size = sum(each.size for each in share.collections)
    for each in share.collections:
        if bucket := bucket_of(each.name):
            with repository.reading(manifest.id, each.records) as records:
                size += sum(file.length for file in files_in(bucket, records))
    return size


@contextlib.contextmanager
def _scratch(
    settings: Settings, clusters: Mapping[str, Database], sizes: Mapping[str, int]
) -> Iterator[tuple[Settings, Database]]:
    """Give an empty database beside each real one, and drop them at the end."""
    drilling = {name: DrillDatabase(each) for name, each in clusters.items()}
    for name, each in drilling.items():
        each.clear(sizes[name])
    real = {HOME_CLUSTER: settings.mongodb_uri, **settings.clusters}
    uris = {name: _beside(real[name], each.name) for name, each in drilling.items()}
    home = uris.pop(HOME_CLUSTER)
    beside = tuple(f"{name}={uri}" for name, uri in uris.items())
    own = replace(settings, mongodb_uri=home, cluster_uris=beside)
    scratch = Database(own)
    try:
        yield own, scratch
    finally:
        scratch.close()  # first, because with several clusters it keeps renewing its lease
        for each in drilling.values():
            with contextlib.suppress(AvenueError):  # the original error is the one to report
                each.drop()


def _beside(uri: str, name: str) -> str:
    """Return the URI of another database on the same server, for the same user."""
    parts = urlsplit(uri)
    query = parts.query
    if "@" in parts.netloc and "authsource=" not in query.lower():
        known_in = parts.path.strip("/") or "admin"
        query = f"{query}&authSource={known_in}" if query else f"authSource={known_in}"
    return urlunsplit((parts.scheme, parts.netloc, f"/{quote(name, safe='')}", query, ""))


class BackupJobs:
    """The periodic backup jobs, if `AVENUE_BACKUP_TO` is set."""

    def __init__(self, settings: Settings, database: Database, check: Check) -> None:
        self._settings = settings
        self._database = database
        self._check = check

    @property
    def seconds(self) -> Mapping[str, int]:
        """The interval of each job, in seconds."""
        every = {BACKUP: self._settings.backup_hours * 3600, VERIFY: VERIFY_SECONDS}
        if self._settings.backup_drill_days:
            every[DRILL] = self._settings.backup_drill_days * DAY_SECONDS
        return every

    def create(self, job: RunningJob) -> Mapping[str, Any]:
        """Create a backup, then delete what is no longer kept."""
        settings = self._settings
        target = target_from(settings, settings.backup_to)
        manifest = back_up(settings, self._database, target, partial(_save, job))
        pruned = prune(self._database, self._repository(), keeping_of(settings))
        return {
            "snapshot": manifest.id,
            "files": manifest.files,
            "new_objects": manifest.objects.new,
            "new_bytes": manifest.objects.new_size,
            "findings": len(manifest.findings),
            "pruned": len(pruned.removed),
        }

    def verify(self, job: RunningJob) -> Mapping[str, Any]:
        """Read the records of all snapshots, and today's portion of the objects."""
        portion = Portion(number=utc_now().toordinal() % PORTIONS, of=PORTIONS)
        repository = self._repository()
        verified = Verification(repository).run(reads=portion, tell=partial(_save, job))
        newest = verified.snapshots[-1] if verified.snapshots else ""
        BackupStore(self._database).note(Deed.VERIFIED, newest, len(verified.findings))
        return {
            "objects": verified.objects,
            "read": verified.read,
            "findings": len(verified.findings),
        }

    def drill(self, job: RunningJob) -> Mapping[str, Any]:
        """Restore the newest snapshot beside the real database, and check it."""
        repository = self._repository()
        drilled = drill(
            self._settings,
            self._database,
            repository,
            repository.manifest(),
            self._check,
            partial(_save, job),
        )
        return {"snapshot": drilled.snapshot, "findings": len(drilled.findings)}

    def bring_back(self, job: RunningJob) -> Mapping[str, Any]:
        """Restore one item of a snapshot."""
        repository = self._repository()
        manifest = repository.manifest(str(job.args["snapshot"]))
        kind, record_id = str(job.args["kind"]), str(job.args["id"])
        returned = bring_back(self._settings, self._database, repository, manifest, kind, record_id)
        return {
            "records": returned.records,
            "files": returned.files,
            "findings": len(returned.findings),
        }

    def _repository(self) -> Repository:
        return opened(self._settings, self._settings.backup_to)


def backup_service(services: Services) -> BackupService:
    """Return the service behind the backup page of the panel."""
    settings = services.settings
    return BackupService(
        settings.backup_to,
        lambda: opened(settings, settings.backup_to),
        BackupStore(services.database),
        services.jobs,
    )


def keeping_of(settings: Settings) -> Keeping:
    """Return how many snapshots are kept, by the settings."""
    daily, weekly, monthly = map(int, settings.backup_keep)
    return Keeping(daily=daily, weekly=weekly, monthly=monthly)


def _save(job: RunningJob, progress: Progress) -> None:
    job.save(done=progress.done, total=progress.total)
