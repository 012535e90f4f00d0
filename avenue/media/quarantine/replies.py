"""What is answered about files in quarantine."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from avenue.media.models import ScanState
from avenue.totals import PartOfList


class Finding(TypedDict):
    """What the scanner found in one version of a file."""

    version: str
    state: ScanState
    at: str
    signature: Annotated[
        str | None, Field(description="What it was known by; null: too large to be scanned.")
    ]
    database: Annotated[str | None, Field(description="The scanner and its signatures.")]
    by: Annotated[str | None, Field(description="The id of the person who released it.")]
    reason: Annotated[str | None, Field(description="Why it was released.")]


class QuarantinedFile(TypedDict):
    """A file in quarantine; no one gets its bytes."""

    id: str
    name: Annotated[str, Field(description="For people; may hold anything.")]
    media_type: str
    bytes: int
    sha256: str
    owner: Annotated[str | None, Field(description="The id of the person who uploaded it.")]
    claim: Annotated[
        str | None,
        Field(description="Of what: `product`, `group`, `library`, `upload`."),
    ]
    created_at: str
    findings: Annotated[list[Finding], Field(description="Of its versions that are not clean.")]


class Quarantine(PartOfList):
    """A page of files in quarantine, in the order of their ids, with its cursor."""

    items: list[QuarantinedFile]
