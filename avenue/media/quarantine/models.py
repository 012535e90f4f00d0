"""Pages of the list of quarantined files."""

from dataclasses import dataclass

from avenue.media.models import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinePage:
    """Some files in quarantine; `next` is the cursor of the next page, None at the end."""

    items: tuple[Asset, ...]
    next: str | None
    total: int | None
