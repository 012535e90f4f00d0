"""Status of the shop's pictures and of the storage: figures, a verdict, and advice."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.checks.inspection import Inspector
from avenue.health.checks.models import Pass
from avenue.health.checks.store.counts import StoredCounts
from avenue.health.checks.store.inspections import InspectionStore
from avenue.health.models import Finding, Level, Verdict
from avenue.health.rules import deployment, integrity
from avenue.health.rules.measures import rules
from avenue.health.thresholds import MOST_FOUND
from avenue.health.views.status.models import (
    BucketStatus,
    DatabaseSizes,
    DiskStatus,
    FilesystemStatus,
    ImageCounts,
    MongoStatus,
    OwnerCounts,
    ProductCounts,
    ProductsStatus,
    RenditionCounts,
    StorageStatus,
    TemporaryCounts,
    WebsiteStatus,
    WriteConcern,
)
from avenue.health.views.status.problems import OWNERS, ProblemService
from avenue.identity import Actor
from avenue.media.addresses import KnownPaths, targets_of
from avenue.media.leftovers import LEFT_FOLDERS, files_left
from avenue.media.references import Fault, Standing
from avenue.shop.models import GROUP, PRODUCT
from avenue.shop.store.status import Counted, StatusStore
from avenue.storage.mongo_facts import DatabaseFacts, MongoFacts, is_persistent
from avenue.storage.status import DeploymentStatus

MOST_URL_OWNERS = 500  # read for a live answer; more come from the last pass
DEEP_SHARE = 0.6  # of the time limit of a read: how long a deep check lasts
SOON_LOOKED_AT = 500  # references: before the first pass, so few are checked in any case
UNTOLD = DatabaseFacts(
    data_bytes=None,
    storage_bytes=None,
    index_bytes=None,
    disk_used_bytes=None,
    disk_total_bytes=None,
)
"""The visible advice for actors who are no operators: the figures would reveal other sites."""
MOST_BESIDE = 100  # the most problems of pages and the logo that are shown
MOST_FILES_COUNTED = 1000


class StatusService:
    """Answers the two debug endpoints, for one site."""

    def __init__(
        self,
        shop: StatusStore,
        inspections: InspectionStore,
        counts: StoredCounts,
        inspector: Inspector,
        deployment_of: Callable[[str], DeploymentStatus],
        known_paths: KnownPaths,
        problems: ProblemService,
        settings: Settings,
    ) -> None:
        """`deployment_of` returns the cluster of a site."""
        self._shop = shop
        self._problems = problems
        self._inspections = inspections
        self._counts = counts
        self._inspector = inspector
        self._deployment_of = deployment_of
        self._known_paths = known_paths
        self._settings = settings
        self._rules = rules(settings)

    def products(self, actor: Actor, *, deep: bool, after: str, limit: int) -> ProductsStatus:
        """Return the state of the pictures, with up to `limit` problems after the place `after`.

        `deep` checks the references now, within the time limit of one read; a small shop that no
        pass has checked yet is checked in any case.
        """
        site_id, now = actor.site.id, utc_now()
        last = self._inspections.last_pass(site_id)
        looked = sum(last.tally.references.values()) if last else 0
        checked_at = last.ended_at if last else None
        products = self._shop.count(site_id, PRODUCT)
        groups = self._shop.count(site_id, GROUP)
        total = _together(products.images, groups.images)
        if deep or (last is None and total is not None and total <= SOON_LOOKED_AT):
            looked, complete = self._inspector.references_now(actor.site, self._deep_seconds())
            checked_at = now if complete else checked_at
        if total is None and last is not None:
            total = looked
        problems, following = self._problems.page(actor, OWNERS, after, limit)
        found = self._inspections.finding_counts(site_id, OWNERS, most=MOST_FOUND)
        waiting = self._counts.waiting(site_id, temporary=True)
        images = self._image_counts(actor, total, found, last, known=checked_at is not None)
        # What is only on a disk is counted live.
        named = {**found, Standing.EPHEMERAL: images.ephemeral}
        return ProductsStatus(
            generated_at=now,
            checked_at=checked_at,
            coverage=_coverage(looked, total, known=checked_at is not None),
            verdict=Verdict.of(
                (each.level for each in integrity.references(named, where="products or groups")),
                known=images.missing is not None,
            ),
            site=site_id,
            products=ProductCounts(
                **_pictured(products),
                published=products.published,
                draft=_without(products.total, products.published),
            ),
            groups=OwnerCounts(**_pictured(groups)),
            images=images,
            temp_images=TemporaryCounts(active=waiting[0], expired=waiting[1]),
            problems=tuple(problems),
            **_problems_total(found),
            next=following,
        )

    def storage(self, actor: Actor, *, deep: bool) -> StorageStatus:
        """Return where the bytes are. `deep` checks them now, within the time limit of one read.

        Facts of the whole deployment are only for operators of the deployment.
        """
        site_id, runs_deployment = actor.site.id, actor.runs_deployment
        asked = self._deployment_of(site_id)
        mongodb, database = asked.mongodb(), asked.database()
        last = self._inspections.last_pass(site_id)
        tally, checked_at = (last.tally, last.ended_at) if last else (None, None)
        looked = self._inspector.storage_now(actor.site, self._deep_seconds()) if deep else None
        if looked is not None:
            tally, checked_at = looked, utc_now()
        assets = self._counts.asset_counts(site_id)
        files_found = sum(1 for _ in islice(files_left(LEFT_FOLDERS), MOST_FILES_COUNTED))
        beside = self._inspector.beside
        website, _ = self._problems.page(actor, beside, "", MOST_BESIDE)
        on_website = self._inspections.finding_counts(site_id, beside, most=MOST_FOUND)
        persistent = is_persistent(mongodb, self._settings)
        of_deployment = [
            *deployment.members(mongodb),
            *deployment.disk(database, self._rules),
            *deployment.plan(database, self._settings.database_gb, self._rules),
        ]
        of_site = [
            *deployment.durability(mongodb, self._settings),
            *integrity.strays(tally),
            *integrity.damage(assets.damaged),
            *integrity.references(on_website, where="pages or the logo"),
            *integrity.records(self._inspections.malformed_count(site_id, MOST_FOUND)),
            *integrity.leftovers(assets.expired, files_found),
        ]
        found = [*of_deployment, *of_site]
        unfinished = deep and looked is None
        told = database if runs_deployment else UNTOLD
        renditions = self._counts.renditions(site_id)
        return StorageStatus(
            generated_at=utc_now(),
            checked_at=checked_at,
            verdict=Verdict.of((each.level for each in found), known=tally is not None),
            persistent=persistent,
            mongodb=_mongodb(mongodb, runs_deployment=runs_deployment),
            buckets={
                name: BucketStatus(
                    files=count.known("files"),
                    bytes=count.known("bytes"),
                    chunks=count.known("chunks"),
                    counted_at=count.counted_at,
                    total_at_least=count.at_least,
                    orphan_chunks=tally.orphan_chunks[name] if tally else None,
                    incomplete_files=tally.incomplete_files[name] if tally else None,
                )
                for name, count in self._counts.totals(site_id).items()
            },
            renditions=RenditionCounts(
                count=renditions.known("count"),
                bytes=renditions.known("bytes"),
                counted_at=renditions.counted_at,
                total_at_least=renditions.at_least,
            ),
            assets=assets,
            database=DatabaseSizes(
                data_bytes=told.data_bytes,
                storage_bytes=told.storage_bytes,
                index_bytes=told.index_bytes,
            ),
            disk=DiskStatus(
                used_bytes=told.disk_used_bytes,
                total_bytes=told.disk_total_bytes,
                percent=_shown(told.disk_percent),
            ),
            website=WebsiteStatus(problems=tuple(website), **_problems_total(on_website)),
            filesystem=FilesystemStatus(paths_checked=LEFT_FOLDERS, files_found=files_found),
            advice=(
                *_advice(found if runs_deployment else of_site),
                *([] if runs_deployment or not _advice(of_deployment) else [OF_THE_DEPLOYMENT]),
                *(_about_privileges(mongodb, database) if runs_deployment else ()),
                *([NOT_ALL_LOOKED_AT] if unfinished else []),
            ),
        )

    def _image_counts(
        self,
        actor: Actor,
        total: int | None,
        found: Mapping[Standing, int],
        last: Pass | None,
        *,
        known: bool,
    ) -> ImageCounts:
        urls = self._shop.urls(actor.site.id, MOST_URL_OWNERS)
        passed = last.tally.references if last else {}
        if urls is None:
            external = passed.get(Standing.EXTERNAL, 0)
            ephemeral = passed.get(Standing.EPHEMERAL, 0)
        else:
            targets = targets_of(actor.site, urls, self._known_paths)
            external = sum(targets[url] is None for url in urls)
            faults = [each for each in map(targets.get, urls) if isinstance(each, Fault)]
            ephemeral = sum(each.standing is Standing.EPHEMERAL for each in faults)
        missing = found[Standing.MISSING] if known else None
        if missing is not None and missing > MOST_FOUND:
            missing = max(missing, passed.get(Standing.MISSING, 0))
        stored = (
            None
            if missing is None or total is None
            else max(total - external - ephemeral - missing, 0)
        )
        return ImageCounts(
            total=total, stored=stored, external=external, ephemeral=ephemeral, missing=missing
        )

    def _deep_seconds(self) -> float:
        return self._settings.read_seconds * DEEP_SHARE


OF_THE_DEPLOYMENT = "The database needs attention: ask its operators, who see the details."
NOT_ALL_LOOKED_AT = (
    "There is more than one request can look at; the figures of the last pass stand here. "
    "`python -m avenue inspect` looks at everything now."
)


def _pictured(counted: Counted) -> dict[str, Any]:
    return {
        "counted_at": counted.counted_at,
        "total": counted.total,
        "with_images": counted.with_images,
        "without_images": _without(counted.total, counted.with_images),
        "total_at_least": counted.total_at_least,
    }


def _together(*numbers: int | None) -> int | None:
    """Return the sum of what was counted; None if something was not."""
    known = [each for each in numbers if each is not None]
    return sum(known) if len(known) == len(numbers) else None


def _without(total: int | None, some: int | None) -> int | None:
    return None if total is None or some is None else total - some


def _problems_total(found: Mapping[Standing, int]) -> dict[str, int | None]:
    """Return the number of problems, None if there are more than are counted of a kind."""
    total = sum(found.values())
    is_all = max(found.values()) <= MOST_FOUND
    return {
        "problems_total": total if is_all else None,
        "problems_total_at_least": None if is_all else MOST_FOUND + 1,
    }


def _mongodb(facts: MongoFacts, *, runs_deployment: bool) -> MongoStatus:
    """Return the visible facts of the deployment: for other actors only its kind."""
    return MongoStatus(
        version=facts.version if runs_deployment else None,
        topology=facts.topology,
        members=facts.members if runs_deployment else None,
        primary=facts.primary if runs_deployment else None,
        write_concern=WriteConcern(),
        storage_engine=facts.storage_engine if runs_deployment else None,
        oplog_window_hours=facts.oplog_hours if runs_deployment else None,
    )


def _advice(found: Sequence[Finding]) -> list[str]:
    return [
        f"{each.place}: {each.says} {each.cure}"
        if each.subject == "members"
        else f"{each.says} {each.cure}"
        for each in found
        if each.level is not Level.UNKNOWN
    ]


def _coverage(looked: int, total: int | None, *, known: bool) -> float:
    """Return the share of the references that was checked, from 0 to 1."""
    if total is None:
        return 0.0
    if not total:
        return 1.0 if known else 0.0
    return round(min(looked / total, 1.0), 4)


def _about_privileges(mongodb: MongoFacts, database: DatabaseFacts) -> Iterable[str]:
    """Yield the privileges that the database user lacks for the figures that are null."""
    states = [each.state for each in mongodb.members or ()]
    if None in states or mongodb.storage_engine is None:
        yield "Grant the database user the role clusterMonitor to see how each member is."
    if mongodb.oplog_hours is None and mongodb.members is not None:
        yield "Grant the database user the role read on the database local to see the oplog window."
    if database.data_bytes is None:
        yield "Grant the database user the action dbStats to see sizes and how full the disk is."


def _shown(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 1)
