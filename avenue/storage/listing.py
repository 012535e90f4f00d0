"""Search and sort fields of media library files, derived from their other fields."""

from avenue.storage.connection import Document
from avenue.words import folded, words_of

LIBRARY_BUCKET = "builder_media"


def listing_of(asset: Document) -> Document:
    """Return the fields `words` and `listed` of a stored asset; none for other buckets.

    To be set again with every change of its name, texts, tags or current version.
    """
    if asset["bucket"] != LIBRARY_BUCKET:
        return {}
    current = asset["versions"][0]
    texts = (asset.get("alt") or {}).values()
    return {
        "words": words_of(asset["name"], *asset.get("tags", ()), *texts),
        "listed": {
            "name": folded(asset["name"]),
            "bytes": current["bytes"],
            "media_type": current["media_type"],
        },
    }
