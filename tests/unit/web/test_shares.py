"""Who has to go when an address, or all together, hold too much."""

from dataclasses import dataclass

from avenue.server.shares import NOBODY, Shares


@dataclass(eq=False)
class Held:
    address: str


def test_an_address_above_its_share_loses_who_has_waited_longest() -> None:
    shares: Shares[Held] = Shares(10, 50)
    other, first, second = Held("a"), Held("b"), Held("b")
    for holder, count in ((other, 4), (first, 3), (second, 1)):
        shares.hold(holder, count)
    assert not [*shares.excess("b")]
    shares.hold(first, 5)
    assert [*shares.excess("b")] == [first, second]
    assert not [*shares.excess("a")]
    shares.hold(first, 0)
    assert not [*shares.excess("b")]
    assert shares.held == 5


def test_when_all_is_taken_who_holds_most_loses() -> None:
    shares: Shares[Held] = Shares(10, 50)
    few, many, new = Held("a"), [Held("b") for _ in range(5)], Held("c")
    shares.hold(few, 4)
    for each in many:
        shares.hold(each, 1)
    shares.hold(new, 2)
    assert [*shares.excess("c")] == many


def test_who_cannot_be_told_apart_has_no_share() -> None:
    shares: Shares[Held] = Shares(10, 50)
    proxy = Held(NOBODY)
    shares.hold(proxy, 10)
    assert not [*shares.excess(NOBODY)]
    shares.hold(proxy, 11)
    assert [*shares.excess(NOBODY)] == [proxy]


def test_nothing_is_kept_of_who_holds_nothing() -> None:
    shares: Shares[Held] = Shares(10, 50)
    for number in range(100):
        holder = Held(str(number))
        shares.hold(holder, 3)
        shares.hold(holder, 0)
        shares.hold(holder, 0)
    assert (shares.held, shares._sums, shares._holders) == (0, {}, {})
