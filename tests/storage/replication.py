"""A replica set whose primary writes alone for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.mongod import ReplicaSet


@contextmanager
def replication_held(replica_set: ReplicaSet) -> Iterator[None]:
    """Keep the secondaries from taking anything over, while they answer as ever."""
    primary = replica_set.wait_until_healthy()
    others = [member for member in replica_set.members if member is not primary]
    held = [("rsSyncApplyStop", other.direct.admin) for other in others]
    for name, admin in held:
        admin.command({"configureFailPoint": name, "mode": "alwaysOn"})
    try:
        yield
    finally:
        for name, admin in held:
            admin.command({"configureFailPoint": name, "mode": "off"})
