"""Sentences of findings, whose words are formatted in the language of their reader.

`web.pages.size` formats numbers of bytes for the reader of a page.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import PlainSerializer, SerializationInfo

from avenue.errors import Translate, filled

KILO = 1000
"""Disks and traffic are sold in decimal units, so MB and GB of disks and databases are 10⁶ and 10⁹.

Sizes and limits of uploads are counted by 1024, as file managers do.
"""


def size(count: float) -> str:
    """Return a number of bytes as `3.2 MB`."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(amount) < KILO or unit == "TB":
            break
        amount /= KILO
    return f"{amount:.0f} {unit}" if unit in {"B", "kB"} else f"{amount:.1f} {unit}"


class Bytes(int):
    """A number of bytes in a sentence; formatted in its reader's language."""


class Host(str):
    """The name of a machine in a sentence; only operators of the deployment see it."""


class Number(float):
    """A number with at most one decimal place, formatted in its reader's language."""


class Said(str):
    """An English sentence that keeps its words, so that it can be translated.

    `text` has `{places}` for `words`; see `avenue.errors.filled`.
    """

    text: str
    words: Mapping[str, object]

    def __new__(cls, text: str, **words: object) -> Self:
        """Fill `text` with `words`, formatted in English."""
        said = super().__new__(
            cls, filled(text, {name: _each(word, english) for name, word in words.items()})
        )
        said.text, said.words = text, words
        return said


Writes = Callable[[object], object]
"""Formats a word of a sentence in its reader's language."""


def said_as(said: str | None, translate: Translate, write: Writes) -> str | None:
    """Return a sentence in the language of `translate`, its words formatted by `write`."""
    if not isinstance(said, Said):
        return None if said is None else translate(said)
    words = {name: _each(word, write) for name, word in said.words.items()}
    return filled(said.text, words, translate)


def _each(word: object, write: Writes) -> object:
    return [write(each) for each in word] if isinstance(word, list | tuple) else write(word)


def english(word: object) -> object:
    """Return a word formatted in English."""
    if isinstance(word, Bytes):
        return size(word)
    return f"{word:.1f}" if isinstance(word, Number) else word


def _in_english(said: str, info: SerializationInfo) -> str:
    return said_as(said, str, (info.context or {}).get("write", english)) or ""


if TYPE_CHECKING:
    Sentence = str
else:
    Sentence = Annotated[Any, PlainSerializer(_in_english, return_type=str)]
    """A sentence that JSON has in English."""
