"""What becomes of a file after a scan, and what brings it back to be scanned."""

from datetime import UTC, datetime

import pytest

from avenue.media.models import Scan, ScanState
from avenue.media.scans import scan_of
from avenue.scanning.clamd import Verdict
from avenue.storage.copying.returning import _to_be_scanned

AT, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
CLEAN, BAD = Verdict(database="2"), Verdict(database="2", signature="Bad")
LARGE = Verdict(database="2", is_too_large=True)
RELEASED = Scan(state=ScanState.RELEASED, at=AT, database="1", signature="Bad", by="a", reason="b")


@pytest.mark.parametrize(
    ("verdict", "before", "state"),
    [
        (CLEAN, None, "clean"),
        (CLEAN, RELEASED, "clean"),
        (BAD, None, "quarantined"),
        (BAD, Scan(state=ScanState.CLEAN, at=AT), "quarantined"),
        (BAD, RELEASED, "released"),
        (Verdict(database="2", signature="Worse"), RELEASED, "quarantined"),
        (LARGE, None, "quarantined"),
        (LARGE, RELEASED, "quarantined"),
        (LARGE, Scan(state=ScanState.RELEASED, at=AT), "released"),
    ],
)
def test_what_is_found_decides_and_a_release_of_the_same_stays(verdict, before, state):
    scan = scan_of(verdict, LATER, before)
    assert scan.state == state
    assert scan.is_withheld == (state == "quarantined")
    assert scan.at == (AT if state == "released" else LATER)


def test_what_comes_back_from_a_backup_is_scanned_again_if_it_was_clean():
    states = ("clean", "released", "quarantined", "pending", "unscanned")
    came = [_to_be_scanned({"file": "a", "scan": {"state": each}}) for each in states]
    assert [each["scan"]["state"] for each in came] == ["unscanned", *states[1:]]
    assert _to_be_scanned({"file": "a"}) == {"file": "a"}
