"""Writes events of files to the outbox, in the transaction of the change itself.

Without a receiver nothing is written, at no cost.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from avenue.identity import new_id
from avenue.media.announcing.models import (
    FOR_EVER_DAYS,
    PATHS_CHANGED,
    PATHS_GIVE_UP_DAYS,
    PURGES,
    WEBHOOKS,
    Kind,
)
from avenue.media.models import Visibility
from avenue.notifications.models import Channel, Draft
from avenue.notifications.store import GIVE_UP_DAYS, OUTBOX, put
from avenue.storage.collection import Collection
from avenue.storage.connection import Document

T = TypeVar("T")
MARGIN_SECONDS = 2.0
"""The time in which an answer, once it is complete, reaches the edge."""
UNTOLD = ("words", "listed")
"""The fields of a file that messages omit: they are only for search and lists."""


def together(assets: Collection, work: Callable[[Collection], T]) -> T:
    """Change files with `work`, in a transaction of its own if a message goes with it.

    An open transaction is used. `work` may run several times.
    """
    database = assets.database
    if database.announces or database.purges_caches:
        return assets.transaction(work)
    return work(assets)


def announce(assets: Collection, asset: Document, *kinds: Kind) -> None:
    """Write that `kinds` happened to `asset`, a stored document, inside the transaction.

    Its addresses are only purged if it was public.
    """
    database = assets.database
    for kind in kinds:
        if kind is Kind.PURGE and asset["visibility"] != Visibility.PUBLIC:
            continue
        if database.announces:
            _write(assets, asset, kind, Channel.WEBHOOK, WEBHOOKS, GIVE_UP_DAYS)
        if database.purges_caches and kind is Kind.PURGE:
            _write(assets, asset, kind, Channel.PURGE, PURGES, FOR_EVER_DAYS)


def announce_one(assets: Collection, query: Mapping[str, Any], kind: Kind) -> None:
    """Write an event of the file that `query` finds, as it is before it is changed."""
    if assets.database.announces or assets.database.purges_caches:
        found = assets.find_one(query)
        if found is not None:
            announce(assets, found, kind)


def purge_paths(records: Collection, paths: Iterable[str]) -> None:
    """Write purges of `paths` of the site of `records`, inside a transaction.

    It is sent at once, because these paths are read from the database each time, and again when a
    request that had read the old content must have ended: its answer may reach the edge last.
    """
    database, named = records.database, list(dict.fromkeys(paths))
    if not database.purges_caches:
        return
    for wait_seconds in (0, database.read_seconds + MARGIN_SECONDS):
        draft = Draft(
            channel=Channel.PURGE,
            receiver=PURGES,
            kind=PATHS_CHANGED,
            content={"paths": named},
            wait_seconds=wait_seconds,
            give_up_days=PATHS_GIVE_UP_DAYS,
        )
        put(records.beside(OUTBOX), records.fixed["site"], draft)


def _write(
    assets: Collection, asset: Document, kind: Kind, channel: Channel, receiver: str, days: int
) -> None:
    told = {name: value for name, value in asset.items() if name not in UNTOLD}
    # An edge purged before the last request has ended that may show the file would only fetch it
    # again. A request may cache the file when it has read it, and another one use it until then.
    database = assets.database
    wait_seconds = database.cache_seconds + 2 * database.read_seconds + MARGIN_SECONDS
    if kind is not Kind.PURGE:
        told["versions"], wait_seconds = asset["versions"][:1], 0
    draft = Draft(
        id=_id_of_creation(asset) if kind is Kind.CREATED else new_id(),
        channel=channel,
        receiver=receiver,
        kind=kind.value,
        about=asset["_id"],
        content=told,
        wait_seconds=wait_seconds,
        give_up_days=days,
    )
    put(assets.beside(OUTBOX), asset["site"], draft)


def _id_of_creation(asset: Document) -> str:
    """Return the same id each time, because a claim may run twice."""
    named = f"{Kind.CREATED}\n{asset['site']}\n{asset['_id']}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]
