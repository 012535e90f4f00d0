"""The jobs of the shop: imports of products and of pictures, and sample products."""

from collections.abc import Mapping
from functools import partial

from avenue.app.services import Services
from avenue.jobs.runner import Handler, RunningJob
from avenue.jobs.service import JobService
from avenue.shop.service.import_worker import ImportWorker
from avenue.shop.service.imports import IMPORT, UNDO
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.samples import LOAD, SampleWorker
from avenue.shop.store.import_processing import ImportProcessing
from avenue.shop.store.samples import SampleStore


def shop_jobs(services: Services, jobs: JobService) -> Mapping[str, Handler]:
    """Return the handlers of these jobs, by kind."""
    importing = ImportWorker(
        ImportProcessing(services.database), jobs, services.audit, services.settings
    )
    return {
        IMPORT: importing.apply,
        UNDO: importing.undo,
        LOAD: partial(_load_samples, services),
        PICTURES_BY_SKU: partial(_pictures_by_sku, services),
    }


def _load_samples(services: Services, job: RunningJob) -> Mapping[str, int]:
    with services.decoding() as decoding:
        worker = SampleWorker(
            SampleStore(services.database),
            decoding.products,
            decoding.groups,
            decoding.pictures,
            decoding.audit,
            site_of=decoding.sites.named,
            tmp_dir=services.settings.tmp_dir,
        )
        return worker.load(job)


def _pictures_by_sku(services: Services, job: RunningJob) -> Mapping[str, int]:
    with services.decoding() as decoding:
        return decoding.picture_import_worker.apply(job)
