"""Words, as people type them into a search box."""

import time
import timeit
import unicodedata

import pytest
from hypothesis import given, strategies as st

from avenue.words import LONGEST_WORD, MOST_WORDS, folded, wanted_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zapato rojo", ["zapato", "rojo"]),
        ("  CALÇADO\tNiño\n", ["calcado", "nino"]),
        ("Straße STRASSE", ["strasse"]),
        ("rojo ROJO rójo", ["rojo"]),
        ("SKU-09/b", ["sku", "09", "b"]),
        ("talle_42", ["talle_42"]),
        ("ﬁno ① ²", ["fino", "1", "2"]),
        ("中文 图片", ["中文", "图片"]),
        ("Нога", ["нога"]),
        ("¡!¿? ... —", []),
        ("👟", []),
        ("a\0b", ["a", "b"]),
        ("", []),
    ],
)
def test_words_are_folded_and_distinct(text, words):
    assert words_of(text) == words


def test_words_of_several_texts_keep_their_order():
    assert words_of("b a", None, "", "a c") == ["b", "a", "c"]


def test_there_are_only_so_many_and_so_long_ones():
    assert len(words_of(" ".join(f"w{n}" for n in range(1000)))) == MOST_WORDS
    assert words_of("x" * 1000) == ["x" * LONGEST_WORD]


def test_a_search_without_a_word_wants_one_that_nothing_has():
    """Whatever was typed: a NUL, say, would be no pattern for the database."""
    assert wanted_words("Zapato rojo") == ("zapato", "rojo")
    assert wanted_words("") == ()
    for typed in ("***", "\0", "\N{ATHLETIC SHOE}"):
        [wanted] = wanted_words(typed)
        assert words_of(wanted) == []
        assert wanted.isprintable()


def whole(text: str) -> str:
    """What `folded` does character by character, for a whole text at once."""
    caseless = unicodedata.normalize("NFKD", text).casefold()
    decomposed = unicodedata.normalize("NFKD", caseless)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@given(st.text())
def test_folding_each_character_folds_the_text(text):
    assert folded(text) == whole(text)


@pytest.mark.alone
def test_a_run_of_combining_marks_costs_no_more_than_other_text():
    plain, marks = "a" * 20_000, "\u0301" * 10_000 + "\u0316" * 10_000
    assert seconds_for(marks) < 10 * seconds_for(plain)  # whole, hundreds of times as long


def seconds_for(text: str) -> float:
    words_of(text)
    # Of this thread: what else the machine does meanwhile says nothing of the text.
    timer = timeit.Timer(lambda: words_of(text), timer=time.thread_time)
    return min(timer.repeat(number=1, repeat=5))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ábaco", "abaco"),
        ("e\u0301", "é"),
        ("ÑANDÚ", "nandu"),
        ("İ", "i"),
        ("ΣΑΣ", "σας"),
        ("𝖠", "a"),
        ("Ｚ", "z"),
    ],
)
def test_folding_makes_equal_what_people_take_for_equal(one, other):
    assert folded(one) == folded(other)


@given(st.text())
def test_what_is_folded_stays_as_it_is(text):
    assert folded(folded(text)) == folded(text)
    assert words_of(folded(text)) == words_of(text)
