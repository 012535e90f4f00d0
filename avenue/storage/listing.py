"""What a file of the media library is found and sorted by, which follows from the rest of it."""

from avenue.storage.connection import Document
from avenue.words import folded, words_of

LIBRARY_BUCKET = "builder_media"


def listing_of(asset: Document) -> Document:
    """Return the fields `words` and `listed` of a stored asset; of other buckets, none.

    Whatever changes its name, texts, tags or current version sets them again.
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
