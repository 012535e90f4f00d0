"""Many uploads at once, on two servers: the limit holds, twins are one, nothing is left over."""

from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Barrier

import pytest

from tests.faults.deployment import CLEAN, Raw, inspect, raw, sha256, shown
from tests.mongod import Guard, Mongod
from tests.pictures import photo
from tests.server import Answer, Client, Server, prepare
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

LIMIT = 5
ROUNDS = pytest.mark.parametrize(
    ("rounds", "at_once"), [(1, 8), pytest.param(20, 20, marks=pytest.mark.long)]
)
Sellers = tuple[Client, Client]


@pytest.fixture(scope="module")
def sellers(guard: Guard, shared_uri: str) -> Iterator[Sellers]:
    """One person, at two servers over the same database."""
    prepare(shared_uri)
    with Server(guard, shared_uri) as one, Server(guard, shared_uri) as other:
        seller = one.seller()
        yield seller, seller.at(other)


@pytest.fixture
def claimed_before(sellers: Sellers, shop_database: Raw) -> int:
    """How many pictures the tests before this one have left."""
    return inspect(shop_database).claimed


@pytest.fixture(scope="module")
def shop_database(mongod: Mongod, shared_uri: str) -> Raw:
    """The database of both, for the test to look into."""
    return raw(mongod.client, shared_uri)


def upload_at_once(
    sellers: Sellers, product: str, pictures: Sequence[bytes], key: str | None = None
) -> list[Answer]:
    """Upload each of `pictures` in a thread of its own, by turns at one server and the other."""
    start = Barrier(len(pictures))

    def upload(number: int) -> Answer:
        start.wait(DEADLINE_SECONDS)
        return sellers[number % 2].upload(product, pictures[number], key)

    with Threads(len(pictures)) as threads:
        return list(threads.map(upload, range(len(pictures))))


@ROUNDS
def test_many_different_pictures_at_once_end_with_exactly_five(
    sellers: Sellers, shop_database: Raw, claimed_before: int, rounds: int, at_once: int
) -> None:
    for number in range(1, rounds + 1):
        product = sellers[0].create_product()
        pictures = [photo(64, 48, seed=number * 100 + n) for n in range(at_once)]

        answers = upload_at_once(sellers, product, pictures)

        accepted = [sha256(pictures[n]) for n, each in enumerate(answers) if each.status == 201]
        assert Counter(each.status for each in answers) == {201: LIMIT, 409: at_once - LIMIT}
        assert {each.code for each in answers if each.status == 409} == {"too_many_images"}
        assert sorted(shown(sellers[0], product)) == sorted(accepted)
        deployment = inspect(shop_database)
        kept = claimed_before + LIMIT * number
        assert (deployment.claimed, deployment.stray, deployment.damage) == (kept, CLEAN, ())
        assert shop_database["product_images.files"].count_documents({}) == kept
        assert shop_database["product_images.chunks"].count_documents({}) == kept


@ROUNDS
def test_the_same_picture_sent_many_times_at_once_is_kept_once(
    sellers: Sellers, shop_database: Raw, claimed_before: int, rounds: int, at_once: int
) -> None:
    for number in range(1, rounds + 1):
        product = sellers[0].create_product()
        picture = photo(64, 48, seed=number)

        answers = upload_at_once(sellers, product, [picture] * at_once)

        assert Counter(each.status for each in answers) == {201: 1, 200: at_once - 1}
        assert len({each.json["id"] for each in answers}) == 1
        assert shown(sellers[0], product) == [sha256(picture)]
        deployment = inspect(shop_database)
        assert (deployment.claimed, deployment.stray, deployment.damage) == (
            claimed_before + number,
            CLEAN,
            (),
        )


@ROUNDS
def test_one_idempotency_key_used_many_times_at_once_is_one_upload(
    sellers: Sellers, shop_database: Raw, claimed_before: int, rounds: int, at_once: int
) -> None:
    for number in range(1, rounds + 1):
        product = sellers[0].create_product()
        picture = photo(64, 48, seed=number)

        answers = upload_at_once(sellers, product, [picture] * at_once, "one-key")

        outcomes = Counter(outcome(each) for each in answers)
        assert outcomes.keys() <= {"stored", "replayed", "upload_in_progress"}
        assert outcomes["stored"] == 1
        assert outcome(sellers[1].upload(product, picture, "one-key")) == "replayed"
        assert shown(sellers[0], product) == [sha256(picture)]
        deployment = inspect(shop_database)
        assert (deployment.claimed, deployment.stray, deployment.damage) == (
            claimed_before + number,
            CLEAN,
            (),
        )


def outcome(answer: Answer) -> str:
    if answer.status == 201:
        return "stored"
    if answer.status == 200 and answer.headers.get("Idempotent-Replayed") == "true":
        return "replayed"
    return answer.code or str(answer.status)
