"""Everything the pages say, they say in Spanish too."""

import re
from pathlib import Path

from tests.catalogues import ROOMS, rooms, spanish_of, spanish_path, updated, written
from tests.table import table

PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")
TU = re.compile(
    r"\b(tú|ti|contigo|puedes|tienes|quieres|debes|eres|sabes|necesitas|dejas|elige|haz|pon|"
    r"(elíge|escríbe|guárda|súbe|píde|envía|inténta|"
    r"pruéba|compruéba|búsca|ábre|quíta|suélta|péga|cópia)(lo|la|los|las))\b",
    re.IGNORECASE,
)
"""Who is spoken to as in Spain: in Paraguay it is *vos*, with *podés* and *elegí*."""
REPEATED = re.compile(r"(.{40,})\1")
TEMPLATES = sorted(ROOMS.rglob("*.html"))


TRANSLATED = [room for room in sorted(ROOMS.iterdir()) if spanish_path(room).exists()]


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """One text, or one for each number."""
    return text if isinstance(text, tuple) else (text,)


@table("room", TRANSLATED)
def test_no_text_is_missing_and_none_is_left_over(room: Path) -> None:
    """`make texts` writes the file; the translations are for people."""
    assert spanish_path(room).read_bytes() == written(updated(room))
    missing = [each.id for each in spanish_of(room) if each.id and not all(forms(each.string))]
    assert missing == []


def test_every_room_that_says_anything_is_translated() -> None:
    assert rooms() == TRANSLATED


@table("room", TRANSLATED)
def test_translations_name_the_same_facts(room: Path) -> None:
    for message in spanish_of(room):
        if message.id:
            facts = {name for text in forms(message.id) for name in PLACE.findall(text)}
            spanish = {name for text in forms(message.string) for name in PLACE.findall(text)}
            assert spanish == facts, message.id


def test_one_text_has_one_translation() -> None:
    """Rooms share their words: the last one read would win otherwise."""
    known: dict[object, set[object]] = {}
    for room in TRANSLATED:
        for message in spanish_of(room):
            if message.id:
                known.setdefault((message.id, message.context), set()).add(message.string)
    assert {text: found for text, found in known.items() if len(found) > 1} == {}


@table("room", TRANSLATED)
def test_people_are_addressed_as_in_paraguay(room: Path) -> None:
    texts = [text for each in spanish_of(room) if each.id for text in forms(each.string)]
    assert [text for text in texts if TU.search(text) or REPEATED.search(text)] == []


@table("path", TEMPLATES)
def test_a_page_holds_no_code_and_no_styles_of_its_own(path: Path) -> None:
    inline = (
        r"<script(?![^>]*\bsrc=)(?! type=\"application/json\")|<style|\sstyle=|\son\w+=|javascript:"
    )
    assert not re.search(inline, path.read_text())
