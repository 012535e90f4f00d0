"""What can go wrong with backups."""

from avenue.errors import Conflict, Invalid, NotFound, StorageFull, Unavailable, Unprocessable


class InvalidTarget(Invalid):
    """The target is no directory and no S3 address."""

    code = "invalid_backup_target"
    message = "{target} is not a place for backups."
    hint = "Give a directory, or s3://bucket/prefix."


class TargetUnreachable(Unavailable):
    """The target cannot be read or written."""

    code = "backup_target_unreachable"
    message = "The target {target} cannot be reached: {why}."
    hint = "See that it is there (a disk that is not mounted is not), then try again."


class TargetRefuses(Unavailable):
    """The target does not let us in, or cannot be written to."""

    code = "backup_target_refuses"
    message = "The target {target} refuses: {why}."
    hint = "Check the rights of this process there, or the credentials, then try again."


class S3NotInstalled(Unavailable):
    """What speaks to S3 is an extra."""

    code = "s3_not_installed"
    message = "S3 needs boto3, which is not installed."
    hint = "Run `pip install --require-hashes -r requirements-s3.txt`."


class TargetFull(StorageFull):
    """The target has no room left."""

    code = "backup_target_full"
    message = "The target {target} is full."
    hint = "Make room, or `backup prune`, then run the backup again: what is there is kept."


class NoBackupTarget(Conflict):
    """The settings say nowhere to back up to."""

    code = "no_backup_target"
    message = "There is no place for backups."
    hint = "Set AVENUE_BACKUP_TO to a directory or s3://bucket/prefix, and start Avenue again."


class NoRepository(NotFound):
    """Nothing was ever backed up there."""

    code = "no_backup_repository"
    message = "There are no backups in {target}."
    hint = "Check the address, or begin with `python -m avenue backup create --to TARGET`."


class NotARepository(Conflict):
    """The target holds other things than backups."""

    code = "not_a_backup_repository"
    message = "{target} holds other things than backups of Avenue, so it is left untouched."
    hint = "Give an empty directory or prefix, or one that is not there yet."


class OtherInstallation(Conflict):
    """The repository has the backups of another database."""

    code = "other_installation"
    message = "{target} has the backups of another installation."
    hint = (
        "Give another target. If this database was restored from there and goes on with it, say "
        "`backup create --take-over` once."
    )


class KeyNeeded(Conflict):
    """The repository is encrypted, and no key is given."""

    code = "backup_key_needed"
    message = "The backups in {target} are encrypted."
    hint = "Set AVENUE_BACKUP_KEY to the key they were made with. Without it nobody can read them."


class WrongKey(Conflict):
    """The key is none, or not that of the repository."""

    code = "wrong_backup_key"
    message = "AVENUE_BACKUP_KEY is not the key of these backups."
    hint = "Give the key they were made with; another one, or a part of one, opens nothing."


class NotEncrypted(Conflict):
    """There is a key, and the repository is one without encryption."""

    code = "backup_not_encrypted"
    message = "A key is given, but the backups in {target} are not encrypted."
    hint = "Give another target, which is encrypted from its first backup on, or no key."


class NewerRepository(Conflict):
    """A newer version of Avenue wrote this."""

    code = "newer_backup"
    message = "A newer version of Avenue has written this backup."
    hint = "Use that version, or a newer one."


class BackupDamaged(Unprocessable):
    """What says what a backup holds cannot be read."""

    code = "backup_damaged"
    message = "{what} of the backup is damaged or missing."
    hint = "`python -m avenue backup verify --read` names all that is; choose another snapshot."


class SnapshotNotFound(NotFound):
    """There is no such snapshot, or it never got complete."""

    code = "snapshot_not_found"
    message = "There is no complete snapshot {snapshot}."
    hint = "`python -m avenue backup list` tells those that there are."


class NotInSnapshot(NotFound):
    """The snapshot does not have it."""

    code = "not_in_snapshot"
    message = "The snapshot {snapshot} has no {what}."
    hint = "Choose another snapshot: `python -m avenue backup list` tells those that there are."


class BackupRuns(Conflict):
    """Somebody else is at it."""

    code = "backup_runs"
    message = "Since {since} another process does this: {what}."
    hint = "Wait for its end; a process that was killed is forgotten after half a minute."


class BackupLost(Unavailable):
    """The process was away from the database for so long that others may have gone on."""

    code = "backup_lost"
    message = "The backup lost its lease: the database was away too long."
    hint = "Run it again; what was written is kept."


class SitesMoved(Unavailable):
    """Sites went to another cluster while they were read, or are about to and do not get there."""

    code = "sites_moved"
    message = "These sites go to another cluster, so they cannot be read now: {sites}."
    hint = "Run it again once `python -m avenue site list` says that they are there."


class ClusterMissing(Conflict):
    """A site of a backup is to go to a cluster that is not set up."""

    code = "cluster_missing"
    message = "These sites are to go to the cluster {cluster}, which is not set up here: {sites}."
    hint = (
        "Set AVENUE_CLUSTER_<NAME> for it, or say where they go: "
        "`backup restore --cluster SITE=home`. Nothing was written."
    )
