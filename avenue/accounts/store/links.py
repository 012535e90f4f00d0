"""Links for a new password, in MongoDB."""

from datetime import datetime

from avenue.accounts.models import PasswordLink
from avenue.storage.connection import Database
from avenue.storage.scope import deployment


class LinkStore:
    """Links for a new password: `password_links`."""

    def __init__(self, database: Database) -> None:
        self._links = deployment(database).collection("password_links")

    def put_link(self, link: PasswordLink) -> None:
        """Store a link, replacing the one with its id; repeatable."""
        fields = {
            "user": link.user,
            "site": link.site,
            "epoch": link.epoch,
            "secret_sha256": link.secret_sha256,
            "expires_at": link.expires_at,
        }
        self._links.update({"_id": link.id}, {"$set": fields}, upsert=True)

    def link_by_sha256(self, secret_sha256: str) -> PasswordLink | None:
        """Return the link with this secret."""
        found = self._links.find_one({"secret_sha256": secret_sha256})
        if found is None:
            return None
        return PasswordLink(
            id=found["_id"],
            user=found["user"],
            site=found["site"],
            epoch=found["epoch"],
            secret_sha256=found["secret_sha256"],
            expires_at=found["expires_at"],
        )

    def count_links(self, user: str, *, good_at: datetime, but: str) -> int:
        """Return the number of a person's unexpired links other than `but`."""
        query = {"user": user, "expires_at": {"$gt": good_at}, "_id": {"$ne": but}}
        return self._links.count(query)

    def remove_links(self, user: str) -> None:
        """Delete all links of a person; repeatable."""
        self._links.delete_all({"user": user})
