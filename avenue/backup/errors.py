"""Errors of backups."""

from avenue.errors import Conflict, Invalid, NotFound, StorageFull, Unavailable, Unprocessable


class InvalidTarget(Invalid):
    """The target is neither a directory nor an S3 address."""

    code = "invalid_backup_target"
    message = "{target} cannot be used for backups."
    hint = "Specify a directory, or s3://bucket/prefix."


class TargetUnreachable(Unavailable):
    """The target cannot be reached."""

    code = "backup_target_unreachable"
    message = "The target {target} cannot be reached: {why}."
    hint = "Check that it exists (an unmounted disk does not), then try again."


class TargetRefuses(Unavailable):
    """The target denies access, or cannot be written to."""

    code = "backup_target_refuses"
    message = "The target {target} rejected the request: {why}."
    hint = "Check this process's permissions there, or the credentials, then try again."


class S3NotInstalled(Unavailable):
    """The optional package for S3 is not installed."""

    message = "S3 needs boto3, which is not installed."
    hint = "Run `pip install --require-hashes -r requirements-s3.txt`."


class TargetFull(StorageFull):
    """The target is full."""

    code = "backup_target_full"
    message = "The target {target} is full."
    hint = (
        "Free up space, or run `backup prune`, then run the backup again: what is "
        "already there is kept."
    )


class NoBackupTarget(Conflict):
    """No backup target is configured."""

    message = "No backup target is set."
    hint = "Set AVENUE_BACKUP_TO to a directory or s3://bucket/prefix, and restart Avenue."


class NoRepository(NotFound):
    """There is no backup repository at this target."""

    code = "no_backup_repository"
    message = "There are no backups in {target}."
    hint = "Check the address, or start with `python -m avenue backup create --to TARGET`."


class NotARepository(Conflict):
    """The target contains something other than backups."""

    code = "not_a_backup_repository"
    message = "{target} contains things that are not Avenue backups, so it is left untouched."
    hint = "Specify an empty directory or prefix, or one that does not exist yet."


class OtherInstallation(Conflict):
    """The repository contains backups of another database."""

    message = "{target} contains the backups of another installation."
    hint = (
        "Specify another target. If this database was restored from there and continues "
        "with it, run `backup create --take-over` once."
    )


class KeyNeeded(Conflict):
    """The repository is encrypted, and no key was given."""

    code = "backup_key_needed"
    message = "The backups in {target} are encrypted."
    hint = (
        "Set AVENUE_BACKUP_KEY to the key they were created with. Without it, no one can read them."
    )


class WrongKey(Conflict):
    """The key is malformed, or not the key of the repository."""

    code = "wrong_backup_key"
    message = "AVENUE_BACKUP_KEY is not the key of these backups."
    hint = "Specify the key they were created with; another key, or part of one, opens nothing."


class NotEncrypted(Conflict):
    """A key was given, but the repository is not encrypted."""

    code = "backup_not_encrypted"
    message = "A key was given, but the backups in {target} are not encrypted."
    hint = "Specify another target, which is encrypted from its first backup on, or no key."


class NewerRepository(Conflict):
    """A newer version of Avenue wrote this."""

    code = "newer_backup"
    message = "This backup was written by a newer version of Avenue."
    hint = "Use that version, or a newer one."


class BackupDamaged(Unprocessable):
    """The index of a backup cannot be read."""

    message = "{what} in the backup is damaged or missing."
    hint = (
        "`python -m avenue backup verify --read` lists everything that is damaged; "
        "choose another snapshot."
    )


class ManifestTooLarge(Unprocessable):
    """The manifest of a backup would be too large to be read, so none is written."""

    message = "The manifest of this backup would exceed the {most_mib} MiB that can be read."
    hint = (
        "It lists the files of other programs that lack their sha256. Store that as "
        "`metadata.sha256` in the documents of these files, then run the backup again."
    )


class SnapshotNotFound(NotFound):
    """The snapshot does not exist, or is incomplete."""

    message = "There is no complete snapshot {snapshot}."
    hint = "`python -m avenue backup list` lists the available ones."


class NotInSnapshot(NotFound):
    """The snapshot does not contain it."""

    message = "Snapshot {snapshot} has no {what}."
    hint = "Choose another snapshot: `python -m avenue backup list` lists them."


class BackupRuns(Conflict):
    """Another process is working on the repository."""

    message = "Another process has been doing this since {since}: {what}."
    hint = "Wait for it to finish; a process that was killed is forgotten after half a minute."


class BackupLost(Unavailable):
    """The process lost the database for so long that another may have taken over the backup."""

    message = "The backup lost its lease: the database was unavailable for too long."
    hint = "Run it again; what was written is kept."


class SitesMoved(Unavailable):
    """Sites were moved to another cluster during the backup, or a move does not complete."""

    message = (
        "These sites are being moved to another cluster, so they cannot be read right now: {sites}."
    )
    hint = "Run it again once `python -m avenue site list` shows them there."


class ClusterMissing(Conflict):
    """A site in the backup belongs on a cluster that is not configured."""

    message = "These sites go to the cluster {cluster}, which is not set up here: {sites}."
    hint = (
        "Set AVENUE_CLUSTER_<NAME> for it, or specify where they go: `backup restore "
        "--cluster SITE=home`. Nothing was written."
    )
