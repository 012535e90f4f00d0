"""The tasks of website and storage on the start page of the panel."""

from avenue.builder.library.service import MediaService
from avenue.builder.website.service import PageService
from avenue.config import Settings
from avenue.identity import Actor
from avenue.media.intake.library import MediaLibrary
from avenue.media.quarantine.store import QuarantineStore
from avenue.shop.pages.home import MOST_RECENT, OtherTasks, Storage
from avenue.shop.service.bulk import lacks_alt
from avenue.storage.room import site_quota


def other_tasks(
    media: MediaService,
    pages: PageService,
    library: MediaLibrary,
    quarantine: QuarantineStore,
    settings: Settings,
) -> OtherTasks:
    """Return the open tasks outside the shop."""

    def editing(actor: Actor, most: int) -> tuple[int | None, int | None]:
        uploaded = media.newest(actor, MOST_RECENT)
        lacking = sum(lacks_alt(each, actor.site.language) for each in uploaded)
        return lacking, pages.changed(actor, most)

    def storage(actor: Actor) -> Storage | None:
        quota = site_quota(actor.site, settings).bytes
        return Storage(library.used(actor, lately=True).bytes, quota) if quota else None

    def quarantined(actor: Actor, most: int) -> int | None:
        return quarantine.count(actor.site.id, most) if settings.scanner else 0

    return OtherTasks(editing, quarantined, storage)
