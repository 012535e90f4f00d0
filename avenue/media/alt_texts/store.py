"""Pictures that lack an alternative text, in MongoDB."""

from collections.abc import Sequence

from avenue.media.alt_texts.models import Moment
from avenue.media.models import Asset, State
from avenue.media.store.documents import ASSETS, from_document
from avenue.media.store.transitions import without_alt
from avenue.storage.connection import Document
from avenue.storage.scope import SiteRecords
from avenue.totals import MOST_READ


class AltTextStore(SiteRecords):
    """The pictures of one site at a time, with these `kinds` of claims; methods take both."""

    def get(self, site_id: str, kinds: Sequence[str], asset_id: str) -> Asset | None:
        """Return a live picture, or None."""
        return self._records(site_id, ASSETS).value(
            from_document, {"_id": asset_id, **_live(kinds)}
        )

    def lacking(
        self, site_id: str, kinds: Sequence[str], language: str, *, after: Moment | None, limit: int
    ) -> list[Asset]:
        """Return at most `limit` pictures after the cursor that have no text, newest first."""
        conditions: list[Document] = [{**_live(kinds), **without_alt(language)}]
        if after is not None:
            moment, last_id = after
            # The first condition is redundant, but with it the index is entered at the right
            # position.
            conditions += [
                {"created_at": {"$lte": moment}},
                {
                    "$or": [
                        {"created_at": {"$lt": moment}},
                        {"created_at": moment, "_id": {"$lt": last_id}},
                    ]
                },
            ]
        return self._records(site_id, ASSETS).values(
            from_document,
            {"$and": conditions},
            sort=[("created_at", -1), ("_id", -1)],
            limit=limit,
        )

    def total(
        self, site_id: str, kinds: Sequence[str], language: str, most: int | None = None
    ) -> int | None:
        """Return how many have no text, None for more than `most`, or than `MOST_READ`."""
        most = MOST_READ if most is None else most
        lacking = {**_live(kinds), **without_alt(language)}
        return self._records(site_id, ASSETS).total(lacking, most=most)


def _live(kinds: Sequence[str]) -> Document:
    return {"claim.kind": {"$in": list(kinds)}, "state": State.LIVE}
