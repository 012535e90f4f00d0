"""The database of a test restore, beside the real one: emptied before, dropped afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass

from avenue.errors import Conflict, StorageFull
from avenue.storage.connection import META, Database, unavailable_when_away
from avenue.storage.copying.settling import KEYS, UNSENT
from avenue.storage.copying.writing import NOT_RESTORED
from avenue.storage.schema import OUR_COLLECTIONS

OWN = "drill"
"""The mark in `META` of such a database, so that no other one is ever dropped."""
ROOM = 1.2
CHANGED = NOT_RESTORED | KEYS | {name for name, _ in UNSENT} | {"jobs", "sites", "fsck_findings"}


class DrillInTheWay(Conflict):
    """A database with the name for the test restore exists, and is not from an earlier one."""

    message = "The database {database} is not a drill database, so it was left untouched."
    hint = "Rename or drop it: the drill restores into a database with this name."


class NoRoomToDrill(StorageFull):
    """The disk of the database has no space for a second copy of everything."""

    message = "The database disk has {free} bytes left; the drill needs {needed}."
    hint = "Restore to another server with `backup restore`, or give it a larger disk."


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A collection with another number of records than in the backup."""

    collection: str
    detail: str


class DrillDatabase:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self.name = f"{database.raw.name}_drill"
        self._raw = database.client[self.name]
        self._real = database.raw

    def clear(self, size: int) -> None:
        """Empty it for a restore of `size` bytes; raise `DrillInTheWay`, `NoRoomToDrill`."""
        with unavailable_when_away():
            stats = self._real.command("dbStats")
            free = stats.get("fsTotalSize", 0) - stats.get("fsUsedSize", 0)
            if "fsTotalSize" in stats and free < size * ROOM:
                raise NoRoomToDrill(free=int(free), needed=int(size * ROOM))
            is_ours = self._raw[META].find_one({"_id": OWN}, {"_id": 1}) is not None
            if not is_ours and self._raw.list_collection_names():
                raise DrillInTheWay(database=self.name)
            self._raw.client.drop_database(self.name)
            self._raw[META].insert_one({"_id": OWN})

    def drop(self) -> None:
        """Drop it."""
        with unavailable_when_away():
            self._raw.client.drop_database(self.name)


def differences(database: Database, counts: Mapping[str, int]) -> list[Difference]:
    """Return the collections with other numbers of records than `counts`."""
    found = []
    for name, count in counts.items():
        if name in CHANGED or name not in OUR_COLLECTIONS:
            continue
        with unavailable_when_away():
            there = database.raw[name].count_documents({})
        if there != count:
            detail = f"It has {there} records, not {count}."
            found.append(Difference(collection=name, detail=detail))
    return found
