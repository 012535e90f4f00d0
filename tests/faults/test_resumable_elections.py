"""Resumable uploads whose database loses its primary arrive whole, by the clients people have.

With elections as slow as MongoDB comes; a short round is in `test_replica_set.py`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.failover import EVENTS
from tests.faults.resuming import MIB, Send, a_file, arrives_whole, by_tus_js_client, by_tuspy
from tests.mongod import Guard, ReplicaSet

MEGABYTES, TIMES = 64, 3
IN_PARTS = partial(by_tus_js_client, chunkSize=5 * MIB + 77)
"""As the documentation wants it; every part is acknowledged."""

pytestmark = [pytest.mark.long, pytest.mark.needs("node", "npm packages")]


@pytest.fixture(scope="module")
def election_timeout_millis() -> int:
    """MongoDB's default."""
    return 10_000


@pytest.mark.parametrize("event", list(EVENTS))
@pytest.mark.parametrize(
    "send", [by_tuspy, by_tus_js_client, IN_PARTS], ids=["tuspy", "tus-js-client", "in parts"]
)
def test_a_file_arrives_though_its_primary_goes_three_times(
    guard: Guard,
    replica_set: ReplicaSet,
    tmp_path: Path,
    send: Send,
    event: str,
    record_property: Callable[[str, object], None],
) -> None:
    path = a_file(tmp_path, MEGABYTES)
    seconds = arrives_whole(guard, replica_set, event, send, path, times=TIMES)
    record_property(event, round(seconds, 1))
