"""MongoDB answering with errors, once, twice, thrice or without end, at every step of a request.

What passes is not seen from outside. What stays is a 503 within the deadline, and whatever the
request had done by then, the same request again ends well and nothing is left over.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.deployment import (
    CLEAN,
    Raw,
    end_leases,
    expire_unclaimed,
    inspect,
    raw,
    sha256,
    shown,
    sweep,
)
from tests.mongod import Guard, Mongod, fail_point
from tests.pictures import photo
from tests.server import Answer, Client, Server, images_path, path_of, prepare
from tests.threads import Threads
from tests.waiting import wait_until

WRITE_SECONDS, READ_SECONDS = 1, 1
# Beyond the deadline: up to 1 s for undoing a transaction, the answer's way, a busy machine; it
# ends before the usual 5 s of a read and 15 s of a write all the same.
SPARE_SECONDS = 3.5

Fault = Mapping[str, Any]
FAULTS: Mapping[str, Fault] = {
    "stepping down": {"error_code": 189},
    "not primary": {"error_code": 10107},
    "interrupted": {"error_code": 11602},
    "shutting down": {"error_code": 91},
    "unreachable": {"error_code": 6},
    "over time": {"error_code": 262},
    "hanging up": {"close_connection": True},
}
LATE_FAULTS: Mapping[str, Fault] = {
    "stepping down after the work": {"write_concern_error": 189},
    "not acknowledged by the majority": {"write_concern_error": 64},
}
"""The command does its work, and says that this may not last; of a transaction, its commit does."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A seller, and what is behind the seller's server."""

    seller: Client
    database: Raw
    mongod: Mongod
    uri: str


def shop_with(guard: Guard, mongod: Mongod, uri: str, **env: str) -> Iterator[Shop]:
    prepare(uri)
    with Server(guard, uri, AVENUE_CACHE_SECONDS="0", AVENUE_CACHE_MB="0", **env) as server:
        yield Shop(server.seller(), raw(mongod.client, uri), mongod, uri)


@pytest.fixture(scope="module")
def shop(guard: Guard, mongod: Mongod, shared_uri: str) -> Iterator[Shop]:
    """A server that gives the database a minute.

    On a busy machine eight uploads at once wait so long for the decoder that nothing of the usual
    15 s is left to clear away what was refused.
    """
    yield from shop_with(guard, mongod, shared_uri, AVENUE_WRITE_SECONDS="60")


@pytest.fixture(scope="module")
def impatient_shop(guard: Guard, mongod: Mongod, shared_uri: str) -> Iterator[Shop]:
    """A server that gives the database a second."""
    yield from shop_with(
        guard,
        mongod,
        shared_uri,
        AVENUE_WRITE_SECONDS=str(WRITE_SECONDS),
        AVENUE_READ_SECONDS=str(READ_SECONDS),
    )


class Action:
    """One request that meets the fault, and how to tell whether it was done.

    `seller` arranges and looks; `sender` is the same person at the server that is asked.
    """

    steps: tuple[tuple[str, str], ...]
    # Collections written inside a transaction: what a write may say late, its commit says.
    inside: frozenset[str] = frozenset()
    seconds = WRITE_SECONDS

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.seller = shop, shop.seller
        self.sender = shop.seller
        self.product = shop.seller.create_product()
        self.pictures = [photo(64, 48, seed=seed * 10 + n) for n in range(3)]
        self.hashes = [sha256(each) for each in self.pictures]
        self.arrange()

    def arrange(self) -> None:
        """Bring the product to where the request finds it."""
        for picture in self.pictures:
            assert self.seller.upload(self.product, picture).status == 201

    def do(self) -> Answer:
        raise NotImplementedError

    def again(self) -> Answer:
        """Do as the hint of a 503 says."""
        return self.do()

    def before(self) -> list[str]:
        """The pictures the product shows when nothing was done."""
        return self.hashes

    def after(self) -> list[str]:
        """The pictures the product shows when it was done."""
        return self.hashes

    def has_been_done(self) -> bool:
        seen = shown(self.seller, self.product)
        assert seen in (self.before(), self.after())
        return seen == self.after()


