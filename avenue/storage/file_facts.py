"""The fields of file documents in GridFS."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from avenue.clock import utc_now
from avenue.storage.connection import Document

NO_LENGTH = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The fields of a GridFS file document."""

    id: str
    length: int
    uploaded_at: datetime
    metadata: Mapping[str, Any]


def facts_in(document: Document, prefix: str) -> FileFacts:
    """Return the fields of a file document, its id without `prefix`."""
    length, at = document.get("length"), document.get("uploadDate")
    metadata = document.get("metadata")
    return FileFacts(
        id=document["_id"].removeprefix(prefix),
        length=length if isinstance(length, int) else NO_LENGTH,
        # Of unknown age it counts as new, so it is not deleted.
        uploaded_at=at if isinstance(at, datetime) else utc_now(),
        metadata=metadata if isinstance(metadata, dict) else {},
    )
