"""What a site has much of is counted by a job; whoever asks is told the last count and its time."""

from typing import Any

import pytest

from avenue.app.background import Background
from avenue.storage.site_counts import COUNT_SITES
from tests.http.application import Application, Caller, a_picture, unique
from tests.http.debug_app import PRODUCTS_STATUS, STORAGE_STATUS

MODULES = {
    "avenue.storage.site_counts.FEW": 1,
    "avenue.builder.library.folders.store.MOST_COUNTED": 1,
    "avenue.shop.store.status.COUNTED_AT_ONCE": 2,
}


def figures(caller: Caller) -> dict[str, Any]:
    """Everything that is counted, by name."""
    products, stored = (caller.get(url).json for url in (PRODUCTS_STATUS, STORAGE_STATUS))
    library = caller.get("/api/builder/folders").json["items"]
    return {
        "products": products["products"],
        "groups": products["groups"],
        "images": products["images"]["total"],
        **stored["buckets"],
        "renditions": stored["renditions"],
        "assets": stored["assets"],
        "folders": {each["name"]: each["media"] for each in library},
    }


def test_many_things_are_counted_by_a_job(
    own_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = own_application.caller("admin")

    def more() -> None:
        admin.a_product(a_picture(), a_picture(), status="published")
        admin.a_product(status="draft")
        admin.a_group(a_picture())
        admin.a_group(a_picture())
        folder = admin.post("/api/builder/folders", json={"name": unique("Carpeta ")}).json["id"]
        for _ in range(2):
            admin.upload("/api/builder/media", a_picture(), query_string={"folder": folder})
            admin.upload("/api/uploads", a_picture())

    def count() -> None:
        own_application.forget_jobs()
        job = Background(own_application.settings, own_application.database).run_now(COUNT_SITES)
        assert job.error is None

    more()
    exact = figures(admin)
    assert exact["products"]["counted_at"] is exact["assets"]["counted_at"] is None
    for name, most in MODULES.items():
        monkeypatch.setattr(name, most)
    count()
    counted = figures(admin)
    assert without_times(counted) == without_times(exact)
    times = [each["counted_at"] for each in counted.values() if has_time(each)]
    assert len(times) == 7
    assert None not in times
    admin.a_product(a_picture(), status="published")
    admin.upload("/api/uploads", a_picture())
    assert without_times(figures(admin))["products"] == without_times(exact)["products"]
    count()
    later = without_times(figures(admin))
    monkeypatch.undo()
    assert later == without_times(figures(admin))
    assert later != without_times(exact)


def test_what_nobody_has_counted_is_said_to_be_many_until_a_job_has_counted_it(
    own_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = own_application.caller("admin")
    folder = admin.post("/api/builder/folders", json={"name": unique("Carpeta ")}).json["id"]
    for _ in range(2):
        admin.a_product(a_picture())
        admin.upload("/api/builder/media", a_picture(), query_string={"folder": folder})
    for name, most in MODULES.items():
        monkeypatch.setattr(name, most)
    own_application.forget_jobs()
    many = figures(admin)
    for each in ("products", "renditions", "assets", "product_images"):
        assert (many[each]["total_at_least"], many[each]["counted_at"]) == (2, None)
    asked = ("total", "with_images", "published", "draft")
    assert {many["products"][name] for name in asked} == {None}
    assert many["images"] is None
    assert set(many["folders"].values()) == {None}
    assert b"?" in admin.get("/admin/problems").data
    (job,) = own_application.raw["jobs"].find({"kind": COUNT_SITES})
    Background(own_application.settings, own_application.database).finish(job["_id"])
    known = figures(admin)
    assert known["products"]["total"] == known["images"] == 2
    assert known["products"]["total_at_least"] is None
    assert set(known["folders"].values()) == {2}
    # Few again: the job forgets its count, and whoever asks counts.
    monkeypatch.undo()
    own_application.forget_jobs()
    Background(own_application.settings, own_application.database).run_now(COUNT_SITES)
    assert own_application.raw["site_counts"].count_documents({}) == 0
    assert figures(admin)["products"]["counted_at"] is None


def has_time(figure: Any) -> bool:
    return isinstance(figure, dict) and "counted_at" in figure


def without_times(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in each.items() if key != "counted_at"}
        if isinstance(each, dict)
        else each
        for name, each in figures.items()
    }
