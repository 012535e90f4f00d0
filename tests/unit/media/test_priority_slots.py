"""Whose turn it is, where there are fewer decode processes than pictures."""

import threading

from avenue.media.pictures.priority_slots import PrioritySlots
from tests.threads import joined
from tests.waiting import DEADLINE_SECONDS, wait_until


def test_the_urgent_come_first_and_each_kind_in_the_order_it_came() -> None:
    slots = PrioritySlots(
        ["the only one"],
        urgent_seconds=DEADLINE_SECONDS,
        patient_seconds=DEADLINE_SECONDS,
        max_waiting=32,
    )
    begun: list[tuple[str, int]] = []

    def take(kind: str, number: int) -> None:
        with slots.lent(urgent=kind == "urgent"):
            begun.append((kind, number))

    came = [("patient", 0), ("urgent", 0), ("urgent", 1), ("patient", 1), ("urgent", 2)]
    threads = [threading.Thread(target=take, args=each, daemon=True) for each in came]
    with slots.lent(urgent=True):
        for before, thread in enumerate(threads):
            thread.start()
            wait_until(lambda: sum(map(len, slots._waiting.values())) == before + 1)  # noqa: B023
    joined(*threads)
    assert begun == sorted(came, key=lambda each: each[0] == "patient")
