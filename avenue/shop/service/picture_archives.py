"""Reading the ZIPs of pictures by SKU: the files, and whether they are pictures."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from avenue.media.archives import Archive, ArchiveFile, PassedOver
from avenue.media.errors import DamagedEntry, EmptyFile, UnsupportedMediaType
from avenue.media.intake.policy import UploadPolicy
from avenue.media.intake.sniffing import HEAD_BYTES
from avenue.media.intake.spool import SpooledFile, spooled
from avenue.shop.matching.errors import TooManyFiles
from avenue.shop.matching.models import KeptFile, NamedFile, Reason
from avenue.shop.matching.naming import is_picture
from avenue.shop.service.pictures import MOST_BYTES_TO_SHRINK

MOST_FILES = 20_000
MOST_DIRECTORY_BYTES = 4 * 1024 * 1024


def opened(file: ArchiveFile) -> AbstractContextManager[Archive]:
    """Return the opened ZIP; raise `UnsafeArchive`."""
    return closing(Archive(file, most_directory_bytes=MOST_DIRECTORY_BYTES))


def named(archive: Archive, policy: UploadPolicy) -> list[NamedFile]:
    """Return the files of an archive with readable names; raise `TooManyFiles`.

    The first bytes of those with picture names are checked, so that a dry run reports fakes.
    """
    files = []
    for entry in archive.walk():
        path = entry.name.decode("utf-8", "replace")
        if isinstance(entry, PassedOver):
            files.append(NamedFile(path=path, key="", length=0, why_not=entry.why.value))
        else:
            why_not = None
            if entry.length and is_picture(path):
                why_not = _why_no_picture(archive, entry.key, policy)
            key = entry.key.decode()
            files.append(NamedFile(path=path, key=key, length=entry.length, why_not=why_not))
        if len(files) > MOST_FILES:
            raise TooManyFiles(limit=MOST_FILES)
    return files


def _why_no_picture(archive: Archive, key: bytes, policy: UploadPolicy) -> str | None:
    """Return why the first bytes of a file are not a picture, None if they are."""
    try:
        policy.check_type(archive.head(key, HEAD_BYTES))
    except UnsupportedMediaType:
        return Reason.OTHER_CONTENT.value
    except (DamagedEntry, EmptyFile):
        return Reason.DAMAGED.value
    return None


@contextmanager
def unpacked(
    archive: Archive, file: KeptFile, policy: UploadPolicy, tmp_dir: Path
) -> Iterator[SpooledFile]:
    """Yield a file of the archive as a real file.

    If it is too large to be reduced, no more is unpacked than that shows.
    """
    bound = replace(policy, max_bytes=max(policy.max_bytes, MOST_BYTES_TO_SHRINK))
    name = file.file.path.rpartition("/")[2]
    blocks = archive.read(file.file.key.encode())
    with spooled(name, blocks, tmp_dir, bound.check_bytes) as picture:
        if not picture.length:
            raise EmptyFile
        yield picture
