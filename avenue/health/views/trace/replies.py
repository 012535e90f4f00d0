"""What `GET /api/ops/assets/<id>` answers."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from avenue.health.checks.trace.models import Bytes, Making
from avenue.identity import Role
from avenue.media.models import State, Visibility
from avenue.media.references import Kind


class ClaimReply(TypedDict):
    """Who owns it."""

    kind: str
    id: str


class TracedAssetReply(TypedDict):
    """The record; `damaged` is what the last inspection found wrong with its bytes."""

    name: str
    bucket: str
    state: State
    visibility: Visibility
    claim: ClaimReply | None
    owner: str | None
    revision: int
    created_at: str
    expires_at: str | None
    trashed_at: str | None
    category: str | None
    reference: str | None
    hold: bool
    folder: str | None
    damaged: str | None


class TracedVersionReply(TypedDict):
    """One stored file, the current one first; null is what there was no time to look at."""

    version: str
    file: str
    media_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    at: str
    by: str | None
    document_bytes: Annotated[int | None, Field(description="What the file document says.")]
    chunk_bytes: int | None
    chunks: int | None
    chunks_expected: int | None
    stored_bytes: Annotated[int | None, Field(description="Of all its chunks together.")]
    hash: Bytes
    fault: Kind | None


class TracedRenditionReply(TypedDict):
    """A size and format it comes in, kept or made for whoever asks first."""

    name: str
    url: str
    state: Making
    bytes: int | None
    made_at: str | None


class UseReply(TypedDict):
    """Who names it."""

    kind: str
    id: str
    title: str
    where: list[str]
    url: str


class RightsReply(TypedDict):
    """Who may see it."""

    everybody: bool
    roles: list[Role]
    owner: str | None
    thumb_is_open: bool
    by_link: bool
    why: str


class AnswerReply(TypedDict):
    """What a GET is answered, and how long caches keep that."""

    url: str
    whom: str
    status: int
    headers: dict[str, str]


class TraceReply(TypedDict):
    """Everything that is known of an asset; `broken` names each broken link in a line."""

    generated_at: str
    id: str
    site: str
    verdict: Literal["whole", "broken"]
    broken: list[str]
    asset: TracedAssetReply | None
    versions: list[TracedVersionReply]
    renditions: list[TracedRenditionReply]
    stale_renditions: int
    uses: list[UseReply]
    old_addresses: list[str]
    rights: RightsReply
    token: str | None
    answers: list[AnswerReply]
