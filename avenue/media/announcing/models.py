"""What there is to tell of a file."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    CREATED = "asset.created"  # somebody owns it: a product, a group, the library, …
    REPLACED = "asset.replaced"  # it shows another version
    DELETED = "asset.deleted"  # it is in the trash
    RESTORED = "asset.restored"
    PURGE = "asset.purge"  # edges are to forget every address it had
