"""What everybody may know of a site."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from avenue.web.fields import Moment


class Part(StrEnum):
    """What visitors use."""

    PICTURES = "pictures"
    UPLOADS = "uploads"
    PAGES = "pages"
    DATABASE = "database"


class Condition(StrEnum):
    """How it is; the order is that of the names here."""

    OK = "ok"
    DEGRADED = "degraded"
    OUTAGE = "outage"

    @property
    def rank(self) -> int:
        """0 for the best; a larger one is worse."""
        return list(Condition).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """How one part is, and since when it is not well."""

    part: Part
    state: Condition
    since: Annotated[Moment | None, Field(description="null where all is well.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatus:
    """How a site is: the worst of its parts, and each of them."""

    state: Condition
    parts: tuple[PartStatus, ...]
