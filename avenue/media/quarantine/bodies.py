"""What callers may send about files in quarantine. Anything else is a 400."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LONGEST_REASON = 300
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)
]


class Release(BaseModel):
    """Why a file may be read although the scanner has found something in it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[Reason, Field(description="Kept with the file and in the log of changes.")]
