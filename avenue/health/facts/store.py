"""Stored facts about the outside: the expiry of certificates, and the age of secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from avenue.storage.connection import Database
from avenue.storage.scope import deployment

META = "avenue_meta"
CERTIFICATES, SECRETS = "certificates", "secrets"
"""The ids in `META`: when the certificate of each site expires, and since when each secret has been
in use, with a fingerprint of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A secret when it was first seen: a fingerprint (`mark`), and the time."""

    mark: str
    at: datetime


class FactStore:
    """The stored facts of the deployment."""

    def __init__(self, database: Database) -> None:
        self._meta = deployment(database).collection(META)

    def certificates(self) -> dict[str, datetime]:
        """Return when the certificate of each site expires, for the checked ones."""
        kept = self._kept(CERTIFICATES, "ends")
        return {site: at for site, at in kept.items() if isinstance(at, datetime)}

    def keep_certificates(self, ends: Mapping[str, datetime]) -> None:
        """Store the expiry of all sites; repeatable."""
        change = [{"$set": {"ends": {"$literal": dict(ends)}}}]
        self._meta.update({"_id": CERTIFICATES}, change, upsert=True)

    def secrets(self) -> dict[str, Seen]:
        """Return since when each secret has been in use."""
        kept = self._kept(SECRETS, "seen")
        return {
            name: Seen(mark=each["mark"], at=each["at"])
            for name, each in kept.items()
            if isinstance(each, dict) and isinstance(each.get("at"), datetime)
        }

    def keep_secrets(self, seen: Mapping[str, Seen]) -> None:
        """Store the age of all secrets; repeatable."""
        kept = {name: {"mark": each.mark, "at": each.at} for name, each in seen.items()}
        self._meta.update({"_id": SECRETS}, [{"$set": {"seen": {"$literal": kept}}}], upsert=True)

    def _kept(self, name: str, field: str) -> dict[str, object]:
        found = (self._meta.find_as_it_is({"_id": name}) or {}).get(field)
        return found if isinstance(found, dict) else {}
