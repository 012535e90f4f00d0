"""Sizes that follow the reply: a picture whose cluster is away keeps no other one waiting."""

from typing import Any, cast

import pytest

from avenue.errors import Unavailable
from avenue.media.models import Asset
from avenue.media.renditions import later
from avenue.media.renditions.service import Renditions
from tests.waiting import wait_until


class Rendering:
    """Makes sizes of all pictures, of `away` only once its cluster is back."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.tried = 0
        self.is_back = False

    def has(self, *_: object) -> bool:
        return True

    def missing(self, _asset: str, wanted: list[str], _extension: str) -> list[str]:
        return wanted

    def make(self, asset: str, _missing: list[str]) -> None:
        if asset == "away" and not self.is_back:
            self.tried += 1
            raise Unavailable
        self.made.append(asset)


def test_a_picture_whose_cluster_is_away_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(later, "PAUSE_SECONDS", 0.01)
    rendering: Any = Rendering()
    sizes = later.LaterSizes(lambda: cast("Renditions", rendering))
    for asset in ("away", "here", "there"):
        sizes.note(cast("Asset", asset), ["gallery"])
    wait_until(lambda: rendering.made == ["here", "there"])
    assert rendering.tried
    rendering.is_back = True
    wait_until(lambda: rendering.made == ["here", "there", "away"])
