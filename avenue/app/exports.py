"""Exports, put together for commands."""

from avenue.app.backups import target_from
from avenue.app.services import audit_service
from avenue.builder.library.folders.store import FolderStore
from avenue.config import Settings
from avenue.export.models import ExportOrder, Tell
from avenue.export.service import Export
from avenue.export.store import ExportStore
from avenue.media.store import AssetStore
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from avenue.storage.sites import Sites


def export(
    settings: Settings,
    database: Database,
    site_id: str,
    address: str,
    order: ExportOrder,
    tell: Tell,
) -> Export:
    """Take a site out, and write down that it was done.

    Raise `UnknownSite`, why the database may not be used, and what `Export.run` raises.
    """
    Gate(database).pass_or_raise()
    site = Sites(database, settings).named(site_id)
    work = Export(
        site,
        ExportStore(database, site.id),
        AssetStore(database),
        FolderStore(database).tree(site.id),
        target_from(settings, address),
        order,
    )
    work.run(tell)
    if not order.is_trial:
        audit_service(settings, database).record_command(
            site.id,
            "export",
            "site.exported",
            site.id,
            details={"parts": sorted(order.parts), "private": order.has_private},
        )
    return work
