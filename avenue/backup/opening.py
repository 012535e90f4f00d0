"""From an address to its target: a directory, or a bucket of S3."""

import re
from pathlib import Path

from avenue.backup.errors import InvalidTarget
from avenue.backup.targets import Target
from avenue.backup.targets.directory import DirectoryTarget
from avenue.backup.targets.s3 import S3Access, S3Target

BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9!_.*'()/-]*))?")


def target_of(address: str, access: S3Access) -> Target:
    """Return the target of an address, without accessing it; raise `InvalidTarget`."""
    if found := BUCKET.fullmatch(address):
        folders = [each for each in (found[2] or "").split("/") if each]
        if not {".", ".."} & set(folders):
            return S3Target(found[1], "".join(f"{each}/" for each in folders), access)
    if not address.strip() or "://" in address:
        raise InvalidTarget(target=repr(address))
    return DirectoryTarget(Path(address).absolute())
