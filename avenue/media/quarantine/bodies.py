"""What callers may send about files in quarantine. Anything else is a 400."""

from typing import Annotated

from pydantic import Field, StringConstraints

from avenue.bodies import Body

LONGEST_REASON = 300
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)
]


class Release(Body):
    """Why a file may be read although the scanner has found something in it."""

    reason: Annotated[Reason, Field(description="Kept with the file and in the log of changes.")]
