"""Conditions for lists that are searched by the beginnings of words, in the field `words`."""

import re
import sys
from collections.abc import Sequence

from avenue.storage.collection import Collection, Filter

MOST_WORDS_COUNTED = 5
"""The words of a search that are counted: the longest, which tend to be the rarest."""


def having_words(
    records: Collection, words: Sequence[str], within: Filter | None = None
) -> list[Filter]:
    """Return the conditions for records that contain each of `words`, as beginnings of words.

    The server uses the index for one of the words and reads the records for the others, without
    knowing which word is rare. So the words are counted in the index, and all but the rarest are
    written such that no index can be used for them. `within` has the conditions on the fields
    before `words` in the index. If each word is in more than `MOST_COUNTED` records, the server
    chooses.
    """
    conditions: list[Filter] = [{"words": {"$regex": f"^{re.escape(word)}"}} for word in words]
    if len(words) <= 1:
        return conditions
    longest = sorted(range(len(words)), key=lambda each: -len(words[each]))[:MOST_WORDS_COUNTED]
    totals = {each: records.total({**(within or {}), **conditions[each]}) for each in longest}
    known = {each: total for each, total in totals.items() if total is not None}
    if not known:
        return conditions
    rarest = min(known, key=lambda each: known[each])
    others = [_has_word(word) for number, word in enumerate(words) if number != rarest]
    return [conditions[rarest], *others]


def in_many(words: Sequence[str]) -> list[Filter]:
    """Return the conditions of `having_words` such that no index is used for them.

    For a page of a list of more than `MOST_COUNTED`: in its own order the next ones are soon found,
    while an index for words would be read to its end, to be sorted.
    """
    return [_has_word(word) for word in words]


def _has_word(word: str) -> Filter:
    """Return the condition for a document with a word that begins so, which no index answers."""
    texts = {"$cond": [{"$isArray": "$words"}, "$words", []]}
    # With a comparison, because a text search in another type would be an error.
    begins_so = [
        {"$gte": ["$$this", {"$literal": word}]},
        {"$lt": ["$$this", {"$literal": f"{word}{chr(sys.maxunicode)}"}]},
    ]
    found = {"$map": {"input": texts, "in": {"$and": begins_so}}}
    return {"$expr": {"$anyElementTrue": [found]}}