class Upload(Action):
    inside = frozenset({"assets"})

    steps = (
        ("find", "api_tokens"),
        ("find", "users"),
        ("findAndModify", "rate_limits"),
        ("find", "shop_products"),
        ("find", "assets"),
        ("find", "writes"),
        ("findAndModify", "writes"),
        ("insert", "renditions"),
        ("insert", "product_images.chunks"),
        ("findAndModify", "product_images.files"),
        ("update", "assets"),
        ("find", "product_images.files"),
        ("findAndModify", "assets"),
        ("update", "shop_products"),
        ("update", "writes"),
        ("commitTransaction", ""),
    )

    def arrange(self) -> None:
        """Nothing is there."""

    def do(self) -> Answer:
        return self.sender.upload(self.product, self.pictures[0], "the-key")

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "upload_in_progress":
            end_leases(self.shop.database)  # which takes 7 s by itself
            answer = self.do()
        return answer

    def before(self) -> list[str]:
        return []

    def after(self) -> list[str]:
        return self.hashes[:1]


class Reorder(Action):
    steps = (("find", "shop_products"), ("findAndModify", "shop_products"))

    def arrange(self) -> None:
        super().arrange()
        found = self.seller.product(self.product)
        order = [image["id"] for image in reversed(found["images"])]
        self.body = {"order": order, "revision": found["revision"]}

    def do(self) -> Answer:
        return self.sender.send_json("PUT", images_path(self.product), self.body)

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "revision_conflict":  # it had been done, and says so by the new state
            answer = self.sender.get(f"/api/shop/products/{self.product}")
        return answer

    def after(self) -> list[str]:
        return self.hashes[::-1]


class Rename(Action):
    steps = (("find", "shop_products"), ("findAndModify", "shop_products"))

    def arrange(self) -> None:
        self.revision = self.seller.product(self.product)["revision"]

    def do(self) -> Answer:
        return self.rename(revision=self.revision)

    def again(self) -> Answer:
        return self.rename()

    def rename(self, **also: int) -> Answer:
        body = {"name": "Bota", **also}
        return self.sender.send_json("PATCH", f"/api/shop/products/{self.product}", body)

    def has_been_done(self) -> bool:
        name = self.seller.product(self.product)["name"]
        assert name in {"Zapato", "Bota"}
        return bool(name == "Bota")


class Remove(Action):
    inside = frozenset({"assets"})

    steps = (
        ("find", "shop_products"),
        ("update", "shop_products"),
        ("findAndModify", "assets"),
        ("commitTransaction", ""),
    )

    def arrange(self) -> None:
        super().arrange()
        self.removed = self.seller.product(self.product)["images"][1]["id"]

    @property
    def path(self) -> str:
        return f"{images_path(self.product)}/{self.removed}"

    def do(self) -> Answer:
        return self.sender.request("DELETE", self.path)

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "image_not_found":  # it had been done
            answer = self.sender.get(f"/api/shop/products/{self.product}")
        return answer

    def after(self) -> list[str]:
        return [self.hashes[0], self.hashes[2]]


class Restore(Remove):
    steps = (*Remove.steps, ("find", "assets"))

    def arrange(self) -> None:
        super().arrange()
        assert super().do().status == 204

    def do(self) -> Answer:
        return self.sender.request("POST", f"{self.path}/restore")

    def again(self) -> Answer:
        return self.do()

    def before(self) -> list[str]:
        return [self.hashes[0], self.hashes[2]]

    def after(self) -> list[str]:
        return self.hashes


class Replace(Remove):
    steps = (
        ("insert", "product_images.chunks"),
        ("findAndModify", "product_images.files"),
        ("findAndModify", "assets"),
        ("update", "writes"),
        ("commitTransaction", ""),
    )

    def do(self) -> Answer:
        headers, body = self.sender.upload_request(self.product, self.new_picture, "the-key")
        return self.sender.request("PUT", f"{self.path}/file", body, headers)

    again = Upload.again

    @property
    def new_picture(self) -> bytes:
        return photo(72, 48, seed=len(self.product))

    def after(self) -> list[str]:
        return [self.hashes[0], sha256(self.new_picture), self.hashes[2]]


class DeleteProduct(Action):
    inside = frozenset({"assets"})

    steps = (("delete", "shop_products"), ("findAndModify", "assets"), ("commitTransaction", ""))

    def do(self) -> Answer:
        return self.sender.request("DELETE", f"/api/shop/products/{self.product}")

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "product_not_found":  # it had been done
            answer = self.sender.get("/api/shop/products?limit=1")
        return answer

    def has_been_done(self) -> bool:
        answer = self.seller.get(f"/api/shop/products/{self.product}")
        if answer.status == 404:
            return True
        assert shown(self.seller, self.product) == self.hashes
        return False


class Create(Action):
    steps = (("insert", "shop_products"),)

    def arrange(self) -> None:
        self.sku = f"sku-{self.product}"

    def do(self) -> Answer:
        body = {"name": "Sandalia", "sku": self.sku}
        return self.sender.send_json("POST", "/api/shop/products", body)

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "sku_taken":  # it had been done
            answer = self.sender.get("/api/shop/products?limit=1")
        return answer

    def has_been_done(self) -> bool:
        count = self.shop.database["shop_products"].count_documents({"sku": self.sku})
        assert count in {0, 1}
        return bool(count)


