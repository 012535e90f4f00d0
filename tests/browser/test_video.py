"""Somebody elsewhere looks at a private video by a signed link, and goes to another place in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Response

from tests.mongod import Guard
from tests.server import Server, prepare
from tests.videos import video

SECONDS = 100
COLORS = [(200, 30, 30), (30, 160, 30), (30, 30, 200)]
MB = 1024 * 1024

OPEN = """
async (url) => {
  const video = document.createElement("video");
  video.crossOrigin = "anonymous";
  video.muted = true;
  video.preload = "metadata";
  document.body.append(video);
  await new Promise((done, fail) => {
    video.onloadedmetadata = done;
    video.onerror = () => fail(new Error(video.error.message));
    video.src = url;
  });
  return { seconds: video.duration, width: video.videoWidth };
}
"""
GO_TO = """
async (seconds) => {
  const video = document.querySelector("video");
  await new Promise((done, fail) => {
    video.onseeked = done;
    video.onerror = () => fail(new Error(video.error.message));
    video.currentTime = seconds;
  });
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = video.videoWidth;
  const drawing = canvas.getContext("2d");
  drawing.drawImage(video, 0, 0);
  return [...drawing.getImageData(40, 40, 1, 1).data.slice(0, 3)];
}
"""
PLAY = """
async (until) => {
  const video = document.querySelector("video");
  await new Promise((done, fail) => {
    video.ontimeupdate = () => video.currentTime >= until && done();
    video.onerror = () => fail(new Error(video.error.message));
    video.play().catch(fail);
  });
  video.pause();
}
"""


@pytest.fixture
def server(migrated_uri: str, guard: Guard) -> Iterator[Server]:
    prepare(migrated_uri)
    with Server(guard, migrated_uri) as running:
        yield running


@pytest.mark.long  # one in the panel is played and sought, too
def test_a_video_is_played_and_sought_by_a_signed_link(
    browser: Browser, server: Server, elsewhere: str
) -> None:
    shown = [COLORS[second % len(COLORS)] for second in range(SECONDS)]
    data = video(shown, size=480)
    assert 8 * MB < len(data) < 25 * MB
    seller = server.seller()
    upload = seller.request("POST", "/api/uploads?name=video.webm", data).json
    assert (upload["file"]["media_type"], upload["file"]["visibility"]) == ("video/webm", "private")
    link = seller.send_json("POST", f"/api/uploads/{upload['id']}/sign", {}).json["url"]
    context = browser.new_context()
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda each: answers.append(each))  # noqa: PLW0108 - it marks what it calls
    page.goto(elsewhere)
    path = link.partition("/media/")[2]
    facts: Any = page.evaluate(OPEN, f"http://127.0.0.1:{server.port}/media/{path}")
    assert facts == {"seconds": SECONDS, "width": 480}
    for second in (90, 40, 3):
        seen = page.evaluate(GO_TO, second + 0.5)
        assert all(abs(a - b) < 40 for a, b in zip(seen, shown[second], strict=True)), second
    page.evaluate(PLAY, 4.5)
    parts = [each for each in answers if "/media/" in each.url]
    assert {each.status for each in parts} == {206}
    starts = [int(each.headers["content-range"].split()[1].partition("-")[0]) for each in parts]
    assert any(start > len(data) // 2 for start in starts)  # it did not read all that is before
    context.close()
