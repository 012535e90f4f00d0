"""Sample products: created by a job, recognised by ids recorded beforehand, and removed."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from avenue.audit.service import AuditService
from avenue.config import Settings
from avenue.errors import Forbidden, MalformedRecord
from avenue.identity import Actor, Role, Site, new_id
from avenue.jobs.models import Job, State as JobState
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.media.intake.spool import spooled
from avenue.media.models import Asset, Claim
from avenue.shop import demo
from avenue.shop.errors import (
    GroupNotFound,
    ImageNotFound,
    ProductNotFound,
    SamplesBusy,
    SkuTaken,
    TooManyImages,
)
from avenue.shop.models import (
    GROUP,
    PRODUCT,
    Group,
    Option,
    Product,
    ProductFields,
    Samples,
    Status,
)
from avenue.shop.service.groups import GroupService
from avenue.shop.service.pictures import PictureService
from avenue.shop.service.products import ProductService
from avenue.shop.store.samples import SampleStore

LOAD = "samples"
STEPS = len(demo.GROUPS) + len(demo.PRODUCTS)
AUTO = "auto"
NO_SAMPLES = Samples(by="", products={}, groups={})


class SampleState(StrEnum):
    """The state of a site's samples."""

    OFF = "off"  # this deployment offers none
    NONE = "none"
    LOADING = "loading"
    FAILED = "failed"
    THERE = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleStanding:
    """The state: `done` of `total` steps while they are being created, `error` if that failed.

    `offered`: the shop has no products, so samples would be useful.
    """

    state: SampleState
    offered: bool = False
    done: int = 0
    total: int = STEPS
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSample:
    """An existing sample product, and whether someone changed it."""

    product: Product
    changed: bool


class SampleService:
    """The samples of a site, for its administrators."""

    def __init__(
        self,
        samples: SampleStore,
        products: ProductService,
        groups: GroupService,
        jobs: JobService,
        settings: Settings,
    ) -> None:
        self._samples = samples
        self._products = products
        self._groups = groups
        self._jobs = jobs
        self._is_on = settings.demo == AUTO

    def standing(self, actor: Actor) -> SampleStanding:
        """Return the state of the samples; people who may not load them see none."""
        if not actor.is_admin:
            return SampleStanding(state=SampleState.OFF)
        site_id = actor.site.id
        noted = self._samples.get(site_id)
        job = self._job_of(noted)
        if job and not job.is_finished:
            done = job.progress.done
            return SampleStanding(state=SampleState.LOADING, done=done, error=job.error or "")
        if noted and any(self._samples.there(site_id, noted)):
            failed = job is not None and job.state in {JobState.FAILED, JobState.CANCELLED}
            state = SampleState.FAILED if failed else SampleState.THERE
            return SampleStanding(state=state, error=(job and job.error) or "")
        if not self._is_on:
            return SampleStanding(state=SampleState.OFF)
        return SampleStanding(
            state=SampleState.NONE, offered=not self._samples.has_products(site_id)
        )

    def load(self, actor: Actor) -> None:
        """Start creating the samples; repeatable. Raise `Forbidden` unless the actor may."""
        if not actor.is_admin or not self._is_on:
            raise Forbidden
        site_id = actor.site.id
        new = Samples(
            by=str(actor.id),
            products={each.sku: new_id() for each in demo.PRODUCTS},
            groups={each.model: new_id() for each in demo.GROUPS},
        )
        noted = self._samples.get(site_id)
        job = self._job_of(noted)
        at_work = job is not None and not job.is_finished
        if noted and not at_work and not any(self._samples.there(site_id, noted)):
            self._samples.forget(site_id)  # someone deleted them one by one
        self._samples.begin(site_id, new)
        job = self._jobs.enqueue(LOAD, site=site_id, key=LOAD)
        self._samples.set_job(site_id, job.id)

    def load_first(self, actor: Actor) -> bool:
        """Load the samples into a shop that never had a product; return whether it is one."""
        site_id = actor.site.id
        is_new = self._samples.get(site_id) is None and not self._samples.has_products(site_id)
        if self._is_on and is_new:
            self.load(actor)
        return self._is_on and is_new

    def listed(self, actor: Actor) -> list[ListedSample]:
        """Return the sample products that still exist and can be read."""
        noted = self._samples.get(actor.site.id) or NO_SAMPLES
        job = self._job_of(noted)
        loaded_at = job.finished_at if job else None
        there, _ = self._samples.there(actor.site.id, noted)
        found = []
        for each in noted.products.values():
            if each not in there:
                continue
            with suppress(MalformedRecord):
                product = self._products.get(actor, each).product
                changed = loaded_at is not None and product.updated_at > loaded_at
                found.append(ListedSample(product=product, changed=changed))
        return found

    def remove(self, actor: Actor) -> int:
        """Delete the samples only; return the number of products. Repeatable.

        Their pictures go to the trash. Raise `SamplesBusy` while they are being created.
        """
        actor.must_have(Role.ADMIN)
        noted = self._samples.get(actor.site.id)
        if noted is None:
            return 0
        job = self._job_of(noted)
        if job and not job.is_finished:
            raise SamplesBusy
        products, groups = self._samples.there(actor.site.id, noted)
        for product_id in sorted(products):
            with suppress(ProductNotFound):  # someone else was faster
                self._products.delete(actor, product_id)
        for group_id in sorted(groups):
            with suppress(GroupNotFound):
                self._groups.delete(actor, group_id)
        self._samples.forget(actor.site.id)
        return len(products)

    def _job_of(self, noted: Samples | None) -> Job | None:
        return self._jobs.known(noted.job) if noted else None


