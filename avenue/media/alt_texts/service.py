"""Finds pictures without a text, and writes texts without overwriting unseen changes."""

from collections.abc import Sequence

from avenue.errors import Forbidden, NotFound, required
from avenue.identity import Actor, is_id
from avenue.media.alt_texts.errors import DescribedMeanwhile, PictureNotFound
from avenue.media.alt_texts.models import Description, Feature, Lacking, Moment, Place
from avenue.media.alt_texts.store import AltTextStore
from avenue.media.models import Asset

TRIES = 5


class AltTextService:
    """The pictures of all `features`, for people who may describe them."""

    def __init__(self, store: AltTextStore, features: Sequence[Feature]) -> None:
        self._store = store
        self._features = features

    def features_of(self, actor: Actor) -> list[Feature]:
        """Return the features whose pictures `actor` may describe."""
        return [each for each in self._features if actor.has_role(each.role)]

    def find(
        self,
        actor: Actor,
        language: str,
        *,
        feature: str | None = None,
        after: Moment | None = None,
        limit: int,
    ) -> Lacking:
        """Return a page of the pictures without a text in `language`, of one feature or of all."""
        features = [each for each in self.features_of(actor) if feature in {None, each.name}]
        if not features:
            raise Forbidden
        kinds = [kind for each in features for kind in each.kinds]
        found = self._store.lacking(actor.site.id, kinds, language, after=after, limit=limit + 1)
        shown = found[:limit]
        places = self._places(actor, features, shown)
        return Lacking(
            items=tuple((each, places.get(each.id, ())) for each in shown),
            next=(shown[-1].created_at, shown[-1].id) if len(found) > limit else None,
            total=self._store.total(actor.site.id, kinds, language),
        )

    def lacking(self, actor: Actor, most: int) -> int | None:
        """Return how many pictures lack a text in the language of the site, None above `most`."""
        kinds = [kind for each in self.features_of(actor) for kind in each.kinds]
        return self._store.total(actor.site.id, kinds, actor.site.language, most)

    def get(self, actor: Actor, asset_id: str) -> Asset:
        """Return a live picture that `actor` may describe; raise `PictureNotFound`."""
        kinds = [kind for each in self.features_of(actor) for kind in each.kinds]
        return required(
            self._store.get(actor.site.id, kinds, asset_id) if is_id(asset_id) else None,
            PictureNotFound,
        )

    def name_of(self, actor: Actor, asset: Asset) -> str:
        """Return the title of the first use of a picture, "" for none."""
        places = self._places(actor, self.features_of(actor), [asset]).get(asset.id, ())
        return places[0].title if places else ""

    def describe(self, actor: Actor, asset_id: str, said: Description) -> tuple[Asset, bool]:
        """Write a description; return the picture, and whether anything changed.

        Raise `PictureNotFound`, or `DescribedMeanwhile` if its text is neither what the person saw
        before nor the new one.
        """
        asset = self.get(actor, asset_id)
        for _try in range(TRIES):
            there = asset.alt.get(said.language, "")
            if (there, asset.decorative) == (said.text, said.decorative):
                return asset, False
            if there not in {said.was, said.text}:
                break
            alt = {**asset.alt, said.language: said.text}
            changes = {
                "alt": {language: text for language, text in alt.items() if text},
                "decorative": said.decorative,
            }
            try:
                return self._feature_of(asset).change(actor, asset, changes), True
            except NotFound:  # it was deleted, or changed at this moment
                asset = self.get(actor, asset_id)
        raise DescribedMeanwhile(asset.alt, decorative=asset.decorative)

    def _feature_of(self, asset: Asset) -> Feature:
        kind = asset.claim.kind if asset.claim else ""
        return next(each for each in self._features if kind in each.kinds)

    def _places(
        self, actor: Actor, features: Sequence[Feature], assets: Sequence[Asset]
    ) -> dict[str, Sequence[Place]]:
        places: dict[str, Sequence[Place]] = {}
        for feature in features:
            its = [each for each in assets if each.claim and each.claim.kind in feature.kinds]
            if its:
                places.update(feature.places(actor, its))
        return places
