"""Sizes that follow the reply: a picture whose cluster is away keeps no other one waiting."""

from types import SimpleNamespace
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

    def missing(self, _asset: object, wanted: list[str], _extension: str) -> list[str]:
        return wanted

    def make(self, asset: Asset, _missing: list[str]) -> None:
        if asset.id == "away" and not self.is_back:
            self.tried += 1
            raise Unavailable
        self.made.append(asset.id)


def sizes_by(rendering: Any, monkeypatch: pytest.MonkeyPatch) -> later.LaterSizes:
    monkeypatch.setattr(later, "PAUSE_SECONDS", 0.01)
    return later.LaterSizes(lambda: cast("Renditions", rendering))


def note(sizes: later.LaterSizes, *assets: str) -> None:
    for each in assets:
        sizes.note(cast("Asset", SimpleNamespace(id=each)), ["gallery"])


def test_a_picture_whose_cluster_is_away_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendering = Rendering()
    note(sizes_by(rendering, monkeypatch), "away", "here", "there")
    wait_until(lambda: rendering.made == ["here", "there"])
    assert rendering.tried
    rendering.is_back = True
    wait_until(lambda: rendering.made == ["here", "there", "away"])


def test_a_picture_whose_cluster_stays_away_is_dropped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(later, "MOST_SECONDS", 0)
    rendering = Rendering()
    sizes = sizes_by(rendering, monkeypatch)
    note(sizes, "away", "here")
    wait_until(lambda: rendering.made == ["here"])
    note(sizes, "there")
    wait_until(lambda: rendering.made == ["here", "there"])
    wait_until(lambda: "sizes of picture away were not made" in caplog.text)
    assert rendering.tried == 2  # the time counts from the first failure, not from the upload
