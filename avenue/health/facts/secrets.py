"""The age of the secrets that sign messages, since this installation has first seen them."""

from collections.abc import Mapping
from datetime import datetime

from avenue.config import Settings
from avenue.health.facts.store import FactStore, Seen
from avenue.identity import address_key


def signing_secrets(settings: Settings) -> Mapping[str, str]:
    """Return the secrets that can be replaced by agreement with one receiver, by their setting."""
    known = {
        "AVENUE_WEBHOOK_SECRET": settings.webhook_secret,
        "AVENUE_ALERT_SECRET": settings.alert_secret,
        "AVENUE_PURGE_SECRET": settings.purge_secret,
    }
    return {name: secret for name, secret in known.items() if secret}


def oldest_days(store: FactStore, settings: Settings, now: datetime) -> float:
    """Return for how many days the oldest of them has been in use; 0 without any.

    Secrets that are new since the last time are stored. Raise `Unavailable`.
    """
    before = store.secrets()
    marks = {name: address_key(secret) for name, secret in signing_secrets(settings).items()}
    seen = {
        name: known if (known := before.get(name)) and known.mark == mark else Seen(mark, now)
        for name, mark in marks.items()
    }
    if seen.keys() - before.keys() or any(before[name] != each for name, each in seen.items()):
        store.keep_secrets({**before, **seen})  # a process without a setting deletes none
    return max(((now - each.at).total_seconds() / 86400 for each in seen.values()), default=0)
