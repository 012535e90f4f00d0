"""The account pages speak both languages completely."""

import re
import string
from pathlib import Path

import pytest

from avenue.accounts import pages
from avenue.accounts.texts import TEXTS
from avenue.web.language import LANGUAGES

TEMPLATES = Path(pages.__file__).parent / "templates" / "accounts"


def test_spanish_comes_first() -> None:
    assert LANGUAGES[0] == "es"
    assert tuple(TEXTS) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_in_a_language(language: str) -> None:
    assert TEXTS[language].keys() == TEXTS[LANGUAGES[0]].keys()
    assert all(text.strip() for text in TEXTS[language].values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_name_the_same_facts(language: str) -> None:
    for key, text in TEXTS[language].items():
        assert blanks(text) == blanks(TEXTS[LANGUAGES[0]][key]), key


def blanks(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    templates = "".join(path.read_text() for path in sorted(TEMPLATES.glob("*.html")))
    used = set(re.findall(r"text\.(\w+)", templates))
    used |= set(re.findall(r'return "(\w+)"', Path(pages.__file__).read_text()))
    assert used == TEXTS[LANGUAGES[0]].keys()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_page_holds_no_code_and_no_styles_of_its_own(path: Path) -> None:
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", path.read_text())
