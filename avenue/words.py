"""How products are found by words: accents, case and order do not matter."""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"\w+")
MOST_WORDS = 100
LONGEST_WORD = 40
NO_WORD = " "
"""What no list of words has."""


def words_of(*texts: str | None) -> list[str]:
    """Return the distinct words of `texts`, folded, in order; at most `MOST_WORDS`."""
    found = (word[:LONGEST_WORD] for text in texts if text for word in WORD.findall(folded(text)))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def wanted_words(search: str) -> tuple[str, ...]:
    """Return the words that `search` asks for; a search that has none finds nothing, not all."""
    return tuple(words_of(search)) or ((NO_WORD,) if search else ())


def folded(text: str) -> str:
    """Return `text` without accents and case, as people type into a search box."""
    return "".join(map(_folded, text))


@lru_cache(maxsize=10_000)
def _folded(character: str) -> str:
    """Fold one character: normalizing a whole text is quadratic in a run of combining marks.

    Decomposed before case is folded and again after it: a bold mathematical A has no case, the
    A it decomposes to has (Unicode, section 3.13, D146).
    """
    caseless = unicodedata.normalize("NFKD", character).casefold()
    decomposed = unicodedata.normalize("NFKD", caseless)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
