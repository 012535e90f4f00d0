"""Rules for the place of backups."""

from collections.abc import Iterator
from pathlib import Path

from avenue.config import Settings
from avenue.health.models import Finding, Level

PLACE = "AVENUE_BACKUP_TO"


def place(own: Settings, data: Path | None) -> Iterator[Finding]:
    """Yield why a lost disk might destroy the backups too; `data` is the database's folder."""
    if own.local and not own.backup_to:
        return  # for trial installations
    if not own.backup_to:
        yield Finding(
            level=Level.NOTICE,
            place=PLACE,
            says="It is empty, so nothing is backed up by itself.",
            cure="Set it to a directory on another machine, or to s3://bucket/prefix; "
            "docs/operations.md tells how.",
        )
    elif data is not None and _is_on_disk_of(own.backup_to, data):
        yield Finding(
            level=Level.WARNING,
            place=f"{PLACE}={own.backup_to}",
            says="It lies on the same disk as the database: who loses one, loses both.",
            cure="Give a directory on another machine, or at least another disk, or "
            "s3://bucket/prefix.",
        )


def _is_on_disk_of(target: str, data: Path) -> bool:
    if target.startswith("s3://"):
        return False
    folder = Path(target).absolute()
    there = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        return there.stat().st_dev == data.stat().st_dev
    except OSError:
        return False
