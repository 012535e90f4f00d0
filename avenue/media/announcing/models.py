"""The kinds of events of files, and their receivers."""

from enum import StrEnum

WEBHOOKS = "webhooks"
"""The receiver of AVENUE_WEBHOOK_URL, and the name of its job."""
PURGES = "purge"
"""The receiver of AVENUE_PURGE_URL, and the name of its job."""
FOR_EVER_DAYS = 3650
"""An edge may serve for ever what was never purged."""


class Kind(StrEnum):
    """What happened to a file."""

    CREATED = "asset.created"  # it has an owner: a product, a group, the library, …
    REPLACED = "asset.replaced"  # another version is current
    DELETED = "asset.deleted"  # it was moved to the trash
    RESTORED = "asset.restored"
    PURGE = "asset.purge"  # from every edge, at every address it had


PATHS_CHANGED = "paths.purge"
"""The kind of messages that purge paths of a site; the content lists them."""
PATHS_GIVE_UP_DAYS = 7
"""By then no edge serves what should have been purged (`web/cache_policy.py`: `MOST_SECONDS`)."""
