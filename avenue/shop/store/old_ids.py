"""The ids that products and groups had in the application they came from."""

from avenue.storage.connection import Database
from avenue.storage.scope import site


class OldIds:
    """What `adopt` remembers of the records of one site at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, site_id: str, kind: str, old_id: str) -> str | None:
        """Return the id here of the product or group that had `old_id`, or None."""
        adopted = site(self._database, site_id).collection("adopted")
        found = adopted.find_one({"kind": kind, "keys": old_id}, {"target": 1})
        return found["target"] if found else None
