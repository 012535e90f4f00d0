"""How products are found by words: accents, case and order do not matter."""

import re
import unicodedata

WORD = re.compile(r"\w+")
MOST_WORDS = 100
LONGEST_WORD = 40


def words_of(*texts: str | None) -> list[str]:
    """Return the distinct words of `texts`, folded, in order; at most `MOST_WORDS`."""
    found = (word[:LONGEST_WORD] for text in texts if text for word in WORD.findall(folded(text)))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def folded(text: str) -> str:
    """Return `text` without accents and case, as people type into a search box.

    Decomposed before case is folded and again after it: a bold mathematical A has no case, the
    A it decomposes to has (Unicode, section 3.13, D146).
    """
    caseless = unicodedata.normalize("NFKD", text).casefold()
    decomposed = unicodedata.normalize("NFKD", caseless)
    return "".join(char for char in decomposed if not unicodedata.combining(char))