class SampleWorker:
    """Creates the samples one by one; a repeated step finds what it has created before."""

    def __init__(
        self,
        samples: SampleStore,
        products: ProductService,
        groups: GroupService,
        pictures: PictureService,
        audit: AuditService,
        *,
        site_of: Callable[[str], Site],
        tmp_dir: Path,
        picture: Callable[[str], bytes] = demo.picture,
    ) -> None:
        self._samples = samples
        self._products = products
        self._groups = groups
        self._pictures = pictures
        self._audit = audit
        self._site_of = site_of
        self._tmp_dir = tmp_dir
        self._picture = picture

    def load(self, job: RunningJob) -> Mapping[str, int]:
        """Create the missing samples of the job's site."""
        site_id = str(job.site)
        noted = self._samples.get(site_id)
        if noted is None:
            return {"products": 0}
        actor = Actor(site=self._site_of(site_id), id=noted.by, role=Role.ADMIN)
        steps: list[demo.SampleGroup | demo.SampleProduct] = [*demo.PRODUCTS, *demo.GROUPS]
        begin = int(job.cursor or 0)
        for number, each in enumerate(steps[begin:], begin + 1):
            if isinstance(each, demo.SampleGroup):
                self._make_group(actor, each, noted.groups[each.model])
            else:
                self._make_product(actor, each, noted)
            job.save(cursor=number, done=number, total=len(steps))
        counts = {"products": len(demo.PRODUCTS), "groups": len(demo.GROUPS)}
        self._audit.record_job(
            site_id,
            "samples.loaded",
            site_id,
            job_id=job.id,
            job_kind=LOAD,
            details=counts,
            entry_id=job.id,
        )
        return counts

    def _make_group(self, actor: Actor, sample: demo.SampleGroup, group_id: str) -> None:
        group = self._group(actor, sample, group_id)
        claim = Claim(kind=GROUP, id=group.id)
        options = []
        for number, (name, shot) in enumerate(sample.options):
            asset = self._add(actor, claim, shot, f"{sample.model}-{number + 1}")
            options.append(Option(name=name, images=(asset.id,)))
        if not group.options:
            self._groups.change(actor, group.id, {"options": tuple(options)}, None, None)

    def _group(self, actor: Actor, sample: demo.SampleGroup, group_id: str) -> Group:
        try:
            return self._groups.get(actor, group_id).group
        except GroupNotFound:
            made = self._groups.create(
                actor, model=sample.model, name=sample.name, product_ids=(), group_id=group_id
            )
            return made.group

    def _make_product(self, actor: Actor, sample: demo.SampleProduct, noted: Samples) -> None:
        """Create one product, published only once it is complete."""
        try:
            product = self._product(actor, sample, noted)
        except SkuTaken:  # by a product that is not a sample
            return
        if product.status is Status.PUBLISHED:
            return
        claim = Claim(kind=PRODUCT, id=product.id)
        with suppress(TooManyImages):  # if fewer are allowed, fewer are used
            for number, shot in enumerate(sample.shots):
                self._add(actor, claim, shot, f"{sample.sku}-{number + 1}")
        if not sample.is_draft:
            self._products.change(actor, product.id, {"status": Status.PUBLISHED}, None)

    def _product(self, actor: Actor, sample: demo.SampleProduct, noted: Samples) -> Product:
        product_id = noted.products[sample.sku]
        with suppress(ProductNotFound):
            return self._products.get(actor, product_id).product
        group = next((each for each in demo.GROUPS if each.model == sample.model), None)
        fields = ProductFields(
            name=sample.name,
            sku=sample.sku,
            description=sample.description,
            price=sample.price,
            group=self._group(actor, group, noted.groups[group.model]).id if group else None,
            category=sample.category,
            attributes={name: [value] for name, value in sample.attributes},
        )
        return self._products.create(actor, fields, product_id=product_id).product

    def _add(self, actor: Actor, claim: Claim, shot: demo.Shot, name: str) -> Asset:
        """Upload a picture like any other, so that it is checked and gets its sizes."""
        with spooled(shot.file, [self._picture(shot.file)], self._tmp_dir) as upload:
            key = f"{LOAD}/{claim.id}/{name}"
            asset = self._pictures.add(actor, claim, [upload], key=key).assets[0]
        if shot.es:
            changes = {"alt": {"es": shot.es, "en": shot.en}}
            with suppress(ImageNotFound):  # it was deleted meanwhile
                asset = self._pictures.describe(actor, claim, asset.id, changes)
        return asset
