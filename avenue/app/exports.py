"""Creates exports and imports of exports for commands."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avenue.app.backups import target_from
from avenue.app.files import LARGEST_DOCUMENT_MB
from avenue.app.imports import Importing, QuotaLeft, bucket_of, importing_into
from avenue.app.services import Services
from avenue.backup.targets import Target
from avenue.backup.targets.directory import DirectoryTarget
from avenue.builder.library.folders.store import FolderStore
from avenue.config import Settings
from avenue.export.errors import speaking_of_exports
from avenue.export.importing.manifest import name_of
from avenue.export.importing.places import BucketPlace, Place, opened_place
from avenue.export.importing.service import (
    FILE_PASSES,
    ExportImport,
)
from avenue.export.importing.source import ExportFiles, Origin
from avenue.export.importing.tables import ExportTables, Pass
from avenue.export.models import ExportOrder, Tell
from avenue.export.service import Export
from avenue.export.store import ExportStore
from avenue.export.zip_target import ZipTarget
from avenue.identity import command_actor
from avenue.media.categories import GENERAL, UPLOAD, Category, policy_of
from avenue.media.models import Claim, Visibility
from avenue.media.old_urls import can_answer
from avenue.media.pictures.limits import MB
from avenue.media.store.assets import AssetStore
from avenue.migration.models import Destination, Kind
from avenue.migration.sources.plan import EntryPlan
from avenue.migration.sources.service import Wanted
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
    """Export a site, and record it in the audit log.

    Raise `UnknownSite`, an error if the database must not be used, and the errors of `Export.run`;
    errors of targets as `speaking_of_exports` translates them.
    """
    Gate(database).pass_or_raise()
    site = Sites(database, settings).named(site_id)
    with speaking_of_exports(), _target(settings, address) as target:
        work = Export(
            site,
            ExportStore(database, site.id),
            AssetStore(database),
            FolderStore(database).tree(site.id),
            target,
            order,
        )
        work.run(tell)
    if not order.is_trial:
        Services(settings, database).audit.record_command(
            site.id,
            "export",
            "site.exported",
            site.id,
            details={"parts": sorted(order.parts), "private": order.has_private},
        )
    return work


@contextmanager
def _target(settings: Settings, address: str) -> Iterator[Target]:
    """Yield the target of an export; a ZIP is renamed into place at the end of the block."""
    if address.lower().endswith(".zip") and "://" not in address:
        with closing(ZipTarget(Path(address).absolute(), settings.tmp_dir)) as archive:
            yield archive
            archive.finish()
        return
    target = target_from(settings, address)
    try:
        yield target
    finally:
        if isinstance(target, DirectoryTarget):
            target.tidy()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenExportImport:
    """An import of an export that is ready to start; `plans` are those of its files."""

    address: str
    work: ExportImport
    plans: Sequence[EntryPlan]
    quota: QuotaLeft

    def planned(self) -> dict[str, Any]:
        """Return the files to copy and whether they fit, once they were listed."""
        amounts = [each.amounts() for each in self.plans]
        files, size = sum(each.entries for each in amounts), sum(each.bytes for each in amounts)
        return {"entries": files, "bytes": size, "fits": self.quota.has(files, size)}


@contextmanager
def export_import_of(
    settings: Settings, database: Database, site_id: str, address: str
) -> Iterator[OpenExportImport]:
    """Yield the import of an export (a directory, a ZIP, or `s3://…`) into a site.

    Raise `NoExport`, `NewerExport`, `UnsafeArchive`, `BadImportSource`, `S3NotInstalled`, or the
    errors of `export` about site and database.
    """
    with ExitStack() as stack:
        importing = stack.enter_context(importing_into(settings, database, site_id))
        place = stack.enter_context(_opened(settings, address))
        origin = Origin(
            name=name_of(place),
            site=importing.site,
            place=place,
            tables=stack.enter_context(closing(ExportTables())),
            tmp_dir=settings.tmp_dir,
            adopted=importing.targets.adopted,
        )
        plans = {each: stack.enter_context(closing(EntryPlan())) for each in FILE_PASSES}
        opened = {
            each: importing.opened(
                ExportFiles(origin, each),
                Wanted(
                    destination=_destination(importing, each),
                    addresses=None,
                    is_public=False,
                    answers=can_answer,
                    is_external=True,
                    has_twins=True,
                ),
                plan,
            )
            for each, plan in plans.items()
        }
        work = ExportImport(
            command_actor(importing.site),
            origin,
            importing.targets,
            {each: one.work for each, one in opened.items()},
        )
        yield OpenExportImport(
            address=place.address,
            work=work,
            plans=list(plans.values()),
            quota=opened[Pass.MEDIA].quota,
        )


@contextmanager
def _opened(settings: Settings, address: str) -> Iterator[Place]:
    if address.startswith("s3:"):
        bucket, _, prefix = bucket_of(settings, address)
        below = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        yield BucketPlace(address, bucket, below)
        return
    with opened_place(Path(address)) as place:
        yield place


def _destination(importing: Importing, part: Pass) -> Destination:
    """Return the destination of the files of a pass.

    Files that were in Avenue before are accepted as `adopt` accepts them.
    """
    settings = importing.services.settings
    if part is Pass.MEDIA:
        return importing.destination(Kind.MEDIA)
    if part is Pass.PICTURES:
        usual = importing.destination(Kind.PRODUCTS)
        largest = max(settings.max_product_image_mb, LARGEST_DOCUMENT_MB) * MB
        return replace(usual, policy=replace(usual.policy, max_bytes=largest))
    visibility = Visibility.PUBLIC if part is Pass.PUBLIC_UPLOADS else Visibility.PRIVATE
    category = Category(name=GENERAL, visibility=visibility)
    return Destination(
        policy=policy_of(category, settings.max_tus_mb),
        claim=lambda asset_id: Claim(kind=UPLOAD, id=asset_id),
        adopts=False,
    )
