"""Words for searches and names, regardless of accents and case."""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"\w+")
MOST_WORDS = 100
LONGEST_WORD = 40
NO_WORD = " "
"""A word that is in no list of words."""


def words_of(*texts: str | None) -> list[str]:
    """Return the distinct words of `texts`, normalised, in order; at most `MOST_WORDS`."""
    found = (word[:LONGEST_WORD] for text in texts if text for word in WORD.findall(folded(text)))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def wanted_words(search: str) -> tuple[str, ...]:
    """Return the words of `search`; a search without any finds nothing, not everything."""
    return tuple(words_of(search)) or ((NO_WORD,) if search else ())


def folded(text: str) -> str:
    """Return `text` without accents and case."""
    return "".join(map(_folded, text))


@lru_cache(maxsize=10_000)
def _folded(character: str) -> str:
    """Normalise one character: normalising a whole text is quadratic in a run of combining marks.

    It is decomposed before case folding and again after it: a bold mathematical A has no case, the
    A it decomposes to has (Unicode, section 3.13, D146).
    """
    caseless = unicodedata.normalize("NFKD", character).casefold()
    decomposed = unicodedata.normalize("NFKD", caseless)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
