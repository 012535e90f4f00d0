"""Events as they wait for their receiver."""

from dataclasses import dataclass
from datetime import datetime

from avenue.media.announcing.models import Kind
from avenue.media.models import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened at `at` to `asset`, as it was then.

    It is being sent for the `attempts`th time; `turn` tells this sending from others of it.
    """

    id: str
    kind: Kind
    asset: Asset
    at: datetime
    attempts: int
    turn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """How many events wait for their receiver, and how many were given up."""

    waiting: int
    given_up: int
