"""Creates the imports from folders, services and URLs for commands and jobs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from avenue.app.files import hosts_of, import_targets, site_services
from avenue.app.services import Services
from avenue.backup.errors import TargetRefuses, TargetUnreachable
from avenue.backup.targets import Missing
from avenue.backup.targets.s3 import S3Access, S3Target
from avenue.builder.library.folders.moving import MovedFolders
from avenue.config import Settings
from avenue.errors import required
from avenue.identity import COMMAND, Actor, Role, Site, command_actor
from avenue.media.old_urls import can_answer
from avenue.migration.addresses import OldAddresses
from avenue.migration.destinations import destination_of
from avenue.migration.models import Destination, FolderOrder, Kind, Outcome
from avenue.migration.sources.cfimages import CfImagesSource
from avenue.migration.sources.cloudinary import CloudinarySource, Key
from avenue.migration.sources.errors import BadImportSource, SourceRefuses
from avenue.migration.sources.external import (
    ExternalAddresses,
    ExternalPictures,
    PagePictures,
    named_by_owners,
)
from avenue.migration.sources.models import Source
from avenue.migration.sources.plan import EntryPlan
from avenue.migration.sources.s3 import Bucket, Object, S3Source
from avenue.migration.sources.service import SourceImport, Wanted
from avenue.migration.sources.supabase import SupabaseSource, status_of
from avenue.migration.sources.url_list import UrlList
from avenue.migration.storing import ImportTargets
from avenue.networks import is_trusted_host
from avenue.outside.asking import Asker
from avenue.outside.errors import FetchFailed
from avenue.outside.fetching import Fetcher
from avenue.shop.store.imports import ImportStore
from avenue.storage.connection import Database
from avenue.storage.holders import Amount
from avenue.storage.room import site_quota

_BUCKET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
HOURS = 24
SECONDS = 60.0
"""Timeout for one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """The source of an import: `address` as typed; the rest is as in `FolderOrder`."""

    address: str
    kind: Kind
    hosts: tuple[str, ...] = ()
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLeft:
    """The remaining quota of the site; None means no quota."""

    bytes: int | None
    files: int | None

    def has(self, files: int, size: int) -> bool:
        """Return whether so many more files and bytes fit."""
        return (self.bytes is None or size <= self.bytes) and (
            self.files is None or files <= self.files
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenImport:
    """An import that is ready to start."""

    origin: Source
    work: SourceImport
    quota: QuotaLeft


def planned_facts(opened: OpenImport) -> dict[str, Any]:
    """Return the plan of an import: how much to copy, how long it takes, whether it fits."""
    plan, rate, left = opened.work.plan, opened.origin.entries_per_hour, opened.quota
    amounts = plan.amounts()
    return {
        **asdict(amounts),
        "days": round(amounts.entries / rate / HOURS, 2) if rate else None,
        "quota_left_bytes": left.bytes,
        "quota_left_files": left.files,
        "fits": left.has(amounts.entries, amounts.bytes),
        "references": plan.count_named(),
        "silent_total": plan.count_silent(),
        "refused_total": plan.count(Outcome.REFUSED),
    }


@contextmanager
def external_imports_of(
    settings: Settings,
    database: Database,
    site_id: str,
    plans: Sequence[EntryPlan],
    fetcher: Fetcher | None = None,
) -> Iterator[list[OpenImport]]:
    """Yield the imports of external pictures: of products and groups, then of pages.

    Raises as `files_of`.
    """
    fetcher = fetcher or Fetcher(seconds=SECONDS, tmp_dir=settings.tmp_dir)
    with importing_into(settings, database, site_id) as importing:
        addresses = ExternalAddresses(hosts_of(importing.site))
        named_after = partial(named_by_owners, site_id, importing.targets.owners)
        owned = ExternalPictures(named_after, addresses, fetcher)
        shown = PagePictures(site_id, importing.targets.pages, addresses, fetcher)
        pairs: tuple[tuple[Source, Kind], ...] = ((owned, Kind.PRODUCTS), (shown, Kind.MEDIA))
        yield [
            importing.opened(
                source,
                Wanted(
                    destination=importing.destination(kind),
                    addresses=addresses,
                    is_public=True,
                    answers=lambda _: False,
                    is_external=True,
                ),
                plan,
            )
            for (source, kind), plan in zip(pairs, plans, strict=True)
        ]


@contextmanager
def table_images_of(
    settings: Settings,
    database: Database,
    site_id: str,
    import_id: str,
    plan: EntryPlan,
    fetcher: Fetcher | None = None,
) -> Iterator[list[OpenImport]]:
    """Yield the import of the pictures in an imported table, on behalf of its importer.

    Raise `ImportNotFound`; otherwise raises as `files_of`.
    """
    with importing_into(settings, database, site_id) as importing:
        site, tables = importing.site, ImportStore(database)
        by = tables.get(site_id, import_id).by
        # The importer's quota applies here, too.
        actor = command_actor(site) if by == COMMAND else Actor(site=site, id=by, role=Role.SELLER)
        source = ExternalPictures(
            partial(tables.images_after, site_id, import_id),
            ExternalAddresses(hosts_of(site)),
            fetcher or Fetcher(seconds=SECONDS, tmp_dir=settings.tmp_dir),
        )
        wanted = Wanted(
            destination=importing.destination(Kind.PRODUCTS),
            addresses=None,
            is_public=True,
            answers=lambda _: False,
            is_external=True,
        )
        yield [importing.opened(source, wanted, plan, actor)]


def added(plans: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of several plans."""
    sums = ("entries", "bytes", "unmeasured", "references", "silent_total", "refused_total")
    return {
        **plans[0],
        **{name: sum(each[name] for each in plans) for name in sums},
        "fits": all(each["fits"] for each in plans),
    }


@contextmanager
def source_import_of(
    settings: Settings,
    database: Database,
    site_id: str,
    order: SourceOrder,
    plan: EntryPlan,
    fetcher: Fetcher | None = None,
) -> Iterator[OpenImport]:
    """Yield the import of a source into a site to a command; it fills `plan`.

    Raise `BadImportSource`, `S3NotInstalled`; otherwise raises as `files_of`.
    """
    fetcher = fetcher or Fetcher(seconds=SECONDS, tmp_dir=settings.tmp_dir)
    source = source_of(settings, order.address, fetcher)
    with importing_into(settings, database, site_id) as importing:
        hosts = (*order.hosts, *hosts_of(importing.site), *source.hosts)
        yield importing.opened(
            source,
            Wanted(
                destination=importing.destination(order.kind, is_public=order.is_public),
                addresses=OldAddresses(prefix="/", hosts=hosts),
                is_public=order.is_public,
                answers=can_answer,
            ),
            plan,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """The services that every import into one site needs."""

    services: Services
    site: Site
    targets: ImportTargets

    def destination(self, kind: Kind, *, is_public: bool = False) -> Destination:
        """Return the destination of files that become `kind`."""
        order = FolderOrder(place=Path(), kind=kind, prefix="/", is_public=is_public)
        return destination_of(order, self.site, self.services.settings)

    def opened(
        self, source: Source, wanted: Wanted, plan: EntryPlan, actor: Actor | None = None
    ) -> OpenImport:
        """Return the import of a source, by a command unless `actor` is given.

        It fills `plan`.
        """
        actor = actor or command_actor(self.site)
        work = SourceImport(
            actor,
            source,
            wanted,
            self.targets,
            MovedFolders(self.services.folders),
            plan,
        )
        used = self.targets.library.used(actor)
        return OpenImport(
            origin=source, work=work, quota=_quota_left(self.services.settings, used, self.site)
        )


@contextmanager
def importing_into(settings: Settings, database: Database, site_id: str) -> Iterator[Importing]:
    """Yield the services for an import into a site; raises as `site_services`."""
    with site_services(settings, database, site_id) as (services, site):
        yield Importing(services=services, site=site, targets=import_targets(services))


def source_of(settings: Settings, text: str, fetcher: Fetcher) -> Source:
    """Return the source named by `text`; raise `BadImportSource`. Nothing is requested yet."""
    scheme, _, rest = text.partition(":")
    if scheme == "s3":
        return _s3(settings, text)
    if scheme == "supabase":
        return _supabase(settings, text, rest)
    if scheme == "cloudinary":
        return _cloudinary(settings, text, rest, fetcher)
    if scheme == "cfimages":
        return _cfimages(settings, text, rest)
    if Path(text).is_file():
        return UrlList(Path(text), fetcher)
    raise BadImportSource(text, "there is no such file")


def _s3(settings: Settings, text: str) -> Source:
    bucket, name, prefix = bucket_of(settings, text)
    return S3Source(bucket, name, prefix, settings.tmp_dir)


def bucket_of(settings: Settings, text: str) -> tuple[Bucket, str, str]:
    """Return the bucket of `s3://bucket/prefix`, its name and the prefix.

    Raise `BadImportSource` or `S3NotInstalled`.
    """
    found = required(_BUCKET.fullmatch(text), BadImportSource(text, "that names no bucket"))
    access = S3Access(
        endpoint=settings.import_s3_endpoint,
        region=settings.import_s3_region,
        key=settings.import_s3_key,
        secret=settings.import_s3_secret,
        tmp_dir=settings.tmp_dir,
    )
    return _Bucket(S3Target(found[1], "", access)), found[1], found[2] or ""


def _supabase(settings: Settings, text: str, rest: str) -> Source:
    key = settings.import_supabase_key
    if not key:
        raise BadImportSource(text, "AVENUE_IMPORT_SUPABASE_KEY is not set")
    address = rest if "://" in rest else f"https://{rest}"
    parts = urlsplit(address)
    bucket, _, prefix = unquote(parts.path.strip("/")).partition("/")
    if not parts.hostname or "@" in parts.netloc or not bucket:
        raise BadImportSource(parts.hostname or "that", "it names no project and bucket")
    if parts.scheme != "https" and not is_trusted_host(parts.hostname):
        raise BadImportSource(parts.hostname, "its key would travel unencrypted; say https")
    base = f"{parts.scheme}://{parts.netloc}"
    headers = {"Authorization": f"Bearer {key}", "apikey": key}
    asker = Asker(base_url=base, headers=headers, status_of=status_of)
    return SupabaseSource(asker, bucket, prefix, settings.tmp_dir)


def _cloudinary(settings: Settings, text: str, rest: str, fetcher: Fetcher) -> Source:
    key = Key(key=settings.import_cloudinary_key, secret=settings.import_cloudinary_secret)
    if not (key.key and key.secret):
        raise BadImportSource(
            "Cloudinary",
            "AVENUE_IMPORT_CLOUDINARY_KEY and AVENUE_IMPORT_CLOUDINARY_SECRET are not set",
        )
    cloud, _, prefix = rest.strip("/").partition("/")
    if not re.fullmatch(r"[\w-]{1,100}", cloud):
        raise BadImportSource("Cloudinary", "that names no cloud")
    asker = Asker(base_url=settings.import_cloudinary_api, headers=key.headers)
    return CloudinarySource(asker, key, cloud, prefix, fetcher, settings.tmp_dir)


def _cfimages(settings: Settings, text: str, rest: str) -> Source:
    if not settings.import_cfimages_token:
        raise BadImportSource(text, "AVENUE_IMPORT_CFIMAGES_TOKEN is not set")
    if not re.fullmatch(r"[\w-]{1,100}", rest):
        raise BadImportSource(text, "that names no account")
    headers = {"Authorization": f"Bearer {settings.import_cfimages_token}"}
    asker = Asker(base_url=settings.import_cfimages_api, headers=headers)
    return CfImagesSource(asker, rest, settings.tmp_dir)


def _quota_left(settings: Settings, used: Amount, site: Site) -> QuotaLeft:
    quota = site_quota(site, settings)
    return QuotaLeft(
        bytes=max(quota.bytes - used.bytes, 0) if quota.bytes else None,
        files=max(quota.files - used.files, 0) if quota.files else None,
    )


class _Bucket:
    """A bucket for `migration.sources.s3`, by the S3 client of backups."""

    def __init__(self, target: S3Target) -> None:
        self._target = target

    def after(self, prefix: str, last_key: str) -> Sequence[Object]:
        """See `Bucket.after`."""
        try:
            found = self._target.page(prefix, last_key)
        except TargetRefuses:
            raise SourceRefuses from None
        except TargetUnreachable:
            raise FetchFailed from None
        return [Object(key=each.name, etag=each.etag, size=each.size) for each in found]

    def read(self, key: str) -> BinaryIO | None:
        """See `Bucket.read`."""
        try:
            return self._target.open(key)
        except Missing:
            return None
        except TargetRefuses:
            raise SourceRefuses from None
        except TargetUnreachable:
            raise FetchFailed from None
