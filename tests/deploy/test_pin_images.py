"""`make images` names every image by digest, or changes nothing. The registry is a made one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy import pin_images
from tests.deploy.reading import ROOT
from tests.waiting import DEADLINE_SECONDS

A, B = (f"sha256:{each * 64}" for each in "ab")


def telling(digest: str) -> str:
    return f"""echo '{{"mediaType": "index", "digest": "{digest}"}}'"""


IMAGES = {"mongo:8.0", "nginxinc/nginx-unprivileged:1.28", "python:3.11-slim-bookworm"}


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command on a copy of our files, with a `docker` that runs `answer` (sh)."""
    for name in pin_images.FILES:
        shutil.copy(ROOT / name, tmp_path)
    docker = tmp_path / "docker"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def run(answer: str) -> dict[str, str]:
        docker.write_text(f"#!/bin/sh\nfor image; do :; done\n{answer}\n")
        docker.chmod(0o755)
        pin_images.main(tmp_path)
        text = "".join((tmp_path / name).read_text() for name in pin_images.FILES)
        return dict(
            re.findall(r"(?:image: |ARG BASE=)(\S+:\S+?)@(sha256:\w+)$", text, re.MULTILINE)
        )

    return run


def test_every_image_is_named_by_digest_and_again_when_its_tag_leads_elsewhere(pin):
    assert pin(telling(A)) == dict.fromkeys(IMAGES, A)
    assert pin(telling(B)) == dict.fromkeys(IMAGES, B)


@pytest.mark.parametrize(
    "answer",
    [
        f"[ $image != mongo:8.0 ] && {telling(A)}",
        "echo no such image >&2; exit 1",
        "echo '<html>'",
        "echo '[]'",
        telling(f"{A}ff"),
    ],
)
def test_nothing_is_changed_unless_all_are_known(pin, tmp_path, answer):
    with pytest.raises(SystemExit, match="Nothing was changed"):
        pin(answer)
    for name in pin_images.FILES:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_all_images_that_are_not_our_own_are_known():
    text = "".join((ROOT / name).read_text() for name in pin_images.FILES)
    used = set(re.findall(r"^ *image: (\S+)$|^FROM (\S+)", text, re.MULTILINE))
    ours = {"avenue", "${BASE}"}
    pinned = {found[0].split()[-1] for found in pin_images.IMAGE.finditer(text)}
    assert {a or b for a, b in used} - ours == {each for each in pinned if "BASE" not in each}
    make = ["make", "-n", "images"]
    assert "pin_images.py" in subprocess.check_output(
        make, cwd=ROOT, text=True, timeout=DEADLINE_SECONDS
    )
