"""The counts of an import of an export, whose records several threads import."""

import threading
from collections import Counter
from types import SimpleNamespace
from typing import Any

from avenue.export.importing.service import ExportImport
from avenue.identity import Site, command_actor
from avenue.migration.adopt.models import Became
from avenue.shop.models import PRODUCT
from tests.threads import at_once

THREADS = 8
RECORDS_EACH = 10


class LetsOthersIn(Counter[str]):
    """Lets other threads run between reading a count and writing it."""

    def __getitem__(self, name: str) -> int:
        count = super().__getitem__(name)
        threading.Event().wait(0.0001)
        return count


def test_no_count_is_lost_among_threads() -> None:
    site = Site(id="shop", hosts=(), base_url="https://shop.example", name="Shop")
    origin: Any = SimpleNamespace(tables=None)
    named = ("catalogue", "website", "owners", "library", "adopted", "audit")
    targets: Any = SimpleNamespace(**dict.fromkeys(named))
    work = ExportImport(command_actor(site), origin, targets, {})
    work.counts["products"] = LetsOthersIn()

    def count(_: int) -> None:
        for _ in range(RECORDS_EACH):
            work._count(PRODUCT, Became.CREATED)

    at_once(THREADS, count)
    assert work.counts["products"].total() == THREADS * RECORDS_EACH
