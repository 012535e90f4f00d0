"""Backups as JSON, under `/api/ops/backups`, for operators of the deployment."""

from flask import Blueprint, Response, jsonify

from avenue.backup.errors import NoBackupTarget, SnapshotNotFound
from avenue.backup.presenting import backups_json
from avenue.backup.replies import Backups, Wanted
from avenue.backup.repository import SNAPSHOT_ID
from avenue.backup.service import BackupService
from avenue.backup.store import Deed
from avenue.identity import Role
from avenue.jobs.models import Job
from avenue.jobs.presenting import job_json
from avenue.jobs.replies import JobReply
from avenue.web.audit import audited, note
from avenue.web.auth import current_actor, require
from avenue.web.describing import described
from avenue.web.parsing import body_as
from avenue.web.services import using

blueprint = Blueprint("backups", __name__, url_prefix="/api/ops/backups")


@blueprint.get("")
@require(Role.OPS)
@described(replies={200: Backups})
def show_backups() -> Response:
    """Return the target and schedule of backups, and the newest 20 snapshots."""
    return jsonify(backups_json(using(BackupService).overview(current_actor())))


@blueprint.post("")
@audited("job.begun")
@require(Role.OPS)
@described(replies={202: JobReply}, refuses=(NoBackupTarget,))
def create_backup() -> tuple[Response, int]:
    """Start a backup of everything now."""
    return _started(using(BackupService).start(current_actor(), Deed.CREATED))


@blueprint.post("/verify")
@audited("job.begun")
@require(Role.OPS)
@described(replies={202: JobReply}, refuses=(NoBackupTarget,))
def verify_backups() -> tuple[Response, int]:
    """Start reading the records of all snapshots and today's portion of the files now."""
    return _started(using(BackupService).start(current_actor(), Deed.VERIFIED))


@blueprint.post("/drill")
@audited("job.begun")
@require(Role.OPS)
@described(replies={202: JobReply}, refuses=(NoBackupTarget,))
def drill_backup() -> tuple[Response, int]:
    """Start a trial restore of the newest snapshot now, which is checked and deleted."""
    return _started(using(BackupService).start(current_actor(), Deed.DRILLED))


@blueprint.post("/<snapshot_id>/restore")
@audited("job.begun")
@require(Role.OPS)
@described(body=Wanted, replies={202: JobReply}, refuses=(NoBackupTarget, SnapshotNotFound))
def bring_back(snapshot_id: str) -> tuple[Response, int]:
    """Restore one product, group, page, picture or upload of a snapshot into its site."""
    wanted = body_as(Wanted)
    if not SNAPSHOT_ID.fullmatch(snapshot_id):
        raise SnapshotNotFound(snapshot=snapshot_id[:40])
    service = using(BackupService)
    return _started(service.bring_back(current_actor(), snapshot_id, wanted.kind, wanted.id))


def _started(job: Job) -> tuple[Response, int]:
    note(object_id=job.id, kind=job.kind)
    return jsonify(job_json(job)), 202
