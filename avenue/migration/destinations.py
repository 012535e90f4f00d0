"""The destinations of the files of an old tree: their checks, and their owners."""

from avenue.config import Settings
from avenue.identity import Site
from avenue.media.categories import UPLOAD
from avenue.media.intake.policy import library_pictures, old_uploads, product_pictures
from avenue.media.models import Claim, Visibility
from avenue.migration.models import Destination, FolderOrder, Kind


def destination_of(order: FolderOrder, site: Site, settings: Settings) -> Destination:
    """Return the destination of an order.

    A product picture that nothing refers to is owned by the site as legacy file, so that its old
    address works; a general upload owns itself.
    """
    if order.kind is Kind.PRODUCTS:
        return Destination(
            policy=product_pictures(settings).on(site),
            claim=lambda _: Claim(kind="legacy", id=site.id),
            adopts=True,
        )
    if order.kind is Kind.MEDIA:
        return Destination(
            policy=library_pictures(settings).on(site),
            claim=lambda _: Claim.library(site.id),
            adopts=False,
            has_folders=True,
        )
    visibility = Visibility.PUBLIC if order.is_public else Visibility.PRIVATE
    return Destination(
        policy=old_uploads(settings, visibility).on(site),
        claim=lambda asset_id: Claim(kind=UPLOAD, id=asset_id),
        adopts=False,
    )