class Save(Action):
    """A new product with the pictures that waited for it, in a group."""

    inside = frozenset({"shop_products", "assets"})

    steps = (
        ("find", "shop_products_grouped"),
        ("update", "shop_products_grouped"),
        ("insert", "shop_products"),
        ("findAndModify", "assets"),
        ("commitTransaction", ""),
    )

    def arrange(self) -> None:
        self.sku = f"sku-{self.product}"
        group = self.seller.send_json("POST", "/api/shop/groups", {"name": "Modelo"}).json
        self.body = {"name": "Ojota", "sku": self.sku, "group": group["id"], "temp_images": []}
        for picture in self.pictures:
            headers = {"Content-Type": "image/jpeg"}
            kept = self.seller.request("POST", "/api/shop/temp-images", picture, headers)
            self.body["temp_images"].append(kept.json["id"])

    def do(self) -> Answer:
        return self.sender.send_json("POST", "/api/shop/products", self.body)

    def again(self) -> Answer:
        answer = self.do()
        if answer.code == "sku_taken":  # it had been done
            answer = self.sender.get("/api/shop/products?limit=1")
        return answer

    def has_been_done(self) -> bool:
        found = self.shop.database["shop_products"].find_one({"sku": self.sku})
        waiting = {"_id": {"$in": self.body["temp_images"]}, "claim": None}
        assert self.shop.database["assets"].count_documents(waiting) == (0 if found else 3)
        assert not found or shown(self.seller, found["_id"]) == self.hashes
        return found is not None


class Join(Action):
    """A product changes over to a group."""

    inside = frozenset({"shop_products"})

    steps = (
        ("update", "shop_products_grouped"),
        ("findAndModify", "shop_products"),
        ("commitTransaction", ""),
    )

    def arrange(self) -> None:
        super().arrange()
        made = self.seller.send_json("POST", "/api/shop/groups", {"name": "Modelo"})
        self.group = made.json["id"]

    def do(self) -> Answer:
        path = f"/api/shop/products/{self.product}"
        return self.sender.send_json("PATCH", path, {"group": self.group})

    def has_been_done(self) -> bool:
        group = self.seller.get(f"/api/shop/groups/{self.group}").json
        is_in = self.seller.product(self.product)["group"] == self.group
        assert group["product_ids"] == ([self.product] if is_in else [])
        return is_in


class Deliver(Action):
    steps = (("find", "assets"), ("find", "product_images.chunks"))
    seconds = READ_SECONDS

    def arrange(self) -> None:
        super().arrange()
        self.url = self.seller.product(self.product)["images"][1]["url"]

    def do(self) -> Answer:
        answer = self.sender.get(path_of(self.url))
        if answer.status == 200:
            assert sha256(answer.body) == self.hashes[1]
        return answer


ACTIONS: tuple[type[Action], ...] = (
    Upload,
    Reorder,
    Rename,
    Remove,
    Restore,
    Replace,
    DeleteProduct,
    Create,
    Save,
    Join,
    Deliver,
)
STEPS = [(action, *step) for action in ACTIONS for step in action.steps]


UP_TO_THREE = {
    "Upload-findAndModify-product_images.files-hanging up",
    "Upload-commitTransaction-transaction-not acknowledged by the majority",
    "Save-commitTransaction-transaction-stepping down after the work",
    "Remove-findAndModify-assets-interrupted",
    "Create-insert-shop_products-not acknowledged by the majority",
    "Deliver-find-product_images.chunks-unreachable",
}
WITHOUT_END = {
    "Upload-commitTransaction-transaction-not acknowledged by the majority",
    "Replace-findAndModify-assets-interrupted",
    "Create-insert-shop_products-stepping down after the work",
    "Deliver-find-product_images.chunks-hanging up",
}
"""What is met in the short rounds: each kind of command, of fault, and of what is done then."""


def cases(short: set[str]) -> list[Any]:
    """Each step with each fault; all but the short ones in the long rounds only."""
    found: dict[str, Any] = {}
    for action, command, collection in STEPS:
        is_late = command in {"insert", "findAndModify", "commitTransaction"}
        is_late &= collection not in action.inside
        faults = {**FAULTS, **LATE_FAULTS} if is_late else FAULTS
        for name, fault in faults.items():
            case = f"{action.__name__}-{command}-{collection or 'transaction'}-{name}"
            marks = () if case in short else pytest.mark.long
            found[case] = pytest.param(action, command, collection, fault, id=case, marks=marks)
    assert short <= found.keys()
    return [*found.values()]


