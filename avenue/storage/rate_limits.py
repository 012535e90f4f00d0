"""How often somebody did something lately, counted for all instances together."""

from datetime import datetime, timedelta

from avenue.storage.connection import Database, Document
from avenue.storage.scope import house

WINDOW_SECONDS = 60


class RateLimits:
    """Counts in windows of a minute that begin with the first try, by the server's clock."""

    def __init__(self, database: Database) -> None:
        self._counters = house(database).quick_collection("rate_limits")

    def hit(self, key: str, limit: int) -> int:
        """Count one try of `key`; return 0 when it is within `limit`, else seconds to wait."""
        running = {"$gt": ["$resets_at", "$$NOW"]}
        ends = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": WINDOW_SECONDS}}
        stage = {
            "$set": {
                "count": {"$cond": [running, {"$add": ["$count", 1]}, 1]},
                "resets_at": {"$cond": [running, "$resets_at", ends]},
                "at": "$$NOW",
            }
        }
        counter = self._counters.find_and_update({"_id": key}, [stage], upsert=True)
        if counter is None or counter["count"] <= limit:
            return 0
        return _seconds_left(counter)


def _seconds_left(counter: Document) -> int:
    resets_at: datetime = counter["resets_at"]
    left: timedelta = resets_at - counter["at"]
    return max(1, -(-int(left.total_seconds() * 1000) // 1000))
