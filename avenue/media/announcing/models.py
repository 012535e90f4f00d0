"""What there is to tell of a file, and who is told."""

from enum import StrEnum

WEBHOOKS = "webhooks"
"""The receiver of AVENUE_WEBHOOK_URL, and the job that tells it."""
PURGES = "purge"
"""The receiver of AVENUE_PURGE_URL, and the job that tells it."""
FOR_EVER_DAYS = 3650
"""An edge may go on showing what was never purged."""


class Kind(StrEnum):
    """What happened."""

    CREATED = "asset.created"  # somebody owns it: a product, a group, the library, …
    REPLACED = "asset.replaced"  # it shows another version
    DELETED = "asset.deleted"  # it is in the trash
    RESTORED = "asset.restored"
    PURGE = "asset.purge"  # from every edge, whatever address it had


PATHS_CHANGED = "paths.purge"
"""The kind of a message that purges paths of a site from edges: its content names them."""
PATHS_GIVE_UP_DAYS = 7
"""By then no edge shows what was to be purged (`web/cache_policy.py`: `MOST_SECONDS`)."""
