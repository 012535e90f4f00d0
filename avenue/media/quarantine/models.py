"""What is shown of files in quarantine."""

from dataclasses import dataclass

from avenue.media.models import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinePage:
    """Some files in quarantine; `next` is where to go on, None at the end."""

    items: tuple[Asset, ...]
    next: str | None
    total: int | None
