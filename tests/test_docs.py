"""What the documents say is what the program does."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from prometheus_client.metrics import MetricWrapperBase

from avenue.builder.website.checks import Kind as Remark
from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.health.checks.models import Kind as FsckKind
from avenue.health.models import Measure
from avenue.jobs.models import Queue
from avenue.media.archives import Why
from avenue.web import metrics
from avenue.web.scraping import _Queues
from tests.http.contract import unconnected_app
from tests.http.test_audit import ENTRY_KEYS
from tests.http.test_product_images import IMAGE_KEYS, REPLY_KEYS
from tests.http.test_products import PRODUCT_KEYS
from tests.http.test_sites import SITE_KEYS
from tests.http.test_uploads import UPLOAD_KEYS
from tests.table import table

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
API = (DOCS / "api.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def app() -> Flask:
    return unconnected_app()


def test_the_settings_page_is_what_the_settings_are(generate):
    assert (DOCS / "settings.md").read_text() == generate.settings_page()


def test_the_errors_page_is_what_the_errors_are(generate):
    assert (DOCS / "errors.md").read_text() == generate.errors_page()


def test_the_limits_page_is_what_the_limits_are(generate):
    assert (DOCS / "limits.md").read_text() == generate.limits_page()


def test_errors_of_tests_are_not_in_the_page(generate):
    class Planted(AvenueError):
        """Only here."""

        code = "planted"

    assert Planted.code not in generate.error_codes()


def test_a_code_has_one_status_wherever_it_is_given(generate):
    statuses: dict[str, set[int]] = {}
    for kind in [AvenueError, *generate._children(AvenueError)]:
        if kind.__module__.startswith("avenue."):
            statuses.setdefault(kind.code, set()).add(kind.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}


def test_every_error_says_what_happened_and_what_to_do(generate):
    for kind in generate.error_codes().values():
        assert kind.message.endswith("."), kind
        assert kind.hint.endswith((".", ")'")), kind
        assert (kind.__doc__ or "").splitlines()[0].endswith("."), kind


def routes_of(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_in_a_table_of_the_api_page_and_no_other(app):
    told = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|", API, re.MULTILINE)
    assert len(told) == len(set(told))
    # The pages of the panel are in docs/panel.md, for people.
    assert set(told) == {each for each in routes_of(app) if " /admin" not in each}


def examples(page: str) -> list[dict[str, Any]]:
    """The JSON examples of a page; each must be JSON."""
    return [json.loads(each) for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]


def test_the_examples_have_the_keys_that_answers_have():
    keys = [set(each) for each in examples(API)]
    assert PRODUCT_KEYS in keys
    assert IMAGE_KEYS in keys
    assert REPLY_KEYS in keys
    assert SITE_KEYS in keys
    assert UPLOAD_KEYS in keys
    assert ENTRY_KEYS in keys


def test_the_log_line_in_the_operations_page_has_the_keys_of_one():
    keys = [set(each) for each in examples(OPERATIONS)]
    assert {"at", "id", "method", "route", "status", "bytes", "ms"} in keys


def metrics_told() -> set[str]:
    """The metrics that have a row in the table."""
    return set(re.findall(r"^\| `(avenue_\w+)` \|", OPERATIONS, re.MULTILINE))


def metrics_there_are() -> set[str]:
    """What is counted, and what the database is asked for, by the names Prometheus shows."""
    counted = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    queue = Queue(kind="sweep", due=0, later=1, running=0, failed=0, finished_at=utc_now())
    of_the_queue = list(_Queues(lambda: [queue]).collect())
    described = [*(family for each in counted for family in each.describe()), *of_the_queue]
    return {f"{each.name}_total" if each.type == "counter" else each.name for each in described}


def test_every_metric_is_told_and_none_that_is_not_there() -> None:
    assert metrics_told() == metrics_there_are()


def test_the_rules_name_metrics_that_there_are() -> None:
    rules = OPERATIONS.partition("Rules to begin with")[2].partition("## ")[0]
    named = set(re.findall(r"avenue_[a-z_]+", rules))
    of_histograms = {f"{name}{end}" for name in metrics_told() for end in ("_bucket", "_count")}
    assert len(named) > 5
    assert named <= metrics_told() | of_histograms


@pytest.mark.parametrize("page", [API, OPERATIONS], ids=["api", "operations"])
def test_every_code_and_setting_a_page_names_exists(generate, page):
    codes = set(generate.error_codes())
    settings = {
        each.split("|")[1].strip(" `") for each in generate.settings_page().splitlines()[6:]
    }
    codes |= {each.value for kinds in (Why, FsckKind, Remark, Measure) for each in kinds}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page)) - NO_CODES - metrics_told()
    assert named <= codes, named - codes
    assert set(re.findall(r"`(AVENUE_[A-Z0-9_]+)", page)) <= settings


def test_every_file_of_the_map_exists() -> None:
    """Of those that are named with a folder; a folder alone may be relative to the one before."""
    page = (DOCS / "architecture.md").read_text()
    named = set(re.findall(r"`([a-z_/]+/[a-z_0-9]+\.[a-z]+)`", page))
    assert len(named) > 50
    assert not {
        each for each in named if not any((p / each).exists() for p in (ROOT / "avenue", ROOT))
    }


def test_the_operations_page_explains_why_an_import_passes_something_over():
    assert {why.value for why in Why} <= set(re.findall(r"`(\w+)`", OPERATIONS))


NO_CODES = {
    # Words in code type that are keys, columns or collections.
    "snake_case",
    "edge_seconds",
    "recovery_code",
    "second_factor_roles",
    "status_page",
    "created_at",
    "count_quotas",
    "backup_verify",
    "backup_drill",
    "count_sites",
    "may_choose",
    "publish_pages",
    "publish_at",
    "remove_site",
    "clone_site",
    "remove_sites",
    "move_site",
    "purge_moved",
    "audit_logs",
    "counted_at",
    "is_partial",
    "duplicate_of",
    "in_use",
    "infra_alerts",
    "infra_errors",
    "infra_metrics",
    "infra_traffic",
    "alert_choices",
    "push_subscriptions",
    "tell_alert",
    "tell_sites",
    "chunk_sets",
    "fast_lane",
    "handed_back",
    "checked_at",
    "generated_at",
    "problems_total",
    "write_concern",
    "asset_missing",
    "asset_in_trash",
    "asset_purging",
    "asset_unreadable",
    "file_missing",
    "wrong_length",
    "wrong_hash",
    "chunk_missing",
    "chunk_duplicate",
    "fsck_findings",
    "same_bytes",
    "chunk_short",
    "chunk_long",
    "chunk_surplus",
    "malformed_entry",
    "local_path",
    "not_owned",
    "at_risk",
    "orphan_chunks",
    "incomplete_files",
    "data_bytes",
    "updated_at",
    "csrf_token",
    "if_match",
    "request_id",
    "image_url",
    "temp_images",
    "product_ids",
    "expires_at",
    "upload_images",
    "delete_image",
    "image_urls",
    "unknown_columns",
    "left_out",
    "not_a_picture",
    "quota_mb",
    "quota_files",
    "user_quota_mb",
    "user_quota_files",
    "base_url",
    "expires_in",
    "deposit_proofs",
    "txid_proofs",
    "max_bytes",
    "max_files",
    "max_mb",
    "public_thumbs",
    "retention_days",
    "trashed_at",
    "as_of",
    "disk_gb_month",
    "backup_gb_month",
    "member_month",
    "sent_gb",
    "content_bytes",
    "days_until",
    "upload_categories",
    "local_disk",
    "to_be_made",
    "stale_renditions",
}


@table("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target
