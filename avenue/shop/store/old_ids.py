"""The ids of products and groups in the application they were imported from."""

from avenue.storage.scope import SiteRecords, site


class OldIds(SiteRecords):
    """The records of `adopt`, of one site at a time."""

    def find(self, site_id: str, kind: str, old_id: str) -> str | None:
        """Return the current id of the product or group that had `old_id`, or None."""
        adopted = site(self._database, site_id).collection("adopted")
        found = adopted.find_one({"kind": kind, "keys": old_id}, {"target": 1})
        return found["target"] if found else None
