"""The shapes of records know the same few texts as the code that writes them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import pytest

from avenue.audit.models import DoerKind
from avenue.builder.website.models import Status as PageStatus
from avenue.config import Settings
from avenue.health.checks.models import Outcome as FsckOutcome
from avenue.health.models import ALERTED, Measure
from avenue.health.rules.measures import rules
from avenue.identity import Role, Scope
from avenue.jobs.models import State as JobState, Wish
from avenue.media.intake.filetypes import FILE_TYPES
from avenue.media.models import ScanState, State, Visibility
from avenue.media.references import Kind as FaultKind, Standing
from avenue.notifications.models import Channel, State as MessageState
from avenue.shop.importing.models import Format, Outcome, Reversal, Stage
from avenue.shop.matching.models import Finding, Outcome as FileOutcome, Stage as PictureStage
from avenue.shop.models import Status
from avenue.storage.schema import DEPLOYMENT_COLLECTIONS
from avenue.storage.shapes import SHAPES, Maybe, Of, Shape, Values
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS

TEXTS: list[tuple[str, str, type[StrEnum]]] = [
    ("assets", "state", State),
    ("assets", "visibility", Visibility),
    ("assets", "versions.scan.state", ScanState),
    ("assets", "damaged.kind", FaultKind),
    ("findings", "kind", FaultKind),
    ("findings", "standing", Standing),
    ("shop_products", "status", Status),
    ("page_content", "status", PageStatus),
    ("audit_logs", "actor.kind", DoerKind),
    ("shop_imports", "layout.format", Format),
    ("shop_imports", "stage", Stage),
    ("shop_import_rows", "outcome", Outcome),
    ("shop_import_rows", "undone.reversal", Reversal),
    ("shop_picture_imports", "stage", PictureStage),
    ("shop_picture_import_files", "finding", Finding),
    ("shop_picture_import_files", "outcome", FileOutcome),
    ("notifications", "channel", Channel),
    ("notifications", "state", MessageState),
    ("users", "roles", Role),
    ("sites", "upload_categories.readers", Role),
    ("sites", "upload_categories.visibility", Visibility),
    ("api_tokens", "scopes", Scope),
    ("jobs", "state", JobState),
    ("jobs", "wish", Wish),
    ("fsck_findings", "outcome", FsckOutcome),
    ("infra_alerts", "measure", Measure),
    ("infra_alerts", "unit", {each.unit for each in rules(Settings(local=True)).values()}),
    ("infra_alerts", "level", ALERTED),
    ("infra_alerts", "recent", ALERTED),
]


def inside(what: Any) -> Any:
    """What a field is made of, whether it may be missing, and whether there are many."""
    while isinstance(what, Maybe | Of | list):
        what = what[0] if isinstance(what, list) else what.type
    return what


def texts_of(collection: str, path: str) -> set[str]:
    shape = SHAPES[collection]
    assert isinstance(shape, Shape)
    found: Any = {**shape.needed, **shape.kept}
    for each in path.split("."):
        found = inside(found[each])
    assert isinstance(found, Values)
    return set(found.texts)


@pytest.mark.parametrize(("collection", "path", "known"), TEXTS)
def test_a_shape_knows_the_texts_of_the_code(
    collection: str, path: str, known: Iterable[StrEnum]
) -> None:
    assert texts_of(collection, path) == {each.value for each in known}


def test_a_shape_knows_the_types_of_files() -> None:
    assert texts_of("assets", "versions.media_type") == set(FILE_TYPES)


def test_a_shape_knows_the_buckets() -> None:
    assert texts_of("assets", "bucket") == set(BUCKETS)


def test_every_collection_has_a_shape() -> None:
    assert (SITE_COLLECTIONS | set(DEPLOYMENT_COLLECTIONS)) - set(SHAPES) == set()
