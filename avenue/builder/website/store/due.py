"""The pages of all sites that are due to be published."""

from datetime import datetime

from avenue.builder.website.store.documents import PAGES
from avenue.storage.connection import Database
from avenue.storage.scope import deployment


class DuePages:
    """The pages of all sites of one cluster that are due to be published."""

    def __init__(self, database: Database) -> None:
        self._pages = deployment(database).collection(PAGES)

    def find(self, now: datetime, *, limit: int) -> list[tuple[str, str, datetime]]:
        """Return the sites, ids and times of some, the longest due first.

        A page without a site is left out.
        """
        found = self._pages.find(
            {"publish_at": {"$lte": now, "$type": "date"}},  # matches the index
            {"site": 1, "publish_at": 1},
            sort=[("publish_at", 1)],
            limit=limit,
        )
        return [
            (each["site"], each["_id"], each["publish_at"])
            for each in found
            if isinstance(each.get("site"), str)
        ]