TIMES = pytest.mark.parametrize(
    "times", [3, pytest.param(2, marks=pytest.mark.long), pytest.param(1, marks=pytest.mark.long)]
)


def fault_in(shop: Shop, times: int | None, command: str, collection: str, fault: Fault) -> Any:
    return fail_point(
        shop.mongod.client,
        [command],
        times,
        app_name="avenue",
        namespace=f"{shop.database.name}.{collection}" if collection else None,
        **fault,
    )


def is_late_insert(command: str, fault: Fault) -> bool:
    """Whether an insert says that its document may not last.

    The next one finds the document there and makes sure that a majority has it, which ends the
    errors and is a good answer.
    """
    return command == "insert" and "write_concern_error" in fault


def assert_nothing_is_left(shop: Shop) -> None:
    end_leases(shop.database)
    expire_unclaimed(shop.database)
    sweep(shop.uri)
    deployment = inspect(shop.database)
    assert (deployment.unclaimed, deployment.stray_files, deployment.stray_chunks) == (0, 0, 0)
    assert deployment.damage == ()


@TIMES
@pytest.mark.parametrize(("action", "command", "collection", "fault"), cases(UP_TO_THREE))
def test_up_to_three_errors_in_a_row_are_not_seen_from_outside(
    shop: Shop, action: type[Action], command: str, collection: str, fault: Fault, times: int
) -> None:
    case = action(shop, seed=times)
    with fault_in(shop, times, command, collection, fault) as point:
        answer = case.do()
    assert point.hits == times or (point.hits and is_late_insert(command, fault))
    assert answer.status in {200, 201, 204}, answer
    assert case.has_been_done()
    assert_nothing_is_left(shop)


def met(
    shop: Shop,
    sender: Client,
    action: type[Action],
    command: str,
    collection: str,
    fault: Fault,
) -> tuple[Action, Answer]:
    """Return a request that met a fault without end, and its answer, which came in time.

    On a busy machine, the time some are given is over before they get there, and some answers
    are late: who has no deadline is late each time.
    """
    found: list[tuple[Action, Answer]] = []

    def has_met_it_in_time() -> bool:
        case = action(shop, seed=4)
        case.sender = sender
        with fault_in(shop, None, command, collection, fault) as point:
            began_at = time.monotonic()
            answer = case.do()
            took_seconds = time.monotonic() - began_at
        assert answer.status in {200, 201, 204, 503}, answer
        found.append((case, answer))
        return bool(point.hits) and took_seconds < case.seconds + SPARE_SECONDS

    wait_until(
        has_met_it_in_time, f"it gets as far as {command} {collection}, and is answered in time"
    )
    return found[-1]


def again_until_there_is_time(case: Action) -> Answer:
    """Do as a 503 says, as often as a busy machine takes longer than the server gives it."""
    answers: list[Answer] = []

    def is_answered() -> bool:
        answers.append(case.again())
        return answers[-1].status != 503

    wait_until(is_answered, "there is time for it")
    return answers[-1]


@pytest.mark.parametrize(("action", "command", "collection", "fault"), cases(WITHOUT_END))
def test_errors_without_end_are_a_503_in_time_and_do_no_harm(
    shop: Shop,
    impatient_shop: Shop,
    action: type[Action],
    command: str,
    collection: str,
    fault: Fault,
) -> None:
    case, answer = met(shop, impatient_shop.seller, action, command, collection, fault)
    if answer.status == 503:
        assert int(answer.headers["Retry-After"]) > 0
    else:
        assert answer.status == 201, answer
        assert is_late_insert(command, fault)
        assert case.has_been_done()
    case.has_been_done()

    again = again_until_there_is_time(case)

    assert again.status in {200, 201, 204}, again
    assert case.has_been_done()
    assert_nothing_is_left(shop)


@TIMES
def test_what_is_refused_is_cleared_away_although_deleting_fails(shop: Shop, times: int) -> None:
    product = shop.seller.create_product()
    pictures = [photo(64, 48, seed=100 + n) for n in range(8)]
    with (
        fault_in(shop, times, "delete", "product_images.chunks", FAULTS["interrupted"]) as point,
        Threads(len(pictures)) as threads,
    ):
        answers = list(threads.map(lambda each: shop.seller.upload(product, each), pictures))

    assert point.hits == times
    assert Counter(each.status for each in answers) == {201: 5, 409: 3}
    deployment = inspect(shop.database)
    assert (deployment.stray, deployment.damage) == (CLEAN, ())
