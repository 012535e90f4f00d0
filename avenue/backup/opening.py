"""From what people write to where it is: a directory, or a bucket of S3."""

from pathlib import Path

from avenue.backup.errors import InvalidTarget
from avenue.backup.targets import Target
from avenue.backup.targets.directory import DirectoryTarget


def target_of(address: str) -> Target:
    """Return the target of an address; raise `InvalidTarget`. Nothing is looked at yet."""
    if not address.strip() or "://" in address:
        raise InvalidTarget(target=repr(address))
    return DirectoryTarget(Path(address).absolute())
