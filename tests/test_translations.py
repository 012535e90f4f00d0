"""Everything the pages say, they say in Spanish too."""

import re
from pathlib import Path

import pytest

from tests.catalogues import ROOMS, rooms, said_in, spanish_of, spanish_path, updated, written

PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")
TEMPLATES = sorted(ROOMS.rglob("*.html"))


@pytest.fixture(params=rooms(), ids=lambda room: room.name)
def room(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_no_text_is_missing_and_none_is_left_over(room: Path) -> None:
    """`make texts` writes the file; the translations are for people."""
    assert spanish_path(room).read_bytes() == written(updated(room))
    missing = [message.id for message in spanish_of(room) if message.id and not message.string]
    assert missing == []


def test_translations_name_the_same_facts(room: Path) -> None:
    for message in spanish_of(room):
        if message.id:
            said = message.id if isinstance(message.id, tuple) else (message.id,)
            spanish = message.string if isinstance(message.string, tuple) else (message.string,)
            facts = {name for text in said for name in PLACE.findall(text)}
            assert {name for text in spanish for name in PLACE.findall(text)} == facts, message.id


def test_the_test_would_notice(room: Path) -> None:
    assert len(said_in(room)) > 0


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_page_holds_no_code_and_no_styles_of_its_own(path: Path) -> None:
    inline = (
        r"<script(?![^>]*\bsrc=)(?! type=\"application/json\")|<style|\sstyle=|\son\w+=|javascript:"
    )
    assert not re.search(inline, path.read_text())
