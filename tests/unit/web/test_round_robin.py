"""Whose turn it is."""

from dataclasses import dataclass

from avenue.server.round_robin import RoundRobin


@dataclass(eq=False)
class Client:
    address: str


def test_each_address_has_its_turn_and_at_an_address_who_came_first() -> None:
    waiting: RoundRobin[Client] = RoundRobin()
    a1, a2, a3, b1, b2, c1 = (Client(each) for each in "aaabbc")
    for each in (a1, a2, a3, b1, b2, c1):
        waiting.add(each)
    assert waiting.next() is a1
    waiting.remove(a2)
    assert a2 not in waiting
    assert [*waiting] == [b1, b2, c1, a3]
    assert [waiting.next() for _ in range(6)] == [b1, c1, a3, b2, None, None]


def test_nothing_is_kept_of_who_waits_no_longer() -> None:
    waiting: RoundRobin[Client] = RoundRobin()
    for number in range(100):
        client = Client(str(number))
        waiting.add(client)
        waiting.remove(client)
        waiting.add(client)
        assert waiting.next() is client
    assert not waiting._waiting
