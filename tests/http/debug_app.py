"""A shop of its own for the debug endpoints, with a hand in its database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.health.checks.inspection import INSPECT
from avenue.jobs.models import Job
from tests.http.application import Application, Caller

PRODUCTS_STATUS = "/api/shop/debug/products-status"
STORAGE_STATUS = "/api/shop/debug/storage-status"
FILES, CHUNKS = "product_images.files", "product_images.chunks"
OWNERS = {"product": "shop_products", "group": "shop_products_grouped"}


@contextmanager
def nothing_runs_meanwhile() -> Iterator[None]:
    """So what seems to belong to nothing need not be given time to settle: 2 s in each pass."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr("avenue.health.checks.files.SETTLE_SECONDS", 0.01)
        yield


def inspected(application: Application, **args: Any) -> Job:
    """Run one pass, as the background does every hour; `all=True`: over everything."""
    application.forget_jobs()
    with nothing_runs_meanwhile():
        background = Background(application.settings, application.database)
        job = background.run_now(INSPECT, args=args)
    assert job.error is None
    return job


def status(caller: Caller, query: str = "") -> Any:
    """products-status."""
    answer = caller.get(f"{PRODUCTS_STATUS}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def storage(caller: Caller, query: str = "") -> Any:
    """storage-status."""
    answer = caller.get(f"{STORAGE_STATUS}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def problems_of(caller: Caller, owner: str, query: str = "") -> list[dict[str, Any]]:
    """The problems of one product or group, on whatever page."""
    found: list[dict[str, Any]] = []
    page = status(caller, query)
    while True:
        found += [each for each in page["problems"] if owner in {each["product"], each["group"]}]
        if not page["next"]:
            return found
        page = status(caller, f"?after={page['next']}")


class Hand:
    """Damages what one stored picture is made of."""

    def __init__(self, application: Application, asset: str) -> None:
        self.raw = application.raw
        self.asset = asset
        document = self.raw["assets"].find_one({"_id": asset})
        assert document is not None
        self.file = f"{document['site']}/{document['versions'][0]['file']}"

    def set(self, **fields: Any) -> None:
        self.raw["assets"].update_one({"_id": self.asset}, {"$set": fields})

    def asset_gone(self) -> None:
        self.raw["assets"].delete_one({"_id": self.asset})

    def in_trash(self) -> None:
        self.set(state="trash", trash={"position": 0})

    def purging(self) -> None:
        self.set(state="purging")

    def file_gone(self) -> None:
        self.raw[FILES].delete_one({"_id": self.file})

    def all_bytes_gone(self) -> None:
        self.file_gone()
        self.raw[CHUNKS].delete_many({"files_id": self.file})

    def wrong_length(self) -> None:
        self.raw[FILES].update_one({"_id": self.file}, {"$inc": {"length": 1}})

    def chunk_gone(self, number: int = 0) -> None:
        self.raw[CHUNKS].delete_one({"files_id": self.file, "n": number})

    def chunk_cut(self) -> None:
        self._change_data(lambda data: data[:-1])

    def chunk_emptied(self) -> None:
        self.raw[CHUNKS].update_one({"files_id": self.file, "n": 0}, {"$unset": {"data": ""}})

    def chunk_lengthened(self) -> None:
        self._change_data(lambda data: data + b"!")

    def chunk_too_many(self) -> None:
        self.raw[CHUNKS].insert_one({"files_id": self.file, "n": 7, "data": b"surplus"})

    def bit_flipped(self) -> None:
        self._change_data(lambda data: bytes([data[0] ^ 1]) + data[1:])

    def given_away(self) -> None:
        self.set(claim={"kind": "product", "id": "somebody-else"})

    def _change_data(self, change: Any) -> None:
        chunk = self.raw[CHUNKS].find_one({"files_id": self.file, "n": 0})
        assert chunk is not None
        self.raw[CHUNKS].update_one(
            {"_id": chunk["_id"]}, {"$set": {"data": change(chunk["data"])}}
        )


def add_entries(application: Application, kind: str, owner: str, entries: Sequence[Any]) -> None:
    """Put entries into a list of pictures as another program would."""
    application.raw[OWNERS[kind]].update_one(
        {"_id": owner}, {"$push": {"images": {"$each": list(entries)}}}
    )
