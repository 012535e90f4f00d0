"""What is known of a tree, kept beside memory."""

from collections.abc import Iterator

import psutil
import pytest

from avenue.migration.models import PAGE, Content, Outcome, Problem, Reference
from avenue.migration.plan import Plan


@pytest.fixture
def plan() -> Iterator[Plan]:
    plan = Plan()
    yield plan
    plan.close()


def content(sha256: str) -> Content:
    return Content(sha256=sha256, length=1, key=sha256.encode(), name=f"{sha256}.jpg")


def named(path: str, kind: str = "product", owner: str = "p") -> Reference:
    return Reference(kind=kind, id=owner, address=f"http://localhost{path}", path=path)


def test_every_list_is_complete_however_long_it_is(plan: Plan) -> None:
    many = 1_201  # more than two pages of rows
    for number in range(many):
        plan.add_file(f"/a/{number}", b"%d" % number, content("same"))
        plan.add_file(f"/b/{number}", b"b%d" % number, content(f"other{number}"))
        plan.add_reference(named(f"/a/{number}", owner=f"p{number % 7}"))
        plan.add_reference(named(f"/a/{number}", PAGE))
        plan.refuse(Problem(path=f"/c/{number}", code="c", message="m"))
    assert len({each.sha256 for each in plan.contents()}) == plan.count_contents() == many + 1
    assert len(set(plan.paths_of(content("same")))) == many
    assert len(list(plan.files())) == 2 * many
    assert len({each.path for each in plan.references_of(content("same"))}) == many
    assert len(list(plan.references())) == 2 * many
    assert len({each.path for each in plan.refused()}) == plan.count(Outcome.REFUSED) == many


def test_what_is_done_while_a_list_is_read_does_not_confuse_it(plan: Plan) -> None:
    for number in range(1_201):
        plan.add_file(f"/a/{number}", b"%d" % number, content(f"sha{number}"))
        plan.add_reference(named(f"/a/{number}"))
    seen = 0
    for each in plan.contents():
        for reference in plan.references_of(each):
            plan.settle_reference(reference)
        for path in plan.paths_of(each):
            plan.settle(path, Outcome.STORED)
            seen += 1
        plan.finish(each)
    assert (seen, plan.count_open(), plan.count(Outcome.STORED)) == (1_201, 0, 1_201)
    assert plan.count_rewritten() == {"product": 1_201}
    assert list(plan.contents()) == []


def test_of_two_names_of_one_address_the_same_stays_in_any_order(plan: Plan) -> None:
    apart, composed = "e\u0301.jpg".encode(), "é.jpg".encode()
    assert plan.add_file("/é.jpg", composed, content("one")) is None
    assert plan.add_file("/é.jpg", apart, content("two")) == composed
    assert plan.add_file("/è.jpg", apart, content("two")) is None
    assert plan.add_file("/è.jpg", composed, content("one")) == composed
    assert plan.add_file("/è.jpg", composed, content("two")) is None  # the same bytes: no loss
    assert {each.sha256 for each in plan.contents() if list(plan.paths_of(each))} == {"two"}


def test_what_nothing_names_is_counted(plan: Plan) -> None:
    for number in range(4):
        plan.add_file(f"/{number}", b"%d" % number, content(f"sha{number}"))
    plan.add_reference(named("/0"))
    plan.add_reference(named("/1", PAGE))
    for number, outcome in enumerate(("stored", "duplicate", "stored", "unchanged")):
        plan.settle(f"/{number}", Outcome(outcome))
    assert plan.count_unreferenced() == 1


def test_memory_does_not_grow_with_the_tree(plan: Plan) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(10_000):  # more than 40 MB, were they in memory
        path = f"/{number}/{'x' * 2_000}"
        plan.add_file(path, path.encode(), content(f"{number:064}"))
    assert sum(1 for _ in plan.contents()) == 10_000
    assert process.memory_info().rss - before < 20_000_000
