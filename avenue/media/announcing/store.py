"""Events of files, written in the transaction of what happened.

So there is none without the other: what is acknowledged has its event, what is undone has none.
Where nobody is to be told, nothing is written and nothing costs anything. `media.outbox` sends
them.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from avenue.identity import new_id
from avenue.media.announcing.models import Kind
from avenue.media.models import Visibility
from avenue.media.purging.service import MARGIN_SECONDS
from avenue.storage.connection import Document
from avenue.storage.scope import Collection

T = TypeVar("T")
EVENTS = "webhook_events"
PENDING = "pending"
GIVE_UP_DAYS = 3
UNTOLD = ("words", "listed", "purges")
"""What is kept of a file for its lists and other notices."""


def together(assets: Collection, work: Callable[[Collection], T]) -> T:
    """Change files by `work`, in a transaction of its own if an event goes with it.

    One that is open already is the one. `work` may run several times.
    """
    return assets.transaction(work) if assets.database.announces else work(assets)


def announce(assets: Collection, asset: Document, *kinds: Kind) -> None:
    """Write that `kinds` happened to `asset`, a stored document, inside the transaction.

    Its addresses are only told to be forgotten if everybody could see it.
    """
    if not assets.database.announces:
        return
    events = assets.beside(EVENTS)
    for kind in kinds:
        if kind is not Kind.PURGE:
            _write(events, asset, kind, wait_seconds=0)
        elif asset["visibility"] == Visibility.PUBLIC:
            # An edge that forgot before every worker has would only fetch it again.
            wait_seconds = assets.database.cache_seconds + MARGIN_SECONDS
            _write(events, asset, kind, wait_seconds=wait_seconds)


def announce_one(assets: Collection, query: Mapping[str, Any], kind: Kind) -> None:
    """Write the same of the file that `query` finds, as it is before it is changed."""
    if assets.database.announces:
        found = assets.find_one(query)
        if found is not None:
            announce(assets, found, kind)


def _write(events: Collection, asset: Document, kind: Kind, *, wait_seconds: float) -> None:
    told = {name: value for name, value in asset.items() if name not in UNTOLD}
    if kind is not Kind.PURGE:
        told["versions"] = asset["versions"][:1]
    event = {
        "_id": _id_of_creation(asset) if kind is Kind.CREATED else new_id(),
        "site": asset["site"],
        "kind": kind.value,
        "asset": told,
        "state": PENDING,
        "attempts": 0,
    }
    due_at = {"$add": ["$$NOW", int(wait_seconds * 1000)]}
    give_up_at = {"$dateAdd": {"startDate": "$$NOW", "unit": "day", "amount": GIVE_UP_DAYS}}
    events.insert_at_server_time(
        event, {"created_at": "$$NOW", "due_at": due_at, "give_up_at": give_up_at}
    )


def _id_of_creation(asset: Document) -> str:
    """Return the same id each time: a claim may find that it was made already."""
    named = f"{Kind.CREATED}\n{asset['site']}\n{asset['_id']}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]
