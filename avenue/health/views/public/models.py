"""Models of the public status of a site."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from avenue.web.fields import Moment


class Part(StrEnum):
    """A part of the site that visitors use."""

    PICTURES = "pictures"
    UPLOADS = "uploads"
    PAGES = "pages"
    DATABASE = "database"


class Condition(StrEnum):
    """The condition of a part, in the order of the names here."""

    OK = "ok"
    DEGRADED = "degraded"
    OUTAGE = "outage"

    @property
    def rank(self) -> int:
        """0 for the best; a larger one is worse."""
        return list(Condition).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """The condition of one part, and since when it has been impaired."""

    part: Part
    state: Condition
    since: Annotated[Moment | None, Field(description="null where all is well.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicStatus:
    """The status of a site: the worst of its parts, and each of them."""

    state: Condition
    parts: tuple[PartStatus, ...]
